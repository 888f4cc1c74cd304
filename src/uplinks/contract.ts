// What goes into the policy of an uplink and what comes out of it: one input at a time, outputs drained after each. (uplinks)
import type { UplinkSettings } from './settings.js';

/** A moment in milliseconds; only differences mean something. */
export type TimeMs = number;

/** The two kinds of internet. They are judged apart: a line may be up in one alone. */
export type Family = 'ipv4' | 'ipv6';
export const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];

/** Place of a line in the uplink, from 1 to 62: its number in marks, tables and preferences. */
export type LineNumber = number;
export const MOST_LINES = 62;

/** One address of a line's device with the length of its prefix. */
export interface LineAddress {
  readonly address: string;
  readonly prefixLength: number;
}

/** How a line's packets leave in one family. */
export interface LinePath {
  /** What sends: the first of `addresses` that is of use outside. */
  readonly address: string;
  readonly addresses: readonly LineAddress[];
  /** Null: a device with one neighbour (PPP, a tunnel), which needs no gateway. */
  readonly gateway: string | null;
  /** The gateway lies in none of the device's prefixes, and is to be taken as a neighbour all the same. */
  readonly onLink: boolean;
}

/** The device of a line. */
export interface LineDevice {
  readonly ifindex: number;
  /** Set up, and with a carrier (of a bond: any member that carries). */
  readonly carrier: boolean;
}

/** What is asked through a line. `ping`: is there life at all; `gateway`: does the first router answer (ARP, NS; tells where a fault is, never that there is one). */
export type ProbeKind = 'ping' | 'gateway' | 'tcp' | 'dns' | 'http';

/** A question. The number comes back with what becomes of it. */
export interface Probe {
  readonly id: number;
  readonly line: LineNumber;
  readonly family: Family;
  readonly kind: ProbeKind;
  /** An address; of `http` the URL of the line's page; of `tcp` and `dns` ADDRESS or ADDRESS:PORT ([ADDRESS]:PORT). */
  readonly target: string;
  /** After this time without an answer it is reported as failed, but for `ping`, whose late answers are heard too. */
  readonly timeoutMs: number;
}

/** Why a question got no good answer. */
export type ProbeFailure =
  /** Nothing came in time. */
  | 'timeout'
  /** It could not be sent: no route, no address, the device is down. */
  | 'unsent'
  /** Somebody on the way said that it cannot be reached, or closed the connection. */
  | 'refused'
  /** An answer that is none: another body, another status, SERVFAIL. */
  | 'wrong'
  /** HTTP: sent on to another place, as captive portals do. */
  | 'redirected';

/** A question of the operator, or the end of one. */
export type Wish =
  /** Everything goes by this line as long as it is viable. `forMs` null: until released. */
  | { readonly kind: 'use'; readonly line: LineNumber; readonly forMs: TimeMs | null }
  /** Nothing goes by this line, running flows are taken off it. */
  | { readonly kind: 'drain'; readonly line: LineNumber; readonly forMs: TimeMs | null }
  /** Both wishes end; of one line or, where it is absent, of all. */
  | { readonly kind: 'release'; readonly line?: LineNumber }
  /** The budget of a line begins anew (a prepaid card was filled up). */
  | { readonly kind: 'refill'; readonly line: LineNumber };

export type UplinkInput =
  /** Once at the start, and when the configuration changed. Lines keep their numbers and what was learned of them by their names. */
  | { readonly kind: 'settings'; readonly settings: UplinkSettings }
  /** Null: there is no such device. */
  | { readonly kind: 'device'; readonly line: LineNumber; readonly device: LineDevice | null }
  /** Null: no address or no gateway in this family. */
  | {
      readonly kind: 'path';
      readonly line: LineNumber;
      readonly family: Family;
      readonly path: LinePath | null;
    }
  | { readonly kind: 'answered'; readonly probe: number; readonly rttMs: number }
  | { readonly kind: 'failed'; readonly probe: number; readonly why: ProbeFailure; readonly detail?: string }
  /** Answers to flows of ours came in by the line (conntrack, reply direction). */
  | { readonly kind: 'traffic'; readonly line: LineNumber; readonly family: Family }
  /** Counters of the device since it exists, in bytes. */
  | { readonly kind: 'bytes'; readonly line: LineNumber; readonly received: number; readonly sent: number }
  /** We did not run for this long (a busy machine, a suspended one): no silence of that time counts. */
  | { readonly kind: 'late'; readonly byMs: number }
  /** Another one kept the uplink until now: its questions get no answers any more, and what answered it may be dead by now. */
  | { readonly kind: 'resumed' }
  /** What became of a `flush`; null: it could not be done. */
  | { readonly kind: 'flushed'; readonly flush: number; readonly ended: number | null }
  /** The last `steer` is in the kernel: packets go so from now on. */
  | { readonly kind: 'steered' }
  /** Somebody else changed what is ours in the kernel; it was put back. */
  | { readonly kind: 'interference'; readonly what: string }
  | { readonly kind: 'operator'; readonly wish: Wish }
  /** The calendar, for budgets and `return: at HH:MM`: wall-clock time of `now`, and the offset of local time, in milliseconds. */
  | { readonly kind: 'calendar'; readonly wallMs: number; readonly offsetMs: number }
  | { readonly kind: 'time' };

