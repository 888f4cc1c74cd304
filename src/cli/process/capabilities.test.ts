import { expect, test } from 'vitest';
import { missingIn } from './capabilities.js';

const status = (effective: bigint): string =>
  `Name:\tnode\nCapPrm:\tffffffffffffffff\nCapEff:\t${effective.toString(16).padStart(16, '0')}\nCapBnd:\t0\n`;

test('missingIn() names what CapEff lacks', () => {
  expect(missingIn(status(1n << 12n), ['CAP_NET_ADMIN', 'CAP_BPF'])).toEqual(['CAP_BPF']);
});

test('missingIn() lets CAP_SYS_ADMIN stand for CAP_BPF and CAP_PERFMON only', () => {
  const wanted = ['CAP_SYS_ADMIN', 'CAP_BPF', 'CAP_PERFMON', 'CAP_NET_RAW'];
  expect(missingIn(status(1n << 21n), wanted)).toEqual(['CAP_NET_RAW']);
});

test('missingIn() takes a system that says nothing for one that grants nothing', () => {
  expect(missingIn('', ['CAP_BPF'])).toEqual(['CAP_BPF']);
});
