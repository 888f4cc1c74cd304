// Who has which MAC address, who is active, and what the network is told (H11, H14, H15, H30 to H33; reference §2.2, §3).
// Real interfaces; needs root and BPF.
import { afterEach, describe, expect, test } from 'vitest';
import { Listener } from './support/frames.js';
import { closeStages, Stage, until } from './support/stage.js';

afterEach(closeStages);

/** Long enough for ten ticks: what has not come by then does not come. */
const nothingMore = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 1000));

describe('MAC addresses', () => {
  test('fail_over_mac=none: the first member gives its MAC to all, it stays when that member leaves (H30, H32, H33)', async () => {
    const stage = await Stage.open();
    const [first, second] = [stage.mac('eth0'), stage.mac('eth1')];
    await stage.bond();
    const all = () => ['bond0', 'eth0', 'eth1'].map(name => stage.mac(name));
    expect(all()).toEqual([first, first, first]);
    stage.lab.cut('eth0');
    await stage.active('eth1');
    expect(all()).toEqual([first, first, first]);
    const warned = await stage.bondwire.command(['release', 'bond0', 'eth0']);
    expect(warned.status).toBe(0);
    expect(warned.stderr).toMatch(/still in use by bond0/);
    expect(all()).toEqual([first, first, first]);
    await stage.reached();
    await stage.api.release('bond0', { interfaces: ['eth1'] });
    expect(stage.mac('eth1')).toBe(second);
    await until('the bond has another MAC', () => ![first, second].includes(stage.mac('bond0')));
    await stage.api.enslave('bond0', { interfaces: ['eth1'] });
    expect(stage.mac('bond0')).toBe(second);
  });

  test('fail_over_mac=active: members keep theirs, the bond takes that of the active one', async () => {
    const stage = await Stage.open();
    const [first, second] = [stage.mac('eth0'), stage.mac('eth1')];
    await stage.bond({ fail_over_mac: 'active' });
    const all = () => ['bond0', 'eth0', 'eth1'].map(name => stage.mac(name));
    expect(all()).toEqual([first, first, second]);
    stage.lab.cut('eth0');
    await until('the bond follows', () => stage.mac('bond0') === second);
    expect(all()).toEqual([second, first, second]);
    await stage.reached();
    await stage.ip('link', 'set', 'bond0', 'address', '02:00:5e:00:00:77');
    await until('it is set back', () => stage.mac('bond0') === second);
    await stage.api.destroy('bond0');
    expect([stage.mac('eth0'), stage.mac('eth1')]).toEqual([first, second]);
  });

  test("fail_over_mac=follow: the active member has the bond's MAC, the two swap at a failover", async () => {
    const stage = await Stage.open();
    const [first, second] = [stage.mac('eth0'), stage.mac('eth1')];
    await stage.bond({ fail_over_mac: 'follow' });
    const all = () => ['bond0', 'eth0', 'eth1'].map(name => stage.mac(name));
    expect(all()).toEqual([first, first, second]);
    stage.lab.cut('eth0');
    await until('they swapped', () => all().join() === [first, second, first].join());
    await stage.reached();
    stage.lab.restore('eth0');
    await stage.up('eth0');
    await stage.api.set('bond0', { options: { active_slave: 'eth0' } });
    expect(all()).toEqual([first, first, second]);
    stage.lab.cut('eth0');
    await stage.active('eth1');
    await stage.api.release('bond0', { interfaces: ['eth1'] });
    expect(stage.mac('eth1')).toBe(second);
    await stage.api.destroy('bond0');
    expect([stage.mac('eth0'), stage.mac('eth1')]).toEqual([first, second]);
  });

  test("The bond's MAC is seen on one port of the switch only (H11)", async () => {
    const stage = await Stage.open();
    await stage.bond();
    using active = new Listener(stage, 'switch', 'p0');
    using backup = new Listener(stage, 'switch', 'p1');
    await stage.run('host', 'ping', '-c', '5', '-i', '0.05', stage.lab.peerIp);
    await until('frames were seen', () => active.from(stage.mac('bond0')).length >= 5);
    expect(backup.from(stage.mac('bond0'))).toEqual([]);
  });
});

