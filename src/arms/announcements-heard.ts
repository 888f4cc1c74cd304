// What a plain peer hears of announcements: gratuitous ARP requests and unsolicited neighbour advertisements, counted.
import { formatIpv4, formatIpv6 } from '../base/index.js';
import { PacketSocket, requireLink } from '../linux/index.js';
import type { RealHost } from './real-network.js';

const ARP = 0x0806;
const IPV6 = 0x86dd;
const ICMPV6 = 58;
const ADVERTISEMENT = 136;
const SOLICITED = 0x40;

/** The address that a frame announces; null for any other frame. */
function announced(frame: Uint8Array): { kind: 'garp' | 'na'; address: string } | null {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.length < 42) return null;
  const type = view.getUint16(12);
  if (type === ARP && view.getUint16(20) === 1 && view.getUint32(28) === view.getUint32(38)) {
    return { kind: 'garp', address: formatIpv4(frame.slice(28, 32)) };
  }
  if (type !== IPV6 || frame.length < 78 || frame[20] !== ICMPV6 || frame[54] !== ADVERTISEMENT) return null;
  if (((frame[58] ?? 0) & SOLICITED) !== 0) return null;
  return { kind: 'na', address: formatIpv6(frame.slice(62, 78)) };
}

/** Ears of one host, open from its making on. */
export class Ears {
  readonly #sockets: PacketSocket[] = [];
  readonly #known: ReadonlySet<string>;
  #garps: string[] = [];
  #nas = 0;

  /** `known`: the addresses whose advertisements count. */
  constructor(host: RealHost, known: ReadonlySet<string>) {
    this.#known = known;
    for (const { name, addresses = [] } of host.spec.interfaces) {
      if (addresses.length === 0) continue;
      const { ifindex } = requireLink(host.place.netlink, name);
      // Only what may be an announcement: the datagrams of flows would fill the socket.
      for (const protocol of [ARP, IPV6])
        this.#sockets.push(host.place.inside(() => PacketSocket.open({ ifindex, protocol })));
    }
  }

  /** Takes in what was heard so far. */
  listen(): void {
    for (const socket of this.#sockets) {
      for (let frame = socket.receive(); frame !== undefined; frame = socket.receive()) {
        const said = announced(frame.data);
        if (said?.kind === 'garp') this.#garps.push(said.address);
        else if (said !== null && this.#known.has(said.address)) this.#nas++;
      }
    }
  }

  reset(): void {
    this.listen();
    this.#garps = [];
    this.#nas = 0;
  }

  value(property: string): number | null {
    this.listen();
    if (property === 'garps') return this.#garps.length;
    if (property === 'nas') return this.#nas;
    if (!property.startsWith('garps-from:')) return null;
    return this.#garps.filter(address => address === property.slice('garps-from:'.length)).length;
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }
}
