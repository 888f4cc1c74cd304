// The keeper's frames by Linux: packet sockets out of the bond and through members, and ears on members.
import type { Frames } from '../../keeper/index.js';
import type { BondDataPlane } from '../../dataplane/index.js';
import type { Heard, HeardAnswer, MemberIndex, Output, ProbeRoute, TimeMs } from '../../policy/index.js';
import { ArpEars } from '../kernel/arp-ears.js';
import { FrameSender } from '../kernel/frame-sender.js';
import type { Machine } from '../kernel/machine.js';
import { MonitorSenses } from '../kernel/monitor-senses.js';
import { SlowFrames } from '../kernel/slow-frames.js';

export class LinuxFrames implements Frames {
  readonly #sender: FrameSender;
  readonly #senses: MonitorSenses;
  readonly #slow: SlowFrames;
  readonly #arp: ArpEars;
  readonly #plane: BondDataPlane;
  #answered: (answer: HeardAnswer) => void = () => {};
  #slowFrame: (member: MemberIndex, frame: Uint8Array) => void = () => {};
  #arpFrame: (member: MemberIndex | null, frame: Uint8Array) => void = () => {};

  constructor(machine: Machine, plane: BondDataPlane) {
    this.#plane = plane;
    this.#sender = new FrameSender(machine);
    this.#senses = new MonitorSenses(machine, plane, answer => this.#answered(answer));
    this.#slow = new SlowFrames((member, frame) => this.#slowFrame(member, frame));
    this.#arp = new ArpEars(plane.bondIfindex, (member, frame) => this.#arpFrame(member, frame));
  }

  send({ device, frame }: Extract<Output, { kind: 'send' }>): void {
    this.#sender.send(device, frame);
  }

  sendThrough(output: Extract<Output, { kind: 'probe' | 'send-through' }>): void {
    this.#sender.sendThrough(output);
  }

  listen(members: readonly MemberIndex[]): void {
    this.#senses.follow(members);
  }

  heard(): readonly Heard[] {
    return this.#senses.heard();
  }

  lastReceived(member: MemberIndex): TimeMs | null {
    const ns = this.#plane.lastReceivedNs(member);
    return ns === null ? null : Number(ns / 1000n) / 1000;
  }

  changedRoutes(targets: readonly string[]): readonly ProbeRoute[] | undefined {
    return this.#senses.changedRoutes(targets);
  }

  onAnswer(callback: (answer: HeardAnswer) => void): void {
    this.#answered = callback;
  }

  hearSlow(members: readonly MemberIndex[]): void {
    this.#slow.follow(members);
  }

  onSlowFrame(callback: (member: MemberIndex, frame: Uint8Array) => void): void {
    this.#slowFrame = callback;
  }

  hearArp(members: readonly MemberIndex[]): void {
    this.#arp.follow(members);
  }

  onArpFrame(callback: (member: MemberIndex | null, frame: Uint8Array) => void): void {
    this.#arpFrame = callback;
  }

  pollSlow(): void {
    this.#slow.poll();
  }

  close(): void {
    this.#slow.close();
    this.#arp.close();
    this.#sender.close();
    this.#senses.close();
  }
}
