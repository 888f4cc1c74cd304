// Active-backup through the bond: who is active, primary, prio, addresses, inline failover, other people's changes.
import { describe, expect, it } from 'vitest';
import { Bench, cut, linkOf, started } from '../testing.js';

describe('active member', () => {
  it('is sticky: the failed one does not take over again when it returns, H11 H14', () => {
    const bench = started();
    expect(bench.active).toBe('eth1');
    expect(cut(bench, 1)).toBe('eth2');
    expect(cut(bench, 1, true)).toBe('eth2');
    expect(cut(bench, 2)).toBe('eth1');
    expect(bench.events('failover').map(event => [event.from, event.to, event.reason])).toEqual([
      ['eth1', 'eth2', 'eth1 lost its carrier'],
      ['eth2', 'eth1', 'eth2 lost its carrier'],
    ]);
  });

  it('is the primary whenever that is up, H15', () => {
    const bench = started({ primary: 'eth2' });
    expect(bench.active).toBe('eth2');
    expect(cut(bench, 2)).toBe('eth1');
    expect(cut(bench, 2, true)).toBe('eth2');
    expect(bench.events('failover').at(-1)?.reason).toBe('primary eth2 is back');
  });

  it.each([
    ['always', 'eth3'],
    ['better', 'eth1'],
    ['failure', 'eth1'],
  ])('follows prio with primary_reselect=%s as the selftest says', (reselect, afterThird) => {
    // Selftest bond_options.sh prio: eth1 (primary) is member 2, eth2 member 3, eth0 member 1.
    const bench = started({ primary: 'eth2', primary_reselect: reselect }, [1, 2, 3]);
    bench.set('prio', 'eth1:0');
    bench.set('prio', 'eth2:10');
    bench.set('prio', 'eth3:11');
    expect(bench.active).toBe('eth2');
    expect(cut(bench, 2)).toBe('eth3');
    expect(cut(bench, 3)).toBe('eth1');
    expect(cut(bench, 3, true)).toBe(afterThird);
    const before = bench.active;
    expect(cut(bench, 2, true)).toBe(reselect === 'always' ? 'eth2' : before);
    if (reselect === 'failure') expect(cut(bench, 1)).toBe('eth2');
    if (reselect !== 'always') return;
    bench.set('prio', 'eth1:1000000');
    bench.set('prio', 'eth2:0');
    bench.set('prio', 'eth3:-50');
    expect(bench.active).toBe('eth2');
    expect(cut(bench, 2)).toBe('eth1');
  });

  it('primary_reselect=better compares speed, then duplex', () => {
    const bench = started({ primary: 'eth2', primary_reselect: 'better' });
    expect(cut(bench, 2)).toBe('eth1');
    bench.link(2, { speedMbps: 10000 });
    expect(cut(bench, 2, true)).toBe('eth2');
    cut(bench, 2);
    bench.link(1, { duplex: 'half' });
    bench.link(2, { speedMbps: 1000 });
    expect(cut(bench, 2, true)).toBe('eth2');
  });

  it('moves by hand to a member that is up, and to no other, H57', () => {
    const bench = started();
    expect(bench.set('active_slave', 'eth2')).toBeNull();
    expect(bench.active).toBe('eth2');
    expect(bench.set('active_slave', 'eth9')).toBe('EINVAL');
    bench.link(1, { carrier: false });
    expect(bench.set('active_slave', 'eth1')).toBe('EINVAL');
    bench.run(bench.now + 100);
    expect(bench.set('active_slave', '\n')).toBeNull();
    expect(bench.active).toBe('eth2');
  });

  it('follows the name of the primary when members are renamed', () => {
    const bench = started({ primary: 'wan' });
    bench.link(2, { name: 'wan' });
    expect(bench.active).toBe('wan');
    bench.link(2, { name: 'old' });
    expect(bench.events('renamed')).toHaveLength(2);
    expect(bench.active).toBe('eth1');
  });

  it('is chosen again when it leaves, with the plan given out before it is detached', () => {
    const bench = started();
    bench.leave(1);
    expect(bench.active).toBe('eth2');
    const order = bench.seen.map(({ output }) => output.kind).filter(kind => kind !== 'event');
    expect(order).toEqual(['forward', 'detach-member']);
    expect(bench.events('failover')[0]).toMatchObject({
      from: 'eth1',
      to: 'eth2',
      reason: 'eth1 was released',
    });
  });

  it('says so when nothing is left', () => {
    const bench = started({}, [1]);
    cut(bench, 1);
    expect(bench.events('lost')[0]).toMatchObject({ severity: 'error', from: 'eth1', to: null });
    expect(bench.outputs('carrier')).toEqual([{ kind: 'carrier', on: false }]);
  });
});

