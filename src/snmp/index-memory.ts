// Which ifIndex each interface has. It is the kernel's where that is free; once given to a bond, a member or a device, it
// stays with that name, whatever the kernel calls the next one that is made (H34).

/** Indexes by name, kept in the agent's state file. */
export type IndexMemory = Readonly<Record<string, number>>;

/** An interface that is there now. */
export interface PresentInterface {
  readonly name: string;
  readonly ifindex: number;
}

const FIRST_OF_OURS = 1_000_000;

/**
 * Indexes of all that are present. One that is remembered keeps its index. A newcomer has the kernel's, unless
 * somebody is remembered by that number; then it has one beyond those that kernels give out.
 */
export function assignIndexes(
  memory: IndexMemory,
  present: readonly PresentInterface[],
): ReadonlyMap<string, number> {
  const taken = new Set(Object.values(memory));
  const indexes = new Map<string, number>();
  let next = FIRST_OF_OURS;
  for (const { name, ifindex } of present) {
    const known = Object.hasOwn(memory, name) ? memory[name] : undefined;
    let index = known ?? ifindex;
    if (known === undefined) {
      while (taken.has(index)) index = next++;
      taken.add(index);
    }
    indexes.set(name, index);
  }
  return indexes;
}

/**
 * What to remember from now on: all that is present, and of what is gone the bonds and members, so that interfaces
 * which come and go under ever new names do not fill the file.
 */
export function remember(
  memory: IndexMemory,
  indexes: ReadonlyMap<string, number>,
  lasting: ReadonlySet<string>,
): IndexMemory {
  const kept = Object.entries(memory).filter(([name]) => lasting.has(name) || indexes.has(name));
  return Object.fromEntries([...kept, ...indexes]);
}
