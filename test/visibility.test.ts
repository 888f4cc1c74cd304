// The bond seen by the rest of Linux: captures and counters, bridges and macvlans on top of it, IPv6, jumbo and tagged frames.
// Needs root.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PlaceName } from '../src/lab/index.js';
import { PacketSocket } from '../src/linux/index.js';
import { capture } from './support/capture.js';
import { eventually, World } from './support/world.js';

const IFF_PROMISC = 0x100;

let world: World;

async function build(options: { readonly ipv6?: boolean } = {}): Promise<void> {
  world = await World.create(options);
  await world.must('POST', '/v1/bonds', { name: 'bond0', options: { mode: 'active-backup', miimon: '100' } });
  await world.must('POST', '/v1/bonds/bond0/members', { interfaces: ['eth0', 'eth1'] });
  await world.must('POST', '/v1/bonds/bond0/up', {});
}
afterEach(() => world.close());

async function failOver(): Promise<void> {
  world.cut('eth0');
  await eventually('failover', async () => (await world.bond()).active === 'eth1');
}

const answers = (address: string, place: PlaceName = 'host'): Promise<true> =>
  eventually(`${address} answers`, async () => (await world.pings(address, place)) || undefined);

interface Statistics {
  readonly stats64: Record<'rx' | 'tx', { readonly packets: number; readonly bytes: number }>;
}

async function statistics(name: string): Promise<Statistics['stats64']> {
  const [link] = JSON.parse(await world.ip('host', `-j -s link show dev ${name}`)) as Statistics[];
  if (link === undefined) throw new Error(`There is no ${name}`);
  return link.stats64;
}

describe('multicast= (H29)', () => {
  const group = '01:00:5e:01:02:03';
  const listening = async (): Promise<string> => {
    const lists = await Promise.all(
      ['eth0', 'eth1'].map(async name => [name, await world.ip('host', `maddr show dev ${name}`)] as const),
    );
    return lists
      .filter(([, list]) => list.includes(group))
      .map(([name]) => name)
      .join(' ');
  };

  test.each([
    ['auto', 'eth0'],
    ['all', 'eth0 eth1'],
    ['active', 'eth0'],
    ['disabled', ''],
  ])('%s: the groups of the bond are listened to by "%s"', async (value, members) => {
    await build();
    await world.ip('host', `maddr add ${group} dev bond0`);
    await eventually('the mode says who', async () => (await listening()) === 'eth0');
    await world.must('PATCH', '/v1/bonds/bond0/options', { options: { multicast: value } });
    await eventually(`multicast=${value}`, async () => (await listening()) === members);
  });

  test('in a mode without an active member all listen, unless told otherwise', async () => {
    world = await World.create();
    await world.must('POST', '/v1/bonds', { name: 'bond0', options: { mode: 'balance-xor', miimon: '100' } });
    await world.must('POST', '/v1/bonds/bond0/members', { interfaces: ['eth0', 'eth1'] });
    await world.must('POST', '/v1/bonds/bond0/up', {});
    await world.ip('host', `maddr add ${group} dev bond0`);
    await eventually('the mode says who', async () => (await listening()) === 'eth0 eth1');
    await world.must('PATCH', '/v1/bonds/bond0/options', { options: { multicast: 'disabled' } });
    await eventually('nobody', async () => (await listening()) === '');
  });
});

