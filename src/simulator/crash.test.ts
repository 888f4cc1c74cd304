// A daemon dies after every step of every change: nothing is lost, and nothing left behind.
import { describe, expect, it } from 'vitest';
import { crashEverywhere } from './crash.js';
import { DEEDS } from './deeds.js';

const MODES: readonly Readonly<Record<string, string>>[] = [
  { mode: 'active-backup', miimon: '100' },
  { mode: 'active-backup', miimon: '100', fail_over_mac: 'active' },
  { mode: 'active-backup', miimon: '100', fail_over_mac: 'follow' },
  { mode: 'balance-rr', miimon: '100' },
  { mode: 'balance-xor', miimon: '100' },
  { mode: 'broadcast', miimon: '100' },
  { mode: 'balance-tlb', miimon: '100' },
];

describe('a daemon that dies', () => {
  it.each(MODES)('after every step of every change of a bond with %o', options => {
    const crashed = DEEDS.map(deed => crashEverywhere({ ...deed, options }));
    expect(crashed.flatMap(({ violations }) => violations)).toEqual([]);
    const steps = crashed.reduce((sum, each) => sum + each.steps, 0);
    console.log(`${options['mode']}: ${steps} steps of ${DEEDS.length} changes, 0 violations`);
    expect(steps).toBeGreaterThan(200);
  });
});
