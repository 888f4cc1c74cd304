// The option table: the driver's parse rules, its order of checks and errno, cross effects, and what is not built.
import { describe, expect, it } from 'vitest';
import type { Refusal } from '../../base/index.js';
import {
  createBond,
  findOption,
  type ForwardingPlan,
  inApplyOrder,
  membersThat,
  nearestOption,
  OPTION_TABLE,
} from '../index.js';
import { valueOf } from './options.js';
import { Bench } from '../testing.js';

function refusalOf(options: [string, string][]): Refusal {
  const made = createBond({
    name: 'bond0',
    address: '02:00:00:00:00:99',
    addressIsRandom: true,
    mtu: 1500,
    options,
  });
  if (made.ok) throw new Error('The bond was made');
  return made.error;
}

const heard = (plan: ForwardingPlan): readonly number[] =>
  membersThat(plan, ({ heardBesides }) => heardBesides);

function messageOf(bench: Bench, option: string, value: string): string {
  bench.forget();
  bench.set(option, value);
  return bench.events('refused')[0]?.message ?? 'accepted';
}

describe('OPTION_TABLE', () => {
  it('has every option exactly once, each with one line of description', () => {
    const names = OPTION_TABLE.flatMap(spec => [spec.name, ...spec.aliases]);
    expect(names.toSorted()).toEqual(Array.from(new Set(names)).toSorted());
    for (const spec of OPTION_TABLE) {
      expect(spec.summary).toMatch(/^[A-Z][^\n]*\.$/);
      expect(inApplyOrder([spec.name, 'nonsense'])[0]).toBe(spec.name);
    }
  });

  it('knows the other spellings', () => {
    expect(findOption('num_unsol_na')?.name).toBe('num_grat_arp');
    expect(findOption('peer_notify_delay')?.name).toBe('peer_notif_delay');
    expect(findOption('missed_max')?.name).toBe('arp_missed_max');
    expect(nearestOption('mimon')).toBe('miimon');
    expect(nearestOption('zzzzzzzzzzzz')).toBeUndefined();
  });

  it('applies in the order of netlink, unknown names last', () => {
    expect(
      inApplyOrder(['x', 'primary', 'updelay', 'num_unsol_na', 'miimon', 'mode', 'inline_failover']),
    ).toEqual(['mode', 'miimon', 'updelay', 'primary', 'num_unsol_na', 'inline_failover', 'x']);
    expect(
      inApplyOrder([
        'arp_missed_max',
        'tlb_dynamic_lb',
        'arp_interval',
        'active_slave',
        'mode',
        'link_watch',
      ]),
    ).toEqual(['link_watch', 'mode', 'active_slave', 'arp_interval', 'tlb_dynamic_lb', 'arp_missed_max']);
  });
});

