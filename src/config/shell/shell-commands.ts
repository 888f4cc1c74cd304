// The few commands that files of configuration run to make bonds (`up ifenslave bond0 eth0`, `ip link set …`, echo into
// sysfs), as facts. Whatever else stands there is reported. (config)
import { shown } from '../../base/index.js';
import { addressText, cidrText, destinationText } from '../addresses.js';
import type { FactList, Place } from '../facts.js';
import { commandsOf, splitWords, withoutRedirections, withoutShellComment } from './logical-lines.js';
import { sayDirectRoute } from '../neighbours.js';
import { readIfconfig, readRoute } from './shell-old-commands.js';
import { readBridgeCommand, readUpperLink } from './shell-upper-commands.js';

/** Reads a command line that is run when `device` comes up; `$IFACE` is its name there. What is not understood is told of `about`. */
export function readCommands(
  list: FactList,
  device: string,
  command: string,
  place: Place,
  about: string | null = device,
): void {
  const line = withoutShellComment(command).replaceAll(/\$\{?IFACE\}?/g, device);
  for (const part of commandsOf(line)) {
    const all = splitWords(part);
    // What echo writes goes somewhere.
    const words = /^(?:.*\/)?echo$/.test(all[0] ?? '') ? all : withoutRedirections(all);
    const [program = '', ...rest] = words;
    if (program === '' || program === 'true' || program === ':') continue;
    if (!readCommand(list, device, program.split('/').at(-1) ?? '', rest, place)) {
      list.find(
        place,
        'warning',
        `The command "${shown(part, 80)}" is not carried over; run it after the bond is made.`,
        about ?? undefined,
      );
    }
  }
}

/** False for a command that is not understood. */
function readCommand(
  list: FactList,
  device: string,
  program: string,
  words: readonly string[],
  place: Place,
): boolean {
  switch (program) {
    case 'ifenslave':
      return readIfenslave(list, words, place);
    case 'ip':
      return readIp(list, device, words, place);
    case 'ifconfig':
      return readIfconfig(list, words, place);
    case 'route':
      return readRoute(list, device, words, place);
    case 'modprobe':
      return readModprobe(list, device, words, place);
    case 'echo':
      return readEcho(list, words, place);
    case 'brctl':
    case 'ovs-vsctl':
    case 'vconfig':
      return readBridgeCommand(list, program, words, place);
    default:
      return false;
  }
}

function readIfenslave(list: FactList, words: readonly string[], place: Place): boolean {
  const names = words.filter(word => !word.startsWith('-'));
  const flags = words.filter(word => word.startsWith('-'));
  const [bond, ...members] = names;
  if (
    bond === undefined ||
    members.length === 0 ||
    flags.some(flag => !['-f', '--force', '-v', '--verbose'].includes(flag))
  )
    return false;
  for (const name of members) list.say(place, { kind: 'member', bond, member: { by: 'name', name } });
  return true;
}

function readIp(list: FactList, device: string, all: readonly string[], place: Place): boolean {
  const words = all.filter(word => !/^-(?:4|6|f|family|inet6?)$/.test(word));
  const [object = '', verb = '', ...rest] = words;
  const value = (name: string): string | undefined => {
    const at = rest.indexOf(name);
    return at < 0 ? undefined : rest[at + 1];
  };
  if ('link'.startsWith(object) && object !== '' && ['a', 'add', 'set'].includes(verb)) {
    const made = readBondLink(list, rest, place) || (verb !== 'set' && readUpperLink(list, rest, place));
    if (made || verb !== 'set') return made;
  }
  if ('link'.startsWith(object) && object !== '' && verb === 'set') {
    const target = rest[0] === 'dev' ? rest[1] : rest[0];
    if (target === undefined) return false;
    const known = rest.every(
      (word, at) =>
        ['dev', 'up', 'down', target].includes(word) ||
        ['master', 'mtu', 'address'].includes(word) ||
        ['master', 'mtu', 'address', 'dev'].includes(rest[at - 1] ?? ''),
    );
    if (!known) return false;
    const master = value('master');
    const mtu = value('mtu');
    const mac = value('address');
    if (master !== undefined)
      list.say(place, { kind: 'member', bond: master, member: { by: 'name', name: target }, isOfAny: true });
    if (mtu !== undefined) list.say(place, { kind: 'mtu', device: target, value: mtu });
    if (mac !== undefined) list.say(place, { kind: 'mac', device: target, value: mac });
    if (master === undefined && mtu === undefined && mac === undefined) {
      list.find(
        place,
        'note',
        'Members and bonds are brought up and down by Bondwire; nothing is to be done for it.',
        device,
      );
    }
    return true;
  }
  if (/^a(?:ddr(?:ess)?)?$/.test(object) && /^a(?:dd)?$/.test(verb)) {
    const cidr = cidrText(rest[0] ?? '', 32);
    if (cidr === null) return false;
    const target = value('dev') ?? device;
    list.say(place, { kind: 'address', device: target, cidr });
    const known = new Set(['dev', 'brd', 'broadcast']);
    const more = rest.slice(1).filter((word, at, tail) => !known.has(word) && !known.has(tail[at - 1] ?? ''));
    if (more.length > 0)
      list.find(place, 'warning', `${shown(more.join(' '))} of ${cidr} is not carried over.`, target);
    return true;
  }
  if (/^r(?:oute)?$/.test(object) && /^a(?:dd)?$/.test(verb)) {
    const to = destinationText(rest[0] ?? '');
    const via = addressText(value('via') ?? '');
    const plain = rest
      .slice(1)
      .every(
        (word, at, tail) =>
          ['via', 'dev', 'onlink'].includes(word) || ['via', 'dev'].includes(tail[at - 1] ?? ''),
      );
    const target = value('dev') ?? device;
    if (to !== null && to !== 'default' && plain && value('via') === undefined) {
      sayDirectRoute(list, place, { device: target, cidr: to });
      return true;
    }
    if (to === null || via === null || !plain) return false;
    const onLink = rest.includes('onlink');
    list.say(place, { kind: 'route', device: value('dev') ?? device, to, via, onLink });
    return true;
  }
  return false;
}

