// Gateways that DHCP clients wrote down: systemd-networkd and dhclient. NetworkManager puts its routes into table main, where they are
// read.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where the clients keep their files. */
export interface LeasePlaces {
  /** systemd-networkd: a file named by the interface index. */
  readonly networkd: string;
  /** dhclient: files of leases, of all interfaces. */
  readonly dhclient: readonly string[];
}

export const LEASE_PLACES: LeasePlaces = {
  networkd: '/run/systemd/netif/leases',
  dhclient: ['/var/lib/dhcp', '/var/lib/dhclient'],
};

/** Longest file that is read. */
const MOST_BYTES = 1_000_000;

/** IPv4 gateways of a device by its leases, the newest first. Files that are not there, or that cannot be read, tell none. */
export function leasedGateways(
  device: string,
  ifindex: number,
  places: LeasePlaces = LEASE_PLACES,
): string[] {
  const networkd = /^ROUTER=(.*)$/m.exec(text(join(places.networkd, String(ifindex))))?.[1] ?? '';
  const dhclient = places.dhclient.flatMap(folder =>
    namesOf(folder)
      .filter(name => name.endsWith('.leases') || name.endsWith('.lease'))
      .flatMap(name => dhclientGateways(text(join(folder, name)), device)),
  );
  return [...networkd.split(/[\s,]+/), ...dhclient].filter(word => word !== '');
}

/** dhclient.leases(5): blocks `lease { interface "eth0"; option routers A, B; … }`, the newest last. */
export function dhclientGateways(leases: string, device: string): string[] {
  const blocks = [...leases.matchAll(/^lease\s*\{(?<body>[^}]*)\}/gm)].map(
    match => match.groups?.['body'] ?? '',
  );
  const own = blocks.filter(
    body => /^\s*interface\s+"(?<name>[^"]*)"\s*;/m.exec(body)?.groups?.['name'] === device,
  );
  const routers = /^\s*option\s+routers\s+(?<list>[^;]*);/m.exec(own.at(-1) ?? '')?.groups?.['list'] ?? '';
  return routers.split(/[\s,]+/).filter(word => word !== '');
}

function namesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8').slice(-MOST_BYTES);
  } catch {
    return '';
  }
}
