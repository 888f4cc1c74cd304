// Bonds and their cards as comments in netplan's YAML, where each stands on lines of its own. (config)
import { child, entriesOf, parseTree, textsOf, type Tree } from './document-tree.js';
import type { SourceFile } from './facts.js';
import { type LineChange, linesOf } from './line-diff.js';

/** What may stand in a card that is for nothing but the bond. */
const OF_CARDS: ReadonlySet<string> = new Set([
  'dhcp4',
  'dhcp6',
  'match',
  'mtu',
  'optional',
  'set-name',
  'renderer',
]);

/** Null where the bonds do not stand on lines of their own. */
export function commentedBlocks(
  { path, text }: SourceFile,
  { bonds }: { readonly bonds: ReadonlySet<string> },
): LineChange[] | null {
  const lines = linesOf(text);
  const network = child(parseTree(path, text).tree, 'network');
  const isOut = new Set<number>();
  const used = new Set(
    entriesOf(child(network, 'bonds')).flatMap(({ value }) =>
      textsOf(child(value, 'interfaces')).map(each => each.text),
    ),
  );
  const take = (kind: string, isTaken: (key: string, value: Tree) => boolean): void => {
    const part = network?.kind === 'map' ? network.entries.findLast(({ key }) => key === kind) : undefined;
    const entries = entriesOf(part?.value).filter(({ key }) => key !== 'renderer');
    const taken = entries.filter(({ key, value }) => isTaken(key, value));
    if (part === undefined || taken.length === 0) return;
    // A map without entries is none that netplan takes.
    for (const { place } of taken.length === entries.length ? [part] : taken)
      addBlock(lines, place.line - 1, isOut);
  };
  take('bonds', key => bonds.has(key));
  if (isOut.size === 0) return null;
  take('ethernets', (key, value) => used.has(key) && entriesOf(value).every(each => OF_CARDS.has(each.key)));
  return lines.map((line, at) =>
    isOut.has(at) && line.trim() !== '' ? { old: line, now: [`# ${line}`] } : { old: line, now: [line] },
  );
}

/** The line of a key, and all that are further in. */
function addBlock(lines: readonly string[], from: number, isOut: Set<number>): void {
  const line = lines[from] ?? '';
  // What stands in braces with others has no lines of its own.
  if (!/^\s*[\w."'$-]+\s*:/.test(line)) return;
  const depth = /^\s*/.exec(line)?.[0].length ?? 0;
  isOut.add(from);
  for (let at = from + 1; at < lines.length; at++) {
    const next = lines[at] ?? '';
    if (next.trim() !== '' && (/^\s*/.exec(next)?.[0].length ?? 0) <= depth) break;
    isOut.add(at);
  }
}
