// balance-alb: the table of clients: which member each is to send to (rx_hashtbl of bond_alb.c). It knows no bond, only the members that
// can send.
import type { MacText } from '../../base/index.js';
import type { MemberIndex } from '../contract.js';

/** RLB_HASH_TABLE_SIZE: places of the table. */
export const CLIENT_PLACES = 256;
/** RLB_UPDATE_RETRY: so often clients are told again after a member was lost. */
const RETRIES = 3;

/** Whom one of our IP addresses talks with, and by which member it is to answer. Addresses as dotted quads. */
export interface AlbClient {
  readonly place: number;
  ourIp: string;
  ip: string;
  /** The MAC address that our ARP packets came with before they were given out. */
  ourMac: MacText;
  /** Zero until it has answered. */
  mac: MacText;
  /** Null while there was none that could take it. */
  member: MemberIndex | null;
  /** The whole field of its VLAN tag; 0: none. */
  tci: number;
  /** It is to be told its member's address. */
  mustTell: boolean;
}

/** What a bond in balance-alb knows; counters in ticks. */
export interface AlbState {
  /** The newest place first. */
  clients: AlbClient[];
  /** Who was given out last (rx_slave). */
  lastGiven: MemberIndex | null;
  /** Somebody is to be told (rx_ntt). */
  mustTell: boolean;
  /** Ticks until then; they pass only while somebody is to be told. */
  delayTicks: number;
  retries: number;
  /** All are to be dealt out anew at the next tick (rlb_rebalance). */
  mustDeal: boolean;
  /** Ticks since learning packets were sent. */
  learnTicks: number;
  /** The active member takes in everything for so many ticks now; null: it does not. */
  promiscuousTicks: number | null;
  /** Clients of a member that was lost are told before anything else is done; better than the driver. */
  isUrgent: boolean;
  /** Ticks before the timer is due that find nothing to do. */
  idleTicks: number;
}

/** A member that can send, as far as it matters here. */
export interface Receiver {
  readonly member: MemberIndex;
  readonly address: MacText;
  /** Null: not known, which the driver holds for the fastest. */
  readonly speedMbps: number | null;
}

/** ARP for IPv4: who asks or answers whom. */
export interface ArpSeen {
  readonly isReply: boolean;
  readonly senderMac: MacText;
  readonly senderIp: string;
  readonly targetMac: MacText;
  readonly targetIp: string;
  readonly tci: number;
}

export function newAlbState(): AlbState {
  return {
    clients: [],
    lastGiven: null,
    mustTell: false,
    delayTicks: 0,
    retries: 0,
    mustDeal: false,
    learnTicks: 0,
    promiscuousTicks: null,
    isUrgent: false,
    idleTicks: 0,
  };
}

const NOBODY: MacText = '00:00:00:00:00:00';

/** is_valid_ether_addr. */
export function isStation(mac: MacText): boolean {
  return mac !== NOBODY && (Number.parseInt(mac.slice(0, 2), 16) & 1) === 0;
}

/** _simple_hash: all bytes of the address, one over the other. */
export function placeOf(ip: string): number {
  return ip.split('.').reduce((hash, octet) => hash ^ Number(octet), 0);
}

/** Who is given out next (__rlb_next_rx_slave): the fastest behind the last one, or a faster one from the start on. `able` in the order of joining. */
export function nextReceiver(able: readonly Receiver[], last: MemberIndex | null): Receiver | null {
  const at = able.findIndex(({ member }) => member === last);
  const fastest = (some: readonly Receiver[]): Receiver | null =>
    some.reduce<Receiver | null>(
      (best, each) => (best === null || speed(best) < speed(each) ? each : best),
      null,
    );
  // Where the last one cannot send any more, all come before it.
  const before = fastest(at === -1 ? able : able.slice(0, at + 1));
  const after = fastest(at === -1 ? [] : able.slice(at + 1));
  if (after === null) return before;
  return before !== null && speed(after) < speed(before) ? before : after;
}

function speed({ speedMbps }: Receiver): number {
  return speedMbps ?? 0xffff_ffff;
}

function give(alb: AlbState, able: readonly Receiver[]): MemberIndex | null {
  const next = nextReceiver(able, alb.lastGiven);
  if (next !== null) alb.lastGiven = next.member;
  return next?.member ?? null;
}

function mark(alb: AlbState, client: AlbClient): void {
  client.mustTell = true;
  alb.mustTell = true;
}

