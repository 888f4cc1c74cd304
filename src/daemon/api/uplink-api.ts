// The part of the control API that is about the uplink, as types.
import type { UplinkSettings, UplinkSnapshot } from '../../uplinks/index.js';

/** What `bondwire uplink show --json` prints; null: there is no uplink. */
export type ShowUplink = UplinkSnapshot;

export interface UplinkDocument {
  readonly uplink: ShowUplink | null;
  /** How it is to be; as PUT takes it. Null together with `uplink`. */
  readonly settings: UplinkSettings | null;
}

/** What the operator asks for; see `Wish` of `uplinks`. */
export interface UplinkWish {
  readonly kind: 'use' | 'drain' | 'release' | 'refill';
  /** Its name; `release` without one is about all. */
  readonly line?: string | undefined;
  /** Milliseconds; absent: until it is released. */
  readonly forMs?: number | undefined;
}

export interface UplinkDrill {
  readonly line: string;
  readonly kind: 'silent' | 'cut' | 'router' | 'dns' | 'portal';
  readonly forMs: number;
}

/** Sentences, in order. */
export interface UplinkReasons {
  readonly reasons: readonly string[];
}
