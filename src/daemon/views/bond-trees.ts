// What the files of the driver's form are to hold, in parts: one of each bond, made anew when that bond changed, and those of all.
import { release } from 'node:os';
import { bondTree, type FileTree, isSameEntry, mastersTree } from '../../report/index.js';
import type { BondRunner } from '../bond-runner.js';
import { type InterfaceNews, kernelMasters, type NamedInterface, type SystemLinks } from './system-links.js';

/** So many times all bonds are looked at before /sys is read anew as well. */
const FORGET_EVERY = 12;

interface Part {
  readonly tree: FileTree;
  readonly interfaces: readonly NamedInterface[];
  /** Whether there are links to /sys in it. */
  readonly isOurs: boolean;
  /** All that the tree was made of, but for the lists of files: the bond, and everything else. */
  readonly bond: string;
  readonly around: string;
  /** Of the bond when it was looked at last. */
  revision: number;
  /** Of the real directories of the interfaces; the same objects while they say the same. */
  readonly files: readonly (readonly string[] | undefined)[];
  /** It may have changed since it was made. */
  isStale: boolean;
}

/** The parts of all bonds: what did not change is the same object as before. */
export class BondTrees {
  readonly #system: SystemLinks;
  #parts = new Map<BondRunner, Part>();
  #masters: FileTree = new Map();
  #others: FileTree = new Map();
  #looks = 0;

  constructor(system: SystemLinks) {
    this.#system = system;
  }

  /** Something of this bond changed. */
  changed(bond: object): void {
    const part = this.#parts.get(bond as BondRunner);
    if (part !== undefined) part.isStale = true;
  }

  /** News of an interface, which may be a bond, a member, or what stands on one or below it. */
  told(news: InterfaceNews): void {
    this.#system.told(news);
    for (const part of this.#parts.values()) {
      const concerns = part.interfaces.some(({ ifindex }) =>
        [news.ifindex, news.link, news.master].includes(ifindex),
      );
      if (concerns) part.isStale = true;
    }
  }

  /** All bonds may have changed: what has no news is found so. */
  anew(): void {
    for (const part of this.#parts.values()) part.isStale = true;
    if (this.#looks++ % FORGET_EVERY === 0) this.#system.forget();
  }

  /** The bonds' parts, then that of everything else in /sys where it is that of this network namespace, then the list of bonds. */
  all(runners: readonly BondRunner[]): readonly FileTree[] {
    const facts = runners.map(runner => this.#fresh(runner)?.interfaces ?? interfacesOf(runner));
    const isOurs = runners.length > 0 && facts.every(interfaces => this.#system.isOurs(interfaces));
    const parts = new Map<BondRunner, Part>();
    for (const [i, runner] of runners.entries()) {
      const known = this.#fresh(runner);
      parts.set(runner, known?.isOurs === isOurs ? known : this.#partOf(runner, facts[i] ?? [], isOurs));
    }
    this.#parts = parts;
    const own = new Set(facts.flatMap(interfaces => interfaces.map(({ name }) => name)));
    this.#others = unlessSame(this.#others, isOurs ? this.#system.others(own) : new Map());
    const masters = [...(isOurs ? kernelMasters() : []), ...runners.map(({ name }) => name)];
    this.#masters = unlessSame(this.#masters, mastersTree(masters));
    return [...Array.from(parts.values(), ({ tree }) => tree), this.#others, this.#masters];
  }

  #fresh(runner: BondRunner): Part | undefined {
    const part = this.#parts.get(runner);
    return part?.isStale === false ? part : undefined;
  }

  /** The one that there was, where a new one would say the same: most looks find nothing. */
  #partOf(runner: BondRunner, interfaces: readonly NamedInterface[], isOurs: boolean): Part {
    const revision = runner.policy.revision();
    const directories = interfaces.map(each => (isOurs ? this.#system.directoryOf(each) : undefined));
    const around = JSON.stringify([directories, interfaces, isOurs]);
    const files = interfaces.map(each => (isOurs ? this.#system.filesOf(each) : undefined));
    const before = this.#parts.get(runner);
    const isAlike = before?.around === around && files.every((list, i) => list === before.files[i]);
    if (isAlike && before.revision === revision) return seen(before, revision);
    // Long: not made where the revision says that it would be the same.
    const snapshot = runner.policy.snapshot();
    const bond = JSON.stringify(snapshot);
    if (isAlike && before.bond === bond) return seen(before, revision);
    const driver = bondTree(snapshot, { kernelRelease: release() });
    const real = interfaces.flatMap(each => (isOurs ? [...this.#system.filesAt(each)] : []));
    // What the driver has is the bond's own.
    const tree = isOurs ? new Map([...real, ...driver]) : driver;
    return { tree, interfaces, isOurs, bond, around, revision, files, isStale: false };
  }
}

/** A part that says what there is now. */
function seen(part: Part, revision: number): Part {
  part.revision = revision;
  part.isStale = false;
  return part;
}

function interfacesOf(runner: BondRunner): NamedInterface[] {
  return [
    { name: runner.name, ifindex: runner.plane.bondIfindex },
    ...runner.policy.members().map(({ name: own, member }) => ({ name: own, ifindex: member })),
  ];
}

/** The one before where the new one says the same. */
function unlessSame(before: FileTree, now: FileTree): FileTree {
  if (before.size !== now.size) return now;
  for (const [path, entry] of now) if (!isSameEntry(before.get(path), entry)) return now;
  return before;
}
