// In which order a plan is published to programs that run all the while.
import { describe, expect, it } from 'vitest';
import type { MemberIndex } from '../../policy/index.js';
import { PLAN, planned } from '../../policy/testing.js';
import { type PlannedState, publishPlan } from './publish-plan.js';
import { MEMBER_FLAGS, NO_SLOT, SHARED_FLAGS, TX_QUEUES } from './shared-state.js';

/** Members 10, 11 and 12 in slots 0, 1 and 2, with these flags; slot 0 sends. It writes down what is published, in order. */
class WrittenState implements PlannedState {
  readonly written: string[] = [];
  readonly #flags: number[];
  #current = 0;

  constructor(flags: readonly number[]) {
    this.#flags = [...flags];
  }

  slotOf(member: MemberIndex): number | undefined {
    return member >= 10 && member <= 12 ? member - 10 : undefined;
  }

  members(): readonly MemberIndex[] {
    return [10, 11, 12];
  }

  memberFlags(slot: number): number {
    return this.#flags[slot] ?? 0;
  }

  setMemberFlags(slot: number, flags: number): void {
    if (this.#flags[slot] !== flags) this.written.push(`flags ${slot}: ${flags}`);
    this.#flags[slot] = flags;
  }

  forgetNotice(slot: number): void {
    this.written.push(`forget ${slot}`);
  }

  tieQueue(queue: number, slot: number): void {
    if (slot !== NO_SLOT) this.written.push(`queue ${queue}: ${slot}`);
  }

  setBalanced(slot: number): void {
    this.written.push(`balanced ${slot}`);
  }

  setReceivers(): void {
    this.written.push('receivers');
  }

  setOrder(order: readonly number[], usable: number): void {
    this.written.push(`order ${order.join()}, ${usable} usable`);
  }

  rebalance(): void {}

  set packetsPerSlave(_: number) {}

  set flags(flags: number) {
    this.written.push(`divert ${flags === SHARED_FLAGS.divert ? 'yes' : 'no'}`);
  }

  get current(): number {
    return this.#current;
  }

  set current(slot: number) {
    this.written.push(`current ${slot}`);
    this.#current = slot;
  }
}

const { usable, acceptAlways } = MEMBER_FLAGS;

describe('publishPlan()', () => {
  it('grants first, then the order, then who sends, and withdraws last', () => {
    const state = new WrittenState([usable | acceptAlways, 0, usable]);
    const members = [planned(11), planned(12), planned(10, { usable: false })];
    publishPlan(state, { ...PLAN, members }, true);
    expect(state.written).toEqual([
      'forget 1',
      `flags 1: ${usable}`,
      'order 1,2,0, 2 usable',
      'divert yes',
      'current 1',
      'flags 0: 0',
    ]);
  });

  it('forgets that a member was noticed where it is usable again, and not while it is', () => {
    const state = new WrittenState([usable, 0, 0]);
    publishPlan(
      state,
      { ...PLAN, members: [planned(10), planned(11), planned(12, { usable: false })] },
      true,
    );
    expect(state.written.filter(text => text.startsWith('forget'))).toEqual(['forget 1']);
  });

  it('ties every transmit queue that there is', () => {
    const state = new WrittenState([0, 0, 0]);
    const members = [planned(10, { queue: 1 }), planned(11, { queue: TX_QUEUES })];
    publishPlan(state, { ...PLAN, members }, true);
    expect(state.written).toContain('queue 1: 0');
    expect(state.written).toContain(`queue ${TX_QUEUES}: 1`);
  });

  it('lets programs divert only where the plan and what they see of carriers allow it', () => {
    for (const [inlineFailover, mayDivert] of [
      [true, false],
      [false, true],
    ] as const) {
      const state = new WrittenState([0, 0, 0]);
      publishPlan(state, { ...PLAN, inlineFailover }, mayDivert);
      expect(state.written).toContain('divert no');
    }
  });

  it('leaves out members that are in no slot', () => {
    const state = new WrittenState([0, 0, 0]);
    publishPlan(state, { ...PLAN, active: 44, members: [planned(44), planned(10)] }, true);
    expect(state.written).toContain('order 0, 1 usable');
    expect(state.written).toContain(`current ${NO_SLOT}`);
  });
});
