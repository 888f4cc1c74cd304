// The timer table: which timer is next, that each runs once and in its turn, and that several owners have sets of their own.
import { describe, expect, it } from 'vitest';
import { earliest, nextTick, runDue, shiftTimers, type Timers, type TimerSet } from './timers.js';

type Name = 'poll' | 'expire';
const ORDER: readonly Name[] = ['poll', 'expire'];

function setOf(owner: string, poll: number | null, expire: number | null): TimerSet<Name, string> {
  return { owner, timers: { poll, expire }, order: ORDER };
}

/** Which timers ran, and when each was due; none is started again. */
function ran(sets: readonly TimerSet<Name, string>[], now: number): string[] {
  const told: string[] = [];
  runDue(
    () => sets,
    now,
    ({ owner, name, dueMs }) => told.push(`${owner} ${name} ${dueMs}`),
  );
  return told;
}

describe('earliest()', () => {
  it('finds none where none runs', () => {
    expect(earliest([])).toBeNull();
    expect(earliest([setOf('a', null, null)])).toBeNull();
  });

  it.each([
    [[setOf('a', 5, 3), setOf('b', 4, null)], 'a expire'],
    [[setOf('a', 5, 5)], 'a poll'],
    [[setOf('a', null, 4), setOf('b', 4, null)], 'a expire'],
    [[setOf('a', null, null), setOf('b', null, 9)], 'b expire'],
    [[setOf('a', 0, null)], 'a poll'],
  ])('of %j it is %s', (sets, expected) => {
    const due = earliest(sets);
    expect(`${due?.owner} ${due?.name}`).toBe(expected);
  });
});

describe('runDue()', () => {
  it('runs what is due in the order of time, then of the sets, then of their names', () => {
    const sets = [setOf('port 1', 30, 10), setOf('port 2', 10, 20), setOf('bond', 21, 10)];
    expect(ran(sets, 21)).toEqual([
      'port 1 expire 10',
      'port 2 poll 10',
      'bond expire 10',
      'port 2 expire 20',
      'bond poll 21',
    ]);
    expect(earliest(sets)).toMatchObject({ owner: 'port 1', name: 'poll', dueMs: 30 });
  });

  it('stops a timer before it runs, and runs a late one once', () => {
    const set = setOf('a', 10, null);
    const at: number[] = [];
    runDue(
      () => [set],
      1005,
      ({ dueMs, timers }) => {
        expect(timers.poll).toBeNull();
        timers.poll = nextTick(dueMs, 100, 1005);
        at.push(dueMs);
      },
    );
    expect(at).toEqual([10]);
    expect(set.timers.poll).toBe(1105);
  });

  it('sees what a timer starts, stops, adds and takes away', () => {
    const sets = [setOf('a', 1, null), setOf('gone', 2, null)];
    const told: string[] = [];
    runDue(
      () => sets,
      10,
      ({ owner, name, timers }) => {
        told.push(`${owner} ${name}`);
        if (owner === 'a' && name === 'poll') {
          timers.expire = 5;
          sets.splice(1, 1, setOf('new', null, 3));
        }
      },
    );
    expect(told).toEqual(['a poll', 'new expire', 'a expire']);
  });
});

it('nextTick() keeps the grid, unless a whole period went by', () => {
  expect(nextTick(100, 50, 120)).toBe(150);
  expect(nextTick(100, 50, 150)).toBe(200);
  expect(nextTick(100, 50, 175)).toBe(225);
});

it('shiftTimers() moves those that run, so that they can be saved as what is left of them', () => {
  const timers: Timers<Name> = { poll: 1500, expire: null };
  shiftTimers(timers, -1200);
  expect(timers).toEqual({ poll: 300, expire: null });
  shiftTimers(timers, 90_000);
  expect(timers).toEqual({ poll: 90_300, expire: null });
});
