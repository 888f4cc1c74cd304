// What somebody meant by a key that bondwire.yaml does not have: near spellings, and what other programs call the same. (config)
import { nearestName, own } from '../../base/index.js';
import { findOption } from '../../policy/index.js';
import type { Entry, Tree } from './document-tree.js';

type Level =
  | 'bond'
  | 'bonds'
  | 'file'
  | 'member'
  | 'options'
  | 'route'
  | 'uplink'
  | 'line'
  | 'rule'
  | 'match'
  | 'part of an uplink';
/** Levels whose keys are names, or are told by the schema alone. */
const OPEN: ReadonlySet<Level> = new Set(['bonds', 'options', 'part of an uplink']);

const KEYS: Partial<Readonly<Record<Level, readonly string[]>>> = {
  file: ['version', 'bonds', 'uplinks'],
  bond: ['options', 'members', 'take_down', 'addresses', 'routes', 'mtu', 'mac', 'up'],
  member: ['name', 'prio', 'queue_id', 'actor_port_prio'],
  route: ['to', 'via', 'on_link'],
  uplink: [
    'lines',
    'mode',
    'sticky',
    'nat',
    'return',
    'rules',
    'mark_mask',
    'clamp_mss',
    'interval',
    'metered_interval',
    'silence',
    'silence_with_traffic',
    'loss',
    'latency',
    'dns_interval',
    'http_interval',
    'app_timeout',
  ],
  line: ['device', 'gateway', 'nat', 'metered', 'budget', 'weight', 'targets', 'dns', 'http', 'tcp'],
  rule: ['match', 'use', 'else', 'existing'],
  match: ['from', 'to', 'protocol', 'sport', 'dport', 'dscp', 'iif', 'uid'],
};

/** Words of other programs. */
const CALLED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  file: { bonding: 'bonds', network: 'bonds', uplink: 'uplinks', multiwan: 'uplinks', wan: 'uplinks' },
  uplink: { interfaces: 'lines', members: 'lines', wans: 'lines', timeout: 'silence', failback: 'return' },
  line: { interface: 'device', iface: 'device', gw: 'gateway', track_ip: 'targets', quota: 'budget' },
  rule: { lines: 'use', otherwise: 'else' },
  match: {
    source: 'from',
    src: 'from',
    destination: 'to',
    dst: 'to',
    dest_port: 'dport',
    src_port: 'sport',
    proto: 'protocol',
    interface: 'iif',
    tos: 'dscp',
  },
  bond: {
    address: 'addresses',
    interfaces: 'members',
    ip: 'addresses',
    ipaddr: 'addresses',
    macaddress: 'mac',
    hwaddress: 'mac',
    parameters: 'options',
    params: 'options',
    ports: 'members',
    port: 'members',
    slaves: 'members',
    route: 'routes',
  },
  member: { priority: 'prio', interface: 'name', device: 'name' },
  route: { destination: 'to', gateway: 'via', gw: 'via', nexthop: 'via', onlink: 'on_link' },
};

/** What a key stands for at a level; undefined where nothing is near. */
export function meantKey(level: Level, key: string): string | undefined {
  if (OPEN.has(level)) return undefined;
  const plain = key.toLowerCase().replaceAll('-', '_');
  return own(CALLED[level] ?? {}, plain) ?? nearestName(plain, KEYS[level] ?? []);
}

/** True of an option that stands beside "options:". */
function isOption(level: Level, key: string): boolean {
  const kind = level === 'bond' ? findOption(key.replaceAll('-', '_'))?.kind : undefined;
  return kind !== undefined && kind !== 'members';
}

/** The level of the map at a path of keys. */
export function levelOf(path: readonly (string | number)[]): Level {
  const [whose, , part] = path;
  if (whose === 'uplinks' && path.length > 1) return levelOfUplink(path);
  if (path.length < 2) return path.length === 0 ? 'file' : 'bonds';
  if (path.length === 2) return 'bond';
  return part === 'members' ? 'member' : part === 'routes' ? 'route' : 'options';
}

function levelOfUplink(path: readonly (string | number)[]): Level {
  const [, , part] = path;
  if (path.length === 2) return 'uplink';
  if (part === 'lines' && path.length === 4) return 'line';
  if (part === 'rules' && path.length === 4) return 'rule';
  return path[4] === 'match' && path.length === 5 ? 'match' : 'part of an uplink';
}

/** A sentence about a key that is not known, with a guess. */
export function unknownKey(level: Level, key: string, shownKey: string, siblings: readonly string[]): string {
  if (isOption(level, key))
    return `There is no key "${shownKey}" here: it is an option, so write it below "options:".`;
  const meant = meantKey(level, key);
  if (meant === undefined) return `There is no key "${shownKey}" here.`;
  const twice = siblings.includes(meant) ? ', which is given too' : '';
  return `There is no key "${shownKey}" here; did you mean "${meant}"${twice}?`;
}

/** The tree without what is at a path, or, where nothing is, without the nearest thing around it. */
export function without(tree: Tree, path: readonly (string | number)[]): Tree {
  const [step, ...rest] = path;
  if (step === undefined) return tree;
  if (tree.kind === 'list') {
    const at = Number(step);
    const item = tree.items[at];
    if (item === undefined) return tree;
    const isLast = rest.length === 0 || !has(item, rest);
    return {
      ...tree,
      items: isLast ? tree.items.filter(each => each !== item) : tree.items.with(at, without(item, rest)),
    };
  }
  if (tree.kind === 'text') return tree;
  const entry = tree.entries.findLast(({ key }) => key === String(step));
  if (entry === undefined) return tree;
  const isLast = rest.length === 0 || !has(entry.value, rest);
  return {
    ...tree,
    entries: isLast
      ? tree.entries.filter(({ key }) => key !== String(step))
      : tree.entries.map(each => (each === entry ? changed(each, without(each.value, rest)) : each)),
  };
}

function changed({ key, place }: Entry, value: Tree): Entry {
  return { key, place, value };
}

/** Whether the next step leads somewhere. */
function has(tree: Tree, [step]: readonly (string | number)[]): boolean {
  if (tree.kind === 'list') return tree.items[Number(step)] !== undefined;
  return tree.kind === 'map' && tree.entries.some(({ key }) => key === String(step));
}

/** The tree with the unknown key of the map at `path` called by its right name, where that is free; else without it. */
export function corrected(tree: Tree, path: readonly (string | number)[], key: string): Tree {
  const level = levelOf(path);
  return mapped(tree, path, entries => {
    const meant = meantKey(level, key);
    const rest = entries.filter(entry => entry.key !== key);
    const entry = entries.findLast(each => each.key === key);
    if (entry === undefined || isOption(level, key) || meant === undefined) return rest;
    return rest.some(each => each.key === meant) ? rest : [...rest, { ...entry, key: meant }];
  });
}

function mapped(
  tree: Tree,
  path: readonly (string | number)[],
  change: (entries: readonly Entry[]) => readonly Entry[],
): Tree {
  const [step, ...rest] = path;
  if (step === undefined) return tree.kind === 'map' ? { ...tree, entries: change(tree.entries) } : tree;
  if (tree.kind === 'list')
    return {
      ...tree,
      items: tree.items.map((item, at) => (at === Number(step) ? mapped(item, rest, change) : item)),
    };
  if (tree.kind === 'text') return tree;
  return {
    ...tree,
    entries: tree.entries.map(entry =>
      entry.key === String(step) ? changed(entry, mapped(entry.value, rest, change)) : entry,
    ),
  };
}
