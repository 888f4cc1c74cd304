// Builds the lab of lines: interfaces, cables, addresses, routes, and what providers let pass.
import { addClsact, requireLink, setLink, writeSysctl } from '../../linux/index.js';
import { createCable } from '../cable.js';
import type { Place } from '../place.js';
import type { PlaceGroup } from '../place-group.js';
import {
  addPlainRoute,
  giveAddresses,
  makeRouter,
  meetForEver,
  sendPlainFrames,
  withoutDuplicateCheck,
} from './ip-setup.js';
import { addRulesFilter } from './line-faults.js';
import { sourceRules } from './packet-rules.js';
import { preparePortal } from './portal.js';
import { addProviderNat } from './provider-nat.js';
import { ACCESS, type Both, INSIDE, type IspPlace, type LabLine, type ServerName, TRANSIT } from './plan.js';

/** What can be chosen. */
export interface BuildOptions {
  readonly defaultRoutes?: boolean;
  readonly rpFilter?: 0 | 1 | 2;
  readonly sameIndex?: boolean;
}

/** RTPROT_DHCP and RTPROT_RA: who left a default route. */
const RTPROT_RA = 9;
const RTPROT_DHCP = 16;
const FIRST_METRIC = 100;
const FIRST_INDEX = 100;
const FAR_INDEXES = 100;
const SOURCES_PREFERENCE = 1;

type Places = PlaceGroup<IspPlace>;

interface End {
  readonly place: Place;
  readonly device: string;
}

let index = FIRST_INDEX;

/** A cable between two places, both ends up; with offloads that a real one has not switched off. */
function connect(near: End, far: End, sameIndex: boolean): void {
  const [nearIndex, farIndex] = [index, sameIndex ? index : index + FAR_INDEXES];
  index++;
  createCable(near.place.end(near.device, nearIndex), far.place.end(far.device, farIndex));
  for (const { place, device } of [near, far]) {
    sendPlainFrames(place, device);
    setLink(place.netlink, requireLink(place.netlink, device).ifindex, { up: true });
  }
}

function withLengths(
  { ipv4, ipv6 }: Both,
  lengths: { readonly ipv4: number; readonly ipv6: number },
): string[] {
  return [`${ipv4}/${lengths.ipv4}`, `${ipv6}/${lengths.ipv6}`];
}

const LINE_LENGTHS = { ipv4: 24, ipv6: 64 } as const;
const TRANSIT_LENGTHS = { ipv4: 30, ipv6: 64 } as const;

/** Builds it all; the wires carry nothing yet. Throws SystemError. */
export function buildIsps(
  places: Places,
  lines: readonly LabLine[],
  servers: Readonly<Record<ServerName, Both>>,
  options: BuildOptions,
): void {
  for (const name of places.names) {
    const place = places.at(name);
    if (name === 'wires') place.inside(() => void writeSysctl('ipv6', 'default', 'disable_ipv6', '1'));
    else withoutDuplicateCheck(place);
    if (name === 'client' || name === 'wires') continue;
    makeRouter(place, name === 'gateway' ? options.rpFilter : 0);
  }
  buildInside(places);
  for (const line of lines) buildLine(places, line, options);
  const addresses = Object.values(servers).flatMap(server => withLengths(server, { ipv4: 32, ipv6: 128 }));
  giveAddresses(places.at('internet').netlink, 'lo', addresses);
}

function buildInside(places: Places): void {
  const [client, gateway] = [places.at('client'), places.at('gateway')];
  connect({ place: client, device: INSIDE.clientDevice }, { place: gateway, device: INSIDE.device }, false);
  giveAddresses(client.netlink, INSIDE.clientDevice, withLengths(INSIDE.client, INSIDE.lengths));
  giveAddresses(gateway.netlink, INSIDE.device, withLengths(INSIDE.gateway, INSIDE.lengths));
  for (const family of ['ipv4', 'ipv6'] as const) {
    addPlainRoute(client.netlink, {
      to: 'default',
      via: INSIDE.gateway[family],
      device: INSIDE.clientDevice,
    });
  }
}

function buildLine(places: Places, line: LabLine, options: BuildOptions): void {
  const [gateway, wires] = [places.at('gateway'), places.at('wires')];
  const [provider, internet] = [places.at(line.provider), places.at('internet')];
  const { address, gateway: router, transit, wire } = line;
  const sameIndex = options.sameIndex ?? false;
  connect({ place: gateway, device: line.device }, { place: wires, device: wire.near }, sameIndex);
  connect({ place: provider, device: ACCESS }, { place: wires, device: wire.far }, false);
  connect({ place: provider, device: TRANSIT }, { place: internet, device: transit.device }, false);
  giveAddresses(gateway.netlink, line.device, withLengths(address, LINE_LENGTHS));
  giveAddresses(provider.netlink, ACCESS, withLengths(router, LINE_LENGTHS));
  giveAddresses(provider.netlink, TRANSIT, withLengths(transit.provider, TRANSIT_LENGTHS));
  giveAddresses(internet.netlink, transit.device, withLengths(transit.internet, TRANSIT_LENGTHS));
  meetForEver([
    { netlink: provider.netlink, device: TRANSIT, addresses: Object.values(transit.provider) },
    { netlink: internet.netlink, device: transit.device, addresses: Object.values(transit.internet) },
  ]);
  routeLine(places, line, options);
  preparePortal(provider.netlink);
  if (line.providerNat) addProviderNat(provider);
  for (const device of [ACCESS, TRANSIT]) {
    addClsact(provider.netlink, requireLink(provider.netlink, device).ifindex);
  }
  const sources = sourceRules([line.network.ipv4, line.network.ipv6, line.delegated]);
  addRulesFilter(provider.netlink, ACCESS, 'ingress', SOURCES_PREFERENCE, sources);
}

function routeLine(places: Places, line: LabLine, options: BuildOptions): void {
  const { netlink } = places.at(line.provider);
  const internet = places.at('internet').netlink;
  const { transit } = line;
  for (const family of ['ipv4', 'ipv6'] as const) {
    addPlainRoute(netlink, { to: 'default', via: transit.internet[family], device: TRANSIT });
    // Behind its provider's NAT nobody knows the line's network.
    if (family === 'ipv4' && line.providerNat) continue;
    addPlainRoute(internet, {
      to: line.network[family],
      via: transit.provider[family],
      device: transit.device,
    });
  }
  addPlainRoute(netlink, { to: line.delegated, via: line.address.ipv6, device: ACCESS });
  addPlainRoute(internet, { to: line.delegated, via: transit.provider.ipv6, device: transit.device });
  if (options.defaultRoutes !== true) return;
  for (const [family, protocol] of [
    ['ipv4', RTPROT_DHCP],
    ['ipv6', RTPROT_RA],
  ] as const) {
    const metric = FIRST_METRIC + line.index;
    const route = { to: 'default', via: line.gateway[family], device: line.device, metric, protocol };
    addPlainRoute(places.at('gateway').netlink, route);
  }
}
