// What the ARP monitor of a simulated bond is told: when each member last received, and what may answer its questions;
// the part of the receive program and the daemon.
import { unreachable } from '../base/index.js';
import type { Heard, HeardAnswer, ProbeRoute } from '../policy/index.js';
import { parseProbeAnswer, solicitedNode } from '../frames/index.js';
import { type Frame, isGroup } from './frame.js';
import { splitCidr } from './ip-stack.js';

export class Hearing {
  readonly #heard = new Map<number, Heard>();

  /** Notes a frame that a member took in; what may answer a question, else null. */
  received(member: number, frame: Frame, atMs: number): HeardAnswer | null {
    const answer = answerIn(member, frame, atMs);
    const before = this.#heard.get(member);
    const probeLikeMs = answer === null ? (before?.probeLikeMs ?? null) : atMs;
    this.#heard.set(member, { member, anyMs: atMs, probeLikeMs });
    return answer;
  }

  all(): readonly Heard[] {
    return [...this.#heard.values()];
  }

  forget(member: number): void {
    this.#heard.delete(member);
  }
}

function answerIn(member: number, { cargo, destination }: Frame, atMs: number): HeardAnswer | null {
  switch (cargo.kind) {
    case 'packet':
      return null;
    case 'ask':
    case 'answer': {
      const protocol = cargo.ip.includes(':') ? 'nd' : 'arp';
      const isReply = cargo.kind === 'answer';
      // A question after an IPv6 address goes to its group.
      const asked = isGroup(destination) ? (solicitedNode(cargo.ip)?.group ?? cargo.ip) : cargo.ip;
      const [sender, target] = cargo.kind === 'answer' ? [cargo.ip, cargo.to] : [cargo.from, asked];
      return { member, atMs, protocol, isReply, sender, target, destination };
    }
    case 'bytes': {
      const read = parseProbeAnswer(cargo.bytes);
      return read.ok ? { member, atMs, ...read.value } : null;
    }
    default:
      return unreachable(cargo);
  }
}

/** All targets are reached through the bond, by its first address of their kind. */
export function routesTo(targets: readonly string[], addresses: readonly string[]): ProbeRoute[] {
  const own = addresses.map(each => splitCidr(each).address);
  return targets.map(target => {
    const sender = own.find(each => each.includes(':') === target.includes(':'));
    return sender === undefined ? { target, path: 'none' } : { target, path: 'bond', sender, vlans: [] };
  });
}
