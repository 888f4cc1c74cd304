// Random lives of a bond: what always holds, that it is deterministic, and that saving and restoring changes nothing.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bond, createBond } from './bond.js';
import type { BondSnapshot, Input, Output } from './contract.js';
import { linkOf, stackOf } from './testing.js';

const MEMBERS = [1, 2, 3, 4] as const;

interface Step {
  readonly wait: number;
  readonly input: Input;
}

const member = fc.constantFrom(...MEMBERS);
const options: fc.Arbitrary<readonly [string, string]> = fc.oneof(
  fc.tuple(fc.constant('miimon'), fc.constantFrom('0', '50', '100')),
  fc.tuple(fc.constantFrom('updelay', 'downdelay', 'peer_notif_delay'), fc.constantFrom('0', '100', '250')),
  fc.tuple(fc.constantFrom('primary', 'active_slave'), fc.constantFrom('', 'eth1', 'eth2', 'eth9')),
  fc.tuple(fc.constant('primary_reselect'), fc.constantFrom('0', '1', '2')),
  fc.tuple(fc.constant('fail_over_mac'), fc.constantFrom('0', '1', '2')),
  fc.tuple(fc.constant('num_grat_arp'), fc.constantFrom('0', '1', '3')),
  fc.tuple(fc.constant('resend_igmp'), fc.constantFrom('0', '1', '3')),
  fc.tuple(fc.constantFrom('all_slaves_active', 'inline_failover'), fc.constantFrom('0', '1')),
  fc.tuple(fc.constant('prio'), fc.constantFrom('eth1:5', 'eth2:7', 'eth3:-1')),
);

