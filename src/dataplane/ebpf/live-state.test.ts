// The daemon's hand on the shared state: what is published, and what is not. Needs root and BPF.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { mmapArray } from '../../linux/index.js';
import { isRoot } from '../../linux/testing.js';
import { MAX_MEMBERS } from '../limits.js';
import { LiveState } from './live-state.js';
import { closeMaps, createMaps, type LoadedMaps } from './maps.js';
import { NO_SLOT, ORDER_SECOND, SHARED } from './shared-state.js';

describe.runIf(isRoot)('LiveState', () => {
  let maps: LoadedMaps;
  let state: LiveState;
  beforeEach(() => {
    maps = createMaps();
    state = new LiveState(maps.state);
    state.initialise(90);
  });
  afterEach(() => {
    state.close();
    closeMaps(maps);
  });

  const order = () => ({ order: state.order, usable: state.usable });

  test('an order is published as a whole, how many of it are usable too', () => {
    state.setOrder([3, 1, 2], 3);
    expect(order()).toEqual({ order: [3, 1, 2], usable: 3 });
    state.setOrder([3, 1, 2], 1);
    expect(order()).toEqual({ order: [3, 1, 2], usable: 1 });
    state.setOrder([3, 2, 1], 1);
    expect(order()).toEqual({ order: [3, 2, 1], usable: 1 });
    state.setOrder([], 0);
    expect(order()).toEqual({ order: [], usable: 0 });
    const all = Array.from({ length: MAX_MEMBERS }, (_, slot) => slot);
    state.order = all;
    expect(order()).toEqual({ order: all, usable: MAX_MEMBERS });
  });

  test('a slot that is withdrawn leaves the others as they are, and counts as usable no more', () => {
    state.setOrder([0, 1, 3, 2], 2);
    state.withdraw(3);
    expect(order()).toEqual({ order: [0, 1, 2], usable: 2 });
    state.withdraw(0);
    expect(order()).toEqual({ order: [1, 2], usable: 1 });
    state.withdraw(0);
    expect(order()).toEqual({ order: [1, 2], usable: 1 });
    state.withdraw(1);
    expect(order()).toEqual({ order: [2], usable: 0 });
  });

  test('an order is written into the half that no program reads, and each change has another number', () => {
    const memory = mmapArray(maps.state, SHARED.size);
    try {
      const words = new Uint32Array(memory.buffer);
      const word = (): number => words[SHARED.offset('order') / 4] ?? 0;
      const half = (): readonly number[] => {
        const first = SHARED.fields.slots.offset / 4 + ((word() & ORDER_SECOND) === 0 ? 0 : MAX_MEMBERS);
        return Array.from(words.slice(first, first + 3));
      };
      state.setOrder([3, 1, 2], 2);
      const [was, first] = [half(), word()];
      const at = words.findIndex((each, index) => each === 3 && words[index + 1] === 1);
      state.setOrder([2, 3, 1], 2);
      // Whoever reads by the old word reads the old order.
      expect([was, Array.from(words.slice(at, at + 3)), half()]).toEqual([
        [3, 1, 2],
        [3, 1, 2],
        [2, 3, 1],
      ]);
      state.setOrder([3, 1, 2], 2);
      expect([half(), word() & ORDER_SECOND]).toEqual([[3, 1, 2], first & ORDER_SECOND]);
      expect(word()).not.toBe(first);
    } finally {
      memory.unmap();
    }
  });

  test('what was lost by the member before is not lost by the one that gets its slot', () => {
    state.occupy(0, 10);
    const none = { count: 0n, taken: 0n, firstNs: 0n };
    const dead = { count: 5n, taken: 0n, firstNs: 1n };
    const members = new Map([[10, { slot: 0, dead, receivedNs: 0n }]]);
    state.carry({ version: 0, current: undefined, switches: 0n, drops: none, members });
    state.vacate(0);
    state.occupy(0, 11);
    expect(state.takeLoss()).toEqual({ packets: 0, sinceNs: null });
  });

  test('a slot is free again when its member left, with nothing of that one', () => {
    state.occupy(state.freeSlot(), 10);
    state.occupy(state.freeSlot(), 11);
    state.setMemberFlags(0, 3);
    expect([state.members(), state.freeSlot(), state.slotOf(11)]).toEqual([[10, 11], 2, 1]);
    state.vacate(0);
    expect([state.members(), state.freeSlot(), state.slotOf(10)]).toEqual([[11], 0, undefined]);
    expect([state.memberFlags(0), state.memberAt(0), state.memberAt(NO_SLOT)]).toEqual([0, 0, 0]);
  });

  test('after the last slot there is none', () => {
    for (let i = 0; i < MAX_MEMBERS; i++) state.occupy(state.freeSlot(), 10 + i);
    expect(() => state.freeSlot()).toThrow(`at most ${MAX_MEMBERS} members`);
  });

  test('closed, it says what it said last, also when it is closed again', () => {
    state.setOrder([2, 1], 1);
    state.current = 2;
    state.close();
    state.close();
    expect({ ...order(), current: state.current }).toEqual({ order: [2, 1], usable: 1, current: 2 });
  });
});
