// What the meter of lines measures, and how its process tells it.
import type { Both } from './plan.js';

export type Family = 'ipv4' | 'ipv6';
export const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];

/** Kinds of traffic: flows that last, and a new flow for each question. */
export type Flow = 'udp-existing' | 'udp-new' | 'tcp-existing' | 'http-new' | 'dns-new';
export const FLOWS: readonly Flow[] = ['udp-existing', 'udp-new', 'tcp-existing', 'http-new', 'dns-new'];

/** One question and what became of it. */
export interface Sample {
  readonly flow: Flow;
  readonly family: Family;
  /** By the clock of `monotonicMs()`. */
  readonly sentMs: number;
  /** Null: no right answer within a second. */
  readonly rttMs: number | null;
}

/** What befell the TCP connection that lasts: `connected`, `ECONNRESET`, `closed`, `connect timeout`. */
export interface Happening {
  readonly family: Family;
  readonly atMs: number;
  readonly what: string;
}

/** Milliseconds between two questions of each kind. */
export const INTERVALS: Readonly<Record<Flow, number>> = {
  'udp-existing': 20,
  'udp-new': 50,
  'tcp-existing': 50,
  'http-new': 100,
  'dns-new': 100,
};

export interface MeterSettings {
  /** UDP and TCP echo, and HTTP. */
  readonly echo: Both;
  readonly dns: Both;
  readonly families: readonly Family[];
  readonly flows: readonly Flow[];
}

export type MeterMessage =
  /** The first questions go out now. */
  | { readonly kind: 'started'; readonly atMs: number }
  | {
      readonly kind: 'samples';
      readonly samples: readonly Sample[];
      readonly happenings: readonly Happening[];
      /** The longest time since the last message by which the meter itself came too late to ask. */
      readonly stallMs: number;
    };