describe('joining and leaving', () => {
  it('opens, sets MTU and address, and takes the first MAC, H07 H30 H33', () => {
    const bench = new Bench();
    bench.join(1, { adminUp: false, carrier: false, mtu: 9000 });
    expect(bench.bond.snapshot()).toMatchObject({
      address: '02:00:00:00:00:01',
      addressIsRandom: false,
      active: null,
    });
    bench.join(2);
    expect(
      bench.seen
        .map(({ output }) => output)
        .filter(output => !['event', 'forward', 'carrier'].includes(output.kind)),
    ).toEqual([
      { kind: 'set-member-mtu', member: 1, mtu: 1500 },
      { kind: 'set-bond-address', address: '02:00:00:00:00:01' },
      { kind: 'open-member', member: 1 },
      { kind: 'set-member-address', member: 2, address: '02:00:00:00:00:01' },
      { kind: 'open-member', member: 2 },
    ]);
    bench.leave(1);
    expect(bench.events('address')[0]?.severity).toBe('warning');
    expect(bench.bond.snapshot().address).toBe('02:00:00:00:00:01');
    bench.leave(2);
    expect(bench.outputs('random-bond-address')).toHaveLength(1);
    bench.give({
      kind: 'bond-link',
      name: 'bond0',
      adminUp: false,
      mtu: 1500,
      address: '06:00:00:00:00:77',
      promiscuous: false,
      allMulticast: false,
    });
    bench.join(2);
    expect(bench.bond.snapshot().address).toBe('02:00:00:00:00:02');
  });

  it.each(['opened', 'member-link'] as const)('decides the link when %s tells that it is open', kind => {
    for (const [updelay, carrier, expected] of [
      [0, true, 'up'],
      [300, true, 'back'],
      [0, false, 'down'],
    ] as const) {
      const bench = new Bench({ updelay });
      bench.join(1, { adminUp: false, carrier: false });
      expect(bench.state(1)).toBe('down');
      bench.give({ kind, member: 1, link: linkOf(1, { carrier }) });
      expect(bench.state(1)).toBe(expected);
      expect(bench.bond.snapshot().carrier).toBe(expected === 'up');
    }
  });

  it('forces fail_over_mac=active for a first member with a fixed MAC and refuses it later', () => {
    const bench = new Bench();
    expect(bench.join(1, {}, false)).toBeNull();
    expect(bench.bond.snapshot().options.fail_over_mac).toBe('active');
    expect(bench.join(2, {}, false)).toBeNull();
    const other = new Bench({}, [1]);
    expect(other.join(2, {}, false)).toBe('EOPNOTSUPP');
    expect(other.bond.snapshot().members).toHaveLength(1);
    expect(other.join(1)).toBe('EBUSY');
    expect(other.leave(7)).toBe('ENODEV');
  });
});

describe('fail_over_mac', () => {
  it('active: the bond takes the MAC of the active member, and a hand-set one is put back', () => {
    const bench = started({ fail_over_mac: 'active' });
    expect(bench.member(2).address).toBe('02:00:00:00:00:02');
    cut(bench, 1);
    expect(bench.bond.snapshot().address).toBe('02:00:00:00:00:02');
    bench.forget();
    bench.give({
      kind: 'bond-link',
      name: 'bond0',
      adminUp: true,
      mtu: 1500,
      address: '02:00:00:00:00:55',
      promiscuous: false,
      allMulticast: false,
    });
    expect(bench.outputs('set-bond-address')).toEqual([
      { kind: 'set-bond-address', address: '02:00:00:00:00:02' },
    ]);
    bench.leave(2);
    expect(bench.outputs('detach-member')).toEqual([
      { kind: 'detach-member', member: 2, restoreAddress: false },
    ]);
  });

  it('none: a MAC set by hand follows to all members, H31', () => {
    const bench = started();
    bench.give({
      kind: 'bond-link',
      name: 'bond0',
      adminUp: true,
      mtu: 1400,
      address: '02:00:00:00:00:55',
      promiscuous: true,
      allMulticast: false,
    });
    expect(bench.outputs('set-member-address')).toHaveLength(2);
    expect(bench.outputs('set-member-mtu')).toHaveLength(2);
    expect(bench.outputs('forward').at(-1)?.plan.promiscuous).toBe(true);
  });

  it('follow: the active one has the MAC of the bond, and never two the same', () => {
    const bench = started({ fail_over_mac: 'follow' });
    const holding = new Map(bench.bond.snapshot().members.map(each => [each.member, each.address]));
    cut(bench, 1);
    for (const { member, address } of bench.outputs('set-member-address')) {
      holding.set(member, address);
      expect(new Set(holding.values()).size).toBe(2);
    }
    expect(bench.outputs('set-member-address')).toHaveLength(3);
    expect(bench.member(2).address).toBe(bench.bond.snapshot().address);
    expect(bench.member(1).address).toBe('02:00:00:00:00:02');
    expect(bench.bond.snapshot().address).toBe('02:00:00:00:00:01');
  });
});

