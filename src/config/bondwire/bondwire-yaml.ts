// `bondwire.yaml`: Bondwire's own configuration, read and written. (config)
import { Document, isMap, isScalar, isSeq, visit, type YAMLMap } from 'yaml';
import { z } from 'zod';
import { shown } from '../../base/index.js';
import { checkSettings, type UplinkSettings } from '../../uplinks/index.js';
import { cidrText, destinationText, addressText, macText } from '../addresses.js';
import { checkBond } from './check-bond.js';
import { child, entriesOf, parseTree, type Tree } from '../yaml/document-tree.js';
import type { Finding, Place, SourceFile } from '../facts.js';
import { otherBond } from '../network-rules.js';
import { type BondWish, emptyWish, type RouteWish } from '../wishes.js';
import { plainUplink } from './print-uplink.js';
import { uplinkSchema } from './uplink-schema.js';
import { uplinkOf } from './uplink-wish.js';
import { corrected, levelOf, meantKey, unknownKey, without } from '../yaml/yaml-guesses.js';

const texts = z.array(z.string());
const flag = z
  .string()
  .regex(/^(?:true|false|yes|no|on|off)$/, 'it must be true or false')
  .transform(value => ['true', 'yes', 'on'].includes(value));

const memberSchema = z.union([
  z.string().transform(name => ({ name, options: {} })),
  z
    .strictObject({
      name: z.string(),
      prio: z.string().optional(),
      queue_id: z.string().optional(),
      actor_port_prio: z.string().optional(),
    })
    .transform(({ name, ...given }) => ({
      name,
      options: Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Record<
        string,
        string
      >,
    })),
]);

const bondSchema = z.strictObject({
  options: z.record(z.string(), z.union([z.string(), texts.transform(list => list.join(','))])).default({}),
  members: z.array(memberSchema).default([]),
  take_down: flag.default(false),
  addresses: texts.default([]),
  routes: z
    .array(
      z
        .strictObject({ to: z.string(), via: z.string(), on_link: flag.default(false) })
        .transform(({ to, via, on_link: onLink }) => ({ to, via, ...(onLink && { onLink }) })),
    )
    .default([]),
  mtu: z
    .string()
    .regex(/^[0-9]{1,9}$/, 'it must be a number of bytes')
    .transform(Number)
    .nullable()
    .default(null),
  mac: z.string().nullable().default(null),
  up: flag.default(true),
});

const fileSchema = z.strictObject({
  version: z.literal('1', 'this program reads version 1').default('1'),
  bonds: z.record(z.string(), z.union([bondSchema, z.literal('').transform(() => bondSchema.parse({}))])),
  uplinks: z.record(z.string(), uplinkSchema).default({}),
});

export interface BondwireFile {
  readonly bonds: readonly BondWish[];
  /** Null: the file says nothing of one. */
  readonly uplink: UplinkSettings | null;
  readonly findings: readonly Finding[];
}

/** Reads a file. With an error among the findings, what it says is not to be applied. */
export function parseBondwireYaml({ path, text }: SourceFile): BondwireFile {
  const { tree, problems } = parseTree(path, text);
  const findings: Finding[] = problems.map(({ place, message }) => error(place, message));
  const start: Place = { file: path, line: 1, column: 1 };
  if (tree === null) {
    if (findings.length === 0) {
      findings.push({
        level: 'error',
        place: start,
        message: 'The file is empty; it needs a map "bonds:" of bonds by name.',
      });
    }
    return { bonds: [], uplink: null, findings };
  }
  // No name of an option or bond, and JavaScript's objects would swallow it.
  for (const { place } of keysCalled(tree, '__proto__'))
    findings.push(error(place, 'There is no key "__proto__" here.'));
  for (const twice of repeatedKeys(tree)) {
    findings.push({
      level: 'error',
      place: twice.place,
      message: `"${shown(twice.key)}" is given twice; give it once.`,
    });
  }
  const mended = mend(tree, findings);
  if (mended === null)
    return { bonds: [], uplink: null, findings: findings.toSorted((a, b) => byPlace(a.place, b.place)) };
  const bonds: BondWish[] = [];
  for (const [name, bond] of Object.entries(mended.data.bonds)) {
    const { take_down: takeDown, ...rest } = bond;
    const wish: BondWish = { ...emptyWish(name), ...rest, takeDown };
    const placeOf = (...keys: readonly string[]): Place => placeAt(mended.tree, ['bonds', name, ...keys]);
    findings.push(...checkBond(wish, placeOf));
    bonds.push(canonical(wish));
  }
  findings.push(...sharedMembers(bonds, mended.tree), ...sharedRoutes(bonds, mended.tree));
  const uplinks = Object.entries(mended.data.uplinks).map(([name, text]) => {
    const read = uplinkOf(name, text, (...keys) => placeAt(mended.tree, ['uplinks', name, ...keys]));
    findings.push(...read.findings);
    const checked = checkSettings(read.settings);
    if (!checked.ok && read.findings.length === 0)
      findings.push(error(placeAt(mended.tree, ['uplinks', name]), `${checked.error.message}.`));
    return read.settings;
  });
  for (const { name } of uplinks.slice(1)) {
    const message = `${shown(name)} is a second uplink; a network namespace has one, with all its lines. Write its lines below the first.`;
    findings.push(error(placeAt(mended.tree, ['uplinks', name]), message));
  }
  return {
    bonds,
    uplink: uplinks[0] ?? null,
    findings: findings.toSorted((a, b) => byPlace(a.place, b.place)),
  };
}

