// What an interface must be like to join: the driver's refusals in the driver's order (bond_enslave), and ours.
import {
  advice,
  err,
  formatIpv6,
  ok,
  parseMac,
  type Refusal,
  type Result,
  refusal,
} from '../../base/index.js';
import {
  type Address,
  AF_INET6,
  IFA_F,
  IFF,
  isOneOfTwo,
  type Link,
  ownAddress,
  type Route,
  RTPROT_KERNEL,
} from '../../netlink/index.js';

const ARPHRD_ETHER = 1;
const ARPHRD_CAN = 280;
const ARPHRD_INFINIBAND = 32;
/** Who made an address: the kernel, link-local (linux/if_addr.h). */
const IFAPROT_KERNEL_LL = 3;

/** What is known when somebody asks for an interface to join. */
export interface JoinCandidate {
  readonly link: Link;
  readonly bondName: string;
  readonly bondIfindex: number;
  readonly lowerIfindex: number;
  /** All links of the namespace: what is stacked on what. */
  readonly links: readonly Link[];
  /** The bond that has it already, of this daemon. */
  readonly memberOf: string | undefined;
  /** True when it is a bond of this daemon. */
  readonly isBond: boolean;
  /** True when a data plane of another Bondwire daemon sits on it. */
  readonly foreignDataPlane: boolean;
  readonly takeDown: boolean;
  /** Addresses and routes that it carries, as texts. */
  readonly carries: Carried;
}

/** What would be cut off. */
export interface Carried {
  readonly addresses: readonly string[];
  readonly routes: readonly string[];
}

const up = (link: Link): boolean => (link.flags & IFF.IFF_UP) !== 0;

/** The first reason why this interface cannot join, or ok. */
export function checkJoin(candidate: JoinCandidate): Result<undefined, Refusal> {
  const { link, bondName, links } = candidate;
  const name = link.name ?? String(link.ifindex);
  const refuse = (code: Refusal['code'], errno: Refusal['errno'], why: string): Result<undefined, Refusal> =>
    err(refusal(code, errno, `${name} cannot join ${bondName}: ${why}`));

  if (link.hardwareType === ARPHRD_CAN) return refuse('unsupported', 'EPERM', 'it is a CAN device.');
  if (link.ifindex === candidate.bondIfindex) {
    return refuse('unsupported', 'EPERM', 'a bond cannot be a member of itself.');
  }
  if (link.ifindex === candidate.lowerIfindex) {
    return refuse('unsupported', 'EPERM', "it is the bond's own lower end.");
  }
  if (candidate.isBond || (link.alias ?? '').startsWith('Bondwire:')) {
    return refuse('unsupported', 'EPERM', 'it belongs to a bond; bonds in bonds are not supported.');
  }
  if ((link.flags & IFF.IFF_MASTER) !== 0) {
    return refuse('unsupported', 'EPERM', 'it is a master device itself.');
  }
  if ((link.flags & IFF.IFF_LOOPBACK) !== 0) {
    return refuse(
      'unsupported',
      'EINVAL',
      'it is a loopback device; a member must be an Ethernet interface.',
    );
  }
  if (standsOn(link, candidate.bondIfindex, links)) {
    return refuse('in-use', 'EBUSY', `it stands on ${bondName} itself, so frames would run in a circle.`);
  }
  // The driver takes one, as the kernel then watches that the bond never becomes its port; nobody would for ours.
  if (link.info?.kind === 'bridge') {
    return refuse(
      'unsupported',
      'EPERM',
      `it is a bridge. Make ${bondName} a port of it instead ('${advice('ip link set dev {bond} master {bridge}', { bond: bondName, bridge: name })}').`,
    );
  }
  const owner = receiveHandlerOwner(link, bondName, links);
  if (owner !== undefined) {
    return refuse('in-use', 'EBUSY', `${owner.what}. ${owner.fix}`);
  }
  if (candidate.memberOf !== undefined) {
    const move = advice('bondwire release {other} {iface} && bondwire enslave --take-down {bond} {iface}', {
      other: candidate.memberOf,
      bond: bondName,
      iface: name,
    });
    return refuse(
      'in-use',
      'EBUSY',
      `it is a member of ${candidate.memberOf}; release it first, which moves it: '${move}'.`,
    );
  }
  if (candidate.foreignDataPlane) {
    return refuse(
      'in-use',
      'EBUSY',
      'the data plane of another Bondwire daemon (another run directory) is attached to it; destroy that bond with that daemon first.',
    );
  }
  if (link.hardwareType === ARPHRD_INFINIBAND) {
    return refuse('unsupported', 'EOPNOTSUPP', 'InfiniBand members are not supported, only Ethernet.');
  }
  if (link.hardwareType !== ARPHRD_ETHER) {
    return refuse('unsupported', 'EINVAL', 'it is not an Ethernet interface.');
  }
  if (up(link) && !candidate.takeDown) {
    const { addresses, routes } = candidate.carries;
    return refuse(
      'interface-up',
      'EPERM',
      addresses.length + routes.length > 0
        ? // To set it down by hand would end every connection over it.
          `it is up and carries ${thingsText(candidate.carries)}, which would be cut off. ${takingText(name, bondName)}`
        : `it is up. Say --take-down to have it taken down first: '${advice('bondwire enslave --take-down {bond} {iface}', { bond: bondName, iface: name })}'.`,
    );
  }
  return ok(undefined);
}

