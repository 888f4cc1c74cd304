// How bonds are taken out of the configuration that they were imported from, so that they do not come back at the next boot: a
// diff of the files, and what no diff does. Nothing here changes anything. (config)
import { advice, shown } from '../base/index.js';
import type { Import } from './import-files.js';
import type { SourceFile } from './facts.js';
import { changedText, fileDiff, type LineChange, linesOf } from './line-diff.js';
import type { Format } from './recognise.js';
import { netplanUnderneath, outOfNetplan } from './netplan/take-out-netplan.js';
import { outOfNmstate } from './nmstate/take-out-nmstate.js';

export interface TakenOut {
  /** For `patch -d / -p1`. */
  readonly diff: string;
  /** The files as they are then; null of one that is gone. */
  readonly files: readonly { readonly path: string; readonly text: string | null }[];
  /** Sentences about what is to be done besides. */
  readonly hints: readonly string[];
}

/** Names that are Bondwire's from now on. */
export interface Names {
  readonly bonds: ReadonlySet<string>;
  readonly members: ReadonlySet<string>;
}

interface Given extends Names {
  /** Lines of the file, from 1, of which something is in the result. */
  readonly understood: ReadonlySet<number>;
  /** Lines of which something is not. */
  readonly warned: ReadonlySet<number>;
  /** Names on which something of netplan's stands. */
  readonly underneath: ReadonlySet<string>;
  /** NetworkManager's connections of bonds: UUID or id, and the name of the bond. */
  readonly connections: ReadonlyMap<string, string>;
}

type Change = readonly LineChange[] | 'removed';

/** What becomes of a file; `added` are files besides, `hints` sentences. */
interface Outcome {
  readonly change: Change | null;
  readonly added?: readonly SourceFile[];
  /** Bonds that the old program goes on with, as ordinary interfaces. */
  readonly kept?: readonly string[];
  readonly hints?: readonly string[];
}

/** Formats in which names say what is to go, whether or not the line counted. */
const BY_NAME: ReadonlySet<Format> = new Set(['ifcfg', 'interfaces', 'modules', 'networkd']);

