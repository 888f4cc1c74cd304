// Watches a stream from a lab's host to its peer, to tell where packets were lost: by the counters of the lab's interfaces and of
// the machine, and by what came in at the switch.
import { readFileSync } from 'node:fs';
import {
  ETH_P_ALL,
  getLink,
  listLinks,
  PacketSocket,
  requireLink,
  type PacketSocketOptions,
} from '../linux/index.js';
import type { Link } from '../netlink/index.js';
import type { Lab } from './lab.js';
import type { MeterReport } from './loss-meter.js';
import { type Drops, type LossShares, shareOut } from './loss-shares.js';
import { HIGHEST_NUMBER } from './stream-tally.js';
import { MARK, MARK_AT, NUMBER_AT } from './meter-messages.js';

/** Ethernet II with IPv4 without options and UDP. */
const PAYLOAD_AT = 14 + 20 + 8;
/** As long as the payload may wait to be looked at: 64 MiB hold more than 50,000 small packets. */
const BUFFER_BYTES = 64 * 1024 * 1024;
const LOOK_MS = 50;
/** The head of a frame is enough. */
const HEAD_BYTES = 128;
/** What Bondwire calls the lower end of a bond's interface. */
const LOWER_END = /^bwl-/;

/** Where a filter reads the interface index of the frame (linux/filter.h, SKF_AD_OFF + SKF_AD_IFINDEX). */
const IFINDEX_AT = 0xffff_f008;

/** Lets in frames of 59 bytes and more that came in at this interface and have the meter's mark, without looking further. */
function markedAt(ifindex: number): NonNullable<PacketSocketOptions['filter']> {
  return [
    { code: 0x20, whenTrue: 0, whenFalse: 0, value: IFINDEX_AT },
    { code: 0x15, whenTrue: 0, whenFalse: 3, value: ifindex },
    { code: 0x20, whenTrue: 0, whenFalse: 0, value: PAYLOAD_AT + MARK_AT },
    { code: 0x15, whenTrue: 0, whenFalse: 1, value: MARK },
    { code: 0x06, whenTrue: 0, whenFalse: 0, value: HEAD_BYTES },
    { code: 0x06, whenTrue: 0, whenFalse: 0, value: 0 },
  ];
}

/** For all interfaces: a socket of one interface gets nothing any more once that is closed, also not what waited in a queue before. */
const EVERY_INTERFACE = 0;

function socketAt(ifindex: number): PacketSocket {
  return PacketSocket.open({
    ifindex: EVERY_INTERFACE,
    protocol: ETH_P_ALL,
    filter: markedAt(ifindex),
    receiveBufferBytes: BUFFER_BYTES,
    maxFrameBytes: HEAD_BYTES,
  });
}

interface WatchedPort {
  readonly member: string;
  readonly silencedBefore: number;
  readonly socket: PacketSocket;
  /** Numbers that came in. */
  readonly seen: Set<number>;
}

/** Looks at the ports of a lab's switch from now until `shares`. One stream at a time. */
export class StreamWatch {
  readonly #lab: Lab;
  readonly #ports: readonly WatchedPort[];
  readonly #timer: NodeJS.Timeout;
  readonly #swallowedBefore: number;
  readonly #before: Omit<Drops, 'swallowed'>;
  #open = true;

  constructor(lab: Lab) {
    this.#lab = lab;
    this.#ports = lab.inside('switch', () =>
      Object.entries(lab.cables).map(([member, port]) => ({
        member,
        silencedBefore: lab.timesSilenced(member),
        seen: new Set<number>(),
        socket: socketAt(requireLink(lab.netlink('switch'), port).ifindex),
      })),
    );
    this.#timer = setInterval(() => this.#drain(), LOOK_MS).unref();
    this.#swallowedBefore = lab.swallowed;
    this.#before = dropsOf(lab);
  }

  #drain(): void {
    for (const { socket, seen } of this.#ports) {
      for (let frame = socket.receive(); frame !== undefined; frame = socket.receive()) {
        const view = new DataView(frame.data.buffer, frame.data.byteOffset, frame.data.byteLength);
        const high = view.getUint32(PAYLOAD_AT + NUMBER_AT);
        const number = view.getUint32(PAYLOAD_AT + NUMBER_AT + 4);
        if (high === 0 && number <= HIGHEST_NUMBER) seen.add(number);
      }
    }
  }

  /** Ends the watch and accounts for each packet that the report has as lost. */
  shares(report: MeterReport): LossShares {
    this.close();
    const after = dropsOf(this.#lab);
    // What a bond sends into a silent port is lost by the bond.
    const open = this.#ports.filter(
      ({ member, silencedBefore }) => this.#lab.timesSilenced(member) === silencedBefore,
    );
    return shareOut(report, number => open.some(({ seen }) => seen.has(number)), {
      swallowed: this.#lab.swallowed - this.#swallowedBefore,
      lower: after.lower - this.#before.lower,
      ports: after.ports - this.#before.ports,
      processors: after.processors - this.#before.processors,
    });
  }

  /** Ends the watch. A second call does nothing. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#drain();
    clearInterval(this.#timer);
    for (const { socket } of this.#ports) socket.close();
  }
}

function dropped(links: readonly (Link | undefined)[]): number {
  return links.reduce((all, link) => all + (link?.statistics?.rxDropped ?? 0), 0);
}

function dropsOf(lab: Lab): Omit<Drops, 'swallowed'> {
  const lowers = listLinks(lab.netlink('host')).filter(link => LOWER_END.test(link.name ?? ''));
  const ports = Object.values(lab.cables).map(port => getLink(lab.netlink('switch'), port));
  return { lower: dropped(lowers), ports: dropped(ports), processors: droppedByProcessors() };
}

/** The second column of /proc/net/softnet_stat, of all processors. */
function droppedByProcessors(): number {
  const lines = readFileSync('/proc/net/softnet_stat', 'latin1').trim().split('\n');
  return lines.reduce((sum, line) => sum + Number.parseInt(line.split(' ')[1] ?? '0', 16), 0);
}
