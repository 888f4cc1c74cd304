// The uplink of a daemon: made, changed, taken over, taken down, and asked about.
import {
  err,
  isSystemFailure,
  ok,
  type Refusal,
  refusal,
  type Result,
  systemRefusal,
} from '../../base/index.js';
import { type DrillKind, KernelRefused, UplinkRunner } from '../../gateway/index.js';
import type { UplinkEvent, UplinkSettings, Wish } from '../../uplinks/index.js';
import type { ShowUplink, UplinkDrill, UplinkWish } from '../api/uplink-api.js';
import type { Machine } from '../kernel/machine.js';
import { UplinkBook } from './uplink-book.js';

/** What the service needs of the daemon. */
export interface UplinkHost {
  readonly runDir: string;
  tell(uplink: string, event: UplinkEvent): void;
  /** Something failed where nobody waits for it. */
  failed(what: string, error: unknown): void;
}

const NONE: Refusal = refusal(
  'invalid-request',
  'ENOENT',
  'There is no uplink. Describe one below "uplinks:" in a bondwire.yaml and apply that; docs/uplinks.md shows one of ten lines.',
);

/** A namespace has one uplink. */
export class UplinkService {
  readonly #host: UplinkHost;
  readonly #book: UplinkBook;
  #runner: UplinkRunner | undefined;

  /** That of a daemon. */
  static of({ runDir, journal, log }: Pick<Machine, 'runDir' | 'journal' | 'log'>): UplinkService {
    return new UplinkService({
      runDir,
      tell: (uplink, event) => void journal.addUplink(uplink, event),
      failed: (what, error) => log.error({ err: error }, what),
    });
  }

  constructor(host: UplinkHost) {
    this.#host = host;
    this.#book = new UplinkBook(host.runDir);
  }

  /** Takes over what an earlier daemon left at work. Throws where its file cannot be read: then nothing may be made anew beside it. */
  adopt(): void {
    const noted = this.#book.load();
    if (noted === undefined) return;
    const runner = this.#open(noted);
    this.#runner = runner;
    runner.adopt();
  }

  /** Makes the uplink, or makes it as described. */
  configure(settings: UplinkSettings): Result<undefined, Refusal> {
    return this.#guarded(`The uplink ${settings.name} cannot be made`, () => {
      const known = this.#runner;
      const runner = known ?? this.#open();
      // Whatever fails from here on, `destroy` and the next `configure` find it.
      this.#runner = runner;
      const accepted = runner.configure(settings);
      if (accepted.ok) return ok(undefined);
      if (known !== undefined) return accepted;
      // What was refused as it stands changed nothing. What the kernel refused may have been begun.
      this.#runner = undefined;
      if (runner.settings() === null) runner.close();
      else this.#tellLeft(settings.name, runner.remove());
      this.#book.remove();
      return accepted;
    });
  }

  /** Everything as it was before; what could not be put back is told. */
  remove(): Result<undefined, Refusal> {
    const runner = this.#runner;
    if (runner === undefined) return err(NONE);
    return this.#guarded('The uplink cannot be taken down', () => {
      const name = runner.settings()?.name ?? '';
      this.#runner = undefined;
      this.#tellLeft(name, runner.remove());
      this.#book.remove();
      return ok(undefined);
    });
  }

  /** Where there is one; gives what is not as it was before, for whoever is to hear it. */
  removeAny(): Error | undefined {
    if (this.#runner === undefined) return undefined;
    const removed = this.remove();
    return removed.ok ? undefined : new Error(removed.error.message);
  }

  settings(): UplinkSettings | null {
    return this.#runner?.settings() ?? null;
  }

  show(): ShowUplink | null {
    return this.#runner?.snapshot() ?? null;
  }

  explain(): Result<readonly string[], Refusal> {
    return this.#runner === undefined ? err(NONE) : ok(this.#runner.explain());
  }

  wish(asked: UplinkWish): Result<undefined, Refusal> {
    const runner = this.#runner;
    if (runner === undefined) return err(NONE);
    const wish = wishOf(runner, asked);
    if (!wish.ok) return wish;
    const done = runner.wish(wish.value);
    return done.ok ? ok(undefined) : done;
  }

  drill({ line, kind, forMs }: UplinkDrill): Result<undefined, Refusal> {
    if (this.#runner === undefined) return err(NONE);
    const begun = this.#runner.drill(line, kind satisfies DrillKind, forMs);
    return begun.ok ? ok(undefined) : begun;
  }

  /** Somebody removed what is in the run directory. */
  again(): void {
    try {
      if (this.#runner !== undefined) this.#book.again();
    } catch (error) {
      this.#host.failed('uplink', error);
    }
  }

  /** Leaves the uplink at work, for the kernel alone and for the next daemon. */
  close(): void {
    this.#runner?.close();
    this.#runner = undefined;
  }

  #open(noted?: ConstructorParameters<typeof UplinkRunner>[1]): UplinkRunner {
    const runner: UplinkRunner = new UplinkRunner(
      {
        tell: event => this.#host.tell(runner.settings()?.name ?? '', event),
        save: state => this.#book.save(state),
        note: settings => this.#book.note(settings),
        failed: error => this.#host.failed('uplink', error),
      },
      noted,
    );
    return runner;
  }

  #tellLeft(name: string, sentences: readonly string[]): void {
    for (const message of sentences) this.#host.tell(name, { kind: 'failure', level: 'warning', message });
  }

  #guarded<T>(what: string, work: () => Result<T, Refusal>): Result<T, Refusal> {
    try {
      return work();
    } catch (error) {
      if (error instanceof KernelRefused) return err(error.refusal);
      if (isSystemFailure(error)) return err(systemRefusal(error, what));
      throw error;
    }
  }
}

/** Lines are named; the policy has numbers. */
function wishOf(runner: UplinkRunner, { kind, line, forMs }: UplinkWish): Result<Wish, Refusal> {
  if (line === undefined)
    return kind === 'release'
      ? ok({ kind })
      : err(refusal('invalid-request', 'EINVAL', `"${kind}" needs the name of a line.`));
  const number = runner.numberOf(line);
  if (!number.ok) return number;
  if (kind === 'use' || kind === 'drain') return ok({ kind, line: number.value, forMs: forMs ?? null });
  return ok({ kind, line: number.value });
}
