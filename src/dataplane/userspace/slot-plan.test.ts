// The policy's plan in slots, as the worker has it.
import { describe, expect, test } from 'vitest';
import type { ForwardingPlan, MemberIndex } from '../../policy/index.js';
import { PLAN, planned } from '../../policy/testing.js';
import { MAX_MEMBERS } from '../limits.js';
import { NO_MEMBER } from './shared-state.js';
import { slotPlanOf } from './slot-plan.js';

const TLB_PLAN: ForwardingPlan = {
  ...PLAN,
  mode: 'balance-tlb',
  byLoad: true,
  rebalance: 3,
  packetsPerSlave: 5,
};

/** Members 10, 11 and 12 in slots 2, 1 and 0. */
const STATE = {
  slotOf: (member: MemberIndex) => (member >= 10 && member <= 12 ? 12 - member : undefined),
  memberAt: (slot: number) => (slot <= 2 ? 12 - slot : 0),
};

const planOf = (change: Partial<ForwardingPlan>, throughQdisc: (member: number) => boolean = () => false) =>
  slotPlanOf({ ...TLB_PLAN, ...change }, STATE, throughQdisc);

const slotsWhere = (list: readonly boolean[]): readonly number[] =>
  list.flatMap((is, slot) => (is ? [slot] : []));

describe('slotPlanOf()', () => {
  test('members are tried in the order of the plan, and those alone are usable that it says', () => {
    const { slots, active } = planOf({ members: [planned(11), planned(10), planned(12, { usable: false })] });
    expect([slots.order, active]).toEqual([[1, 2, 0], 1]);
    expect(slotsWhere(slots.isUsable)).toEqual([1, 2]);
    expect(slots.isUsable).toHaveLength(MAX_MEMBERS);
  });

  test('one that has no slot is in nothing; without an active member none sends', () => {
    const { slots, active } = planOf({
      active: 77,
      members: [planned(77, { balance: { rank: 0, source: '', speedMbps: 1 } })],
    });
    expect([slots.order, slots.balanced, active]).toEqual([[], [], NO_MEMBER]);
    expect(slotsWhere(slots.isUsable)).toEqual([]);
    expect(planOf({ active: null }).active).toBe(NO_MEMBER);
  });

  test('balance-tlb chooses among equals by rank, whatever the order of the plan', () => {
    const balance = (rank: number, speedMbps: number) => ({
      rank,
      speedMbps,
      source: `02:00:00:00:00:0${rank}`,
    });
    const { slots } = planOf({
      members: [
        planned(12, { balance: balance(2, 1000) }),
        planned(10, { balance: balance(0, 100) }),
        planned(11, { balance: balance(1, 10) }),
      ],
    });
    expect(slots.balanced).toEqual([
      { member: 2, speedMbps: 100 },
      { member: 1, speedMbps: 10 },
      { member: 0, speedMbps: 1000 },
    ]);
    expect([slots.sources[2]?.[5], slots.sources[1]?.[5], slots.sources[0]?.[5]]).toEqual([0, 1, 2]);
  });

  test('who is heard besides, and who sends through a qdisc, is known by slot; options go as they are', () => {
    const asked: number[] = [];
    const { slots } = planOf(
      { members: [planned(10, { heardBesides: true }), planned(11)], inlineFailover: false },
      member => {
        asked.push(member);
        return member === 11;
      },
    );
    // Of slots that are free nothing is asked.
    expect(asked).toEqual([12, 11, 10]);
    expect(slotsWhere(slots.acceptAlways)).toEqual([2]);
    expect(slotsWhere(slots.throughQdisc)).toEqual([1]);
    expect(slots).toMatchObject({
      mode: 'balance-tlb',
      hashPolicy: 'layer2',
      packetsPerSlave: 5,
      byLoad: true,
      rebalance: 3,
      divert: false,
    });
  });
});
