import { expect, test } from 'vitest';
import { advice } from './advice.js';

test('advice() fills the holes of a shape, several words one after the other', () => {
  expect(advice('ip link')).toBe('ip link');
  expect(
    advice('bondwire enslave {bond} {members} prio={prio}', {
      bond: 'bond0',
      members: ['eth0', 'eth1'],
      prio: 3,
    }),
  ).toBe('bondwire enslave bond0 eth0 eth1 prio=3');
  expect(advice('ip {family} route show {flags}', { family: [], flags: [] })).toBe('ip route show');
});

test('advice() gives words that a shell takes for themselves', () => {
  expect(advice('ip link set dev {name} up', { name: "a;b$(c)'d" })).toBe(
    "ip link set dev a\\;b\\$\\(c\\)\\'d up",
  );
  expect(advice('ip link set dev {name} up', { name: 'bond0.10' })).toBe('ip link set dev bond0.10 up');
  expect(advice('ip link set dev {name} up', { name: '' })).toBe("ip link set dev '' up");
});
