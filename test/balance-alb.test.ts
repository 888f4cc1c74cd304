// balance-alb on real interfaces and both data planes: two clients send to the host by different members, what happens to them when a member
// dies, comes back and becomes the active one, and across a restart of the daemon. Needs root; part of test:all.
import { afterEach, describe, expect, test } from 'vitest';
import { startMeter } from '../src/lab/index.js';
import { eventually, World } from './support/world.js';

const RATE = 500;
/** The switch itself is the second client: its bridge has an address, and a table of neighbours of its own. */
const SECOND = '10.9.0.3';

let world: World;
afterEach(() => world.close());

const mac = (name: string): string => world.lab.link('host', name)?.address ?? '';

/** What a client has as the host's MAC address. */
async function known(place: 'peer' | 'switch'): Promise<string | undefined> {
  const text = await world.ip(place, `-4 neigh show ${world.lab.hostIp}`);
  return /lladdr (\S+)/.exec(text)?.[1];
}

const clients = async (): Promise<(string | undefined)[]> => [await known('peer'), await known('switch')];

async function build(options: Readonly<Record<string, string>>): Promise<void> {
  world = await World.create();
  await world.ip('switch', `addr add ${SECOND}/24 dev sw0`);
  const all = { mode: 'balance-alb', miimon: '100', ...options };
  await world.must('POST', '/v1/bonds', { name: 'bond0', options: all });
  await world.must('POST', '/v1/bonds/bond0/members', { interfaces: ['eth0', 'eth1'] });
  await world.must('POST', '/v1/bonds/bond0/up', {});
  world.lab.addAddress('host', 'bond0', world.lab.hostAddress);
  for (const address of [world.lab.peerIp, SECOND])
    await eventually('the client answers', async () => (await world.pings(address)) || undefined);
}

/** Each client has another member's address. */
async function split(): Promise<void> {
  await eventually('each client has a member of its own', async () => {
    const has = new Set(await clients());
    return [mac('eth0'), mac('eth1')].every(each => has.has(each)) || undefined;
  });
}

/** Packets of the client whose member is this one, to the host, until `report`. */
async function sending(member: string) {
  const [atPeer] = await clients();
  const from = atPeer === mac(member) ? 'peer' : 'switch';
  const meter = await startMeter({
    from: argv => world.lab.spawn(from, argv),
    to: argv => world.lab.spawn('host', argv),
    address: world.lab.hostIp,
    rate: RATE,
    seconds: 0,
  });
  return { from, meter } as const;
}

describe.each(['ebpf', 'userspace'])('balance-alb (%s)', plane => {
  test('two clients are split over two members; a death moves those of the dead one at once, a return deals anew', async () => {
    await build({ data_plane: plane });
    await split();
    expect([mac('eth0'), mac('bond0')]).toEqual([mac('bond0'), mac('eth0')]);
    const lost = mac('eth1');
    const { from, meter } = await sending('eth1');
    const before = world.lab.link('host', 'eth1')?.statistics?.rxPackets ?? 0;
    await eventually('its packets come in by the second member', () => {
      const now = world.lab.link('host', 'eth1')?.statistics?.rxPackets ?? 0;
      return now > before + RATE / 10 || undefined;
    });
    world.cut('eth1');
    await eventually(
      'the client has the other address',
      async () => (await known(from)) === mac('eth0') || undefined,
    );
    expect(mac('eth1')).toBe(lost);
    const flags = (): Promise<string> => world.ip('host', '-d link show dev eth0');
    expect(await flags()).toMatch(/promiscuity [1-9]/);
    meter.stop();
    const report = await meter.done;
    console.log(`${plane}: ${(1000 * report.lost) / RATE} ms of a client's packets lost at a member's death`);
    expect(report.doubled).toBe(0);
    // The driver tells clients after two seconds.
    expect(report.lost).toBeLessThan(2 * RATE);
    world.lab.restore('eth1');
    await split();
    await eventually(
      'the active one hears all no more',
      async () => !/promiscuity [1-9]/.test(await flags()) || undefined,
    );
  });

  test('the active member dies: its address moves on, with inline_failover=0 too', async () => {
    await build({ data_plane: plane, inline_failover: '0' });
    await split();
    const [bond, own] = [mac('bond0'), mac('eth1')];
    world.cut('eth0');
    await eventually(
      'addresses are swapped',
      () => (mac('eth1') === bond && mac('eth0') === own) || undefined,
    );
    for (const address of [world.lab.peerIp, SECOND])
      await eventually('the client is reached', async () => (await world.pings(address)) || undefined);
    await eventually('both clients have the one address', async () => {
      const has = await clients();
      return has.every(each => each === bond) || undefined;
    });
    world.lab.restore('eth0');
    await split();
    expect(mac('eth0')).toBe(own);
  });

  test('a daemon that starts again knows the clients; members leave with the addresses that they came with', async () => {
    await build({ data_plane: plane });
    // The first one's is the bond's, and nobody has another yet.
    const own = [mac('eth0'), mac('eth1')];
    await split();
    await world.bondwire.stop('SIGKILL');
    await world.bondwire.start();
    await split();
    world.cut('eth1');
    await eventually(
      'clients are moved',
      async () => (await clients()).every(each => each === mac('eth0')) || undefined,
    );
    world.lab.restore('eth1');
    await world.must('DELETE', '/v1/bonds/bond0');
    expect([mac('eth0'), mac('eth1')]).toEqual(own);
  });
});