/** True when what an interface sends ends up in the bond: a VLAN, macvlan or bridge on top of it, at whatever height. */
function standsOn(link: Link, bondIfindex: number, links: readonly Link[]): boolean {
  const seen = new Set<number>();
  const reaches = (ifindex: number): boolean => {
    if (ifindex === bondIfindex) return true;
    const upper = links.find(other => other.ifindex === ifindex);
    if (upper === undefined || seen.has(ifindex)) return false;
    seen.add(ifindex);
    const ports = links.filter(other => other.master === ifindex).map(port => port.ifindex);
    // The other end of a pair is no lower device.
    const stacked = !isOneOfTwo(upper) && upper.linkNetnsId === undefined;
    return [...ports, ...(stacked ? [upper.link ?? 0] : [])].some(reaches);
  };
  return reaches(link.ifindex);
}

interface Owner {
  readonly what: string;
  readonly fix: string;
}

/** Who has the receive handler of a device (netdev_is_rx_handler_busy): a bridge or other master, or what is stacked on it. */
function receiveHandlerOwner(link: Link, bond: string, links: readonly Link[]): Owner | undefined {
  const name = link.name ?? '';
  if (link.master !== undefined && link.master !== 0) {
    const master = links.find(other => other.ifindex === link.master);
    const masterName = master?.name ?? `interface ${link.master}`;
    const kind = master?.info?.kind ?? 'master';
    return {
      what: `it is in use as a port of ${masterName} (${kind})`,
      fix: `Take it out first: '${advice('ip link set dev {iface} nomaster', { iface: name })}'.`,
    };
  }
  const stacked = links.find(
    other =>
      other.link === link.ifindex &&
      other.linkNetnsId === undefined &&
      ['macvlan', 'macvtap', 'ipvlan', 'ipvtap'].includes(other.info?.kind ?? ''),
  );
  if (stacked === undefined) return undefined;
  const upper = stacked.name ?? '';
  const kind = stacked.info?.kind ?? 'macvlan';
  const remove = advice('ip link del dev {upper}', { upper });
  const again = advice('ip link add link {bond} name {upper} type {kind}', { bond, upper, kind });
  return {
    what: `it is in use by ${upper} (${kind}), which is stacked on it`,
    fix: `Remove that first ('${remove}'; what it carries goes with it) and put one on the bond afterwards ('${again}').`,
  };
}

/** Addresses that a person gave (not the link-local ones that the kernel makes): they would be cut off on a member. */
export function addressesOfPeople(addresses: readonly Address[], link: Link): Address[] {
  return addresses.filter(address => address.ifindex === link.ifindex && !isAutomatic(address, link));
}

/** A link-local IPv6 address that the kernel made by itself; kernels before 5.18 do not say so, then its form tells. */
function isAutomatic(address: Address, link: Link): boolean {
  const text = ownAddress(address) ?? '';
  if (address.family !== AF_INET6 || !text.startsWith('fe80:')) return false;
  if (address.protocol !== undefined) return address.protocol === IFAPROT_KERNEL_LL;
  if (((address.flags ?? 0) & IFA_F.IFA_F_STABLE_PRIVACY) !== 0) return true;
  return text === linkLocalOf(link.address ?? '');
}

/** The link-local address that EUI-64 makes of a MAC (RFC 4291, appendix A). */
function linkLocalOf(mac: string): string {
  const parsed = parseMac(mac);
  if (!parsed.ok) return '';
  const bytes = new Uint8Array(16);
  bytes.set([0xfe, 0x80]);
  bytes.set(parsed.value.subarray(0, 3), 8);
  bytes.set([0xff, 0xfe], 11);
  bytes.set(parsed.value.subarray(3), 13);
  bytes[8] = (bytes[8] ?? 0) ^ 2;
  return formatIpv6(bytes);
}

/** Routes that a person or a daemon made over an interface; those of the kernel come and go with addresses. */
export function routesOfPeople(routes: readonly Route[], uses: (route: Route) => boolean): Route[] {
  return routes.filter(route => route.protocol !== RTPROT_KERNEL && uses(route));
}

function listed(one: string, several: string, texts: readonly string[]): string[] {
  return texts.length === 0 ? [] : [`the ${texts.length > 1 ? several : one} ${texts.join(', ')}`];
}

function thingsText({ addresses, routes }: Carried): string {
  return [...listed('address', 'addresses', addresses), ...listed('route', 'routes', routes)].join(' and ');
}

/** By hand each step would cut off what the next one is typed over, and lose routes. */
function takingText(iface: string, bond: string): string {
  const taking = advice('bondwire enslave --take-down --take-addresses {bond} {iface}', { bond, iface });
  return `Say --take-addresses to move them to ${bond}: '${taking}'.`;
}

/** The refusal for an interface with addresses or routes, with the command that moves them. */
export function addressRefusal(name: string, bondName: string, carries: Carried): Refusal {
  return refusal(
    'has-addresses',
    'EBUSY',
    `${name} cannot join ${bondName}: it carries ${thingsText(carries)}, which would be cut off. ${takingText(name, bondName)}`,
  );
}
