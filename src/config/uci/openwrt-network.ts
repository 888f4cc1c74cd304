// Which device of Linux an interface of OpenWrt's /etc/config/network is. (config)
import { shown } from '../../base/index.js';
import type { UciSection } from './uci-file.js';
import { isOn, valueOf, valuesOf } from './telling.js';

export interface FoundDevice {
  readonly device: string;
  /** A sentence about what is not sure of it; null: it is. */
  readonly doubt: string | null;
}

/** Protocols of netifd whose device is called PROTO-NAME. */
const NAMED_BY_PROTOCOL: ReadonlySet<string> = new Set([
  'pppoe',
  'pppoa',
  'ppp',
  'pptp',
  'l2tp',
  '3g',
  'sstp',
  '6in4',
  '6rd',
  '6to4',
  'dslite',
  'map',
  '464xlat',
  'gre',
  'gretap',
]);
/** Those whose device is called as the interface. */
const NAMED_AS_INTERFACE: ReadonlySet<string> = new Set(['wireguard', 'openconnect', 'vpnc', 'amneziawg']);
/** A chain of `@NAME` that is longer goes in a circle. */
const MOST_STEPS = 10;

/** The interface that another one is the IPv6 or IPv4 half of, by the names that OpenWrt gives: wan6, wan_6, wan_4. */
export function baseName(name: string): string | null {
  return /^(?<base>.+?)(?:_[46]|6)$/.exec(name)?.groups?.['base'] ?? null;
}

/** `network`: the sections of /etc/config/network; null where that was not given. `known`: names of mwan3's interfaces. */
export function deviceOf(
  name: string,
  network: readonly UciSection[] | null,
  known: ReadonlySet<string>,
  steps = 0,
): FoundDevice {
  const base = baseName(name);
  const section = network?.find(each => each.type === 'interface' && each.name === name);
  if (section !== undefined) return ofSection(name, section, { network, known, steps });
  const isHalf =
    base !== null &&
    (network === null
      ? known.has(base)
      : network.some(each => each.type === 'interface' && each.name === base));
  if (isHalf && steps < MOST_STEPS) {
    const { device } = deviceOf(base, network, known, steps + 1);
    // netifd itself makes wan_6 of wan; that wan6 has the device of wan is a guess.
    const isMade = network !== null && name === `${base}_6`;
    const doubt = `${shown(name)} was taken for the other half of ${shown(base)}, by its name: both are one line here.`;
    return { device, doubt: isMade ? null : doubt };
  }
  const why = network === null ? 'give /etc/config/network too' : '/etc/config/network has no such interface';
  return {
    device: name,
    doubt: `Which device ${shown(name)} is, is not known (${why}); its own name was taken as device, so correct that in bondwire.yaml.`,
  };
}

interface Search {
  readonly network: readonly UciSection[] | null;
  readonly known: ReadonlySet<string>;
  readonly steps: number;
}

function ofSection(name: string, section: UciSection, { network, known, steps }: Search): FoundDevice {
  const protocol = valueOf(section, 'proto') ?? 'none';
  const devices = [...valuesOf(section, 'device'), ...valuesOf(section, 'ifname')].map(({ text }) => text);
  const [first] = devices;
  if (NAMED_BY_PROTOCOL.has(protocol)) return { device: `${protocol}-${name}`, doubt: null };
  if (NAMED_AS_INTERFACE.has(protocol)) return { device: name, doubt: null };
  if (first?.startsWith('@') === true && steps < MOST_STEPS)
    return deviceOf(first.slice(1), network, known, steps + 1);
  if (valueOf(section, 'type') === 'bridge' || devices.length > 1)
    return { device: `br-${name}`, doubt: null };
  if (first !== undefined && !/[/@]/.test(first))
    return { device: first, doubt: disabledDoubt(name, section) };
  return {
    device: name,
    doubt: `/etc/config/network does not say which device ${shown(name)} (proto ${shown(protocol)}) is in Linux; its own name was taken, so correct that in bondwire.yaml ("ip link" shows it, such as wwan0).`,
  };
}

function disabledDoubt(name: string, section: UciSection): string | null {
  return isOn(section, 'disabled')
    ? `${shown(name)} is disabled in /etc/config/network; its line has no address before it is enabled.`
    : null;
}
