// Who is asked for counters, and what their growth says.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Family, LineNumber } from '../uplinks/index.js';
import { lineOf, settingsOf } from '../uplinks/testing.js';
import { HeardTraffic } from './heard-traffic.js';

const SETTINGS = settingsOf([lineOf('fibre'), lineOf('dsl')]);
/** Line 1: TCP and UDP of IPv4, of IPv6; then line 2. */
let counts: number[];
let asked: number;
let heard: string[];
let traffic: HeardTraffic;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'hrtime'] });
  counts = Array.from({ length: 8 }, () => 0);
  asked = 0;
  heard = [];
  traffic = new HeardTraffic({
    settings: () => SETTINGS,
    counts: () => {
      asked++;
      return [...counts];
    },
    heard: (line: LineNumber, family: Family) => heard.push(`${line} ${family}`),
    failed: error => {
      throw error;
    },
  });
});
afterEach(() => {
  traffic.close();
  vi.useRealTimers();
});

it('asks for nothing while probes are answered', () => {
  for (let ms = 0; ms < 1000; ms += 100) {
    traffic.sign(1, 'ipv4');
    vi.advanceTimersByTime(100);
  }
  expect(asked).toBe(0);
});

it('answers to flows of a silent line are told, and those of others are not', () => {
  traffic.sign(1, 'ipv4');
  vi.advanceTimersByTime(350);
  expect([asked > 0, heard]).toEqual([true, []]);
  counts[1] = 5;
  counts[2] = 5;
  counts[4] = 5;
  vi.advanceTimersByTime(100);
  expect(heard).toEqual(['1 ipv4']);
  vi.advanceTimersByTime(100);
  expect(heard).toEqual(['1 ipv4']);
});

it('a table that was made anew says nothing, and a line that is long dead is not asked for', () => {
  counts[0] = 9;
  traffic.sign(1, 'ipv4');
  vi.advanceTimersByTime(400);
  counts[0] = 2;
  vi.advanceTimersByTime(100);
  expect(heard).toEqual([]);
  vi.advanceTimersByTime(20_000);
  const before = asked;
  vi.advanceTimersByTime(1000);
  expect(asked).toBe(before);
});
