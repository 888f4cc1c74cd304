// Flows of a scenario as real datagrams: numbered, each offered to the kernel once, counted strictly where they arrive.
import { PacketSocket, requireLink, UdpBatch, ETH_P_ALL } from '../linux/index.js';
import type { Place } from '../lab/index.js';
import { FIRST_FLOW_PORT, type FlowSpec, type Value } from '../simulator/index.js';
import type { RealHost } from './real-network.js';

/** How often flows are looked at. */
const TURN_MS = 5;
/** Number of a datagram that only makes the peers known to each other. */
const WARM_UP = 0xffff_ffff;
const SMALLEST = 8;
const UDP = 17;
/** PACKET_OUTGOING. */
const OUTGOING = 4;

/** Where it is seen which of a host's interfaces sent a frame: at the interface as it leaves, or where its cable ends. */
export interface Tap {
  readonly place: Place;
  readonly name: string;
  readonly isFar: boolean;
}

export type TapOf = (host: RealHost, name: string) => Tap | undefined;

/** One flow: sender and receiver, in this process. */
class RealFlow {
  readonly spec: FlowSpec;
  readonly #intervalMs: number;
  readonly #planned: number;
  readonly #out: UdpBatch;
  readonly #in: UdpBatch;
  readonly #taps: { readonly name: string; readonly isFar: boolean; readonly socket: PacketSocket }[] = [];
  readonly #port: number;
  readonly #seen: Uint8Array;
  #sent = 0;
  #received = 0;
  #duplicated = 0;
  #lastMs: number;
  #longestMs = 0;
  #carriers = new Set<string>();

  constructor(spec: FlowSpec, from: RealHost, to: RealHost, nth: number, tapOf?: TapOf) {
    this.spec = spec;
    this.#intervalMs = 1000 / spec.packetsPerSecond;
    this.#planned = Math.max(0, Math.floor((spec.endMs - spec.startMs) / this.#intervalMs));
    this.#seen = new Uint8Array(this.#planned);
    this.#lastMs = spec.startMs;
    this.#port = FIRST_FLOW_PORT + nth;
    const any = spec.address.includes(':') ? '::' : '0.0.0.0';
    const payloadBytes = Math.max(SMALLEST, spec.bytes);
    this.#in = to.place.inside(() =>
      UdpBatch.open({ local: { address: any, port: this.#port }, payloadBytes }),
    );
    this.#out = from.place.inside(() =>
      UdpBatch.open({
        local: { address: any, port: this.#port },
        remote: { address: spec.address, port: this.#port },
        batch: 1,
        payloadBytes,
      }),
    );
    for (const { name } of from.spec.interfaces) {
      const tap = tapOf?.(from, name);
      if (tap === undefined) continue;
      const { place, isFar } = tap;
      const { ifindex } = requireLink(place.netlink, tap.name);
      const socket = place.inside(() =>
        PacketSocket.open({ ifindex, protocol: ETH_P_ALL, ignoreOutgoing: false }),
      );
      this.#taps.push({ name, isFar, socket });
    }
  }

  #send(number: number): void {
    new DataView(this.#out.outgoing.buffer, this.#out.outgoing.byteOffset).setUint32(0, number);
    this.#out.send(1);
  }

  warmUp(): void {
    this.#send(WARM_UP);
  }

  turn(nowMs: number): void {
    const due = Math.min(this.#planned, Math.floor((nowMs - this.spec.startMs) / this.#intervalMs) + 1);
    while (this.#sent < due) this.#send(this.#sent++);
    this.#receive(nowMs);
    for (const { name, isFar, socket } of this.#taps) {
      for (let frame = socket.receive(); frame !== undefined; frame = socket.receive()) {
        if ((frame.packetType === OUTGOING) !== isFar && isOf(frame.data, this.#port))
          this.#carriers.add(name);
      }
    }
  }

  #receive(nowMs: number): void {
    const view = new DataView(this.#in.incoming.buffer, this.#in.incoming.byteOffset);
    for (let count = this.#in.receive(); count > 0; count = this.#in.receive()) {
      for (let slot = 0; slot < count; slot++) {
        const number = view.getUint32(slot * this.#in.stride);
        if (number >= this.#planned) continue;
        if (this.#seen[number] === 1) {
          this.#duplicated++;
          continue;
        }
        this.#seen[number] = 1;
        this.#received++;
        this.#longestMs = Math.max(this.#longestMs, nowMs - this.#lastMs);
        this.#lastMs = nowMs;
      }
    }
  }

  value(property: string, nowMs: number): Value {
    switch (property) {
      case 'sent':
        return this.#sent;
      case 'received':
        return this.#received;
      case 'lost':
        return this.#sent - this.#received;
      case 'duplicated':
        return this.#duplicated;
      case 'longest-gap':
        return Math.round(Math.max(this.#longestMs, Math.min(nowMs, this.spec.endMs) - this.#lastMs));
      case 'carried-by': {
        const text = [...this.#carriers].toSorted().join(' ');
        this.#carriers.clear();
        return text;
      }
      default:
        return null;
    }
  }

  close(): void {
    this.#in.close();
    this.#out.close();
    for (const { socket } of this.#taps) socket.close();
  }
}

/** True for an IPv4 datagram to this UDP port, whose header has no options. */
function isOf(frame: Uint8Array, port: number): boolean {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.length < 42 || view.getUint16(12) !== 0x0800 || frame[23] !== UDP) return false;
  return view.getUint16(36) === port;
}

/** All flows of a scenario. */
export class RealFlows {
  readonly #flows: RealFlow[] = [];
  #timer: NodeJS.Timeout | undefined;
  #now: () => number = () => 0;

  /** `tapOf` says where to look for the flows of `wantCarriers`. */
  constructor(
    specs: readonly FlowSpec[],
    hosts: readonly RealHost[],
    wantCarriers: ReadonlySet<string>,
    tapOf: TapOf,
  ) {
    try {
      for (const [nth, spec] of specs.entries()) {
        const from = hosts.find(host => host.spec.name === spec.from);
        const to = hosts.find(host => host.spec.name === spec.to);
        if (from === undefined || to === undefined) throw new Error(`Flow ${spec.name} has no host`);
        this.#flows.push(new RealFlow(spec, from, to, nth, wantCarriers.has(spec.name) ? tapOf : undefined));
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  warmUp(): void {
    for (const flow of this.#flows) flow.warmUp();
  }

  /** From now on datagrams go out by the timetable; `now` gives the scenario's time. */
  start(now: () => number): void {
    this.#now = now;
    this.#timer = setInterval(() => this.turn(), TURN_MS);
  }

  turn(): void {
    const nowMs = this.#now();
    if (nowMs >= 0) for (const flow of this.#flows) flow.turn(nowMs);
  }

  value(name: string, property: string, nowMs: number): Value {
    return this.#flows.find(flow => flow.spec.name === name)?.value(property, nowMs) ?? null;
  }

  close(): void {
    clearInterval(this.#timer);
    for (const flow of this.#flows) flow.close();
  }
}