/** More rounds than this no file needs: each takes out, or calls by its right name, what the schema does not take. */
const MOST_ROUNDS = 50;

/**
 * What of a file can be looked at further although the schema refuses it, so that all that is wrong is told at once: everything that it
 * refuses is told and left out, and keys that are meant for others are taken for those. Null where nothing is left.
 */
function mend(
  whole: Tree,
  findings: Finding[],
): { readonly tree: Tree; readonly data: z.infer<typeof fileSchema> } | null {
  let tree = whole;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const parsed = fileSchema.safeParse(wholeOf(tree));
    if (parsed.success) return { tree, data: parsed.data };
    const all = parsed.error.issues.flatMap(issue => problemsOf(issue, tree));
    // What is missing under its right name is there under another.
    const told = all.filter(
      ({ path, key }) =>
        key !== null ||
        !all.some(
          other =>
            other.key !== null &&
            [...other.path, meantKey(levelOf(other.path), other.key)].join('\n') === path.join('\n') &&
            nodeAt(tree, path) === null,
        ),
    );
    // In a later round, what is missing is what was taken out before.
    const isNew = ({ path, key }: Problem): boolean =>
      round === 0 || key !== null || nodeAt(tree, path) !== null;
    findings.push(...told.filter(isNew).map(({ finding }) => finding));
    const before = tree;
    // From the end, so that places in lists stay what they are.
    for (const { path, key } of told.toReversed())
      tree = key === null ? without(tree, path) : corrected(tree, path, key);
    if (tree === before || told.some(({ path, key }) => key === null && path.length < 1)) return null;
  }
  return null;
}

function byPlace(a: Place, b: Place): number {
  return a.line - b.line || (a.column ?? 0) - (b.column ?? 0);
}

/** Addresses in their canonical form; those that have none were reported. */
function canonical(wish: BondWish): BondWish {
  return {
    ...wish,
    addresses: wish.addresses.map(text => cidrText(text) ?? text),
    routes: wish.routes.map(({ to, via, onLink }) => ({
      to: destinationText(to) ?? to,
      via: addressText(via) ?? via,
      ...(onLink !== undefined && { onLink }),
    })),
    mac: wish.mac === null ? null : (macText(wish.mac) ?? wish.mac),
  };
}

function sharedRoutes(bonds: readonly BondWish[], tree: Tree): Finding[] {
  return bonds.flatMap(({ name, routes }, nth) =>
    routes.flatMap((route, at) => {
      const other = otherBond(bonds.slice(0, nth), route);
      if (other === null) return [];
      const message = `${shown(other.name)} has a route to ${shown(route.to)} already, by ${shown(other.via)}; Linux takes one, so leave the other out.`;
      return [error(placeAt(tree, ['bonds', name, 'routes', String(at)]), message)];
    }),
  );
}