describe('set-option', () => {
  it.each([
    ['miimon', '50', 50],
    ['miimon', ' 50 60\n70', 50],
    ['miimon', 'maxval', 2147483647],
    ['miimon', 'off', 0],
    ['miimon', 'default', 0],
    ['resend_igmp', 'default', 1],
    ['lp_interval', 'minval', 1],
    ['use_carrier', 'on', 1],
    ['use_carrier', '0', 0],
    ['primary_reselect', '2', 'failure'],
    ['primary_reselect', 'better than nothing', 'better'],
    ['fail_over_mac', 'follow', 'follow'],
    ['xmit_hash_policy', 'layer3+4', 'layer3+4'],
    ['ad_select', 'bandwidth', 'bandwidth'],
    ['num_unsol_na', '7', 7],
    ['arp_interval', '0', 0],
    ['arp_validate', 'none', 'none'],
    ['arp_missed_max', '5', 5],
    ['all_slaves_active', '1', 1],
    ['min_links', '3', 3],
    ['mode', '1', 'active-backup'],
    ['primary', 'eth9', 'eth9'],
    ['inline_failover', '0', 0],
  ])('%s=%j is accepted', (name, text, value) => {
    const bench = new Bench();
    expect(bench.set(name, text)).toBeNull();
    expect(valueOf(bench.bond.snapshot().options, name)).toBe(value);
  });

  it.each([
    ['miimon', '-1', 'EINVAL'],
    ['miimon', '2147483648', 'EINVAL'],
    ['miimon', '', 'EINVAL'],
    ['miimon', '100ms', 'EINVAL'],
    ['num_grat_arp', '256', 'EINVAL'],
    ['peer_notif_delay', '300001', 'EINVAL'],
    ['peer_notif_delay', 'default', 'EINVAL'],
    ['lp_interval', '0', 'EINVAL'],
    ['primary_reselect', 'Always', 'EINVAL'],
    ['packets_per_slave', '1', 'EACCES'],
    ['lacp_rate', 'nonsense', 'EACCES'],
    ['tlb_dynamic_lb', '1', 'EACCES'],
    ['coupled_control', 'on', 'EACCES'],
    ['lacp_strict', 'off', 'EACCES'],
    ['actor_port_prio', 'eth1:5', 'EACCES'],
    ['ad_actor_system', '00:00:00:00:00:00', 'EACCES'],
    ['mode', 'active-backup', 'ENOTEMPTY'],
    ['fail_over_mac', 'nonsense', 'ENOTEMPTY'],
    ['ad_select', 'nonsense', 'EBUSY'],
    ['arp_ip_target', '+192.0.2', 'EPERM'],
    ['arp_ip_target', '+0.0.0.0', 'EINVAL'],
    ['arp_ip_target', '-192.0.2.1', 'EINVAL'],
    ['arp_ip_target', '192.0.2.1,192.0.2.1', 'EINVAL'],
    ['arp_ip_target', Array.from({ length: 17 }, (_, i) => `192.0.2.${i + 1}`).join(','), 'EINVAL'],
    ['ns_ip6_target', '::1', 'EINVAL'],
    ['queue_id', 'eth1:17', 'EPERM'],
    ['queue_id', 'eth1', 'EPERM'],
    ['queue_id', 'eth9:1', 'EPERM'],
    ['queue_id', 'eth1:-1', 'EPERM'],
    ['prio', 'eth9:1', 'ENODEV'],
    ['prio', '7', 'EINVAL'],
    ['slaves', '+eth3', 'EPERM'],
    ['nonsense', '1', 'EINVAL'],
  ])('%s=%j is refused with %s and changes nothing', (name, text, errno) => {
    const bench = new Bench({ miimon: 100 }, [1]);
    bench.up();
    const before = bench.bond.save();
    expect(bench.set(name, text)).toBe(errno);
    expect(bench.bond.save()).toEqual(before);
    expect(bench.events('refused')).toHaveLength(1);
  });

  it('ties a transmit queue to one member, in the two modes that have it (bond_slave_override)', () => {
    const bench = new Bench({ miimon: 100 }, [1, 2]);
    const queues = () =>
      bench.bond.plan().members.flatMap(({ member, queue }) => (queue === 0 ? [] : [{ queue, member }]));
    expect(bench.set('queue_id', 'eth2:16')).toBeNull();
    expect(queues()).toEqual([{ queue: 16, member: 2 }]);
    expect(bench.set('queue_id', 'eth1:16')).toBe('EPERM');
    expect(bench.set('queue_id', 'eth2:0')).toBeNull();
    expect(bench.set('queue_id', 'eth1:16')).toBeNull();
    expect(queues()).toEqual([{ queue: 16, member: 1 }]);
    expect(bench.bond.snapshot().options.queue_id).toEqual(['eth1:16', 'eth2:0']);
    const spread = new Bench({ mode: 'balance-xor', miimon: 100 }, [1]);
    expect(spread.set('queue_id', 'eth1:3')).toBeNull();
    expect(membersThat(spread.bond.plan(), ({ queue }) => queue !== 0)).toEqual([]);
  });

  it('accepts what changes nothing', () => {
    const bench = new Bench({}, [1]);
    for (const [name, value] of [
      ['arp_ip_target', ''],
      ['queue_id', 'eth1:0'],
      ['ns_ip6_target', ''],
    ] as const) {
      expect(bench.set(name, value)).toBeNull();
    }
  });

  it('keeps delays as ticks, rounded down with a warning, H22', () => {
    const bench = new Bench({ miimon: 100 });
    expect(bench.set('updelay', 155)).toBeNull();
    expect(bench.bond.snapshot().options.updelay).toBe(100);
    expect(
      bench
        .events('option')
        .some(event => event.severity === 'warning' && event.message.includes('rounded to 100 ms')),
    ).toBe(true);
    bench.set('miimon', 50);
    expect(bench.bond.snapshot().options.updelay).toBe(50);
    bench.set('miimon', 0);
    expect(bench.bond.snapshot().options.updelay).toBe(0);
    expect(bench.set('updelay', 0)).toBe('EPERM');
    bench.set('miimon', 100);
    expect(bench.bond.snapshot().options.updelay).toBe(100);
  });

  it('says what was refused, why, and what to do', () => {
    const bench = new Bench({ miimon: 0 });
    expect(messageOf(bench, 'updelay', '200')).toBe(
      'updelay=200 was refused: link monitoring is off; set miimon first (for example miimon=100).',
    );
    expect(messageOf(bench, 'mimon', '100')).toBe(
      'mimon=100 was refused: there is no such option; did you mean miimon?',
    );
    expect(messageOf(bench, 'primary_reselect', 'x')).toBe(
      'primary_reselect=x was refused: it must be one of always (0), better (1), failure (2).',
    );
    expect(messageOf(bench, 'lacp_rate', 'fast')).toContain('belongs to mode 802.3ad');
  });

  it('stores prio a member, negative too, and warns when a primary makes it moot', () => {
    const bench = new Bench({}, [1, 2]);
    bench.set('prio', 'eth2:-5');
    expect(bench.bond.snapshot().options.prio).toEqual(['eth1:0', 'eth2:-5']);
    bench.set('primary', 'eth1');
    bench.forget();
    bench.set('prio', 'eth2:9');
    expect(bench.active).toBe('eth1');
    expect(bench.events('option').at(-1)?.severity).toBe('warning');
  });

  it('all_slaves_active opens and shuts the backups', () => {
    const bench = new Bench({}, [1, 2]);
    expect(heard(bench.bond.plan())).toEqual([]);
    bench.set('all_slaves_active', 1);
    expect(heard(bench.bond.plan())).toEqual([2]);
    bench.set('all_slaves_active', 0);
    expect(
      bench
        .outputs('forward')
        .map(({ plan }) => heard(plan))
        .at(-1),
    ).toEqual([]);
  });
});

