// The scenario language: a network, what happens to it, and what is looked at, as plain data that can be printed, shrunk
// and stored. Nothing here says how it is run: in the simulation, on real interfaces, or by the kernel's own driver.
import type { ErrnoName, MacText } from '../base/index.js';
import type { Arm, Property, Value } from './observations.js';

/** Whole milliseconds since the network stands: all bonds made, members joined, bonds as `up` says, addresses usable. */
export type AtMs = number;

/** One end of a cable: `NODE:INTERFACE` of a host or `NODE:PORT` of a switch or partner (`server:eth0`, `sw1:2`). */
export type CableEnd = string;

/** A network interface of a host that is no bond. */
export interface InterfaceSpec {
  readonly name: string;
  /** Absent: `interfaceMac()` of its place in the scenario. */
  readonly mac?: MacText;
  /** `192.0.2.1/24`, `2001:db8::1/64`; only on interfaces that are members of no bond. It is up then. */
  readonly addresses?: readonly string[];
  /** Absent: what the interface says by itself (10 Gbit/s, full, for veth and in the simulation). */
  readonly speedMbps?: number;
  readonly duplex?: 'full' | 'half';
  /** True: it cannot change its MAC address (simulated arm only). */
  readonly fixedMac?: boolean;
}

/** A bond as it stands at time 0. */
export interface BondSpec {
  readonly name: string;
  /** Driver names and values as text. `mode` is a must. */
  readonly options: Readonly<Record<string, string>>;
  /** Interfaces of the host, in the order in which they join, before time 0. Options that name members are set after. */
  readonly members: readonly string[];
  readonly addresses: readonly string[];
  /** Absent: true. */
  readonly up?: boolean;
  /** A bridge of this name has the bond as its only port, and the bond's addresses. In the simulation they are on the bond itself. */
  readonly bridge?: string;
}

/** A host; a plain peer is one with an interface with addresses and no bond. It answers ARP and sinks traffic. */
export interface HostSpec {
  readonly name: string;
  readonly interfaces: readonly InterfaceSpec[];
  readonly bonds?: readonly BondSpec[];
}

/** Ports of a switch that act as one (a channel group, a port channel, a LAG). */
export interface GroupSpec {
  /** On both switches of a pair: a group of the pair, which is one group for what is at its other end. */
  readonly name: string;
  /** Ports with a cable, each in one group at most. */
  readonly ports: readonly string[];
  /** `off`: a static group, which does not speak LACP. Absent: active. */
  readonly lacp?: 'active' | 'passive' | 'off';
  /** How often its partner is to speak. Absent: slow. */
  readonly rate?: 'slow' | 'fast';
  /** Its key on the wire. Absent: its place among the switch's groups, from 1; in a pair, that of the other switch. */
  readonly key?: number;
  /** What a port does that hears no LACP: it carries nothing, or is a port of its own. Absent: suspend. */
  readonly withoutLacp?: 'suspend' | 'individual';
}

/** A learning switch (Linux: a bridge without spanning tree). Its ports are those that cables name, numbered in that order. */
export interface SwitchSpec {
  readonly name: string;
  /** A learned address that was not heard of for so long is forgotten. Absent: 300 000. */
  readonly ageingMs?: number;
  /** Of its LACP. Absent: an address by its place; that of its pair. */
  readonly system?: MacText;
  /** Absent: 32 768. */
  readonly systemPriority?: number;
  /** Simulated arm only. */
  readonly groups?: readonly GroupSpec[];
}

/**
 * Two switches that show one system (MLAG, MC-LAG, vPC). The one cable between them is their peer link; they know of each other's power by
 * another way. While the peer link is down and the primary lives, the ports of the pair's groups at the secondary are down.
 */
export interface PairSpec {
  readonly name: string;
  readonly primary: string;
  readonly secondary: string;
  /** Absent: an address by its place. */
  readonly system?: MacText;
}

/** What a port of a partner says of itself (LACP). Absent: what a port says that is ready to carry. */
export interface PartnerPortSpec {
  readonly name: string;
  readonly systemPriority?: number;
  /** Absent: the partner's own. */
  readonly system?: MacText;
  readonly key?: number;
  readonly portPriority?: number;
  /** Absent: its place among the ports. */
  readonly port?: number;
  /** Letters of `flagLetters`. */
  readonly flags?: string;
  /** Milliseconds between two LACPDUs; 0: it says nothing. Absent: 1000. */
  readonly everyMs?: number;
  /** False: it names nobody, as if it heard nothing. */
  readonly names?: boolean;
  /** Markers that it answers in a second at most. Absent: none. */
  readonly answers?: number;
}

