// Frames as they arrive at an interface, kept for counting.
import { ETH_P_ALL, PacketSocket } from '../../src/linux/index.js';
import type { PlaceName } from '../../src/lab/index.js';
import type { Stage } from './stage.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** What arrives from now on. */
export class Listener {
  readonly #socket: PacketSocket;
  readonly frames: Buffer[] = [];

  /** On an interface of a place of the lab. */
  constructor(stage: Stage, place: PlaceName, name: string) {
    const ifindex = stage.lab.link(place, name)?.ifindex ?? 0;
    this.#socket = stage.lab.inside(place, () => PacketSocket.open({ ifindex, protocol: ETH_P_ALL }));
    this.#socket.watch(frame => this.frames.push(Buffer.from(frame.data)));
  }

  /** Gratuitous ARP requests for an address: sender and target are the same. */
  gratuitousArps(ip: string): Buffer[] {
    const address = hex(Uint8Array.from(ip.split('.'), Number));
    return this.frames.filter(
      frame =>
        frame.readUInt16BE(12) === 0x0806 &&
        frame.readUInt16BE(20) === 1 &&
        hex(frame.subarray(28, 32)) === address &&
        hex(frame.subarray(38, 42)) === address,
    );
  }

  /** Unsolicited neighbour advertisements to all nodes, by target (32 hexadecimal digits). */
  advertisements(): string[] {
    return this.frames
      .filter(frame => frame.readUInt16BE(12) === 0x86dd && frame[20] === 58 && frame[54] === 136)
      .filter(frame => hex(frame.subarray(38, 54)) === 'ff020000000000000000000000000001')
      .map(frame => hex(frame.subarray(62, 78)));
  }

  /** IGMP messages. */
  igmp(): Buffer[] {
    return this.frames.filter(frame => frame.readUInt16BE(12) === 0x0800 && frame[23] === 2);
  }

  /** Frames with this source address. */
  from(mac: string): Buffer[] {
    return this.frames.filter(frame => hex(frame.subarray(6, 12)) === mac.replaceAll(':', ''));
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}
