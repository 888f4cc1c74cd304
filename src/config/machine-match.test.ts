// Which interfaces a file means that does not name them, on a machine with a bond and what stands over its cards.
import { describe, expect, test } from 'vitest';
import type { Condition, KnownInterface } from './facts.js';
import { described, resolve } from './machine-match.js';

const MACHINE: readonly KnownInterface[] = [
  { name: 'lo', mac: '00:00:00:00:00:00', type: 'loopback' },
  { name: 'eth0', mac: '02:00:00:00:00:01', permanentMac: '02:00:00:00:00:01', driver: 'igb', type: 'ether' },
  // A member of bond0 has the address of the bond for the time being.
  {
    name: 'eth1',
    mac: '02:00:00:00:00:01',
    permanentMac: '02:00:00:00:00:02',
    driver: 'e1000e',
    type: 'ether',
  },
  { name: 'eth2', mac: '02:00:00:00:00:03', alternativeNames: ['enp3s0'], type: 'ether', kind: 'veth' },
  { name: 'bond0', mac: '02:00:00:00:00:01', kind: 'bond', type: 'bond' },
  { name: 'eth0.5', mac: '02:00:00:00:00:01', kind: 'vlan', type: 'vlan' },
  { name: 'mv0', mac: '02:00:00:00:00:03', kind: 'macvlan', type: 'ether' },
];

function match(...conditions: readonly (readonly [Condition['of'], string, boolean?])[]): string[] {
  const all = conditions.map(([of, pattern, isInverted = false]) => ({
    of,
    patterns: pattern.split(' '),
    isInverted,
  }));
  return resolve(MACHINE, { by: 'match', conditions: all });
}

describe('A MAC address', () => {
  test('means the card that came with it, not the member that has it for now, nor what stands over the card', () => {
    expect(resolve(MACHINE, { by: 'mac', mac: '02:00:00:00:00:01' })).toEqual(['eth0']);
    expect(resolve(MACHINE, { by: 'mac', mac: '02:00:00:00:00:02' })).toEqual(['eth1']);
  });

  test('means a card without a permanent address by the present one, and no macvlan over it', () => {
    expect(resolve(MACHINE, { by: 'mac', mac: '02:00:00:00:00:03' })).toEqual(['eth2']);
    expect(match(['permanentMac', '02:00:00:00:00:03'])).toEqual(['eth2']);
  });
});

describe('Conditions', () => {
  test('must all be met', () => {
    expect(match(['name', 'eth*'], ['driver', 'igb e1000e'])).toEqual(['eth0', 'eth1']);
    expect(match(['name', 'eth1 eth2'], ['driver', 'igb e1000e'])).toEqual(['eth1']);
    expect(match(['name', 'eth2'], ['driver', 'igb'])).toEqual([]);
  });

  test('may be inverted, as a list', () => {
    expect(match(['type', 'ether'], ['name', 'eth0 mv*', true])).toEqual(['eth1', 'eth2']);
  });

  test('take alternative names too', () => {
    expect(match(['name', 'enp3*'])).toEqual(['eth2']);
  });

  test('read as one sentence', () => {
    const conditions: readonly Condition[] = [
      { of: 'name', patterns: ['en*', 'eth*'], isInverted: false },
      { of: 'driver', patterns: ['igb'], isInverted: true },
    ];
    expect(described({ by: 'match', conditions })).toBe(
      'the name en* or eth* and the driver that is not igb',
    );
  });
});
