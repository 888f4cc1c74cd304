// A bond and its members as ifconfig (net-tools 1.60) showed them in the driver's days: MASTER on the bond, SLAVE on the
// members, NOARP on those that are backups, and counters of the bond that are the sum of its members' (H41).
import type { BondSnapshot } from '../policy/index.js';

/** Counters that ifconfig prints, by the names of the kernel's own list. */
export const IFCONFIG_COUNTERS = [
  'rxPackets',
  'rxBytes',
  'rxErrors',
  'rxDropped',
  'rxFifoErrors',
  'rxFrameErrors',
  'txPackets',
  'txBytes',
  'txErrors',
  'txDropped',
  'txFifoErrors',
  'txCarrierErrors',
  'collisions',
] as const;

export type IfconfigCounters = Readonly<Record<(typeof IFCONFIG_COUNTERS)[number], number>>;

/** An interface as the kernel has it. */
export interface IfconfigFacts {
  readonly up: boolean;
  readonly running: boolean;
  readonly promiscuous: boolean;
  readonly allMulticast: boolean;
  readonly multicast: boolean;
  readonly address: string;
  readonly mtu: number;
  readonly queueLength: number;
  readonly ipv4: readonly {
    readonly address: string;
    readonly prefixLength: number;
    readonly broadcast: string | null;
  }[];
  readonly ipv6: readonly {
    readonly address: string;
    readonly prefixLength: number;
    readonly scope: string;
  }[];
  readonly counters: IfconfigCounters;
}

/** The bond's facts, and the members' by name. The bond's counters are those of its members since they joined. */
export interface IfconfigBond {
  readonly bond: IfconfigFacts;
  readonly members: ReadonlyMap<string, IfconfigFacts>;
}

/** All counters 0. */
export const NO_COUNTERS: IfconfigCounters = Object.fromEntries(
  IFCONFIG_COUNTERS.map(name => [name, 0]),
) as IfconfigCounters;

/** Sum, counter by counter. */
export function addCounters(one: IfconfigCounters, other: IfconfigCounters): IfconfigCounters {
  return Object.fromEntries(
    IFCONFIG_COUNTERS.map(name => [name, one[name] + other[name]]),
  ) as IfconfigCounters;
}

/** How far each has grown; one that was set back counts as not grown (bond_fold_stats). */
export function grownBy(now: IfconfigCounters, before: IfconfigCounters): IfconfigCounters {
  return Object.fromEntries(
    IFCONFIG_COUNTERS.map(name => [name, Math.max(0, now[name] - before[name])]),
  ) as IfconfigCounters;
}

/** The whole text: the bond first, then the members in order of joining. */
export function ifconfigText(bond: BondSnapshot, facts: IfconfigBond): string {
  const parts = [part(bond.name, facts.bond, ['MASTER'])];
  for (const member of bond.members) {
    const own = facts.members.get(member.name);
    if (own === undefined) continue;
    parts.push(part(member.name, own, member.state === 'backup' ? ['NOARP', 'SLAVE'] : ['SLAVE']));
  }
  return parts.join('\n');
}

const INDENT = ' '.repeat(10);

function part(name: string, facts: IfconfigFacts, role: readonly string[]): string {
  const { counters } = facts;
  const lines = [
    `Link encap:Ethernet  HWaddr ${facts.address.toUpperCase()}`,
    ...facts.ipv4.map(({ address, prefixLength, broadcast }) => {
      const bcast = broadcast === null ? '' : `Bcast:${broadcast}  `;
      return `inet addr:${address}  ${bcast}Mask:${maskText(prefixLength)}`;
    }),
    ...facts.ipv6.map(
      ({ address, prefixLength, scope }) => `inet6 addr: ${address}/${prefixLength} Scope:${scope}`,
    ),
    `${flagsText(facts, role)}  MTU:${facts.mtu}  Metric:1`,
    `RX packets:${counters.rxPackets} errors:${counters.rxErrors} dropped:${counters.rxDropped} overruns:${counters.rxFifoErrors} frame:${counters.rxFrameErrors}`,
    `TX packets:${counters.txPackets} errors:${counters.txErrors} dropped:${counters.txDropped} overruns:${counters.txFifoErrors} carrier:${counters.txCarrierErrors}`,
    `collisions:${counters.collisions} txqueuelen:${facts.queueLength}`,
    `RX bytes:${counters.rxBytes} (${sizeText(counters.rxBytes)})  TX bytes:${counters.txBytes} (${sizeText(counters.txBytes)})`,
  ];
  const [first = '', ...rest] = lines;
  return [`${name.padEnd(9)} ${first}`, ...rest.map(line => `${INDENT}${line}`), ''].join('\n');
}

/** In the order in which net-tools prints them. */
function flagsText(facts: IfconfigFacts, role: readonly string[]): string {
  const words: (readonly [string, boolean])[] = [
    ['UP', facts.up],
    ['BROADCAST', true],
    ['RUNNING', facts.running],
    ['NOARP', role.includes('NOARP')],
    ['PROMISC', facts.promiscuous],
    ['ALLMULTI', facts.allMulticast],
    ['SLAVE', role.includes('SLAVE')],
    ['MASTER', role.includes('MASTER')],
    ['MULTICAST', facts.multicast],
  ];
  return words.flatMap(([word, on]) => (on ? [word] : [])).join(' ');
}

function maskText(prefixLength: number): string {
  return [0, 8, 16, 24]
    .map(start => Math.min(8, Math.max(0, prefixLength - start)))
    .map(bits => 256 - 2 ** (8 - bits))
    .join('.');
}

/** `1.2 KiB`, as net-tools: one digit behind the point, cut off. */
function sizeText(bytes: number): string {
  let unit = 'B';
  let value = bytes;
  for (const larger of ['KiB', 'MiB', 'GiB', 'TiB']) {
    if (value < 1024) break;
    value /= 1024;
    unit = larger;
  }
  return `${(Math.floor(value * 10) / 10).toFixed(1)} ${unit}`;
}