/** `files` as they were imported; their paths as they lie below the root. */
export function takeOut(files: readonly SourceFile[], imported: Import): TakenOut {
  const bonds = new Set(imported.bonds.map(({ name }) => name));
  const members = new Set(imported.bonds.flatMap(bond => bond.members.map(({ name }) => name)));
  const hints = new Set<string>();
  const diffs: string[] = [];
  const after: { path: string; text: string | null }[] = [];
  const added: SourceFile[] = [];
  const kept = new Set<string>();
  const ofFormat = (wanted: Format): SourceFile[] =>
    files.filter(({ path }) => imported.files.some(each => each.path === path && each.format === wanted));
  const underneath = netplanUnderneath(ofFormat('netplan'));
  const connections = connectionsOf(ofFormat('keyfile'), bonds);
  for (const { path, format } of imported.files) {
    const text = files.find(file => file.path === path)?.text;
    if (text === undefined || format === null || bonds.size === 0) continue;
    const linesOfLevel = (...levels: readonly string[]): Set<number> =>
      new Set(
        imported.findings.flatMap(({ level, place }) =>
          levels.includes(level) && place.file === path ? [place.line] : [],
        ),
      );
    const understood = linesOfLevel('understood');
    const isConnection = format === 'keyfile' && understood.size === 0;
    if (understood.size === 0 && !BY_NAME.has(format) && !isConnection) continue;
    const warned = linesOfLevel('warning', 'error');
    const given = { bonds, members, understood, warned, underneath, connections };
    const outcome = changeOf(format, { path, text }, given);
    const { change } = outcome;
    const isSame =
      change !== null && change !== 'removed' && changedText(change) === changedText(linesOf(text).map(same));
    for (const hint of outcome.hints ?? []) hints.add(hint);
    if (isSame) continue;
    if (!isConnection) for (const hint of hintsOf(format, path, { bonds, members })) hints.add(hint);
    if (change === null && (format === 'netplan' || format === 'nmstate') && understood.size > 0)
      hints.add(
        `${shown(path)} has its bonds in braces or by anchors, which no line-by-line change takes out: do that by hand.`,
      );
    if (change === null) continue;
    added.push(...(outcome.added ?? []));
    for (const bond of outcome.kept ?? []) kept.add(bond);
    const plain = path.replace(/^(?:\.{0,2}\/)+/, '');
    const isGone = change === 'removed';
    const changes = isGone ? linesOf(text).map(old => ({ old, now: [] })) : change;
    const hasNoEnd = text !== '' && !text.endsWith('\n');
    diffs.push(fileDiff(plain, changes, { kind: isGone ? 'removed' : 'changed', hasNoEnd }));
    after.push({ path, text: isGone ? null : changedText(changes) });
  }
  const isManaged = ofFormat('netplan').some(({ text }) => /^\s*renderer:\s*["']?NetworkManager/m.test(text));
  const unmanaged = { bonds: new Set(Array.from(bonds).filter(name => !kept.has(name))), members };
  for (const { path, text } of [...added, ...addedFiles(imported, unmanaged, isManaged)]) {
    const lines = linesOf(text).map(line => ({ old: null, now: [line] }));
    diffs.push(fileDiff(path, lines, { kind: 'added' }));
    after.push({ path, text });
  }
  return { diff: diffs.join(''), files: after, hints: Array.from(hints) };
}

function changeOf(format: Format, file: SourceFile, given: Given): Outcome {
  switch (format) {
    case 'interfaces':
      return { change: outOfInterfaces(file.text, given) };
    case 'ifcfg':
      return { change: outOfIfcfg(file, given) };
    case 'modules':
      return { change: commented(file.text, new Set([...given.understood, ...linesAbout(file.text)]), '# ') };
    case 'script':
      return outOfScript(file, given);
    case 'networkd':
      return { change: outOfNetworkd(file, given) };
    case 'netplan': {
      const out = outOfNetplan(file, given, given.underneath);
      if (out === null) return { change: null };
      const kept = out.kept.map(
        bond =>
          `${shown(bond)} stays in ${shown(file.path)} as an ordinary interface, for its addresses and what netplan puts on it: Bondwire makes it, netplan goes on with the rest.`,
      );
      return { change: out.changes, added: out.added, kept: out.kept, hints: kept };
    }
    case 'keyfile':
      return {
        change: given.understood.size > 0 ? 'removed' : withParentByName(file.text, given.connections),
      };
    case 'nmstate':
      return { change: outOfNmstate(file, given) };
    case 'teamd':
      return { change: 'removed' };
    case 'cloud-init':
    case 'bondwire':
    case 'uci':
      return { change: null };
    default:
      return format satisfies never;
  }
}

function keyOf(text: string, key: string): string {
  return new RegExp(`^${key}\\s*=\\s*(.*?)\\s*$`, 'm').exec(text)?.[1] ?? '';
}

/** By UUID and id, as a VLAN may name its parent, or a port what it belongs to. */
function connectionsOf(files: readonly SourceFile[], bonds: ReadonlySet<string>): Map<string, string> {
  return new Map(
    files.flatMap(({ text }) => {
      const name = keyOf(text, 'interface-name');
      if (!bonds.has(name) || !/^type\s*=\s*(?:bond|team)\s*$/m.test(text)) return [];
      return [keyOf(text, 'uuid'), keyOf(text, 'id')].flatMap(key =>
        key === '' || key === name ? [] : [[key, name] as const],
      );
    }),
  );
}

/** A connection above a bond names it by the name of the interface, since the bond's connection goes. */
function withParentByName(text: string, connections: ReadonlyMap<string, string>): LineChange[] | null {
  const lines = linesOf(text).map((line): LineChange => {
    const [, key = '', parent = ''] = /^(parent\s*=\s*)(.*?)\s*$/.exec(line) ?? [];
    const bond = connections.get(parent);
    return bond === undefined ? same(line) : { old: line, now: [`${key}${bond}`] };
  });
  return lines.some(({ old, now }) => now[0] !== old) ? lines : null;
}

/** A line that does something else besides stays whole. What is left of an `if` has to have a command in it. */
function outOfScript({ path, text }: SourceFile, { understood, warned }: Given): Outcome {
  const mixed = Array.from(understood).filter(line => warned.has(line));
  const clean = new Set(Array.from(understood).filter(line => !warned.has(line)));
  return {
    change: commented(text, clean, ': # '),
    hints: mixed.map(
      line =>
        `Line ${line} of ${shown(path)} has commands besides those for the bond: take those for the bond out by hand.`,
    ),
  };
}

function same(line: string): LineChange {
  return { old: line, now: [line] };
}

function comment(line: string, mark = '# '): LineChange {
  if (line.trim() === '' || /^\s*#/.test(line)) return same(line);
  const indent = mark === '# ' ? '' : (/^\s*/.exec(line)?.[0] ?? '');
  return { old: line, now: [`${indent}${mark}${line.slice(indent.length)}`] };
}

/** Lines of modprobe's files that name the module. */
function linesAbout(text: string): number[] {
  return linesOf(text).flatMap((line, at) =>
    /^\s*[^#\s].*\bbonding\b|^\s*bonding\b/.test(line) ? [at + 1] : [],
  );
}

/** Lines, with those that continue them by a backslash, as comments. */
function commented(text: string, lines: ReadonlySet<number>, mark: string): LineChange[] {
  let goesOn = false;
  return linesOf(text).map((line, at) => {
    const isFurther = goesOn;
    const isOut = goesOn || lines.has(at + 1);
    goesOn = isOut && line.endsWith('\\');
    return isOut ? comment(line, isFurther ? '# ' : mark) : same(line);
  });
}

/** What ifenslave reads of a stanza, and what Bondwire sets. */
const OF_BOND_STANZAS = /^\s*(?:bond[-_]\S+|slaves|hwaddress|mtu)\s/;
const HOOK = /^\s*(?:(?:pre|post)-)?(?:up|down)\s/;

/**
 * Stanzas of bonds, and those of members that are for nothing else; their names in lines that start interfaces. A stanza by which a
 * bond asks for its addresses stays, without what makes it one: Bondwire asks nobody.
 */
function outOfInterfaces(text: string, { bonds, members, understood }: Given): LineChange[] {
  const lines = linesOf(text);
  const heads = lines.map(line =>
    /^\s*(iface|auto|allow-\S+|mapping|template|source\S*|no-auto-down|rename)\s+(.*)$/.exec(line),
  );
  const gone = new Set<string>();
  const asking = new Set<string>();
  /** Lines of stanzas that stay. */
  const within = new Set<number>();
  const isGone = new Set<number>();
  for (const [at, head] of heads.entries()) {
    if (head?.[1] !== 'iface') continue;
    const end = heads.findIndex((other, later) => later > at && other !== null);
    const body = lines.slice(at + 1, end < 0 ? lines.length : end);
    const [name = '', family = '', method = ''] = (head[2] ?? '').split(/\s+/);
    const device = name.replace(/:.*$/, '');
    const isMembers =
      members.has(device) && (method === 'manual' || body.some(line => /^\s*bond[-_]master\b/.test(line)));
    if (!bonds.has(device) && !isMembers) continue;
    if (bonds.has(device) && (method === 'dhcp' || (family === 'inet6' && method === 'auto'))) {
      asking.add(name);
      for (let line = at; line <= at + body.length; line++) within.add(line);
      for (const [nth, line] of body.entries())
        if (OF_BOND_STANZAS.test(line) || (HOOK.test(line) && understood.has(at + 2 + nth)))
          isGone.add(at + 1 + nth);
      continue;
    }
    gone.add(name);
    for (let line = at; line <= at + body.length; line++) isGone.add(line);
  }
  return lines.map((line, at) => {
    if (isGone.has(at)) return comment(line);
    if (bonds.has(/^\s*allow-(\S+)\s/.exec(line)?.[1] ?? '')) return comment(line);
    const start = /^(\s*(?:auto|allow-\S+)\s+)(.*)$/.exec(line);
    if (start === null) {
      const isHook = heads[at] === null && !within.has(at);
      return understood.has(at + 1) && isHook ? comment(line) : same(line);
    }
    const [, head = '', names = ''] = start;
    const words = names.split(/\s+/).filter(word => word !== '');
    const left = words.filter(
      word =>
        asking.has(word) || (!gone.has(word) && !gone.has(word.split('=')[0] ?? '') && !bonds.has(word)),
    );
    if (left.length === words.length) return same(line);
    return left.length === 0 ? comment(line) : { old: line, now: [`${head}${left.join(' ')}`] };
  });
}

/** The file of a bond goes; that of a member stays, so that nobody makes another for the card, and starts nothing. */
function outOfIfcfg({ path, text }: SourceFile, { bonds, members }: Given): Change | null {
  const name = path.split('/').at(-1) ?? '';
  const [, kind, device = ''] = /^(ifcfg|route6?|ifroute|rule6?|ifrule)-(.+)$/.exec(name) ?? [];
  if (kind === undefined) return null;
  const named = /^\s*DEVICE=["']?([^"'\s]+)/m.exec(text)?.[1] ?? device;
  const base = named.replace(/(?::.*|-range\d+)$/, '');
  if (bonds.has(base)) return 'removed';
  if (kind !== 'ifcfg' || !(members.has(base) || /^\s*(?:MASTER|TEAM_MASTER)/m.test(text))) return null;
  const lines = linesOf(text).map((line): LineChange => {
    if (
      /^\s*(?:MASTER|MASTER_UUID|SLAVE|TEAM_MASTER|TEAM_PORT_CONFIG|BOND_PORT_\w+|NM_CONTROLLED)=/.test(line)
    )
      return comment(line);
    return /^\s*ONBOOT=/.test(line) ? { old: line, now: ['ONBOOT=no'] } : same(line);
  });
  const more = /^\s*ONBOOT=/m.test(text) ? [] : ['ONBOOT=no'];
  return [...lines, { old: null, now: [...more, 'NM_CONTROLLED=no'] }];
}

/** The .netdev of a bond goes, and its .network where networkd has nothing else to do for it; members are left alone by networkd. */
function outOfNetworkd({ path, text }: SourceFile, { bonds, understood }: Given): Change | null {
  const value = (key: string): string => new RegExp(`^\\s*${key}\\s*=\\s*(\\S+)`, 'm').exec(text)?.[1] ?? '';
  if (/\.netdev\.d\//.test(path)) return understood.size > 0 ? 'removed' : null;
  if (path.endsWith('.netdev'))
    return understood.size > 0 || (value('Kind') === 'bond' && bonds.has(value('Name'))) ? 'removed' : null;
  if (/^\s*Bond\s*=/m.test(text) && (understood.size > 0 || bonds.has(value('Bond')))) {
    const lines = linesOf(text).map(
      (line): LineChange =>
        /^\s*(?:Bond|PrimarySlave|ActiveSlave)\s*=/.test(line) ? comment(line) : same(line),
    );
    return [...lines, { old: null, now: ['[Link]', 'Unmanaged=yes'] }];
  }
  // networkd takes off an interface that it manages what its file does not have (KeepConfiguration=), so the addresses stay in it.
  const goesOn =
    /^\s*(?:VLAN|Bridge|MACVLAN|MACVTAP|IPVLAN|IPVTAP|VXLAN|Tunnel|Xfrm|VRF)\s*=/m.test(text) ||
    /^\s*DHCP\s*=\s*(?:yes|true|on|1|both|ipv4|ipv6|v4|v6)\s*$/im.test(text);
  if (goesOn && bonds.size === 1) {
    // A bond of Bondwire is of no such kind.
    const [bond = ''] = bonds;
    return linesOf(text).map(line =>
      /^\s*(?:Type|Kind)\s*=\s*bond\s*$/.test(line) ? { old: line, now: [`Name=${bond}`] } : same(line),
    );
  }
  if (goesOn) return null;
  return understood.size > 0 || bonds.has(value('Name')) ? 'removed' : null;
}

/** Files that keep other programs from Bondwire's interfaces. */
function addedFiles({ files }: Import, { bonds, members }: Names, isManaged: boolean): SourceFile[] {
  const has = (...formats: readonly Format[]): boolean =>
    files.some(({ format }) => format !== null && formats.includes(format));
  const devices = [...bonds, ...members].map(name => `interface-name:${name}`).join(';');
  return [
    ...(isManaged ||
    (has('keyfile', 'nmstate', 'ifcfg') &&
      files.some(({ path }) => path.includes('NetworkManager') || path.includes('nmstate')))
      ? [
          {
            path: 'etc/NetworkManager/conf.d/90-bondwire.conf',
            text: `[keyfile]\nunmanaged-devices+=${devices}\n`,
          },
        ]
      : []),
    ...(has('cloud-init')
      ? [{ path: 'etc/cloud/cloud.cfg.d/99-bondwire.cfg', text: 'network: {config: disabled}\n' }]
      : []),
  ];
}

function hintsOf(format: Format, path: string, { bonds }: Names): string[] {
  if (format === 'modules')
    return [
      'If anything loads the module bonding, it makes a bond0 of its own: "options bonding max_bonds=0" in a file of /etc/modprobe.d keeps it from that.',
    ];
  if (format === 'teamd')
    return Array.from(
      bonds,
      bond => `The team is started by a unit: ${advice('systemctl disable teamd@{team}', { team: bond })}.`,
    );
  if (format === 'netplan')
    return [
      `What netplan made of it stays until "netplan generate" runs, or the next boot (${shown(path)}).`,
    ];
  if (format === 'cloud-init')
    return [
      'What cloud-init wrote is still there: import that too (/etc/netplan, /etc/network/interfaces.d or /etc/sysconfig/network-scripts), and take the bonds out of it.',
    ];
  if (format === 'nmstate')
    return [
      'NetworkManager has the connections that nmstate made: import /etc/NetworkManager/system-connections too.',
    ];
  return [];
}
