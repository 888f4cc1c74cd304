import { expect, test } from 'vitest';
import { createBond, nearestOption } from '../index.js';

/** What is said of an option that is refused. */
function said(option: string, value: string): string {
  const made = createBond({
    name: 'bond0',
    address: '02:00:00:00:00:01',
    addressIsRandom: false,
    mtu: 1500,
    options: [[option, value]],
  });
  return made.ok ? 'taken' : made.error.message;
}

test.each([
  ['mode', 'lacp', 'mode=802.3ad'],
  ['mode', 'LACP', 'mode=802.3ad'],
  ['mode', 'active_backup', 'mode=active-backup'],
  ['mode', 'Active Backup', 'mode=active-backup'],
  ['mode', 'failover', 'mode=active-backup'],
  ['mode', 'round-robin', 'mode=balance-rr'],
  ['mode', 'balance_xor', 'mode=balance-xor'],
  ['mode', 'actvie-backup', 'mode=active-backup'],
  ['miimon', '100ms', 'miimon=100'],
  ['miimon', '0.25 s', 'miimon=250'],
  ['miimon', '1s', 'miimon=1000'],
  ['updelay', '2 sec', 'updelay=2000'],
  ['lp_interval', '3s', 'lp_interval=3'],
  ['xmit_hash_policy', 'l3+4', 'xmit_hash_policy=layer3+4'],
  ['primary_reselect', 'allways', 'primary_reselect=always'],
  ['all_slaves_active', 'yes', 'all_slaves_active=1'],
])('%s=%s is refused with what was meant', (option, value, meant) => {
  expect(said(option, value)).toMatch(
    new RegExp(`was refused: .*did you mean ${meant.replaceAll('+', '\\+')}\\?$`),
  );
});

test('no guess where none is near', () => {
  for (const [option, value] of [
    ['mode', 'quantum'],
    ['miimon', '100 parsecs'],
    ['miimon', '-1'],
    ['mode', 'constructor'],
  ] as const)
    expect(said(option, value), value).not.toContain('did you mean');
});

test('options by their names elsewhere', () => {
  expect(nearestOption('bond-miimon')).toBe('miimon');
  expect(nearestOption('mii-monitor-interval')).toBe('miimon');
  expect(nearestOption('hash_policy')).toBe('xmit_hash_policy');
  expect(nearestOption('arp-ip-target')).toBe('arp_ip_target');
  expect(nearestOption('mimion')).toBe('miimon');
});
