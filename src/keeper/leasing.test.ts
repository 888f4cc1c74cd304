// When the packets are told what LACP is to go on with, and that somebody is there.
import { describe, expect, it } from 'vitest';
import type { Lease } from '../policy/index.js';
import { LEASE_BEAT_MS, Leasing, PLANNED_LEASE_MS } from './leasing.js';

function bench(mode = '802.3ad') {
  const kept: (number | null | 'beat')[] = [];
  const told: string[] = [];
  const trouble: { problem?: string } = {};
  const due: { at: number; run: () => void }[] = [];
  const bond = { revision: 1, lease: null as Lease | null, now: 0, asked: 0 };
  const leasing = new Leasing(
    {
      beat: () => void kept.push('beat'),
      keep: lease => void kept.push(lease?.forMs ?? null),
      take: () => undefined,
      get problem() {
        return trouble.problem;
      },
    },
    {
      lease: () => {
        bond.asked++;
        return bond.lease;
      },
      revision: () => bond.revision,
      facts: () => ({ name: 'bond0', mode }) as never,
    },
    {
      now: () => bond.now,
      at: (at, run) => {
        const entry = { at, run };
        due.push(entry);
        return () => void due.splice(due.indexOf(entry), 1);
      },
    },
    action => action(),
    ({ message }) => void told.push(message),
  );
  const lease = (forMs: number): void => {
    bond.lease = { forMs, ports: [] };
    bond.revision++;
    leasing.follow();
  };
  const ring = (): void => {
    const [entry] = due.splice(0, 1);
    if (entry === undefined) throw new Error('nothing is due');
    bond.now = entry.at;
    entry.run();
  };
  return { leasing, bond, kept, due, lease, ring, told, trouble };
}

describe('Leasing', () => {
  it('tells a lease at once, and again and again as long as there is one', () => {
    const { leasing, bond, kept, due, lease, ring } = bench();
    leasing.follow();
    lease(5000);
    expect(kept).toEqual([null, 5000]);
    ring();
    ring();
    expect([bond.now, kept]).toEqual([2 * LEASE_BEAT_MS, [null, 5000, 'beat', 5000, 'beat', 5000]]);
    bond.lease = null;
    bond.revision++;
    leasing.follow();
    expect([kept.at(-1), due]).toEqual([null, []]);
    bond.revision++;
    leasing.follow();
    expect(kept).toHaveLength(7);
  });

  it('is not there by what it finds, but by its clock', () => {
    const { kept, due, lease } = bench();
    for (const forMs of [5000, 6000, 7000]) lease(forMs);
    expect([kept, due.map(({ at }) => at)]).toEqual([[5000, 6000, 7000], [LEASE_BEAT_MS]]);
  });

  it('does not ask the policy while its revision is the same, nor in other modes', () => {
    const { leasing, bond, lease } = bench();
    lease(5000);
    leasing.follow();
    expect(bond.asked).toBe(1);
    const other = bench('active-backup');
    other.lease(5000);
    expect([other.bond.asked, other.kept, other.due]).toEqual([0, [], []]);
  });

  it('hands over what it has for long, and never for less than it has it', () => {
    const { leasing, kept, due, lease } = bench();
    leasing.handOver();
    expect(kept).toEqual([]);
    lease(5000);
    leasing.stop();
    expect(due).toEqual([]);
    leasing.handOver();
    lease(PLANNED_LEASE_MS + 1);
    leasing.handOver();
    expect(kept).toEqual([5000, PLANNED_LEASE_MS, PLANNED_LEASE_MS + 1, PLANNED_LEASE_MS + 1]);
  });

  it('tells once why nothing is said unasked', () => {
    const { lease, ring, told, trouble } = bench();
    lease(5000);
    expect(told).toEqual([]);
    trouble.problem = 'this kernel has no bridges';
    ring();
    ring();
    expect(told).toEqual([
      'While no daemon is there, partners of bond0 are answered, but nothing is said to them unasked: this kernel has no bridges',
    ]);
  });

  it('goes on when the packets fail', () => {
    const due: (() => void)[] = [];
    let tries = 0;
    const leasing = new Leasing(
      {
        beat: () => {},
        keep: () => {
          tries++;
          throw new Error('no');
        },
        take: () => undefined,
      },
      {
        lease: () => ({ forMs: 1, ports: [] }),
        revision: () => 1,
        facts: () => ({ mode: '802.3ad' }) as never,
      },
      { now: () => 0, at: (_, run) => (due.push(run), () => {}) },
      action => {
        try {
          action();
        } catch {
          // As the keeper, which notes it.
        }
      },
      () => {},
    );
    expect(() => leasing.follow()).toThrow('no');
    due[0]?.();
    expect([tries, due.length]).toEqual([2, 2]);
  });
});
