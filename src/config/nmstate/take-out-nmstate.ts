// Bonds and the routes over them as comments in a state of nmstate, where each stands on lines of its own. (config)
import { child, parseTree, text as textOf, type Tree } from '../yaml/document-tree.js';
import type { SourceFile } from '../facts.js';
import { type LineChange, linesOf } from '../line-diff.js';
import { itemBlock, keyBlock } from '../yaml/yaml-blocks.js';

/** `removed` where nothing else is in the file; null where items stand in braces or brackets. */
export function outOfNmstate(
  { path, text }: SourceFile,
  { bonds }: { readonly bonds: ReadonlySet<string> },
): readonly LineChange[] | 'removed' | null {
  const lines = linesOf(text);
  const whole = parseTree(path, text).tree;
  const state = listAt(whole, 'interfaces').length > 0 ? whole : find(whole, 'desiredState');
  const isBond = (item: Tree): boolean =>
    bonds.has(textOf(child(item, 'name')) ?? '') && textOf(child(item, 'type')) === 'bond';
  const isOver = (item: Tree): boolean => bonds.has(textOf(child(item, 'next-hop-interface')) ?? '');
  const interfaces = listAt(state, 'interfaces');
  const routes = listAt(child(state, 'routes'), 'config');
  const out = new Set<number>();
  for (const item of [...interfaces.filter(isBond), ...routes.filter(isOver)]) {
    const at = item.place.line - 1;
    if (!/^\s*-\s+[\w."'$-]+\s*:/.test(lines[at] ?? '')) return null;
    for (const line of itemBlock(lines, at)) out.add(line);
  }
  const keys = state?.kind === 'map' ? state.entries : [];
  const left = keys.filter(({ key }) =>
    key === 'interfaces' ? !isAll(interfaces, isBond) : key === 'routes' ? !isAll(routes, isOver) : true,
  );
  if (left.length === 0) return 'removed';
  // A key without anything below it is no list.
  for (const { place } of keys.filter(entry => !left.includes(entry)))
    for (const line of keyBlock(lines, place.line - 1)) out.add(line);
  return lines.map((line, at) =>
    out.has(at) && line.trim() !== '' ? { old: line, now: [`# ${line}`] } : { old: line, now: [line] },
  );
}

function isAll(items: readonly Tree[], isOut: (item: Tree) => boolean): boolean {
  return items.length > 0 && items.every(isOut);
}

function listAt(tree: Tree | null | undefined, key: string): readonly Tree[] {
  const list = child(tree, key);
  return list?.kind === 'list' ? list.items : [];
}

/** The value of a key wherever it is. */
function find(tree: Tree | null, key: string): Tree | null {
  if (tree?.kind !== 'map') return null;
  const own = child(tree, key);
  if (own !== null) return own;
  for (const { value } of tree.entries) {
    const found = find(value, key);
    if (found !== null) return found;
  }
  return null;
}