describe('captures and counters (H42)', () => {
  beforeEach(async () => {
    await build();
    world.lab.addAddress('host', 'bond0', world.lab.hostAddress);
    await answers(world.lab.peerIp);
  });

  test('tcpdump on the bond shows both directions, before and after a failover', async () => {
    for (const part of ['before', 'after']) {
      const argv = ['tcpdump', '-l', '-n', '-i', 'bond0', '-c', '4', 'icmp'];
      const tcpdump = world.lab.spawn('host', argv);
      let told = '';
      let text = '';
      tcpdump.stderr?.on('data', (chunk: Buffer) => {
        told += chunk.toString();
      });
      tcpdump.stdout?.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      await eventually('tcpdump listens', () => told.includes('listening on bond0'));
      await answers(world.lab.peerIp);
      await answers(world.lab.peerIp);
      await eventually('tcpdump has seen all', () => tcpdump.exitCode !== null);
      const { hostIp, peerIp } = world.lab;
      expect(text, part).toMatch(new RegExp(`${hostIp} > ${peerIp}: ICMP echo request`));
      expect(text, part).toMatch(new RegExp(`${peerIp} > ${hostIp}: ICMP echo reply`));
      if (part === 'before') await failOver();
    }
  });

  test('ip -s link counts each packet once, both ways, before and after a failover', async () => {
    await failOver();
    world.lab.restore('eth0');
    await eventually('eth0 is back', async () => (await world.bond()).members[0]?.miiStatus === 'up');
    const before = await statistics('bond0');
    const ping = await world.lab.exec('host', [
      'ping',
      '-q',
      '-c',
      '50',
      '-i',
      '0.01',
      '-s',
      '1000',
      world.lab.peerIp,
    ]);
    expect(ping.stdout).toContain(' 0% packet loss');
    const after = await statistics('bond0');
    for (const way of ['rx', 'tx'] as const) {
      // A few more may be ARP.
      expect(after[way].packets - before[way].packets).toBeGreaterThanOrEqual(50);
      expect(after[way].packets - before[way].packets).toBeLessThan(60);
      expect(after[way].bytes - before[way].bytes).toBeGreaterThanOrEqual(50 * 1042);
      expect(after[way].bytes - before[way].bytes).toBeLessThan(50 * 1042 + 1000);
    }
    const shown = await world.bond();
    expect(shown.rx.packets).toBeGreaterThanOrEqual(after.rx.packets);
    expect(shown.tx.packets).toBeGreaterThanOrEqual(after.tx.packets);
    const active = await statistics('eth1');
    expect(active.rx.packets).toBeGreaterThanOrEqual(50);
    expect(active.tx.packets).toBeGreaterThanOrEqual(50);
  });
});

describe('devices on the bond', () => {
  test('a bridge: a host behind it reaches the peer and is reached; promiscuity follows the active member (H54)', async () => {
    await build();
    for (const line of [
      'link add br0 type bridge forward_delay 0',
      'link set bond0 master br0',
      'link add inner type veth peer name port',
      'link set port master br0 up',
      'link set br0 up',
      'netns add NAME',
      'link set inner netns NAME',
      '-n NAME addr add 10.9.0.7/24 dev inner',
      '-n NAME link set inner up',
    ]) {
      await world.ip('host', line.replaceAll('NAME', `${world.lab.host}i`));
    }
    try {
      const inner = async (): Promise<true | undefined> =>
        (
          await world.lab.exec('host', [
            'ip',
            'netns',
            'exec',
            `${world.lab.host}i`,
            'ping',
            '-c',
            '1',
            '-W',
            '1',
            world.lab.peerIp,
          ])
        ).status === 0 || undefined;
      const promiscuous = (name: string): boolean => {
        const link = world.lab.link('host', name);
        return (link?.promiscuity ?? 0) > 0 || ((link?.flags ?? 0) & IFF_PROMISC) !== 0;
      };
      await eventually('the host behind the bridge reaches the peer', inner);
      await eventually('eth0 is promiscuous', () => promiscuous('eth0'));
      expect(promiscuous('eth1')).toBe(false);
      await answers('10.9.0.7', 'peer');
      await failOver();
      await eventually('the host behind the bridge reaches the peer again', inner);
      await eventually(
        'eth1 is promiscuous, eth0 no more',
        () => promiscuous('eth1') && !promiscuous('eth0'),
      );
      await answers('10.9.0.7', 'peer');
      await world.ip('host', 'link set bond0 nomaster');
      await eventually('nobody is promiscuous', () => !promiscuous('eth1') && !promiscuous('eth0'));
    } finally {
      await world.ip('host', `netns del ${world.lab.host}i`);
    }
  });

  test('a macvlan with a MAC of its own reaches the peer, before and after a failover', async () => {
    await build();
    for (const line of [
      'link add mv0 link bond0 address 02:aa:00:00:00:01 type macvlan mode bridge',
      'addr add 10.9.0.8/24 dev mv0',
      'link set mv0 up',
    ]) {
      await world.ip('host', line);
    }
    await answers(world.lab.peerIp);
    await answers('10.9.0.8', 'peer');
    expect(await world.ip('peer', 'neigh show to 10.9.0.8')).toContain('02:aa:00:00:00:01');
    await failOver();
    await answers(world.lab.peerIp);
    await answers('10.9.0.8', 'peer');
  });
});