/** A switch that speaks LACP by a script, and forwards nothing (simulated arm only). */
export interface PartnerSpec {
  readonly name: string;
  readonly ports: readonly PartnerPortSpec[];
}

/** A cable between two ends; an inter-switch link has a switch at both. */
export interface CableSpec {
  readonly a: CableEnd;
  readonly b: CableEnd;
  /** Absent: `DEFAULT_CABLE_DELAY_MS` (simulation only; real cables are as quick as they are). */
  readonly delayMs?: number;
}

/** One-way traffic: numbered UDP packets of `bytes` of payload at an even rate, from port `FIRST_FLOW_PORT` + place in the file to the same one. */
export interface FlowSpec {
  readonly name: string;
  /** Host that sends. */
  readonly from: string;
  /** Host that receives. */
  readonly to: string;
  /** Address of `to` that is sent to, without prefix length. */
  readonly address: string;
  readonly packetsPerSecond: number;
  readonly bytes: number;
  readonly startMs: AtMs;
  readonly endMs: AtMs;
}

/**
 * What happens. `cut` takes the carrier from both ends; `link-down` sets one interface down at its own end (and the other
 * end loses its carrier). `silence` and `lose` leave carriers alone.
 */
export type Happening =
  | { readonly do: 'cut' | 'restore'; readonly end: CableEnd }
  /** `times` cuts of `downMs`, `upMs` apart. */
  | {
      readonly do: 'flap';
      readonly end: CableEnd;
      readonly times: number;
      readonly downMs: number;
      readonly upMs: number;
    }
  /** Of what this end sends, so many per cent are lost from now on (100: one-way silence; 0: none). */
  | { readonly do: 'lose'; readonly end: CableEnd; readonly percent: number }
  /** The switch, or one port of it, forwards nothing more (or again). */
  | { readonly do: 'silence' | 'unsilence'; readonly switch: string; readonly port?: string }
  /** A port of a partner says something else from now on. */
  | {
      readonly do: 'partner-says';
      readonly partner: string;
      readonly port: string;
      readonly says: Omit<PartnerPortSpec, 'name'>;
    }
  /** A port goes to another group; without `group`, it is on its own from now on. */
  | { readonly do: 'group-move'; readonly switch: string; readonly port: string; readonly group?: string }
  /** A group is set up otherwise. LACP begins anew on its ports, but for another rate. */
  | {
      readonly do: 'group-set';
      readonly switch: string;
      readonly group: string;
      readonly to: Omit<GroupSpec, 'name' | 'ports'>;
    }
  /** Its ports are on their own, without LACP. */
  | { readonly do: 'group-remove'; readonly switch: string; readonly group: string }
  /** Its links are down for `downMs`; it forwards, and speaks LACP, `readyMs` (absent: 0) after they are up again. */
  | {
      readonly do: 'reboot';
      readonly switch: string;
      readonly downMs: number;
      readonly readyMs?: number;
    }
  /** Power off and on: all cables of a switch, partner or host lose their carrier. A host comes back as it was set up at first. */
  | { readonly do: 'kill' | 'revive'; readonly node: string }
  | {
      readonly do: 'set';
      readonly host: string;
      readonly bond: string;
      readonly option: string;
      readonly value: string;
    }
  | {
      readonly do: 'enslave' | 'release';
      readonly host: string;
      readonly bond: string;
      readonly interface: string;
    }
  | { readonly do: 'bond-up' | 'bond-down'; readonly host: string; readonly bond: string }
  | { readonly do: 'bond-mac'; readonly host: string; readonly bond: string; readonly mac: MacText }
  | { readonly do: 'bond-mtu'; readonly host: string; readonly bond: string; readonly mtu: number }
  /** Somebody on top of the bond (a macvlan, a multicast listener) wants frames to this address, or no longer. */
  | {
      readonly do: 'listen' | 'unlisten';
      readonly host: string;
      readonly bond: string;
      readonly mac: MacText;
    }
  | { readonly do: 'link-up'; readonly host: string; readonly interface: string }
  | { readonly do: 'link-down'; readonly host: string; readonly interface: string }
  /** kill -9 of Bondwire's daemon, and a new one. Nothing in the driver's arm. */
  | { readonly do: 'daemon-kill'; readonly host: string }
  | { readonly do: 'daemon-start'; readonly host: string };

