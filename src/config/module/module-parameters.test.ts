import { describe, expect, test } from 'vitest';
import { moduleParameters } from './module-parameters.js';

const place = { file: 'modules.conf', line: 1 };

function treat(line: string) {
  const given = line.split(' ').map(word => {
    const [name = '', ...value] = word.split('=');
    return { name, value: value.join('='), place };
  });
  const { options, findings, maxBonds } = moduleParameters(given);
  return {
    maxBonds,
    options: Object.fromEntries(options.map(({ name, value }) => [name, value])),
    levels: findings.map(({ level }) => level),
    messages: findings.map(({ message }) => message),
  };
}

describe('moduleParameters() falls back where the module does', () => {
  test.each([
    ['miimon=-1', 'miimon', '0'],
    ['mode=1 miimon=100 updelay=-5', 'updelay', '0'],
    ['mode=1 miimon=100 downdelay=-5', 'downdelay', '0'],
    ['use_carrier=2', 'use_carrier', '1'],
    ['num_grat_arp=256', 'num_grat_arp', '1'],
    ['num_unsol_na=-1', 'num_unsol_na', '1'],
    ['all_slaves_active=2', 'all_slaves_active', '0'],
    ['resend_igmp=256', 'resend_igmp', '1'],
    ['packets_per_slave=65536', 'packets_per_slave', '1'],
    ['lp_interval=0', 'lp_interval', '1'],
    ['mode=1 arp_interval=100 arp_ip_target=192.0.2.1 arp_all_targets=both', 'arp_all_targets', 'any'],
  ])('%s: %s=%s', (line, name, value) => {
    const treated = treat(line);
    expect(treated.options[name]).toBe(value);
    expect(treated.levels).toContain('warning');
    expect(treated.levels).not.toContain('error');
  });

  test.each([
    ['max_bonds=4', 4],
    ['max_bonds=0', 0],
    ['max_bonds=-1', 1],
    ['mode=1', 1],
  ])('H01: %s makes %i bonds', (line, bonds) => {
    expect(treat(line).maxBonds).toBe(bonds);
  });

  test.each([4, 5, 6])('mode=%i without miimon gets miimon=100', mode => {
    expect(treat(`mode=${mode}`)).toMatchObject({ options: { miimon: '100' }, levels: ['warning'] });
    expect(treat(`mode=${mode} arp_interval=100 arp_ip_target=192.0.2.1`).options).not.toHaveProperty(
      'arp_interval',
    );
  });

  test('of two monitors miimon stays; without a good target there is no ARP monitoring; doubled targets count once', () => {
    const targets = 'arp_ip_target=192.0.2.1,192.0.2.1,192.0.2.2';
    expect(treat(`mode=1 miimon=50 arp_interval=100 ${targets}`).options).toEqual({
      mode: 'active-backup',
      miimon: '50',
    });
    expect(treat(`mode=1 arp_interval=100 ${targets}`).options).toEqual({
      mode: 'active-backup',
      arp_interval: '100',
      arp_ip_target: '192.0.2.1,192.0.2.2',
    });
    expect(treat('mode=1 arp_interval=100').options).toEqual({ mode: 'active-backup' });
    expect(treat('mode=1 arp_interval=100 arp_ip_target=192.0.2.1,nobody').options).toEqual({
      mode: 'active-backup',
    });
    const many = Array.from({ length: 20 }, (_, at) => `192.0.2.${at + 1}`).join(',');
    expect(
      treat(`mode=1 arp_interval=100 arp_ip_target=${many}`).options['arp_ip_target']?.split(',').length,
    ).toBe(16);
  });

  test('what the mode does not know is ignored: primary, lacp_rate, xmit_hash_policy, packets_per_slave', () => {
    expect(treat('mode=0 miimon=1 primary=eth0 lacp_rate=9 xmit_hash_policy=nonsense').options).toEqual({
      mode: 'balance-rr',
      miimon: '1',
    });
    expect(treat('mode=1 miimon=1 packets_per_slave=5').options).not.toHaveProperty('packets_per_slave');
    expect(treat('mode=1 miimon=1 primary_reselect=nonsense')).toMatchObject({ levels: ['warning'] });
  });

  test('numbers are read as the kernel does: 0x and 0 in front count, a word does not', () => {
    expect(treat('miimon=0x64').options['miimon']).toBe('100');
    expect(treat('miimon=0144').options['miimon']).toBe('100');
    expect(treat('miimon=1e2')).toMatchObject({ options: {}, levels: ['error'] });
    expect(treat('miimon=2147483648')).toMatchObject({ options: {}, levels: ['error'] });
    expect(treat('miimon=100 miimon=50').options['miimon']).toBe('50');
  });
});

describe('moduleParameters() reports what keeps the module from loading', () => {
  test.each([
    'mode=7',
    'mode=active_backup',
    'mode=2 miimon=1 xmit_hash_policy=layer4',
    'mode=4 lacp_rate=quick',
    'mode=4 ad_select=best',
    'mode=1 miimon=1 primary=eth0 primary_reselect=never',
    'mode=1 miimon=1 fail_over_mac=3',
    'mode=1 miimon=1 arp_validate=all',
    'mode=1 arp_interval=100 arp_ip_target=192.0.2.1 arp_validate=some',
  ])('%s', line => {
    const { levels, messages } = treat(line);
    expect(levels).toContain('error');
    expect(messages.join(' ')).toMatch(/keeps the module from loading: /);
  });
});