describe('Choosing the active member', () => {
  test('it is sticky without a primary (H14), and a primary comes back as primary_reselect says (H15)', async () => {
    const stage = await Stage.open();
    await stage.bond();
    const flap = async (name: string, other: string): Promise<void> => {
      stage.lab.cut(name);
      await stage.active(other);
      stage.lab.restore(name);
      await stage.up(name);
    };
    await flap('eth0', 'eth1');
    await nothingMore();
    expect((await stage.show()).active).toBe('eth1');
    await stage.api.set('bond0', { options: { primary: 'eth0' } });
    expect((await stage.show()).active).toBe('eth0');
    await flap('eth0', 'eth1');
    await stage.active('eth0');
    await stage.api.set('bond0', { options: { primary_reselect: 'failure' } });
    await flap('eth0', 'eth1');
    await nothingMore();
    expect((await stage.show()).active).toBe('eth1');
    stage.lab.cut('eth1');
    await stage.active('eth0');
    stage.lab.restore('eth1');
    await stage.up('eth1');
    // Both are equally fast: no better, so nothing moves.
    await stage.api.set('bond0', { options: { primary_reselect: 'better' } });
    await flap('eth0', 'eth1');
    await nothingMore();
    expect((await stage.show()).active).toBe('eth1');
    await stage.api.set('bond0', { options: { primary_reselect: 'always' } });
    expect((await stage.show()).active).toBe('eth0');
    await stage.reached();
  });

  test('active_slave moves it by hand, refuses a member that is down, and cleared chooses anew', async () => {
    const stage = await Stage.open();
    await stage.bond();
    await stage.api.set('bond0', { options: { active_slave: 'eth1' } });
    expect((await stage.show()).active).toBe('eth1');
    await stage.reached();
    stage.lab.cut('eth0');
    await until('eth0 is down', async () => (await stage.member('eth0')).miiStatus === 'down');
    await expect(stage.api.set('bond0', { options: { active_slave: 'eth0' } })).rejects.toThrow(/eth0/);
    expect((await stage.show()).active).toBe('eth1');
    stage.lab.restore('eth0');
    await stage.up('eth0');
    await stage.api.set('bond0', { options: { active_slave: '' } });
    expect((await stage.show()).active).toBe('eth0');
  });
});

describe('What the network is told after a failover', () => {
  test.each([0, 1, 3])(
    'num_grat_arp=%i: so many gratuitous ARP requests and advertisements, on the new member',
    async number => {
      const stage = await Stage.open({ ipv6: true });
      await stage.bond({ num_grat_arp: String(number) });
      await stage.api.addAddresses('bond0', { addresses: ['2001:db8:9::2/64'] });
      await stage.run('peer', 'ip', 'addr', 'add', '2001:db8:9::1/64', 'dev', 'eth0', 'nodad');
      await stage.reached('2001:db8:9::1');
      await until('nothing is tentative', async () => !(await stage.ip('-6', 'addr')).includes('tentative'));
      using atNew = new Listener(stage, 'switch', 'p1');
      using atOld = new Listener(stage, 'switch', 'p0');
      using atPeer = new Listener(stage, 'peer', 'eth0');
      const target = '20010db8000900000000000000000002';
      const count = (listener: Listener) => ({
        arps: listener.gratuitousArps('10.9.0.2').length,
        advertisements: listener.advertisements().filter(each => each === target).length,
      });
      stage.lab.cut('eth0');
      await stage.active('eth1');
      await until(
        'all were sent',
        () => count(atPeer).arps >= number && count(atPeer).advertisements >= number,
      );
      await nothingMore();
      expect(count(atNew)).toEqual({ arps: number, advertisements: number });
      expect(count(atPeer)).toEqual({ arps: number, advertisements: number });
      expect(count(atOld)).toEqual({ arps: 0, advertisements: 0 });
      for (const frame of atPeer.gratuitousArps('10.9.0.2')) {
        expect(frame.subarray(6, 12).toString('hex')).toBe(stage.mac('bond0').replaceAll(':', ''));
        expect(frame.subarray(0, 6).toString('hex')).toBe('ffffffffffff');
      }
    },
  );

  test.each([
    { fails: 'its cable is cut', monitor: {}, fail: (stage: Stage) => stage.lab.cut('eth0') },
    // Nothing else happens to an interface then that would make anybody look which groups there are.
    {
      fails: 'its switch falls silent',
      // Slowly: on a busy machine answers are late, and the other member would be the active one.
      monitor: { miimon: '0', arp_interval: '500', arp_ip_target: '10.9.0.1', primary: 'eth0' },
      fail: (stage: Stage) => stage.lab.silence('eth0'),
    },
  ])(
    'multicast memberships are reported again, resend_igmp times, when $fails',
    async ({ monitor, fail }) => {
      const stage = await Stage.open();
      await stage.bond({ resend_igmp: '3', ...monitor });
      const JOIN = `const s=require('dgram').createSocket('udp4');s.bind(9,()=>{s.addMembership('239.1.2.3','10.9.0.2');console.log('joined')});setInterval(()=>{},1000)`;
      let joined = false;
      stage.lab.spawn('host', [process.execPath, '-e', JOIN]).stdout?.on('data', () => {
        joined = true;
      });
      await until('the group is joined', () => joined);
      await stage.active('eth0');
      await until('the member carries the group', async () =>
        (await stage.ip('maddr', 'show', 'dev', 'eth0')).includes('01:00:5e:01:02:03'),
      );
      // The kernel's own reports after joining come within a second.
      await nothingMore();
      await nothingMore();
      using listener = new Listener(stage, 'switch', 'p1');
      fail(stage);
      await stage.active('eth1');
      await until('reports came', () => listener.igmp().length >= 3);
      await nothingMore();
      expect(listener.igmp().length).toBe(3);
      expect(listener.igmp()[0]?.toString('hex')).toContain('ef010203');
      expect(await stage.ip('maddr', 'show', 'dev', 'eth1')).toContain('01:00:5e:01:02:03');
      expect(await stage.ip('maddr', 'show', 'dev', 'eth0')).not.toContain('01:00:5e:01:02:03');
    },
  );
});