describe('inline failover', () => {
  it('confirms a loss at once instead of at the next tick', () => {
    const bench = started({ inline_failover: 1 });
    bench.run(1010);
    bench.link(1, { carrier: false });
    expect([bench.active, bench.state(1), bench.member(1).linkFailureCount]).toEqual(['eth2', 'down', 1]);
    bench.run(2000);
    expect(bench.member(1).linkFailureCount).toBe(1);
  });

  it('believes the data plane, decides for itself, and gives the plan in any case', () => {
    const bench = started({ inline_failover: 1, primary: 'eth2' }, [1, 2, 3]);
    bench.give({ kind: 'diverted', from: 2, to: 3 });
    expect(bench.active).toBe('eth1');
    expect(bench.outputs('forward').at(-1)?.plan.active).toBe(1);
    bench.forget();
    bench.give({ kind: 'diverted', from: 2, to: 3 });
    expect(bench.outputs('forward')).toHaveLength(1);
    expect(bench.member(2).linkFailureCount).toBe(1);
    bench.link(2, { carrier: true });
    bench.run(bench.now + 100);
    expect(bench.active).toBe('eth2');
  });

  it('does not count what the data plane says of a member that was left before: it was counted then', () => {
    const bench = started({ inline_failover: 1 });
    bench.link(1, { carrier: false });
    bench.link(1, { carrier: true });
    bench.run(bench.now + 200);
    expect([bench.active, bench.state(1)]).toEqual(['eth2', 'up']);
    bench.give({ kind: 'diverted', from: 1, to: 2 });
    expect([bench.active, bench.state(1), bench.member(1).linkFailureCount]).toEqual(['eth2', 'up', 1]);
  });

  it.each([{ inline_failover: 0 }, { inline_failover: 1, downdelay: 100 }])(
    'does not act with %o',
    options => {
      const bench = started(options);
      bench.link(1, { carrier: false });
      bench.give({ kind: 'diverted', from: 1, to: 2 });
      expect([bench.active, bench.state(1)]).toEqual(['eth1', 'up']);
      expect(bench.bond.plan().inlineFailover).toBe(false);
    },
  );

  it.each([0, 300])(
    'takes a link that came back since the last tick when the active one dies (H23, updelay %i)',
    updelay => {
      const bench = started({ inline_failover: 1, updelay });
      bench.link(1, { carrier: false });
      expect(bench.active).toBe('eth2');
      bench.run(bench.now + 500);
      bench.forget();
      bench.link(1, { carrier: true });
      bench.link(2, { carrier: false });
      expect(bench.active).toBe('eth1');
      expect(bench.outputs('carrier')).toEqual([]);
      expect(bench.events('lost')).toEqual([]);
    },
  );

  it('lets the plan fall back on what the policy would choose', () => {
    const bench = started({ inline_failover: 1, primary: 'eth3', primary_reselect: 'failure' }, [1, 2, 3]);
    bench.set('prio', 'eth2:5');
    bench.set('active_slave', 'eth1');
    expect(bench.bond.plan()).toMatchObject({
      active: 1,
      members: [
        { member: 1, heardBesides: false, carriesFilters: true },
        { member: 3, heardBesides: false, carriesFilters: false },
        { member: 2, heardBesides: false, carriesFilters: false },
      ],
      inlineFailover: true,
    });
    cut(bench, 3);
    expect(bench.bond.plan().members.map(({ member }) => member)).toEqual([1, 2, 3]);
  });

  it('orders the fallback by prio, then by joining', () => {
    const bench = started({ primary_reselect: 'failure' }, [1, 2, 3, 4]);
    bench.set('prio', 'eth3:5');
    expect(bench.bond.plan().members.map(({ member }) => member)).toEqual([1, 3, 2, 4]);
  });
});

describe('changes by others', () => {
  it('warn, but late messages of our own changes do not', () => {
    const bench = started();
    bench.give({ kind: 'member-link', member: 2, link: linkOf(2) });
    expect(bench.events('address')).toEqual([]);
    bench.link(2, { address: '02:00:00:00:00:66' });
    bench.link(2, { address: '02:00:00:00:00:66', mtu: 1300 });
    expect([...bench.events('address'), ...bench.events('mtu')].map(event => event.severity)).toEqual([
      'warning',
      'warning',
    ]);
  });

  it('rename the bond', () => {
    const bench = started();
    bench.give({
      kind: 'bond-link',
      name: 'lan',
      adminUp: true,
      mtu: 1500,
      address: bench.bond.snapshot().address,
      promiscuous: false,
      allMulticast: false,
    });
    expect(bench.bond.snapshot().name).toBe('lan');
  });

  it('set a member down: seen at the next tick', () => {
    const bench = started();
    bench.link(1, { adminUp: false });
    bench.run(bench.now + 100);
    expect(bench.events('failover')[0]?.reason).toBe('eth1 was set down');
  });
});
