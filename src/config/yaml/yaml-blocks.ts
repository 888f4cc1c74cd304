// Lines of a YAML file that stand for one key or one item of a list, for changes line by line. (config)

export function depthOf(line: string): number {
  return /^\s*/.exec(line)?.[0].length ?? 0;
}

/** Whether the line has nothing but a key, whose value stands below it. */
export function isHeadAlone(line: string): boolean {
  return /^\s*(?:-\s+)?[\w."'$-]+\s*:\s*(?:#.*)?$/.test(line);
}

/** Whether the line begins with a key: what stands in braces with others has no lines of its own. */
export function beginsWithKey(line: string): boolean {
  return /^\s*[\w."'$-]+\s*:/.test(line);
}

/** The lines of a key and all that is further in, from 0; a list may stand as far out as its key. */
export function keyBlock(lines: readonly string[], from: number): number[] {
  const depth = depthOf(lines[from] ?? '');
  const isIn = (line: string): boolean =>
    depthOf(line) > depth || (depthOf(line) === depth && /^\s*-(?:\s|$)/.test(line));
  return block(lines, from, isIn);
}

/** The lines of an item of a list, from 0; `from` is the line of its dash. */
export function itemBlock(lines: readonly string[], from: number): number[] {
  const depth = depthOf(lines[from] ?? '');
  return block(lines, from, line => depthOf(line) > depth);
}

function block(lines: readonly string[], from: number, isIn: (line: string) => boolean): number[] {
  const taken = [from];
  for (let at = from + 1; at < lines.length; at++) {
    const line = lines[at] ?? '';
    if (line.trim() !== '' && !isIn(line)) break;
    taken.push(at);
  }
  // Empty lines at the end part it from what follows.
  while ((lines[taken.at(-1) ?? from] ?? '').trim() === '' && taken.length > 1) taken.pop();
  return taken;
}
