// The forwarding plan: what is said of each member, when the plan is given out, and what earlier versions find of it in a saved bond.
import { describe, expect, it } from 'vitest';
import { Bond } from '../bond.js';
import { equalPlan, type ForwardingPlan, type PlannedMember } from '../forwarding-plan.js';
import { Bench, stackOf } from '../testing.js';

function started(options: Readonly<Record<string, string | number>>, members = [1, 2, 3]): Bench {
  const bench = new Bench(options, members);
  bench.up();
  for (const member of members) bench.link(member, {});
  bench.run(500);
  return bench;
}

/** One field of each member, by its index. */
function each<K extends keyof PlannedMember>({ bond }: Bench, field: K): Record<number, PlannedMember[K]> {
  return Object.fromEntries(bond.plan().members.map(planned => [planned.member, planned[field]]));
}

describe('forwardingPlan()', () => {
  it('active-backup: the active one carries the filters, and backups are heard where all_slaves_active says so', () => {
    const bench = started({});
    expect(each(bench, 'carriesFilters')).toEqual({ 1: true, 2: false, 3: false });
    expect(each(bench, 'heardBesides')).toEqual({ 1: false, 2: false, 3: false });
    bench.set('all_slaves_active', 1);
    expect(each(bench, 'heardBesides')).toEqual({ 1: false, 2: true, 3: true });
  });

  it.each([
    ['disabled', { 1: false, 2: false, 3: false }],
    ['active', { 1: true, 2: false, 3: false }],
    ['all', { 1: true, 2: true, 3: true }],
  ])('multicast=%s says who carries the groups', (multicast, carriers) => {
    expect(each(started({ multicast }), 'carriesGroups')).toEqual(carriers);
  });

  it('where several send, all carry the filters and all are heard', () => {
    const bench = started({ mode: 'balance-xor' });
    expect(each(bench, 'carriesFilters')).toEqual({ 1: true, 2: true, 3: true });
    expect(Object.values(each(bench, 'heardBesides')).filter(heard => heard)).toHaveLength(
      3 - (bench.bond.plan().active === null ? 0 : 1),
    );
  });

  it('a queue is tied to a member while that is UP', () => {
    const bench = started({});
    bench.set('queue_id', 'eth2:5');
    expect(each(bench, 'queue')).toEqual({ 1: 0, 2: 5, 3: 0 });
    bench.link(2, { carrier: false });
    bench.run(1000);
    expect(each(bench, 'queue')).toEqual({ 1: 0, 2: 0, 3: 0 });
  });

  it('balance-tlb: the rank is that of joining, whoever is preferred; no other mode has one', () => {
    const bench = started({ mode: 'balance-tlb' });
    bench.set('prio', 'eth3:9');
    expect(bench.bond.plan().members.map(({ member }) => member)).toEqual([3, 1, 2]);
    expect(bench.bond.plan().members.map(({ balance }) => balance?.rank)).toEqual([2, 0, 1]);
    expect(Object.values(each(started({ mode: 'balance-rr' }), 'balance'))).toEqual([null, null, null]);
  });

  it('ns_ip6_target with arp_validate: backups hear the groups of the questions', () => {
    const options = { miimon: 0, arp_interval: 100, ns_ip6_target: '2001:db8::9', arp_validate: 'all' };
    const bench = started(options);
    const { active, questionGroups } = bench.bond.plan();
    expect(questionGroups).toEqual(['33:33:ff:00:00:09']);
    const hearing = each(bench, 'hearsQuestions');
    for (const member of [1, 2, 3]) expect(hearing[member]).toBe(member !== active);
    expect(started({ ...options, arp_validate: 'none' }).bond.plan().questionGroups).toEqual([]);
  });
});

describe('the plan that was given out', () => {
  it('is not given again while nothing of it changes', () => {
    const bench = started({});
    bench.forget();
    bench.give({ kind: 'stack', devices: [stackOf()] });
    bench.run(2000);
    expect(bench.outputs('forward')).toEqual([]);
    bench.link(1, { carrier: false });
    bench.run(2500);
    expect(bench.outputs('forward').at(-1)?.plan.active).toBe(2);
  });

  it('is not in the saved bond; versions that kept it there find the field, and what they wrote is read', () => {
    const bench = started({});
    const saved = bench.bond.save();
    expect(saved.state.lastPlan).toBe('');
    const earlier = { ...saved, state: { ...saved.state, lastPlan: JSON.stringify({ order: [1, 2, 3] }) } };
    const restored = Bond.restore(earlier, bench.now);
    expect(equalPlan(restored.plan(), bench.bond.plan())).toBe(true);
    expect(restored.save().state.lastPlan).toBe('');
    // Whoever restores it has its plan by asking.
    restored.handle({ kind: 'stack', devices: [stackOf()] }, bench.now);
    expect(restored.outputs().filter(({ kind }) => kind === 'forward')).toEqual([]);
  });
});

describe('equalPlan()', () => {
  const plan = started({ mode: 'balance-tlb' }).bond.plan();
  const changed = (at: number, change: Partial<PlannedMember>): ForwardingPlan => ({
    ...plan,
    members: plan.members.map((each, i) => (i === at ? { ...each, ...change } : each)),
  });

  it('is true of a copy', () => {
    expect(equalPlan(plan, structuredClone(plan))).toBe(true);
  });

  it.each<[string, ForwardingPlan]>([
    ['another active one', { ...plan, active: 2 }],
    ['another order', { ...plan, members: plan.members.toReversed() }],
    ['one member less', { ...plan, members: plan.members.slice(1) }],
    ['a member that is not usable', changed(1, { usable: false })],
    ['another source', changed(2, { balance: { rank: 2, source: '02:00:00:00:00:77', speedMbps: 1000 } })],
    ['an address that asks', { ...plan, askingAddresses: ['02:00:00:00:00:77'] }],
  ])('is false with %s', (_, other) => {
    expect(equalPlan(plan, other)).toBe(false);
  });
});
