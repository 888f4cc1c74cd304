// Cards as netplan's files name them: by the id of their definition, which is their name unless `match` or `set-name` says
// otherwise. (config)
import { shown } from '../../base/index.js';
import { macText } from '../addresses.js';
import { child, entriesOf, text, textsOf, type Tree } from '../yaml/document-tree.js';
import { type Condition, type FactList, type InterfaceRef, interfaceRef } from '../facts.js';

/** Kinds of definitions that may be members, those that `match` first. */
const KINDS = [
  'ethernets',
  'wifis',
  'modems',
  'vlans',
  'bridges',
  'tunnels',
  'dummy-devices',
  'virtual-ethernets',
] as const;
const WITH_MATCH: ReadonlySet<string> = new Set(['ethernets', 'wifis', 'modems']);
/** What stands directly below `network:`. */
const TOP: ReadonlySet<string> = new Set([
  ...KINDS,
  'bonds',
  'nm-devices',
  'openvswitch',
  'renderer',
  'version',
  'vrfs',
]);

/** Interfaces by the ids of their definitions. */
export function cardsOf(list: FactList, network: Tree): Map<string, InterfaceRef> {
  const cards = new Map<string, InterfaceRef>();
  const kinds = new Map<string, string>();
  for (const kind of [...KINDS, 'bonds']) {
    for (const { key, place, value } of entriesOf(child(network, kind))) {
      if (key === 'renderer') continue;
      const other = kinds.get(key);
      if (other !== undefined)
        list.find(
          place,
          'error',
          `${shown(key)} stands below ${other} too; netplan refuses one name of two kinds.`,
        );
      kinds.set(key, kind);
      cards.set(key, WITH_MATCH.has(kind) ? cardRef(list, key, value) : { by: 'name', name: key });
    }
  }
  return cards;
}

/** Tells of what stands below `network:` and is not read. */
export function tellTop(list: FactList, network: Tree): void {
  for (const { key, place, value } of entriesOf(network)) {
    if (!TOP.has(key)) list.find(place, 'warning', `${shown(key)} is not known in netplan; it was left out.`);
    if (key === 'version' && text(value) !== '2')
      list.find(place, 'error', `netplan has version 2, not ${shown(text(value) ?? '')}.`);
  }
}

/** The key of a card is its name, unless it is matched by something else. */
function cardRef(list: FactList, key: string, card: Tree): InterfaceRef {
  const newName = child(card, 'set-name');
  const renamed = text(newName) ?? '';
  const match = child(card, 'match');
  if (newName !== null && match === null)
    list.find(newName.place, 'error', `set-name of ${shown(key)} needs a match; netplan refuses it without.`);
  if (renamed !== '') return { by: 'name', name: renamed };
  if (match === null) return { by: 'name', name: key };
  const conditions: Condition[] = [];
  for (const { key: what, place, value } of entriesOf(match)) {
    const said = textsOf(value).map(each => each.text);
    if (what === 'name' || what === 'driver') {
      conditions.push({ of: what, patterns: said, isInverted: false });
    } else if (what === 'macaddress') {
      conditions.push({
        of: 'permanentMac',
        patterns: said.map(each => macText(each) ?? each),
        isInverted: false,
      });
    } else
      list.find(
        place,
        'error',
        `${shown(what)} is nothing that netplan can match a card by; it was left out.`,
      );
  }
  const [only, ...more] = conditions;
  if (only === undefined) {
    list.find(
      match.place,
      'warning',
      `The match of ${shown(key)} asks for nothing, so every interface fits it.`,
    );
    return interfaceRef('*');
  }
  const [pattern = '', ...others] = only.patterns;
  if (more.length > 0 || others.length > 0 || only.of === 'driver') return { by: 'match', conditions };
  return only.of === 'name' ? interfaceRef(pattern) : { by: 'mac', mac: pattern };
}
