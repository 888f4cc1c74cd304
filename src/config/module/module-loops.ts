// Finds names in modprobe's files that lead back to themselves: modprobe runs round and round in them (H03). (config)
import type { Place } from '../facts.js';

/** One line: who asks for `from` gets `to`. */
export interface Reference {
  readonly from: string;
  readonly to: readonly string[];
  readonly place: Place;
}

export interface Loop {
  /** From a name on the way round to the same name again. */
  readonly names: readonly string[];
  /** Of the line that closes it. */
  readonly place: Place;
}

/** Every loop once, found at the line by which it is closed. */
export function findLoops(references: readonly Reference[]): Loop[] {
  const byName = new Map<string, Reference[]>();
  for (const reference of references) {
    byName.set(reference.from, [...(byName.get(reference.from) ?? []), reference]);
  }
  const loops: Loop[] = [];
  const done = new Set<string>();
  for (const start of byName.keys()) walk(start, byName, done, loops);
  return loops;
}

interface Step {
  readonly name: string;
  /** What is still to be looked at from here. */
  readonly left: { readonly to: string; readonly place: Place }[];
}

/** Depth first, with a stack of its own: a file may chain as many names as it likes. */
function walk(
  start: string,
  byName: ReadonlyMap<string, readonly Reference[]>,
  done: Set<string>,
  loops: Loop[],
): void {
  if (done.has(start)) return;
  const onWay = new Map<string, number>();
  const way: Step[] = [];
  const enter = (name: string): void => {
    const left = (byName.get(name) ?? []).flatMap(({ to, place }) => to.map(each => ({ to: each, place })));
    onWay.set(name, way.length);
    way.push({ name, left });
  };
  enter(start);
  for (let step = way.at(-1); step !== undefined; step = way.at(-1)) {
    const next = step.left.shift();
    if (next === undefined) {
      way.pop();
      onWay.delete(step.name);
      done.add(step.name);
      continue;
    }
    const from = onWay.get(next.to);
    if (from !== undefined) {
      loops.push({ names: [...way.slice(from).map(each => each.name), next.to], place: next.place });
    } else if (!done.has(next.to) && byName.has(next.to)) {
      enter(next.to);
    }
  }
}