/** `ip link add bond0 type bond mode active-backup miimon 100`, and `set` with the same. */
function readBondLink(list: FactList, words: readonly string[], place: Place): boolean {
  const at = words.indexOf('type');
  if (at < 1 || words[at + 1] !== 'bond') return false;
  const before = words.slice(0, at);
  const named = before.findIndex(word => word === 'name' || word === 'dev');
  const bond = named < 0 ? before[0] : before[named + 1];
  const options = words.slice(at + 2);
  if (bond === undefined || options.length % 2 !== 0) return false;
  list.say(place, { kind: 'bond', bond });
  for (let index = 0; index < options.length; index += 2) {
    const [name = '', value = ''] = options.slice(index, index + 2);
    list.say(place, { kind: 'option', bond, name, value });
  }
  for (const [key, kind] of [
    ['mtu', 'mtu'],
    ['address', 'mac'],
  ] as const) {
    const value = before.indexOf(key) < 0 ? undefined : before[before.indexOf(key) + 1];
    if (value !== undefined) list.say(place, { kind, device: bond, value });
  }
  return true;
}

function readModprobe(list: FactList, device: string, words: readonly string[], place: Place): boolean {
  const names = words.filter(word => !word.startsWith('-') && !word.includes('='));
  if (names[0] !== 'bonding' || names.length > 1) return false;
  list.find(place, 'note', 'No module has to be loaded.', device);
  for (const word of words) {
    const at = word.indexOf('=');
    if (at > 0)
      list.say(place, { kind: 'parameter', bond: null, name: word.slice(0, at), value: word.slice(at + 1) });
  }
  return true;
}

/** `echo VALUE > /sys/class/net/BOND/bonding/OPTION`, and `+BOND` into bonding_masters. */
function readEcho(list: FactList, words: readonly string[], place: Place): boolean {
  const match =
    /^(?<value>.*?)\s*>{1,2}\s*\/sys\/class\/net\/(?:(?<bond>[^/\s]+)\/bonding\/(?<name>[a-z_0-9]+)|bonding_masters)$/.exec(
      words.filter(word => word !== '-n').join(' '),
    );
  if (match?.groups === undefined) return false;
  const { value = '', bond, name = '' } = match.groups;
  if (bond === undefined) {
    if (/^\+[^\s/:]{1,15}$/.test(value)) list.say(place, { kind: 'bond', bond: value.slice(1) });
    else if (!value.startsWith('-')) return false;
    else
      list.find(place, 'note', `${shown(value)} takes a bond away, which is not done here.`, value.slice(1));
  } else if (name === 'slaves') {
    if (!/^\+[^\s/:]{1,15}$/.test(value)) return false;
    list.say(place, { kind: 'member', bond, member: { by: 'name', name: value.slice(1) } });
  } else if (name === 'arp_ip_target') {
    list.say(place, { kind: 'option', bond, name, value: value.replace(/^\+/, '') });
  } else {
    list.say(place, { kind: 'option', bond, name, value });
  }
  return true;
}