describe('IPv6', () => {
  test('duplicate address detection ends well; link-local and global addresses work before and after a failover', async () => {
    await build({ ipv6: true });
    await world.lab.exec('host', ['sysctl', '-qw', 'net.ipv6.conf.bond0.accept_dad=1']);
    for (const [place, line] of [
      ['host', '-6 addr add 2001:db8:9::2/64 dev bond0'],
      ['peer', '-6 addr add 2001:db8:9::1/64 dev eth0'],
    ] as const) {
      await world.ip(place, line);
    }
    const addresses = (): Promise<string> => world.ip('host', '-6 addr show dev bond0');
    await eventually('no address is tentative', async () => {
      const text = await addresses();
      return text.includes('2001:db8:9::2') && text.includes('fe80::') && !text.includes('tentative');
    });
    expect(await addresses()).not.toContain('dadfailed');
    for (const member of ['eth0', 'eth1']) {
      expect(await world.ip('host', `-6 addr show dev ${member}`)).toBe('');
    }
    const linkLocal = /fe80::[0-9a-f:]+/.exec(await world.ip('peer', '-6 addr show dev eth0'))?.[0] ?? '';
    await answers('2001:db8:9::1');
    await answers(`${linkLocal}%bond0`);
    await answers('2001:db8:9::2', 'peer');
    await failOver();
    await answers('2001:db8:9::1');
    await answers(`${linkLocal}%bond0`);
    await answers('2001:db8:9::2', 'peer');
  });

  test('an address that the peer has is found to be a duplicate', async () => {
    await build({ ipv6: true });
    await world.ip('peer', '-6 addr add 2001:db8:9::1/64 dev eth0');
    await world.lab.exec('host', ['sysctl', '-qw', 'net.ipv6.conf.bond0.accept_dad=1']);
    await world.ip('host', '-6 addr add 2001:db8:9::1/64 dev bond0');
    await eventually('the duplicate is noticed', async () =>
      (await world.ip('host', '-6 addr show dev bond0')).includes('dadfailed'),
    );
  });
});

/** A frame of VLAN 42 with a note in it. */
function tagged(to: string, from: string, note: string): Uint8Array {
  return Buffer.from(`${to}${from}8100002a88b5${Buffer.from(note.padEnd(50, '.')).toString('hex')}`, 'hex');
}

/** True when a frame with this note came in, and still has its tag. */
function hasTagged(seen: readonly string[], note: string): boolean {
  const text = Buffer.from(note).toString('hex');
  return seen.some(
    frame =>
      frame.startsWith('in') &&
      frame.includes(text) &&
      (frame.includes('vlan 42') || frame.includes('8100002a')),
  );
}

describe('frames as they are', () => {
  test('MTU 9000 goes to the members, and packets of 9000 bytes through, before and after a failover', async () => {
    await build();
    world.lab.addAddress('host', 'bond0', world.lab.hostAddress);
    for (const [place, names] of [
      ['peer', ['eth0']],
      ['switch', ['p0', 'p1', 'up0', 'sw0']],
      ['host', ['bond0']],
    ] as const) {
      for (const name of names) await world.ip(place, `link set ${name} mtu 9000`);
    }
    await eventually('the members have it', () =>
      ['eth0', 'eth1'].every(name => world.lab.link('host', name)?.mtu === 9000),
    );
    const big = async (): Promise<true | undefined> =>
      (
        await world.lab.exec('host', [
          'ping',
          '-M',
          'do',
          '-s',
          '8972',
          '-c',
          '1',
          '-W',
          '1',
          world.lab.peerIp,
        ])
      ).status === 0 || undefined;
    await eventually('a packet of 9000 bytes goes through', big);
    await failOver();
    await eventually('and so it does by the other member', big);
    await world.must('DELETE', '/v1/bonds/bond0');
    expect(['eth0', 'eth1'].map(name => world.lab.link('host', name)?.mtu)).toEqual([1500, 1500]);
  });

  test('VLAN-tagged frames keep their tag both ways, before and after a failover', async () => {
    await build();
    const bondMac = (await world.bond()).address.replaceAll(':', '');
    const peerMac = (world.lab.link('peer', 'eth0')?.address ?? '').replaceAll(':', '');
    const send = (place: PlaceName, name: string, bytes: Uint8Array): void => {
      const { ifindex } = world.lab.link(place, name) ?? { ifindex: 0 };
      world.lab.inside(place, () => {
        const socket = PacketSocket.open({ ifindex, protocol: 0 });
        socket.send(bytes);
        socket.close();
      });
    };
    const atPeer = capture(world.lab, 'peer', 'eth0');
    const atBond = capture(world.lab, 'host', 'bond0');
    try {
      for (const part of ['first', 'second']) {
        const [out, back] = [`${part} out`, `${part} back`];
        await eventually(`${out} arrives with its tag`, () => {
          send('host', 'bond0', tagged(peerMac, bondMac, out));
          return hasTagged(atPeer.seen, out);
        });
        await eventually(`${back} arrives with its tag`, () => {
          send('peer', 'eth0', tagged(bondMac, peerMac, back));
          return hasTagged(atBond.seen, back);
        });
        if (part === 'first') await failOver();
      }
    } finally {
      atPeer.stop();
      atBond.stop();
    }
  });
});
