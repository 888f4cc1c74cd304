// The little of a host's IP stack that failover can be seen by: neighbour tables that announcements correct, packets that
// wait for an answer, and counting. (simulator)
import {
  BROADCAST_MAC,
  formatIpv4,
  formatIpv6,
  formatMac,
  type MacText,
  parseIpv4,
  parseIpv6,
} from '../base/index.js';
import {
  ARP_OPERATION,
  ETHERTYPE,
  parseArp,
  parseEthernet,
  parseIpv6Header,
  parseNdisc,
} from '../frames/index.js';
import type { Clock } from './clock.js';
import type { FlowRun } from './flow.js';
import { type Cargo, type Frame, isGroup } from './frame.js';

/** An interface with addresses: a plain one or a bond. */
export interface IpDevice {
  readonly name: string;
  readonly mac: MacText;
  /** `192.0.2.1/24`. */
  readonly addresses: readonly string[];
  readonly carrier: boolean;
  canTransmit(): boolean;
  transmit(frame: Frame): void;
}

interface Neighbour {
  mac: MacText | null;
  confirmedMs: number;
  asked: number;
  askedMs: number;
  readonly waiting: Cargo[];
}

/** Linux: base_reachable_time, mcast_solicit and ucast_solicit, retrans_time, and what unres_qlen_bytes (208 KiB) holds of small packets. */
const REACHABLE_MS = 30_000;
const QUESTIONS = 3;
const ASK_EVERY_MS = 1000;
const MOST_WAITING = 256;

function addressBytes(text: string): Uint8Array {
  const four = parseIpv4(text);
  if (four.ok) return four.value;
  const six = parseIpv6(text);
  return six.ok ? six.value : new Uint8Array();
}

/** The one spelling of an address. */
export function canonical(text: string): string {
  const bytes = addressBytes(text);
  return bytes.length === 4 ? formatIpv4(bytes) : formatIpv6(bytes);
}

/** Address and prefix length of `192.0.2.1/24`. */
export function splitCidr(cidr: string): { readonly address: string; readonly prefix: number } {
  const [address = '', prefix = '0'] = cidr.split('/');
  return { address: canonical(address), prefix: Number(prefix) };
}

function sameNet(a: string, b: string, prefix: number): boolean {
  const [one, other] = [addressBytes(a), addressBytes(b)];
  if (one.length !== other.length) return false;
  for (let bit = 0; bit < prefix; bit++) {
    const mask = 0x80 >> (bit & 7);
    if (((one[bit >> 3] ?? 0) & mask) !== ((other[bit >> 3] ?? 0) & mask)) return false;
  }
  return true;
}

export class IpStack {
  readonly garps: Map<string, number> = new Map();
  nas: number = 0;
  devices: readonly IpDevice[] = [];
  readonly #clock: Clock;
  readonly #neighbours = new Map<string, Neighbour>();
  /** How each device stood when it was last looked at. */
  readonly #stood = new Map<IpDevice, string>();
  readonly #routes = new Map<string, { device: IpDevice; own: string } | null>();
  readonly #duplicate: (flow: FlowRun, sequence: number) => void;

  constructor(clock: Clock, duplicate: (flow: FlowRun, sequence: number) => void) {
    this.#clock = clock;
    this.#duplicate = duplicate;
  }

  setDevices(devices: readonly IpDevice[]): void {
    this.devices = devices;
    this.#routes.clear();
    this.#neighbours.clear();
  }

  /** All gratuitous ARP requests, or those of one address. */
  garpCount(ip?: string): number {
    if (ip !== undefined) return this.garps.get(canonical(ip)) ?? 0;
    let sum = 0;
    for (const count of this.garps.values()) sum += count;
    return sum;
  }

  /** Counting starts anew. */
  resetCounters(): void {
    this.garps.clear();
    this.nas = 0;
  }

