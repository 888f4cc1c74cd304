// Sends the frames of a bond itself: out of its own interface or one that stands on it, so that captures and counters see them.
import { getLink, PacketSocket } from '../linux/index.js';
import type { Machine } from './machine.js';

/** Sockets are kept open: closing one waits for all processors (synchronize_net), some 20 ms. */
export class FrameSender {
  readonly #machine: Pick<Machine, 'netlink' | 'ethtool'>;
  readonly #sockets = new Map<number, PacketSocket>();

  constructor(machine: Pick<Machine, 'netlink' | 'ethtool'>) {
    this.#machine = machine;
  }

  /** Sends a frame; throws SystemError. Quiet when the device is gone. */
  send(device: number, frame: Uint8Array): void {
    const link = getLink(this.#machine.netlink, device);
    if (link?.name === undefined) {
      this.#closeSocket(device);
      return;
    }
    // Asking makes the kernel finish a carrier change that it holds back; until then it would swallow the frame.
    this.#machine.ethtool.linkDetected(link.name);
    const socket = this.#sockets.get(device) ?? PacketSocket.open({ ifindex: device, protocol: 0 });
    this.#sockets.set(device, socket);
    try {
      socket.send(frame);
    } catch (error) {
      this.#closeSocket(device);
      throw error;
    }
  }

  close(): void {
    for (const device of Array.from(this.#sockets.keys())) this.#closeSocket(device);
  }

  #closeSocket(device: number): void {
    this.#sockets.get(device)?.close();
    this.#sockets.delete(device);
  }
}