export function clientOf(
  { clients }: Pick<AlbState, 'clients'>,
  arp: Pick<ArpSeen, 'senderIp' | 'targetIp'>,
): AlbClient | null {
  const place = placeOf(arp.targetIp);
  const client = clients.find(each => each.place === place);
  return client?.ip === arp.targetIp && client.ourIp === arp.senderIp ? client : null;
}

/**
 * We ask a client or answer it: it gets its member (rlb_choose_channel). Two clients of one place cannot be: the one that was there goes
 * to the active member, and comes back as it was to be told then; null: nobody is to be told.
 */
export function chooseMember(
  alb: AlbState,
  arp: ArpSeen,
  able: readonly Receiver[],
  active: MemberIndex | null,
): AlbClient | null {
  const place = placeOf(arp.targetIp);
  const known = alb.clients.find(each => each.place === place) ?? null;
  const isSame = known !== null && known.ip === arp.targetIp && known.ourIp === arp.senderIp;
  if (isSame) {
    if (arp.targetMac !== 'ff:ff:ff:ff:ff:ff') known.mac = arp.targetMac;
    known.ourMac = arp.senderMac;
    if (known.member !== null) return null;
  }
  const isMoved = known !== null && !isSame && active !== null && known.member !== active;
  const moved = isMoved ? { ...known, member: active } : null;
  const member = give(alb, able);
  if (member === null) {
    if (known !== null && moved !== null) known.member = active;
    return moved;
  }
  const client: AlbClient = {
    place,
    ourIp: arp.senderIp,
    ip: arp.targetIp,
    ourMac: arp.senderMac,
    mac: arp.targetMac,
    member,
    tci: arp.tci,
    mustTell: false,
  };
  if (isStation(client.mac)) mark(alb, client);
  // The place stays where it is in the order.
  if (known === null) alb.clients.unshift(client);
  else alb.clients[alb.clients.indexOf(known)] = client;
  return moved;
}

/** We asked, and everybody heard the bond's address: those who talk with this address of ours and have another are told again (rlb_req_update_subnet_clients). */
export function askedBroadcast(
  alb: AlbState,
  ourIp: string,
  hasBondAddress: (member: MemberIndex) => boolean,
): void {
  for (const client of alb.clients) {
    if (client.member === null || client.ourIp !== ourIp || hasBondAddress(client.member)) continue;
    if (isStation(client.mac)) mark(alb, client);
  }
}

/** False where ARP that came in changes nothing. */
export function isNews(alb: Pick<AlbState, 'clients'>, arp: ArpSeen): boolean {
  if (alb.clients.some(({ ourIp, ourMac }) => ourIp === arp.senderIp && ourMac !== arp.senderMac))
    return true;
  const client = arp.isReply ? clientOf(alb, { senderIp: arp.targetIp, targetIp: arp.senderIp }) : null;
  return client !== null && client.mac !== arp.senderMac;
}

/** ARP came in (rlb_arp_recv): somebody else has an address of ours now, or a client has another MAC address. */
export function arpHeard(alb: AlbState, arp: ArpSeen): void {
  alb.clients = alb.clients.filter(({ ourIp, ourMac }) => ourIp !== arp.senderIp || ourMac === arp.senderMac);
  if (!arp.isReply) return;
  const client = clientOf(alb, { senderIp: arp.targetIp, targetIp: arp.senderIp });
  if (client === null || client.mac === arp.senderMac) return;
  client.mac = arp.senderMac;
  mark(alb, client);
}

/** A member has another address, or its address is elsewhere: its clients are told (rlb_req_update_slave_clients). */
export function tellClientsOf(alb: AlbState, member: MemberIndex): void {
  const theirs = alb.clients.filter(client => client.member === member && isStation(client.mac));
  for (const client of theirs) mark(alb, client);
  if (theirs.length > 0) alb.retries = RETRIES;
}

/** A member is lost: its clients go to the others (rlb_clear_slave). */
export function moveClientsOf(alb: AlbState, lost: MemberIndex, able: readonly Receiver[]): void {
  for (const client of alb.clients) {
    if (client.member !== lost) continue;
    client.member = give(alb, able);
    if (client.member === null || !isStation(client.mac)) continue;
    mark(alb, client);
    alb.retries = RETRIES;
  }
}

/** All are dealt out anew, as a member came (rlb_rebalance). */
export function dealAnew(alb: AlbState, able: readonly Receiver[]): void {
  for (const client of alb.clients) {
    const member = give(alb, able);
    if (member === null || member === client.member) continue;
    client.member = member;
    if (client.mac !== NOBODY) mark(alb, client);
  }
}