export type HappeningKind = Happening['do'];

/** A happening at its time. Those of one time happen in the order of the list. */
export type TimedEvent = Happening & {
  readonly atMs: AtMs;
  /** The errno with which it must be refused; absent: it must be accepted. */
  readonly refused?: ErrnoName;
};

/**
 * How a property is looked at: at the sample times (`sample`), all along with the time of every change (`change`), or
 * once at the end (`total`).
 */
export type How = 'sample' | 'change' | 'total';

/** One thing that is looked at, and how far two arms may be apart in it. */
export interface Watch {
  /** What it is a property of: see `Property`. */
  readonly of: string;
  readonly property: Property;
  readonly how: How;
  /** `change`: the same change may be so many ms earlier or later in another arm. Absent: 0. */
  readonly withinMs?: number;
  /** `change`: a value that was held shorter than this may be missing in another arm. Absent: 0. */
  readonly ignoreShorterThanMs?: number;
  /** Numbers may differ by so much. Absent: 0. */
  readonly by?: number;
}

/** What must be so, in every arm. Checked against the watch of the same `of` and `property`. */
export interface Expectation {
  /** What is shown by it, for a reader; the same words in several expectations make one check of them. */
  readonly check?: string;
  readonly of: string;
  readonly property: Property;
  /** For a sample: its time. */
  readonly atMs?: AtMs;
  /** With `atMs`: the time of an earlier sample; what the number has grown by since then counts. */
  readonly sinceMs?: AtMs;
  /** Exactly this. */
  readonly is?: Value;
  readonly atLeast?: number;
  readonly atMost?: number;
  /** For a `change` watch: the values one after the other, from the first. */
  readonly sequence?: readonly Value[];
}

export interface Scenario {
  readonly version: 1;
  /** kebab-case; the name of its file. */
  readonly name: string;
  /** What is shown, in a sentence. */
  readonly summary: string;
  /** Absent: all. */
  readonly arms?: readonly Arm[];
  readonly hosts: readonly HostSpec[];
  readonly switches: readonly SwitchSpec[];
  readonly pairs?: readonly PairSpec[];
  readonly partners?: readonly PartnerSpec[];
  readonly cables: readonly CableSpec[];
  readonly flows: readonly FlowSpec[];
  readonly events: readonly TimedEvent[];
  readonly observe: { readonly atMs: readonly AtMs[]; readonly watch: readonly Watch[] };
  readonly expect: readonly Expectation[];
  readonly lengthMs: number;
}

/** UDP port of the first flow of a scenario, at both ends; the next ones follow. */
export const FIRST_FLOW_PORT = 20_000;
export const DEFAULT_CABLE_DELAY_MS = 0.05;
export const DEFAULT_AGEING_MS = 300_000;
export const DEFAULT_SPEED_MBPS = 10_000;

function byte(number: number): string {
  return (number & 0xff).toString(16).padStart(2, '0');
}

/** The MAC of the interface number `nth` (from 0) of host number `host`, unless the scenario gives one. */
export function interfaceMac(host: number, nth: number): MacText {
  return `02:b0:${byte(host >> 8)}:${byte(host)}:00:${byte(nth + 1)}`;
}

/** The two parts of a cable's end. */
export function endParts(end: CableEnd): { readonly node: string; readonly port: string } {
  const at = end.indexOf(':');
  return { node: end.slice(0, at), port: end.slice(at + 1) };
}

/** The scenario's events in the order in which they happen, flaps as cuts and restores. `index` is the place in the file. */
export function happenings(scenario: Scenario): (TimedEvent & { readonly index: number })[] {
  const all = scenario.events.flatMap((event, index): (TimedEvent & { readonly index: number })[] => {
    if (event.do !== 'flap') return [{ ...event, index }];
    return Array.from({ length: event.times }, (_, nth) => {
      const atMs = event.atMs + nth * (event.downMs + event.upMs);
      return [
        { do: 'cut' as const, end: event.end, atMs, index },
        { do: 'restore' as const, end: event.end, atMs: atMs + event.downMs, index },
      ];
    }).flat();
  });
  return all.toSorted((a, b) => a.atMs - b.atMs);
}