/** Which packets: TCP can be kept on a line while the rest of it moves. */
export type Transport = 'tcp' | 'others';

/** Where packets go. Whole, never a difference. */
export interface Steering {
  /** In the order of preference: the first is the selected line. Empty: what the host itself has in `main` decides. */
  readonly selected: Readonly<Record<Family, readonly LineNumber[]>>;
  /** Flows that belong to a line, and by which line they go now: by their own while it lives. */
  readonly flows: readonly {
    readonly line: LineNumber;
    readonly family: Family;
    readonly by: Readonly<Record<Transport, LineNumber>>;
  }[];
  /** For each of `settings.rules` that names lines, in order: its place there (from 0) and the lines that it may use now. Empty with `otherwise: 'drop'`: nothing leaves. */
  readonly policies: readonly {
    readonly rule: number;
    readonly family: Family;
    readonly lines: readonly LineNumber[];
  }[];
  /** New flows are spread over these by weight (both lines in use); empty: all by the selected one. */
  readonly shares: Readonly<
    Record<Family, readonly { readonly line: LineNumber; readonly weight: number }[]>
  >;
}

export type UplinkOutput =
  /** Put this in the kernel, before anything that follows. Only when it differs from the last one. */
  | { readonly kind: 'steer'; readonly steering: Steering }
  | { readonly kind: 'probe'; readonly probe: Probe }
  /** End flows of a line in the connection tracking table; always after the `steer` that it belongs to. */
  | {
      readonly kind: 'flush';
      readonly flush: number;
      readonly line: LineNumber;
      readonly family: Family;
      readonly transport: Transport | 'all';
      /** Flows of TCP that are left alone: those that match one of these places in `settings.rules`. Absent: none is. */
      readonly keep?: readonly number[];
    }
  | { readonly kind: 'event'; readonly event: UplinkEvent };

/** State of a line in one family; the table is in `line-states.ts`. */
export type LineStateName =
  | 'absent'
  | 'unproven'
  | 'up'
  | 'down'
  | 'dead'
  | 'bad'
  | 'returning'
  | 'spent'
  | 'drained';

/** What a line was given up for. */
export type Cause =
  | 'carrier'
  | 'silent'
  | 'loss'
  | 'latency'
  | 'dns'
  | 'portal'
  | 'http'
  | 'tcp'
  | 'budget'
  | 'operator'
  | 'gone'
  | 'better';

/** Where a fault is, as far as it can be told. */
export type Place = 'cable' | 'router' | 'beyond' | 'dns' | 'portal' | 'unknown';

/** What happened, with a sentence for people. */
export interface UplinkEvent {
  readonly kind:
    | 'line'
    | 'uplink-failover'
    | 'uplink-return'
    | 'uplink-none'
    | 'budget'
    | 'portal'
    | 'interference'
    | 'gateway-changed'
    | 'operator'
    /** Something could not be done; what can be tried again is. */
    | 'failure';
  readonly level: 'info' | 'warning' | 'error';
  /** One sentence, or a few; says what was seen and where the fault is. */
  readonly message: string;
  readonly line?: string;
  readonly family?: Family;
  readonly from?: string | null;
  readonly to?: string | null;
  readonly state?: LineStateName;
  readonly cause?: Cause;
  readonly place?: Place;
  /** From the last sign of life to the decision. */
  readonly noticedMs?: number;
  /** From the last sign of life to the moment when packets go by the other line. */
  readonly outageMs?: number;
  /** Flows without a connection of their own (UDP and others), which go on by the other line. */
  readonly flowsMoved?: number;
  /** Flows of TCP, whose ends have to connect anew. */
  readonly flowsEnded?: number;
}
