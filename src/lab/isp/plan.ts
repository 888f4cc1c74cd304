// Names and addresses of the lab of lines: who has which. All from ranges for private use, shared address space (RFC 6598), and
// documentation (RFC 5737, RFC 3849).

/** Both kinds. */
export interface Both {
  readonly ipv4: string;
  readonly ipv6: string;
}

/** One line of the gateway to the internet. */
export interface LabLine {
  /** The gateway's device. */
  readonly device: string;
  /** From 0. */
  readonly index: number;
  /** Place of its provider. */
  readonly provider: ProviderName;
  /** The gateway's address on the line. */
  readonly address: Both;
  /** The provider's router. */
  readonly gateway: Both;
  /** Prefixes of the line's own network. */
  readonly network: Both;
  /** What the provider routes to the gateway besides, for those inside. */
  readonly delegated: string;
  /** Ends of the wire, the gateway's and the provider's. */
  readonly wire: { readonly near: string; readonly far: string };
  /** Between the provider's router and the internet. */
  readonly transit: { readonly provider: Both; readonly internet: Both; readonly device: string };
  readonly delayMs: number;
  /** The provider translates addresses itself, as with carrier-grade NAT. IPv4. */
  readonly providerNat: boolean;
}

export type ProviderName = `provider${number}`;
/** The places of the lab. */
export type IspPlace = 'client' | 'gateway' | 'wires' | 'internet' | ProviderName;

export const MOST_LAB_LINES = 8;

/** The inside: a client, and the gateway's device to it. */
export const INSIDE = {
  client: { ipv4: '192.168.9.2', ipv6: 'fd00:9::2' },
  gateway: { ipv4: '192.168.9.1', ipv6: 'fd00:9::1' },
  network: { ipv4: '192.168.9.0/24', ipv6: 'fd00:9::/64' },
  device: 'lan0',
  clientDevice: 'eth0',
  lengths: { ipv4: 24, ipv6: 64 },
} as const;

export type ServerName = 'echo' | 'first' | 'second' | 'dns';

/** Who is in the internet, where nothing else is asked for. All answer pings, echo and DNS; the names say what they are meant for. */
export const SERVERS: Readonly<Record<ServerName, Both>> = {
  echo: { ipv4: '198.51.100.10', ipv6: '2001:db8:ffff::10' },
  /** Targets of pings, as 1.1.1.1 and 9.9.9.9 are. */
  first: { ipv4: '198.51.100.20', ipv6: '2001:db8:ffff::20' },
  second: { ipv4: '198.51.100.30', ipv6: '2001:db8:ffff::30' },
  dns: { ipv4: '198.51.100.53', ipv6: '2001:db8:ffff::53' },
};

/** Words of an IPv6 address count in hexadecimal. */
function hex(number: number): string {
  return number.toString(16);
}

/** The line of this index. */
export function labLine(index: number, delayMs: number, providerNat: boolean): LabLine {
  const number = index + 1;
  return {
    device: `wan${index}`,
    index,
    provider: `provider${index}`,
    address: { ipv4: `100.64.${number}.2`, ipv6: `2001:db8:${hex(number)}::2` },
    gateway: { ipv4: `100.64.${number}.1`, ipv6: `2001:db8:${hex(number)}::1` },
    network: { ipv4: `100.64.${number}.0/24`, ipv6: `2001:db8:${hex(number)}::/64` },
    delegated: `2001:db8:1${hex(index)}::/48`,
    wire: { near: `a${index}`, far: `b${index}` },
    transit: {
      provider: { ipv4: `10.99.${number}.2`, ipv6: `fd99:${hex(number)}::2` },
      internet: { ipv4: `10.99.${number}.1`, ipv6: `fd99:${hex(number)}::1` },
      device: `isp${index}`,
    },
    delayMs,
    providerNat,
  };
}

/** Devices of a provider's router: towards the gateway, and towards the internet. */
export const ACCESS = 'acc';
export const TRANSIT = 'upl';
