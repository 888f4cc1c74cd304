// Bonds and their cards as comments in netplan's YAML, where each stands on lines of its own. A bond on which netplan puts more, or
// asks for addresses, becomes an ordinary interface there: netplan refuses files that name what none of them has. (config)
import {
  child,
  type Entry,
  entriesOf,
  isTrue,
  parseTree,
  text as textOf,
  textsOf,
  type Tree,
} from '../yaml/document-tree.js';
import type { SourceFile } from '../facts.js';
import { type LineChange, linesOf } from '../line-diff.js';
import { beginsWithKey, depthOf, isHeadAlone, keyBlock } from '../yaml/yaml-blocks.js';

export interface OutOfNetplan {
  readonly changes: readonly LineChange[];
  /** What gives cards the names that netplan gave them. */
  readonly added: readonly SourceFile[];
  /** Bonds that netplan goes on with, as ordinary interfaces. */
  readonly kept: readonly string[];
}

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
/** What a bond has and an ordinary interface has not, or Bondwire sets. */
const OF_BONDS: ReadonlySet<string> = new Set(['interfaces', 'parameters', 'macaddress']);

function networkOf({ path, text }: SourceFile): Tree | null {
  return child(parseTree(path, text).tree, 'network');
}

/** Names on which something stands in any of netplan's files: the links of VLANs, ports of bridges and VRFs. */
export function netplanUnderneath(files: readonly SourceFile[]): ReadonlySet<string> {
  const names = files.flatMap(file =>
    entriesOf(networkOf(file))
      .filter(({ key }) => key !== 'bonds' && key !== 'ethernets')
      .flatMap(({ value }) => entriesOf(value))
      .flatMap(({ value }) => {
        const ports = textsOf(child(value, 'interfaces')).map(({ text }) => text);
        return ports.concat(textOf(child(value, 'link')) ?? '');
      }),
  );
  return new Set(names);
}

/** Null where the bonds do not stand on lines of their own. */
export function outOfNetplan(
  file: SourceFile,
  { bonds }: { readonly bonds: ReadonlySet<string> },
  underneath: ReadonlySet<string>,
): OutOfNetplan | null {
  const lines = linesOf(file.text);
  const network = networkOf(file);
  const section = (name: string): Entry | undefined =>
    network?.kind === 'map' ? network.entries.findLast(({ key }) => key === name) : undefined;
  const own = (name: string): Entry[] =>
    entriesOf(section(name)?.value).filter(({ key }) => key !== 'renderer');
  const out = new Set<number>();
  const takeOut = ({ place }: Entry): void => {
    if (beginsWithKey(lines[place.line - 1] ?? ''))
      for (const at of keyBlock(lines, place.line - 1)) out.add(at);
  };
  const all = own('bonds');
  const taken = all.filter(({ key }) => bonds.has(key));
  // A map without entries is none that netplan takes.
  const bondsHead = section('bonds');
  if (taken.length === all.length && bondsHead !== undefined) takeOut(bondsHead);
  else for (const bond of taken) takeOut(bond);
  if (taken.length === 0 || out.size === 0) return null;

  const kept = taken.filter(({ key, value }) => underneath.has(key) || asksForAddresses(value));
  if (kept.some(({ place }) => !isHeadAlone(lines[place.line - 1] ?? ''))) return null;

  const used = new Set(
    all.flatMap(({ value }) => textsOf(child(value, 'interfaces')).map(each => each.text)),
  );
  const cards = own('ethernets');
  const goes = ({ key, value }: Entry): boolean =>
    used.has(key) && entriesOf(value).every(each => OF_CARDS.has(each.key));
  const gone = cards.filter(goes);
  const head = section('ethernets');
  if (head !== undefined && gone.length === cards.length && kept.length === 0) takeOut(head);
  else for (const card of gone) takeOut(card);

  const more = new Map<number, string[]>();
  if (kept.length > 0) {
    const bondsAt = (bondsHead?.place.line ?? 1) - 1;
    const cardsAt = head === undefined ? undefined : head.place.line - 1;
    if (cardsAt !== undefined && !isHeadAlone(lines[cardsAt] ?? '')) return null;
    const entryDepth = depthOf(lines[((cards[0] ?? kept[0])?.place.line ?? 1) - 1] ?? '');
    const text = kept.flatMap(bond => keptLines(lines, bond, entryDepth));
    if (cardsAt === undefined) {
      const indent = ' '.repeat(depthOf(lines[bondsAt] ?? ''));
      more.set(bondsAt - 1, [`${indent}ethernets:`, ...text]);
    } else more.set(keyBlock(lines, cardsAt).at(-1) ?? cardsAt, text);
  }
  const changes = lines.flatMap((line, at): LineChange[] => {
    const here =
      out.has(at) && line.trim() !== '' ? { old: line, now: [`# ${line}`] } : { old: line, now: [line] };
    const below = more.get(at);
    return below === undefined ? [here] : [here, { old: null, now: below }];
  });
  return { changes, added: gone.flatMap(linkFile), kept: kept.map(({ key }) => key) };
}

function asksForAddresses(bond: Tree): boolean {
  return ['dhcp4', 'dhcp6'].some(key => isTrue(child(bond, key)));
}

/** The lines of a bond without those of a bond alone, `depth` far in. */
function keptLines(lines: readonly string[], { key, value, place }: Entry, depth: number): string[] {
  const head = lines[place.line - 1] ?? '';
  const left = new Set(keyBlock(lines, place.line - 1).slice(1));
  for (const entry of entriesOf(value))
    if (OF_BONDS.has(entry.key)) for (const at of keyBlock(lines, entry.place.line - 1)) left.delete(at);
  const body = Array.from(left, at => lines[at] ?? '').filter(line => line.trim() !== '');
  const isEmpty = body.every(line => /^\s*#/.test(line));
  const shift = depth - depthOf(head);
  const moved = (line: string): string => ' '.repeat(Math.max(0, depthOf(line) + shift)) + line.trimStart();
  return isEmpty ? [`${' '.repeat(depth)}${key}: {}`] : [head, ...body].map(moved);
}

function valueOf(tree: Tree | null, key: string): string {
  return textOf(child(tree, key)) ?? '';
}

/** netplan has udev rename cards with `set-name`: without its file the interface would have another name at the next boot. */
function linkFile({ value }: Entry): SourceFile[] {
  const name = valueOf(value, 'set-name');
  const match = child(value, 'match');
  const lines = [
    ['PermanentMACAddress', valueOf(match, 'macaddress')],
    ['OriginalName', valueOf(match, 'name')],
    ['Driver', valueOf(match, 'driver')],
  ].flatMap(([key, wish = '']) => (wish === '' ? [] : [`${key ?? ''}=${wish}\n`]));
  if (!/^[\w.-]{1,15}$/.test(name) || lines.length === 0) return [];
  return [
    {
      path: `etc/systemd/network/10-bondwire-${name}.link`,
      text: `[Match]\n${lines.join('')}\n[Link]\nName=${name}\n`,
    },
  ];
}
