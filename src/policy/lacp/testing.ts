// For the tests of this folder: a bond in 802.3ad under virtual time, and what partners say to it.
import {
  type LacpEnd,
  lacpduFrame,
  parseSlowFrame,
  type SlowFrame,
  tagFrame,
  type VlanTag,
} from '../../frames/index.js';
import type { PortSnapshot, TimeMs } from '../contract.js';
import { Bench, createUnfinishedBond } from '../testing.js';

/** What a partner says that is ready to carry. */
export const PARTNER: LacpEnd = {
  systemPriority: 65_535,
  system: '02:bb:00:00:00:01',
  key: 9,
  portPriority: 255,
  port: 1,
  state: 0x3f,
};

/** A LACPDU that left, when, and by which member. */
export interface Sent {
  readonly at: TimeMs;
  readonly member: number;
  readonly frame: SlowFrame;
}

/** Two members of 1 Gbit/s, set up at time 0. */
export class LacpBench extends Bench {
  constructor(options: Readonly<Record<string, string | number>> = {}, members: readonly number[] = [1, 2]) {
    super({ mode: '802.3ad', lacp_rate: 'fast', ...options }, members, createUnfinishedBond);
    this.up();
  }

  port(member: number): PortSnapshot {
    const found = this.bond.snapshot().lacp?.ports.find(each => each.member === member);
    if (found === undefined) throw new Error(`No port ${member}`);
    return found;
  }

  /** A partner speaks on a member, and names what the bond says of that port unless it is told otherwise. */
  hear(
    member: number,
    change: Partial<LacpEnd> = {},
    names: LacpEnd | null = null,
    tags: VlanTag[] = [],
  ): void {
    const actor = { ...PARTNER, port: member, ...change };
    const frame = lacpduFrame('02:bb:00:00:00:0f', { actor, partner: names ?? this.port(member).actor });
    if (!frame.ok) throw new Error(frame.error);
    this.give({ kind: 'slow-frame', member, frame: tagFrame(frame.value, tags) });
  }

  /** Lets time pass while partners of all members say the same every second. */
  talk(until: TimeMs, change: Partial<LacpEnd> = {}): void {
    while (this.now < until) {
      for (const { member } of this.bond.members()) this.hear(member, change);
      this.run(Math.min(until, this.now + 1000));
    }
  }

  /** LACPDUs and answers to markers so far. */
  slow(): Sent[] {
    return this.seen.flatMap(({ at, output }) => {
      if (output.kind !== 'send-through') return [];
      const frame = parseSlowFrame(output.frame);
      return frame.ok ? [{ at, member: output.member, frame: frame.value }] : [];
    });
  }

  /** Names of the members that the plan sends through. */
  get senders(): string {
    const { members } = this.bond.plan();
    const usable = new Set(members.filter(({ usable }) => usable).map(({ member }) => member));
    return this.bond
      .members()
      .filter(({ member }) => usable.has(member))
      .map(({ name }) => name)
      .join(' ');
  }
}