const input: fc.Arbitrary<Input> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ kind: 'time' } as const) },
  {
    weight: 3,
    arbitrary: fc
      .record({
        member,
        adminUp: fc.boolean(),
        carrier: fc.boolean(),
        canSetAddress: fc.integer({ min: 0, max: 9 }),
      })
      .map(
        ({ member, adminUp, carrier, canSetAddress }): Input => ({
          kind: 'join',
          member,
          link: linkOf(member, { adminUp, carrier }),
          permanentAddress: linkOf(member).address,
          canSetAddress: canSetAddress > 0,
        }),
      ),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('leave' as const),
      member,
      cause: fc.constantFrom('released' as const, 'gone' as const, 'undo' as const),
    }),
  },
  {
    weight: 6,
    arbitrary: fc
      .record({
        member,
        kind: fc.constantFrom('member-link' as const, 'opened' as const),
        carrier: fc.boolean(),
        up: fc.integer({ min: 0, max: 4 }),
        speedMbps: fc.constantFrom(null, 100, 1000),
      })
      .map(
        ({ member, kind, carrier, up, speedMbps }): Input => ({
          kind,
          member,
          link: linkOf(member, { carrier, adminUp: up > 0, speedMbps }),
        }),
      ),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('diverted' as const), from: member, to: member }) },
  { weight: 2, arbitrary: options.map(([option, value]): Input => ({ kind: 'set-option', option, value })) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 0, max: 3 }).map(
      (up): Input => ({
        kind: 'bond-link',
        name: 'bond0',
        adminUp: up > 0,
        mtu: 1500,
        address: '02:00:00:00:00:99',
        promiscuous: false,
        allMulticast: false,
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .boolean()
      .map(
        (adminUp): Input => ({ kind: 'stack', devices: [stackOf({ adminUp, ipv4Groups: ['239.1.1.1'] })] }),
      ),
  },
);

const life: fc.Arbitrary<Step[]> = fc.array(
  fc.record({ wait: fc.constantFrom(0, 1, 20, 50, 100, 350), input }),
  { maxLength: 60 },
);

function fresh(failOverMac = 'none'): Bond {
  const made = createBond({
    name: 'bond0',
    address: '02:00:00:00:00:99',
    addressIsRandom: true,
    mtu: 1500,
    options: [
      ['mode', 'active-backup'],
      ['miimon', '100'],
      ['fail_over_mac', failOverMac],
    ],
  });
  if (!made.ok) throw new Error(made.error.message);
  made.value.outputs();
  return made.value;
}

/** One step: due deadlines on the way, then the input. The member's address is told as the bond set it. */
function play(bond: Bond, step: Step, from: number): { now: number; outputs: Output[]; accepted: boolean } {
  const now = from + step.wait;
  for (let due = bond.deadline(); due !== null && due <= now; due = bond.deadline()) {
    bond.handle({ kind: 'time' }, Math.max(from, due));
  }
  const handled = bond.handle(told(step.input, bond.snapshot()), now);
  return { now, outputs: bond.outputs(), accepted: handled.ok };
}

function told(input: Input, snapshot: BondSnapshot): Input {
  if (input.kind === 'bond-link') return { ...input, address: snapshot.address };
  if (input.kind !== 'member-link' && input.kind !== 'opened') return input;
  const address = snapshot.members.find(each => each.member === input.member)?.address;
  return address === undefined ? input : { ...input, link: { ...input.link, address } };
}

/** As `play`, by a keeper that nobody has to ask for: the outputs of the ticks too, with their times. `restMs`: for how long it rests. */
function playKept(bond: Bond, step: Step, from: number, restMs: number): { now: number; outputs: unknown[] } {
  const now = from + step.wait;
  const outputs: unknown[] = [];
  const take = (at: number): void => {
    for (const output of bond.outputs()) outputs.push([at, output]);
    if (restMs > 0) bond.rest(at + restMs);
  };
  const runDue = (): void => {
    for (let due = bond.deadline(); due !== null && due <= now; due = bond.deadline()) {
      bond.handle({ kind: 'time' }, Math.max(from, due));
      take(Math.max(from, due));
    }
  };
  runDue();
  bond.handle(told(step.input, bond.snapshot()), now);
  take(now);
  runDue();
  return { now, outputs };
}

/** All that a bond says and is, and when; whether it rests is not to be seen in it. */
function keep(bond: Bond, steps: readonly Step[], restMs: number): string {
  const seen: unknown[] = [];
  let now = 0;
  for (const step of steps) {
    const played = playKept(bond, step, now, restMs);
    now = played.now;
    seen.push(played, bond.save(now));
  }
  return JSON.stringify(seen);
}

function runAll(bond: Bond, steps: readonly Step[], from = 0): string {
  const seen: unknown[] = [];
  let now = from;
  for (const step of steps) {
    const played = play(bond, step, now);
    now = played.now;
    seen.push(played, bond.deadline());
  }
  return JSON.stringify([seen, bond.snapshot()]);
}

function checkAlways(before: BondSnapshot, after: BondSnapshot): void {
  const active = after.members.filter(each => each.state === 'active');
  expect(active.length).toBeLessThanOrEqual(1);
  expect(active[0]?.member ?? null).toBe(after.active);
  // The active one is UP, or kept while it is failing.
  if (active[0] !== undefined) expect(['up', 'fail']).toContain(active[0].link);
  expect(after.carrier).toBe(after.members.some(each => each.link === 'up'));
  for (const each of after.members) {
    const was = before.members.find(other => other.member === each.member);
    if (was !== undefined) expect(each.linkFailureCount).toBeGreaterThanOrEqual(was.linkFailureCount);
    expect(each.delayTicks).toBeGreaterThanOrEqual(0);
    if (each.state === 'active') expect(each.inactive).toBe(false);
  }
}

function checkAddresses(after: BondSnapshot): void {
  const word = after.options.fail_over_mac;
  const active = after.members.find(each => each.member === after.active);
  if (word === 'none') expect(after.members.every(each => each.address === after.address)).toBe(true);
  else if (active !== undefined) expect(active.address).toBe(after.address);
  if (word === 'active')
    expect(after.members.every(each => each.address === each.permanentAddress)).toBe(true);
  if (word === 'follow')
    expect(new Set(after.members.map(each => each.address)).size).toBe(after.members.length);
}

describe('Bond under random inputs', () => {
  it('keeps its invariants', () => {
    fc.assert(
      fc.property(life, fc.constantFrom('none', 'active', 'follow'), (steps, failOverMac) => {
        const bond = fresh(failOverMac);
        let now = 0;
        for (const step of steps) {
          const [before, revision] = [bond.snapshot(), bond.revision()];
          const played = play(bond, step, now);
          now = played.now;
          const after = bond.snapshot();
          if (bond.revision() === revision) expect(after).toEqual(before);
          checkAlways(before, after);
          checkAddresses(after);
          const plans = played.outputs.filter(output => output.kind === 'forward');
          const last = plans.at(-1);
          if (last !== undefined) expect(last.plan).toEqual(bond.plan());
        }
      }),
      { numRuns: 400 },
    );
  });

  it('gives the same outputs for the same inputs', () => {
    fc.assert(
      fc.property(life, steps => {
        expect(runAll(fresh(), steps)).toBe(runAll(fresh(), steps));
      }),
      { numRuns: 60 },
    );
  });

  it('gives the same further outputs after being saved as JSON and restored, at any point', () => {
    fc.assert(
      fc.property(life, life, fc.nat(10000), (first, then, later) => {
        const bond = fresh();
        runAll(bond, first);
        const now = first.reduce((sum, step) => sum + step.wait, 0);
        const saved = JSON.parse(JSON.stringify(bond.save(now))) as ReturnType<Bond['save']>;
        const restored = Bond.restore(saved, now);
        expect(restored.snapshot()).toEqual(bond.snapshot());
        expect(restored.deadline()).toBe(bond.deadline());
        // A pause changes nothing but the clock.
        const paused = Bond.restore(saved, now + later);
        expect(paused.deadline()).toBe(bond.deadline() === null ? null : (bond.deadline() ?? 0) + later);
        expect(runAll(restored, then, now)).toBe(runAll(bond, then, now));
      }),
      { numRuns: 150 },
    );
  });

  it('says and does the same at the same times where ticks that would find nothing are left out', () => {
    fc.assert(
      fc.property(life, fc.constantFrom(30, 100, 250, 1000), (steps, restMs) => {
        expect(keep(fresh(), steps, restMs)).toBe(keep(fresh(), steps, 0));
      }),
      { numRuns: 300 },
    );
  });

  it('refuses without changing anything', () => {
    fc.assert(
      fc.property(life, steps => {
        const bond = fresh();
        let now = 0;
        for (const step of steps) {
          const before = JSON.stringify(bond.save(now).state);
          const { ok } = bond.handle(told(step.input, bond.snapshot()), now);
          if (!ok) expect(JSON.stringify(bond.save(now).state)).toBe(before);
          now += step.wait;
        }
      }),
      { numRuns: 100 },
    );
  });
});