function sharedMembers(bonds: readonly BondWish[], tree: Tree): Finding[] {
  const owners = new Map<string, string>();
  return bonds.flatMap(({ name, members }) =>
    members.flatMap((member, at): Finding[] => {
      const owner = owners.get(member.name);
      if (owner === undefined) owners.set(member.name, name);
      const place = placeAt(tree, ['bonds', name, 'members', String(at)]);
      if (member.name !== name && bonds.some(other => other.name === member.name)) {
        const message = `${shown(member.name)} is a bond itself, and a bond cannot be a member of ${shown(name)}.`;
        return [{ level: 'error', place, message }];
      }
      if (owner === undefined || owner === name) return [];
      return [
        {
          level: 'error',
          place,
          message: `${shown(member.name)} is a member of ${shown(owner)} already; an interface has one bond.`,
        },
      ];
    }),
  );
}

/** A file of uplinks alone needs no bonds. */
function wholeOf(tree: Tree): unknown {
  const plain = plainOf(tree);
  const isOfUplinks = child(tree, 'uplinks') !== null && child(tree, 'bonds') === null;
  return isOfUplinks ? { bonds: {}, ...(plain as object) } : plain;
}

function plainOf(tree: Tree): unknown {
  if (tree.kind === 'text') return tree.text;
  if (tree.kind === 'list') return tree.items.map(plainOf);
  return Object.fromEntries(tree.entries.map(({ key, value }) => [key, plainOf(value)]));
}

function repeatedKeys(tree: Tree): { readonly key: string; readonly place: Place }[] {
  if (tree.kind === 'text') return [];
  if (tree.kind === 'list') return tree.items.flatMap(repeatedKeys);
  const seen = new Set<string>();
  return tree.entries.flatMap(({ key, place, value }) => {
    const again = seen.has(key) ? [{ key, place }] : [];
    seen.add(key);
    return [...again, ...repeatedKeys(value)];
  });
}

function keysCalled(tree: Tree, name: string): { readonly place: Place }[] {
  if (tree.kind === 'text') return [];
  if (tree.kind === 'list') return tree.items.flatMap(item => keysCalled(item, name));
  return tree.entries.flatMap(({ key, place, value }) => [
    ...(key === name ? [{ place }] : []),
    ...keysCalled(value, name),
  ]);
}

/** Where a value stands, or the nearest thing around it. */
function placeAt(tree: Tree, path: readonly (string | number)[]): Place {
  let node: Tree = tree;
  let place = tree.place;
  for (const step of path) {
    if (node.kind === 'list') {
      const item: Tree | undefined = node.items[Number(step)];
      if (item === undefined) return place;
      node = item;
      place = item.place;
    } else if (node.kind === 'map') {
      const entry = node.entries.findLast(({ key }) => key === String(step));
      if (entry === undefined) return place;
      node = entry.value;
      place = entry.place;
    } else return place;
  }
  return place;
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'a text',
  array: 'a list',
  object: 'a map',
  record: 'a map',
};

function error(place: Place, message: string): Finding {
  return { level: 'error', place, message };
}

/** What is wrong, and where: a key of the map at `path`, or all that is there. */
interface Problem {
  readonly finding: Finding;
  readonly path: readonly (string | number)[];
  readonly key: string | null;
}

function problemsOf(issue: z.core.$ZodIssue, tree: Tree): Problem[] {
  const path = issue.path.map(step => (typeof step === 'symbol' ? '' : step));
  if (issue.code === 'unrecognized_keys') {
    const siblings = keysAt(tree, path);
    return issue.keys.map(key => ({
      finding: error(placeAt(tree, [...path, key]), unknownKey(levelOf(path), key, shown(key), siblings)),
      path,
      key,
    }));
  }
  if (issue.code === 'invalid_union') {
    // Of the ways in which it could have been right, the one that went furthest tells best what is wrong.
    const best = issue.errors.toSorted((a, b) => depth(b) - depth(a))[0] ?? [];
    return best.flatMap(inner => problemsOf({ ...inner, path: [...issue.path, ...inner.path] }, tree));
  }
  const where = path.length === 0 ? 'The file' : `"${shown(path.join('.'), 80)}"`;
  const place = placeAt(tree, path);
  const tell = (message: string): Problem[] => [{ finding: error(place, message), path, key: null }];
  if (issue.code === 'invalid_type') {
    const wanted = TYPE_WORDS[issue.expected] ?? issue.expected;
    const node = nodeAt(tree, path);
    if (node === null && path.at(-1) === 'bonds')
      return tell('The file needs a map "bonds:" of bonds by name.');
    if (node === null) return tell(`${where} is missing; it must be ${wanted}.`);
    const words = node.kind === 'text' ? node.text.split(/[\s,]+/).filter(word => word !== '') : [];
    const isList = issue.expected === 'array' && words.length > 0;
    const hint = isList ? `; write it as [${words.map(word => shown(word)).join(', ')}]` : '';
    return tell(`${where} must be ${wanted}${hint}.`);
  }
  return tell(`${where}: ${issue.message}.`);
}