  /** A packet for an address; it waits while the neighbour is asked for. */
  send(ip: string, cargo: Cargo): void {
    const route = this.#route(ip);
    if (route === null) return;
    this.#forget(route.device);
    if (cargo.kind === 'packet') cargo.flow.source = route.own;
    if (!route.device.canTransmit()) return;
    const neighbour = this.#neighbour(ip);
    if (neighbour.mac === null) {
      if (neighbour.waiting.length < MOST_WAITING) neighbour.waiting.push(cargo);
      this.#ask(ip, neighbour);
      return;
    }
    if (this.#clock.now - neighbour.confirmedMs > REACHABLE_MS) this.#ask(ip, neighbour);
    route.device.transmit({ destination: neighbour.mac, source: route.device.mac, cargo });
  }

  /** Neighbours are forgotten with the carrier, when the device is down, and with its own address (neigh_carrier_down, neigh_changeaddr). */
  #forget(device: IpDevice): void {
    const stands = `${device.mac} ${device.carrier && device.canTransmit()}`;
    const stood = this.#stood.get(device);
    this.#stood.set(device, stands);
    if (stood === undefined || stood === stands || (stands.endsWith('true') && stood.startsWith(device.mac)))
      return;
    for (const [ip, neighbour] of this.#neighbours) {
      if (this.#route(ip)?.device !== device) continue;
      neighbour.mac = null;
      neighbour.asked = 0;
    }
  }

  receive(device: IpDevice, frame: Frame): void {
    if (frame.destination !== device.mac && !isGroup(frame.destination)) return;
    const { cargo } = frame;
    switch (cargo.kind) {
      case 'packet':
        if (cargo.flow.arrived(cargo.sequence, this.#clock.now)) this.#duplicate(cargo.flow, cargo.sequence);
        return;
      case 'ask':
        this.#learn(cargo.from, cargo.sender ?? frame.source, false);
        if (device.addresses.some(each => splitCidr(each).address === cargo.ip)) {
          const answer: Cargo = { kind: 'answer', ip: cargo.ip, to: cargo.from };
          const destination = cargo.sender ?? frame.source;
          device.transmit({ destination, source: device.mac, cargo: answer });
        }
        return;
      case 'answer':
        this.#learn(cargo.ip, cargo.sender ?? frame.source, true);
        return;
      case 'bytes':
        this.#announced(cargo.bytes);
        return;
    }
  }

  #announced(bytes: Uint8Array): void {
    const header = parseEthernet(bytes);
    if (!header.ok) return;
    const at = header.value.payloadOffset;
    if (header.value.etherType === ETHERTYPE.ARP) {
      const arp = parseArp(bytes, at);
      if (!arp.ok) return;
      const ip = formatIpv4(arp.value.senderIp);
      const isGratuitous = ip === formatIpv4(arp.value.targetIp);
      if (isGratuitous && arp.value.operation === ARP_OPERATION.REQUEST) {
        this.garps.set(ip, (this.garps.get(ip) ?? 0) + 1);
      }
      this.#learn(ip, formatMac(arp.value.senderMac), false);
    } else if (header.value.etherType === ETHERTYPE.IPV6) {
      this.#advertised(bytes, at);
    }
  }

  #advertised(bytes: Uint8Array, at: number): void {
    const ip = parseIpv6Header(bytes, at);
    if (!ip.ok) return;
    const { source, destination, payloadOffset, payloadEnd } = ip.value;
    const message = parseNdisc(source, destination, bytes, payloadOffset, payloadEnd);
    if (!message.ok || message.value.kind !== 'advertisement' || message.value.linkAddress === null) return;
    if (!message.value.solicited) this.nas++;
    this.#learn(formatIpv6(message.value.target), formatMac(message.value.linkAddress), false);
  }

  #route(ip: string): { device: IpDevice; own: string } | null {
    const known = this.#routes.get(ip);
    if (known !== undefined) return known;
    let found: { device: IpDevice; own: string } | null = null;
    for (const device of this.devices) {
      for (const cidr of device.addresses) {
        const { address, prefix } = splitCidr(cidr);
        if (found === null && sameNet(address, ip, prefix)) found = { device, own: address };
      }
    }
    this.#routes.set(ip, found);
    return found;
  }

  #neighbour(ip: string): Neighbour {
    const known = this.#neighbours.get(ip);
    if (known !== undefined) return known;
    const made: Neighbour = { mac: null, confirmedMs: 0, asked: 0, askedMs: -Infinity, waiting: [] };
    this.#neighbours.set(ip, made);
    return made;
  }

  /** An announcement corrects an entry; only an answer, or a question for us, makes one. */
  #learn(ip: string, mac: MacText, create: boolean): void {
    const neighbour = create ? this.#neighbour(ip) : this.#neighbours.get(ip);
    if (neighbour === undefined) return;
    neighbour.mac = mac;
    neighbour.confirmedMs = this.#clock.now;
    neighbour.asked = 0;
    const waiting = neighbour.waiting.splice(0);
    for (const cargo of waiting) this.send(ip, cargo);
  }

  #ask(ip: string, neighbour: Neighbour): void {
    const { now } = this.#clock;
    if (now - neighbour.askedMs < ASK_EVERY_MS) return;
    const route = this.#route(ip);
    if (route === null || !route.device.canTransmit()) return;
    if (neighbour.asked >= QUESTIONS) {
      neighbour.mac = null;
      neighbour.asked = 0;
      neighbour.waiting.length = 0;
    }
    neighbour.asked++;
    neighbour.askedMs = now;
    const { device, own } = route;
    const cargo: Cargo = { kind: 'ask', ip, from: own };
    device.transmit({ destination: neighbour.mac ?? BROADCAST_MAC, source: device.mac, cargo });
    this.#clock.after(ASK_EVERY_MS, () => {
      const stale = neighbour.mac === null ? neighbour.waiting.length > 0 : neighbour.asked > 0;
      if (stale) this.#ask(ip, neighbour);
    });
  }
}
