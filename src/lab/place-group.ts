// The namespaces of one lab and all that was started or made for it, taken away together.
import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { type CommandResult, collect } from './managed-bondwire.js';
import { guard, release } from './lab-guard.js';
import { LAB_MARK, namespaceName } from './names.js';
import { Place } from './place.js';
import { makeRunDir, removeRunDir } from './running-labs.js';

let made = 0;

/** Places by name; the first one's namespace marks the programs of the lab. */
export class PlaceGroup<Name extends string> {
  readonly #places: ReadonlyMap<Name, Place>;
  readonly #mark: string;
  readonly #children = new Set<ChildProcess>();
  readonly #runDirs: string[] = [];
  #open = true;

  private constructor(places: ReadonlyMap<Name, Place>, mark: string) {
    this.#places = places;
    this.#mark = mark;
  }

  /**
   * Makes the namespaces, each with a label for its name, and sees to it that they go with this process. `onSignal`: on SIGINT,
   * SIGTERM and SIGHUP take all down and let the signal have its effect, or leave both to the caller.
   */
  static create<Name extends string>(
    labels: readonly (readonly [place: Name, label: string])[],
    onSignal: 'close' | 'leave',
  ): PlaceGroup<Name> {
    const number = made++;
    const places = new Map<Name, Place>();
    try {
      for (const [place, label] of labels) {
        places.set(place, Place.create(namespaceName(process.pid, number, label)));
      }
    } catch (error) {
      for (const place of places.values()) place.remove();
      throw error;
    }
    const [first] = places.values();
    const group = new PlaceGroup(places, first?.name ?? '');
    guard(group, onSignal);
    return group;
  }

  get names(): readonly Name[] {
    return [...this.#places.keys()];
  }

  /** One of the places. Throws where there is none of this name. */
  at(name: Name): Place {
    const place = this.#places.get(name);
    if (place === undefined) throw new Error(`The lab has no place ${name}; it has ${this.names.join(', ')}`);
    return place;
  }

  /**
   * Starts a program in the namespace, out of reach of the terminal's Ctrl-C; it is killed when the group is closed. Its /sys is
   * still the machine's: interfaces are to be asked for by rtnetlink.
   */
  spawn(name: Name, argv: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const [file, ...args] = argv;
    if (file === undefined) throw new Error('spawn() needs a program');
    const child = this.at(name).inside(() =>
      spawn(file, args, {
        stdio: 'pipe',
        detached: true,
        ...options,
        env: { ...(options.env ?? process.env), [LAB_MARK]: this.#mark },
      }),
    );
    this.#children.add(child);
    child.once('close', () => this.#children.delete(child));
    return child;
  }

  /** Runs a program in the namespace to its end. */
  exec(name: Name, argv: readonly string[], options: SpawnOptions = {}): Promise<CommandResult> {
    return collect(this.spawn(name, argv, options));
  }

  /** A new folder; it goes with the group, and so does what is mounted in it. */
  makeRunDir(): string {
    const directory = makeRunDir();
    this.#runDirs.push(directory);
    return directory;
  }

  /** Kills what was started and removes all. Gives what could not be removed; a second call does nothing. */
  close(): string[] {
    if (!this.#open) return [];
    this.#open = false;
    release(this);
    for (const child of this.#children) child.kill('SIGKILL');
    const left: string[] = [];
    const attempt = (what: string, remove: () => void): void => {
      try {
        remove();
      } catch (error) {
        left.push(`${what} (${error instanceof Error ? error.message : String(error)})`);
      }
    };
    for (const place of this.#places.values()) attempt(`namespace ${place.name}`, () => place.remove());
    for (const directory of this.#runDirs) attempt(directory, () => removeRunDir(directory));
    return left;
  }
}
