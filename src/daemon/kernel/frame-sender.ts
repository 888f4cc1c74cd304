// Sends the frames of a bond itself: out of its own interface or one that stands on it, so that captures and counters see them.
import { probeFrame, tagFrame } from '../../frames/index.js';
import { getLink, isErrno, PacketSocket } from '../../linux/index.js';
import type { Output } from '../../policy/index.js';
import type { Machine } from './machine.js';
import { elsewhereAt } from './stack-elsewhere.js';

function questionFrom(address: string, question: Extract<Output, { kind: 'probe' }>): Uint8Array {
  const { sender, target, vlans, source } = question;
  const frame = probeFrame({ mac: source ?? address, sender, target, vlans });
  if (!frame.ok) throw new Error(`No question to ${target} could be made: ${frame.error}`);
  return frame.value;
}

/** Sockets are kept open: closing one waits for all processors (synchronize_net), some 20 ms. */
export class FrameSender {
  readonly #machine: Pick<Machine, 'netlink' | 'ethtool'>;
  readonly #sockets = new Map<number, PacketSocket>();

  constructor(machine: Pick<Machine, 'netlink' | 'ethtool'>) {
    this.#machine = machine;
  }

  /** Sends a frame; throws SystemError. Quiet when the device is gone. For one in another namespace, out of what it stands on here. */
  send(device: number, frame: Uint8Array): void {
    const elsewhere = elsewhereAt(this.#machine.netlink, device);
    if (elsewhere === undefined) this.#send(device, frame);
    else this.#send(elsewhere.below, tagFrame(frame, elsewhere.tags));
  }

  #send(device: number, frame: Uint8Array): void {
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

  /** Sends a frame, or asks a target with the member's own MAC address, through one member past its qdisc. Quiet when the device is gone. */
  sendThrough(output: Extract<Output, { kind: 'probe' | 'send-through' }>): void {
    const { member } = output;
    const frame = output.kind === 'send-through' ? output.frame : this.#question(output);
    if (frame === undefined) {
      this.#closeSocket(member);
      return;
    }
    try {
      const socket =
        this.#sockets.get(member) ?? PacketSocket.open({ ifindex: member, protocol: 0, qdiscBypass: true });
      this.#sockets.set(member, socket);
      socket.send(frame);
    } catch (error) {
      this.#closeSocket(member);
      if (!isErrno(error, 'ENODEV', 'ENXIO')) throw error;
    }
  }

  /** Undefined when the member is gone. */
  #question(question: Extract<Output, { kind: 'probe' }>): Uint8Array | undefined {
    const address = getLink(this.#machine.netlink, question.member)?.address;
    return address === undefined ? undefined : questionFrom(address, question);
  }

  close(): void {
    for (const device of Array.from(this.#sockets.keys())) this.#closeSocket(device);
  }

  #closeSocket(device: number): void {
    this.#sockets.get(device)?.close();
    this.#sockets.delete(device);
  }
}
