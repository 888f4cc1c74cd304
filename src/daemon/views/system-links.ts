// What RUN_DIR/sys has besides the bonds' own files: links to the real /sys, so that a program may be pointed at
// RUN_DIR/sys instead of /sys and finds all that it knows. Only where /sys shows this network namespace.
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { equalValues } from '../../base/index.js';
import type { TreeEntry } from '../../report/index.js';

/** An interface by name and index. */
export interface NamedInterface {
  readonly name: string;
  readonly ifindex: number;
}

const NET = 'class/net';

/** Bonds of the kernel's own driver that /sys knows. */
export function kernelMasters(sys = '/sys'): string[] {
  return (textOf(`${sys}/${NET}/bonding_masters`) ?? '').split(/\s+/).filter(name => name !== '');
}

/** News of an interface, as far as its directory in /sys may look otherwise for it. */
export interface InterfaceNews {
  readonly ifindex: number;
  readonly name?: string;
  /** The interface that it is made on. */
  readonly link?: number;
  readonly master?: number;
}

/**
 * What /sys has, read once and again where there is news of an interface: with many interfaces a whole look takes long. What comes
 * without news (an attribute that a driver adds later) is found when all is forgotten.
 */
export class SystemLinks {
  readonly #sys: string;
  /** Indexes by name, of interfaces that /sys was seen to show. */
  readonly #shown = new Map<string, number>();
  /** Real directories by name; undefined: there is none. */
  readonly #real = new Map<string, string | undefined>();
  /** Files of real directories, by index. */
  readonly #files = new Map<number, readonly string[]>();
  /** As they were before they were forgotten. */
  readonly #filesBefore = new Map<number, readonly string[]>();
  #top: { readonly areas: readonly string[]; readonly classes: readonly string[] } | undefined;

  constructor(sys = '/sys') {
    this.#sys = sys;
  }

  /** The directory of this interface, and of those above and below it, is looked at anew. */
  told({ ifindex, name, link, master }: InterfaceNews): void {
    if (name !== undefined) {
      this.#real.delete(name);
      this.#shown.delete(name);
    }
    for (const other of [ifindex, link, master]) if (other !== undefined) this.#forgetFiles(other);
  }

  /** All is looked at anew. */
  forget(): void {
    this.#shown.clear();
    this.#real.clear();
    this.#filesBefore.clear();
    for (const ifindex of Array.from(this.#files.keys())) this.#forgetFiles(ifindex);
    this.#top = undefined;
  }

  /** True when /sys shows these interfaces under their names and indexes: it may be that of another network namespace. */
  isOurs(interfaces: readonly NamedInterface[]): boolean {
    return interfaces.every(({ name, ifindex }) => {
      if (this.#shown.get(name) === ifindex) return true;
      if (Number(textOf(`${this.#sys}/${NET}/${name}/ifindex`) ?? Number.NaN) !== ifindex) return false;
      this.#shown.set(name, ifindex);
      return true;
    });
  }

  /** Links by path below the run directory, but for bonds and members, whose directories are ours. */
  others(own: ReadonlySet<string>): Map<string, TreeEntry> {
    const sys = this.#sys;
    const links = new Map<string, TreeEntry>();
    const add = (path: string, target: string): void => {
      links.set(`sys/${path}`, { link: target });
    };
    this.#top ??= { areas: namesIn(sys), classes: namesIn(`${sys}/class`) };
    for (const name of this.#top.areas) if (name !== 'class') add(name, `${sys}/${name}`);
    for (const name of this.#top.classes) if (name !== 'net') add(`class/${name}`, `${sys}/class/${name}`);
    for (const name of namesIn(`${sys}/${NET}`)) {
      if (name === 'bonding_masters' || own.has(name)) continue;
      const real = this.#realOf(name);
      if (real !== undefined) add(`${NET}/${name}`, real);
    }
    return links;
  }

  /** Its real directory; undefined where there is none. */
  directoryOf({ name }: NamedInterface): string | undefined {
    return this.#realOf(name);
  }

  /** Files of the real directory; the same list as before where it says the same. Undefined where there is none. */
  filesOf({ name, ifindex }: NamedInterface): readonly string[] | undefined {
    const real = this.#realOf(name);
    return real === undefined ? undefined : this.#filesOf(ifindex, real);
  }

  /** Of a bond or member: a link for each file of the real directory. */
  filesAt({ name, ifindex }: NamedInterface): Map<string, TreeEntry> {
    const real = this.#realOf(name);
    if (real === undefined) return new Map();
    const files = this.#filesOf(ifindex, real);
    return new Map(files.map(file => [`sys/${NET}/${name}/${file}`, { link: `${real}/${file}` }]));
  }

  #realOf(name: string): string | undefined {
    if (!this.#real.has(name)) this.#real.set(name, realOf(`${this.#sys}/${NET}/${name}`));
    return this.#real.get(name);
  }

  #filesOf(ifindex: number, real: string): readonly string[] {
    const known = this.#files.get(ifindex);
    if (known !== undefined) return known;
    const now = namesIn(real);
    const before = this.#filesBefore.get(ifindex);
    const files = before !== undefined && equalValues(before, now) ? before : now;
    this.#filesBefore.delete(ifindex);
    this.#files.set(ifindex, files);
    return files;
  }

  #forgetFiles(ifindex: number): void {
    const files = this.#files.get(ifindex);
    if (files !== undefined) this.#filesBefore.set(ifindex, files);
    this.#files.delete(ifindex);
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** Where an interface really is: a link to /sys/class/net would lead to itself where somebody mounts ours over that. */
function realOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