describe('what is not built yet', () => {
  const wish = { name: 'bond0', address: '02:00:00:00:00:99', addressIsRandom: true, mtu: 1500 };
  const make = (...options: [string, string][]) => {
    const made = createBond({ ...wish, options });
    if (!made.ok) throw new Error(made.error.message);
    return made.value;
  };

  it('has all its effects on other options already', () => {
    expect(make(['mode', '802.3ad']).snapshot().options).toMatchObject({ miimon: 100, arp_interval: 0 });
    const bond = make(['mode', 'balance-rr'], ['arp_interval', '50'], ['arp_validate', 'all']);
    expect(bond.handle({ kind: 'set-option', option: 'miimon', value: '100' }, 0).ok).toBe(true);
    expect(bond.snapshot().options).toMatchObject({ miimon: 100, arp_interval: 0, arp_validate: 'none' });
    expect(bond.handle({ kind: 'set-option', option: 'arp_interval', value: '50' }, 0).ok).toBe(true);
    expect(bond.snapshot().options).toMatchObject({ miimon: 0, arp_interval: 50 });
  });

  it('is refused as the last check of all', () => {
    const bench = new Bench();
    expect(bench.set('use_carrier', '2')).toBe('EINVAL');
    expect(bench.set('mode', '7')).toBe('EINVAL');
  });
});

describe('createBond()', () => {
  it('has every mode of the driver, and no other, H02', () => {
    const about = { name: 'b', address: '02:00:00:00:00:99', addressIsRandom: true, mtu: 1500 };
    const made = Array.from({ length: 7 }, (_, mode) =>
      createBond({ ...about, options: [['mode', String(mode)]] }),
    );
    expect(made.map(({ ok }) => ok)).toEqual(made.map(() => true));
    expect(refusalOf([['mode', '9']]).errno).toBe('EINVAL');
    expect(refusalOf([['mod', '1']]).message).toContain('did you mean mode?');
  });

  it("has the driver's default mode without one", () => {
    const made = createBond({
      name: 'b',
      address: '02:00:00:00:00:99',
      addressIsRandom: true,
      mtu: 1500,
      options: [],
    });
    expect(made.ok && made.value.snapshot()).toMatchObject({ mode: 'balance-rr', active: null });
  });

  it('applies in the right order whatever the order given, and all or nothing', () => {
    const bench = new Bench({ updelay: 200, miimon: 100 });
    expect(bench.bond.snapshot().options).toMatchObject({ updelay: 200, miimon: 100 });
    expect(
      refusalOf([
        ['mode', '1'],
        ['updelay', '200'],
      ]).errno,
    ).toBe('EPERM');
  });

  it('refuses both monitors in one request', () => {
    expect(
      refusalOf([
        ['mode', '1'],
        ['miimon', '100'],
        ['arp_interval', '100'],
      ]),
    ).toMatchObject({ code: 'invalid-request', errno: 'EINVAL' });
    expect(
      refusalOf([
        ['mode', '1'],
        ['miimon', '100'],
        ['arp_validate', 'all'],
      ]).message,
    ).toContain('ARP validating');
  });

  it('warns about a bond that watches nothing, H08', () => {
    const made = createBond({
      name: 'b',
      address: '02:00:00:00:00:99',
      addressIsRandom: true,
      mtu: 1500,
      options: [['mode', '1']],
    });
    const outputs = made.ok ? made.value.outputs() : [];
    expect(outputs.some(output => output.kind === 'event' && output.event.severity === 'warning')).toBe(true);
  });
});
