// How an uplink is to be: what its file says, every default filled in. (uplinks)
import type { TimeMs } from './contract.js';

/** What leaves by a line gets its address: by us, or by somebody else's firewall. */
export type Nat =
  | { readonly kind: 'none' }
  | { readonly kind: 'masquerade' }
  /** IPv6: the prefix of the inside becomes this one, address for address, and each flow is remembered. */
  | { readonly kind: 'prefix'; readonly inside: string; readonly outside: string };

export interface Budget {
  readonly bytes: number;
  /** Day of the month on which it begins anew; null: only when somebody says so (prepaid). */
  readonly resetDay: number | null;
}

/** A page that everybody gets who is on the internet. */
export interface HttpPage {
  /** Begins with http:// as a portal cannot answer https. A host that is no address is asked of the line's DNS servers. */
  readonly url: string;
  readonly status: number;
  /** Without blanks at both ends. */
  readonly body: string;
}

export interface LineSettings {
  readonly name: string;
  readonly device: string;
  /** Given; null: as the host learns it (DHCP, router advertisements, PPP). */
  readonly gateway: { readonly ipv4: string | null; readonly ipv6: string | null };
  readonly nat: { readonly ipv4: Nat; readonly ipv6: Nat };
  /** It costs by volume or by time: asked seldom while it stands by, and left as soon as another one is back. */
  readonly metered: boolean;
  readonly budget: Budget | null;
  /** Share of new flows where lines share the load. */
  readonly weight: number;
  /** Addresses that are asked, at least two. */
  readonly targets: { readonly ipv4: readonly string[]; readonly ipv6: readonly string[] };
  /** DNS servers that are asked a question (addresses); empty: none is. */
  readonly dns: readonly string[];
  /** A page whose answer is known, to find portals; null: none. */
  readonly http: HttpPage | null;
  /** ADDRESS:PORT that is connected to; null: none. */
  readonly tcp: string | null;
}

/** One rule of the operator: some packets are not as the others. */
export interface UplinkRule {
  readonly match: {
    /** Prefixes. */
    readonly from?: string;
    readonly to?: string;
    readonly protocol?: 'tcp' | 'udp' | 'icmp' | 'icmpv6';
    /** One port, or the first and the last. */
    readonly sourcePorts?: readonly [number, number];
    readonly destinationPorts?: readonly [number, number];
    /** 0 to 63. */
    readonly dscp?: number;
    readonly incoming?: string;
    readonly uids?: readonly [number, number];
  };
  /** Names of lines in order of preference; absent: as for the others. */
  readonly use?: readonly string[];
  /** None of them is viable: nothing leaves, or as for the others. */
  readonly otherwise: 'drop' | 'selected';
  /** TCP flows of this kind are kept for this long when their line dies, as they may survive a blink. */
  readonly keepTcpMs?: TimeMs;
}

export interface UplinkSettings {
  readonly name: string;
  /** In order of preference; numbers are places in here, from 1. */
  readonly lines: readonly LineSettings[];
  /** `failover`: one at a time; `share`: new flows by weight, clients stay with their line. */
  readonly mode: 'failover' | 'share';
  readonly sticky: 'client' | 'flow';
  readonly rules: readonly UplinkRule[];
  /** Bits of skb and conntrack marks that are ours; the line's number is shifted to the lowest of them. */
  readonly markMask: number;
  /** TCP segments of what goes by PPP are made to fit. */
  readonly clampMss: boolean;
  /** Null: never by itself. `at`: minutes after midnight, local time. */
  readonly return: { readonly afterMs: TimeMs; readonly at: number | null } | null;
  readonly timing: UplinkTiming;
}

/** Times and thresholds; the defaults have their reasons in docs/uplinks.md. */
export interface UplinkTiming {
  /** Between two pings of a line, alternating over its targets. */
  readonly intervalMs: TimeMs;
  /** Of a metered line that stands by. */
  readonly meteredIntervalMs: TimeMs;
  readonly silenceMs: TimeMs;
  /** Replies to our own flows delay a verdict up to this. */
  readonly silenceWithTrafficMs: TimeMs;
  /** Percent. */
  readonly lossEnter: number;
  readonly lossLeave: number;
  readonly latencyEnterMs: TimeMs;
  readonly dnsIntervalMs: TimeMs;
  readonly httpIntervalMs: TimeMs;
  readonly appTimeoutMs: TimeMs;
}

export const DEFAULT_TIMING: UplinkTiming = {
  intervalMs: 100,
  meteredIntervalMs: 10_000,
  silenceMs: 600,
  silenceWithTrafficMs: 3000,
  lossEnter: 20,
  lossLeave: 5,
  latencyEnterMs: 300,
  dnsIntervalMs: 5000,
  httpIntervalMs: 15_000,
  appTimeoutMs: 800,
};

/** Of what nobody says: 1.1.1.1 and 9.9.9.9, by two operators, and their IPv6 addresses. */
export const DEFAULT_TARGETS: LineSettings['targets'] = {
  ipv4: ['1.1.1.1', '9.9.9.9'],
  ipv6: ['2606:4700:4700::1111', '2620:fe::fe'],
};

/** Not Tailscale's (0xff0000), mwan3's (0x3f00), kube-proxy's (0xc000). */
export const DEFAULT_MARK_MASK = 0x3f00_0000;
/** After a fault a line is good for this long before anything goes back to it. */
export const DEFAULT_RETURN_MS = 30_000;
