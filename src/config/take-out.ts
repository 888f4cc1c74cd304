// How bonds are taken out of the configuration that they were imported from, so that they do not come back at the next boot: a
// diff of the files, and what no diff does. Nothing here changes anything. (config)
import { advice, shown } from '../base/index.js';
import type { Import } from './import-files.js';
import type { SourceFile } from './facts.js';
import { changedText, fileDiff, type LineChange, linesOf } from './line-diff.js';
import type { Format } from './recognise.js';
import { commentedBlocks } from './take-out-yaml.js';

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
}

type Change = readonly LineChange[] | 'removed';

/** Formats in which names say what is to go, whether or not the line counted. */
const BY_NAME: ReadonlySet<Format> = new Set(['ifcfg', 'interfaces', 'modules', 'networkd']);

/** `files` as they were imported; their paths as they lie below the root. */
export function takeOut(files: readonly SourceFile[], imported: Import): TakenOut {
  const bonds = new Set(imported.bonds.map(({ name }) => name));
  const members = new Set(imported.bonds.flatMap(bond => bond.members.map(({ name }) => name)));
  const hints = new Set<string>();
  const diffs: string[] = [];
  const after: { path: string; text: string | null }[] = [];
  for (const { path, format } of imported.files) {
    const text = files.find(file => file.path === path)?.text;
    if (text === undefined || format === null || bonds.size === 0) continue;
    const understood = new Set(
      imported.findings.flatMap(({ level, place }) =>
        level === 'understood' && place.file === path ? [place.line] : [],
      ),
    );
    if (understood.size === 0 && !BY_NAME.has(format)) continue;
    const change = changeOf(format, { path, text }, { bonds, members, understood });
    const isSame =
      change !== null && change !== 'removed' && changedText(change) === changedText(linesOf(text).map(same));
    if (isSame) continue;
    for (const hint of hintsOf(format, path, { bonds, members })) hints.add(hint);
    if (change === null && format === 'netplan' && understood.size > 0)
      hints.add(
        `${shown(path)} has its bonds in braces or by anchors, which no line-by-line change takes out: do that by hand.`,
      );
    if (change === null) continue;
    const plain = path.replace(/^(?:\.{0,2}\/)+/, '');
    const isGone = change === 'removed';
    const changes = isGone ? linesOf(text).map(old => ({ old, now: [] })) : change;
    const hasNoEnd = text !== '' && !text.endsWith('\n');
    diffs.push(fileDiff(plain, changes, { kind: isGone ? 'removed' : 'changed', hasNoEnd }));
    after.push({ path, text: isGone ? null : changedText(changes) });
  }
  for (const { path, text } of addedFiles(imported, { bonds, members })) {
    const lines = linesOf(text).map(line => ({ old: null, now: [line] }));
    diffs.push(fileDiff(path, lines, { kind: 'added' }));
    after.push({ path, text });
  }
  return { diff: diffs.join(''), files: after, hints: Array.from(hints) };
}

function changeOf(format: Format, file: SourceFile, given: Given): Change | null {
  switch (format) {
    case 'interfaces':
      return outOfInterfaces(file.text, given);
    case 'ifcfg':
      return outOfIfcfg(file, given);
    case 'modules':
      return commented(file.text, new Set([...given.understood, ...linesAbout(file.text)]));
    case 'script':
      return commented(file.text, given.understood);
    case 'networkd':
      return outOfNetworkd(file, given);
    case 'netplan':
      return commentedBlocks(file, given);
    case 'keyfile':
    case 'teamd':
    case 'nmstate':
      return 'removed';
    case 'cloud-init':
    case 'bondwire':
      return null;
    default:
      return format satisfies never;
  }
}

function same(line: string): LineChange {
  return { old: line, now: [line] };
}

function comment(line: string): LineChange {
  return line.trim() === '' || /^\s*#/.test(line) ? same(line) : { old: line, now: [`# ${line}`] };
}

/** Lines of modprobe's files that name the module. */
function linesAbout(text: string): number[] {
  return linesOf(text).flatMap((line, at) =>
    /^\s*[^#\s].*\bbonding\b|^\s*bonding\b/.test(line) ? [at + 1] : [],
  );
}

/** Lines, with those that continue them by a backslash, as comments. */
function commented(text: string, lines: ReadonlySet<number>): LineChange[] {
  let goesOn = false;
  return linesOf(text).map((line, at) => {
    const isOut = goesOn || lines.has(at + 1);
    goesOn = isOut && line.endsWith('\\');
    return isOut ? comment(line) : same(line);
  });
}

/** Stanzas of bonds, and those of members that are for nothing else; their names in lines that start interfaces. */
function outOfInterfaces(text: string, { bonds, members, understood }: Given): LineChange[] {
  const lines = linesOf(text);
  const heads = lines.map(line =>
    /^\s*(iface|auto|allow-\S+|mapping|template|source\S*|no-auto-down|rename)\s+(.*)$/.exec(line),
  );
  const gone = new Set<string>();
  const isGone = new Set<number>();
  for (const [at, head] of heads.entries()) {
    if (head?.[1] !== 'iface') continue;
    const end = heads.findIndex((other, later) => later > at && other !== null);
    const body = lines.slice(at + 1, end < 0 ? lines.length : end);
    const [name = '', , method = ''] = (head[2] ?? '').split(/\s+/);
    const device = name.replace(/:.*$/, '');
    const isMembers =
      members.has(device) && (method === 'manual' || body.some(line => /^\s*bond[-_]master\b/.test(line)));
    if (!bonds.has(device) && !isMembers) continue;
    gone.add(name);
    for (let line = at; line <= at + body.length; line++) isGone.add(line);
  }
  return lines.map((line, at) => {
    if (isGone.has(at)) return comment(line);
    if (bonds.has(/^\s*allow-(\S+)\s/.exec(line)?.[1] ?? '')) return comment(line);
    const start = /^(\s*(?:auto|allow-\S+)\s+)(.*)$/.exec(line);
    if (start === null) return understood.has(at + 1) && heads[at] === null ? comment(line) : same(line);
    const [, head = '', names = ''] = start;
    const words = names.split(/\s+/).filter(word => word !== '');
    const left = words.filter(
      word => !gone.has(word) && !gone.has(word.split('=')[0] ?? '') && !bonds.has(word),
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

/** The .netdev of a bond goes, and its .network where nothing stands above; members are left alone by networkd. */
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
  if (/^\s*(?:VLAN|Bridge|MACVLAN|IPVLAN|VRF)\s*=/m.test(text)) {
    return linesOf(text).map(line =>
      /^\s*(?:Address|Gateway|MTUBytes|MACAddress)\s*=/.test(line) ? comment(line) : same(line),
    );
  }
  return understood.size > 0 || bonds.has(value('Name')) ? 'removed' : null;
}

/** Files that keep other programs from Bondwire's interfaces. */
function addedFiles({ files }: Import, { bonds, members }: Names): SourceFile[] {
  const has = (...formats: readonly Format[]): boolean =>
    files.some(({ format }) => format !== null && formats.includes(format));
  const devices = [...bonds, ...members].map(name => `interface-name:${name}`).join(';');
  return [
    ...(has('keyfile', 'nmstate', 'ifcfg') &&
    files.some(({ path }) => path.includes('NetworkManager') || path.includes('nmstate'))
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
