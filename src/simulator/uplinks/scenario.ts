// The language of uplink scenarios: lines to the internet, what goes by them, what happens to them and what is expected, as plain data
// that can be printed, shrunk and stored. (simulator)
import type { Cause, Family, LineNumber, UplinkEvent, UplinkTiming } from '../../uplinks/index.js';

/** Whole milliseconds; at 0 the lines have proven themselves and one is selected. */
export type AtMs = number;

/** Of a packet, seen from the office. */
export const DIRECTIONS = ['both', 'up', 'down'] as const;
export type Direction = (typeof DIRECTIONS)[number];

/** A line as it stands at time 0, without a fault. */
export interface LineSpec {
  readonly name: string;
  /** There and back. Absent: 20. */
  readonly roundTripMs?: number;
  /** Absent: both. */
  readonly families?: readonly Family[];
  readonly metered?: boolean;
  readonly budgetMb?: number;
  readonly weight?: number;
  /** What IPv6 gets: an address of the line, or a prefix of it. Absent: masquerade. */
  readonly nat6?: 'masquerade' | 'prefix';
  /** A DNS server is asked by the line. Absent: true. */
  readonly dns?: boolean;
  /** A known page is asked for by the line. Absent: true. */
  readonly http?: boolean;
  /** The second target answers no pings. */
  readonly muteTarget?: boolean;
}

/** Packets of one kind are not as the others. */
export interface RuleSpec {
  readonly protocol?: 'tcp' | 'udp';
  readonly port: number;
  readonly use?: readonly string[];
  readonly otherwise?: 'drop' | 'selected';
  readonly keepTcpMs?: number;
}

/** What a client in the office does all along. */
export interface TrafficSpec {
  readonly name: string;
  /** `udp`: one flow, as a call; `tcp`: one connection, made anew when it is ended; `requests`: a new flow for every question. */
  readonly kind: 'udp' | 'tcp' | 'requests';
  readonly family?: Family;
  /** Client: its number in the office. Absent: its place in the list, from 1. */
  readonly client?: number;
  /** Where it goes. Absent: 443. */
  readonly port?: number;
  readonly everyMs: number;
  /** Absent: from 0 to two seconds before the end. */
  readonly startMs?: AtMs;
  readonly endMs?: AtMs;
}

export type Step =
  /** The cable between the gateway and the ISP's box. */
  | { readonly do: 'cut' | 'restore'; readonly line: string }
  /** Nothing passes beyond the ISP's router any more, which answers on; until `speak`. */
  | {
      readonly do: 'silence';
      readonly line: string;
      readonly direction?: Direction;
      readonly family?: Family;
    }
  | { readonly do: 'speak'; readonly line: string }
  /** The ISP's router itself is dead, with the link up. */
  | { readonly do: 'router-dead' | 'router-back'; readonly line: string }
  /** 0 ends it. */
  | {
      readonly do: 'lose';
      readonly line: string;
      readonly percent: number;
      readonly direction?: Direction;
    }
  /** So much more in each of the named directions; 0 ends it. */
  | { readonly do: 'delay'; readonly line: string; readonly ms: number; readonly direction?: Direction }
  /** Nothing passes for `forMs` every `everyMs`; `forMs` 0 ends it. */
  | { readonly do: 'blackouts'; readonly line: string; readonly everyMs: number; readonly forMs: number }
  | { readonly do: 'portal' | 'portal-gone'; readonly line: string }
  | { readonly do: 'dns-dead' | 'dns-back'; readonly line: string }
  /** The ISP gives another address and gateway (a lease that is renewed). */
  | { readonly do: 'address'; readonly line: string; readonly family?: Family }
  | { readonly do: 'device-gone' | 'device-back'; readonly line: string }
  | { readonly do: 'use' | 'drain'; readonly line: string; readonly forMs?: number }
  | { readonly do: 'release'; readonly line?: string }
  | { readonly do: 'refill'; readonly line: string }
  /** Others use up so much of the line's budget at once. */
  | { readonly do: 'spend'; readonly line: string; readonly mb: number }
  | { readonly do: 'daemon-kill' | 'daemon-start' }
  /** The machine is busy: the daemon does not run for so long. */
  | { readonly do: 'busy'; readonly forMs: number }
  /** Every change of routes and rules is refused for so long. */
  | { readonly do: 'kernel-refuses'; readonly forMs: number };

export type TimedStep = Step & { readonly atMs: AtMs };

export type Expectation =
  /** Null: none. */
  | { readonly atMs: AtMs; readonly selected: string | null; readonly family?: Family }
  | {
      readonly event: UplinkEvent['kind'];
      readonly cause?: Cause;
      readonly to?: string;
      readonly sinceMs?: AtMs;
      readonly untilMs?: AtMs;
      readonly atLeast?: number;
      readonly atMost?: number;
    }
  | {
      readonly traffic: string;
      readonly lostAtMost?: number;
      /** Connections that were ended. */
      readonly endedAtMost?: number;
      readonly longestGapAtMostMs?: number;
    };

export interface UplinkSpec {
  /** In order of preference. */
  readonly lines: readonly LineSpec[];
  readonly mode?: 'failover' | 'share';
  readonly sticky?: 'client' | 'flow';
  /** Null: nothing goes back by itself. Absent: 30 s. */
  readonly returnMs?: number | null;
  readonly rules?: readonly RuleSpec[];
  readonly timing?: Partial<UplinkTiming>;
  readonly traffic: readonly TrafficSpec[];
}

export interface UplinkScenario {
  readonly version: 1;
  readonly name: string;
  readonly summary: string;
  readonly uplink: UplinkSpec;
  readonly steps: readonly TimedStep[];
  readonly expect: readonly Expectation[];
  readonly lengthMs: AtMs;
}

/** The number of a line by its name; 0: there is none. */
export function numberOfLine({ lines }: UplinkSpec, name: string): LineNumber {
  return lines.findIndex(line => line.name === name) + 1;
}