function nodeAt(tree: Tree, path: readonly (string | number)[]): Tree | null {
  let node: Tree | null = tree;
  for (const step of path)
    node = node?.kind === 'list' ? (node.items[Number(step)] ?? null) : child(node, String(step));
  return node;
}

function keysAt(tree: Tree, path: readonly (string | number)[]): string[] {
  return entriesOf(nodeAt(tree, path)).map(({ key }) => key);
}

function depth(issues: readonly z.core.$ZodIssue[]): number {
  return Math.max(0, ...issues.map(({ path, code }) => path.length + (code === 'unrecognized_keys' ? 1 : 0)));
}

/** The text of a file with these bonds and this uplink; `heading` lines become comments at its top. */
export function printBondwireYaml(
  bonds: readonly BondWish[],
  heading: readonly string[] = [],
  uplink: UplinkSettings | null = null,
): string {
  const plain = {
    version: '1',
    ...((bonds.length > 0 || uplink === null) && {
      bonds: Object.fromEntries(bonds.map(bond => [bond.name, plainBond(bond)])),
    }),
    ...(uplink !== null && { uplinks: { [uplink.name]: plainUplink(uplink) } }),
  };
  const document = new Document(plain, { schema: 'failsafe' });
  visit(document, {
    Seq(_, node) {
      if (node.items.every(isScalar)) node.flow = true;
      else if (isSeq(node)) node.flow = false;
    },
    Map(_, node, path) {
      // Lines and what rules match are read best in one line each.
      if (path.length >= MAPS_IN_LINE && isOfUplinks(document.get('uplinks'), path) && isShort(node))
        node.flow = true;
    },
  });
  if (heading.length > 0) document.commentBefore = heading.map(line => ` ${line}`).join('\n');
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

/** Nodes above a rule, which is the least deep of those: the document, its map, then pair and map of `uplinks`, the uplink, and `rules`. */
const MAPS_IN_LINE = 8;

function isOfUplinks(uplinks: unknown, path: readonly unknown[]): boolean {
  return uplinks !== undefined && path.includes(uplinks);
}

/** Of texts and lists of texts, or of maps of texts. */
function isShort(node: YAMLMap): boolean {
  return node.items.every(
    ({ value }) =>
      isScalar(value) ||
      (isSeq(value) && value.items.every(isScalar)) ||
      (isMap(value) && value.items.every(pair => isScalar(pair.value))),
  );
}

function plainBond(bond: BondWish): Record<string, unknown> {
  const members = bond.members.map(({ name, options }) =>
    Object.keys(options).length === 0 ? name : { name, ...options },
  );
  return {
    ...(Object.keys(bond.options).length > 0 && {
      options: Object.fromEntries(
        Object.entries(bond.options).map(([name, value]) => [name, plainValue(name, value)]),
      ),
    }),
    ...(members.length > 0 && { members }),
    ...(bond.takeDown && { take_down: 'true' }),
    ...(bond.addresses.length > 0 && { addresses: bond.addresses }),
    ...(bond.routes.length > 0 && { routes: bond.routes.map(plainRoute) }),
    ...(bond.mtu !== null && { mtu: String(bond.mtu) }),
    ...(bond.mac !== null && { mac: bond.mac }),
    ...(!bond.up && { up: 'false' }),
  };
}

function plainRoute({ to, via, onLink }: RouteWish): Record<string, string> {
  return { to, via, ...(onLink === true && { on_link: 'true' }) };
}

/** Lists of targets as lists, everything else as it is. */
function plainValue(name: string, value: string): string | string[] {
  const isList = name === 'arp_ip_target' || name === 'ns_ip6_target';
  return isList && value !== '' && !value.includes('\n') ? value.split(',') : value;
}
