import { expect, test } from 'vitest';
import type { Feature } from '../../linux/index.js';
import { hasLargeReceive, setLargeReceive } from './large-receive.js';

const device = (lro: Partial<Feature> | undefined) => ({
  features: () =>
    new Map<string, Feature>([
      ['rx-gro', { available: true, requested: true, active: true, fixed: false }],
      ...(lro === undefined
        ? []
        : [['rx-lro', { available: true, requested: true, active: true, fixed: false, ...lro }] as const]),
    ]),
});

test('hasLargeReceive() is true only where it is on and can be switched off', () => {
  expect(hasLargeReceive(device({}), 'eth0')).toBe(true);
  expect(hasLargeReceive(device({ active: false }), 'eth0')).toBe(false);
  expect(hasLargeReceive(device({ fixed: true }), 'eth0')).toBe(false);
  expect(hasLargeReceive(device(undefined), 'eth0')).toBe(false);
  expect(hasLargeReceive({ features: () => undefined }, 'eth0')).toBe(false);
});

test('setLargeReceive() switches that alone', () => {
  const asked: unknown[] = [];
  const setFeatures = (name: string, wanted: Readonly<Record<string, boolean>>): true => {
    asked.push([name, wanted]);
    return true;
  };
  setLargeReceive({ setFeatures }, 'eth0', false);
  expect(asked).toEqual([['eth0', { 'rx-lro': false }]]);
});
