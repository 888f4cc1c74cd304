// Commands in files of configuration that put something above a bond: VLANs, bridges, ports of Open vSwitch. (config)
import { shown } from '../../base/index.js';
import type { FactList, Place } from '../facts.js';

const KEEP = 'run this command after the bond is made';

/** Kinds of `ip link add … type KIND` that stand over `link DEVICE`, and those that have ports. */
const KINDS: Readonly<Record<string, string>> = {
  bridge: 'bridge',
  ipvlan: 'ipvlan',
  macvlan: 'macvlan',
  macvtap: 'macvtap',
  vlan: 'VLAN',
  vrf: 'VRF',
};

/** `ip link add link bond0 name bond0.5 type vlan id 5`; false for another. */
export function readUpperLink(list: FactList, words: readonly string[], place: Place): boolean {
  const after = (word: string): string | undefined =>
    words.includes(word) ? words[words.indexOf(word) + 1] : undefined;
  const what = KINDS[after('type') ?? ''];
  const first = words[0] === 'link' ? words[2] : words[0];
  const device = after('name') ?? after('dev') ?? first;
  if (what === undefined || device === undefined) return false;
  const lower = after('link');
  list.say(place, { kind: 'device', device, what, over: lower === undefined ? [] : [lower], keep: KEEP });
  return true;
}

/** `brctl addif br0 bond0`, `vconfig add bond0 5`, `ovs-vsctl add-port br0 bond0`, `ovs-vsctl add-bond br0 bond0 eth0 eth1`. */
export function readBridgeCommand(
  list: FactList,
  program: string,
  words: readonly string[],
  place: Place,
): boolean {
  const [verb = '', first = '', second = '', ...more] = words.filter(word => !word.startsWith('-'));
  const say = (device: string, what: string, over: readonly string[]): true => {
    list.say(place, { kind: 'device', device, what, over, keep: KEEP });
    return true;
  };
  if (first === '') return false;
  if (program === 'brctl' && verb === 'addbr') return say(first, 'bridge', []);
  if (program === 'brctl' && verb === 'addif' && second !== '')
    return say(first, 'bridge', [second, ...more]);
  if (program === 'vconfig' && verb === 'add' && /^\d+$/.test(second))
    return say(`${first}.${second}`, 'VLAN', [first]);
  if (program !== 'ovs-vsctl') return false;
  if (verb === 'add-port' && second !== '') return say(first, 'switch', [second]);
  if (verb !== 'add-bond' || second === '') return false;
  const message = `${shown(second)} is a bond of Open vSwitch, which is none of Linux; it was left out, and stays where it is.`;
  list.find(place, 'warning', message);
  return true;
}
