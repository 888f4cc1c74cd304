// balance-alb with something on top, on real interfaces and both data planes: a VLAN device, whose clients are split over the members as those of
// the bond itself are, moved when a member dies and split again when it is back; and the bond as a port of a bridge, where nobody is split and
// everything behind the bridge is reached through a death of either member. Where the kernel has the bonding driver and VLANs,
// that goes through the same tests (scripts/test-in-guests test/balance-alb-stacked). Needs root; part of test:all.
import { spawnSync } from 'node:child_process';
import { afterEach, describe, expect, test } from 'vitest';
import { Lab, type PlaceName, startMeter } from '../src/lab/index.js';
import { HAS_VLAN } from './support/vlan.js';
import { eventually, World } from './support/world.js';

const RATE = 200;
const works = (line: string): boolean => spawnSync('unshare', ['-n', 'sh', '-c', line]).status === 0;
const ARMS = [...(works('ip link add bwx type bond') ? ['driver'] : []), 'ebpf', 'userspace'];
/** An emulated machine takes its time. */
const PATIENCE_MS = 300_000;
/** The second client is the switch itself: its bridge has an address, and a table of neighbours of its own. */
const CLIENTS = ['peer', 'switch'] as const;
type Client = (typeof CLIENTS)[number];
const PORTS: Readonly<Record<PlaceName, string>> = { host: 'bond0', switch: 'sw0', peer: 'eth0' };

class Stack {
  readonly lab: Lab;
  /** The first three parts of all addresses that are used. */
  readonly net: string;
  readonly #world: World | undefined;

  private constructor(lab: Lab, world: World | undefined, net: string) {
    this.lab = lab;
    this.#world = world;
    this.net = net;
  }

  /** A bond of two members without addresses, up. */
  static async open(arm: string, net: string): Promise<Stack> {
    const world = arm === 'driver' ? undefined : await World.create();
    const stack = new Stack(world?.lab ?? (await Lab.create()), world, net);
    opened.push(stack);
    if (world === undefined) {
      await stack.ip('host', 'link add bond0 type bond mode balance-alb miimon 100');
      for (const member of stack.lab.members) await stack.ip('host', `link set ${member} master bond0`);
      await stack.ip('host', 'link set bond0 up');
    } else {
      const options = { mode: 'balance-alb', miimon: '100', data_plane: arm };
      await world.must('POST', '/v1/bonds', { name: 'bond0', options });
      await world.must('POST', '/v1/bonds/bond0/members', { interfaces: stack.lab.members });
      await world.must('POST', '/v1/bonds/bond0/up', {});
    }
    return stack;
  }

  async ip(place: PlaceName, line: string): Promise<string> {
    const { status, stdout, stderr } = await this.lab.exec(place, ['ip', ...line.split(' ')]);
    if (status !== 0) throw new Error(`ip ${line}: ${stderr}`);
    return stdout;
  }

  mac(name: string): string {
    return this.lab.link('host', name)?.address ?? '';
  }

  /** What a client has as the host's MAC address. */
  async known(client: Client): Promise<string | undefined> {
    return /lladdr (\S+)/.exec(await this.ip(client, `-4 neigh show ${this.net}.2`))?.[1];
  }

  async reaches(from: PlaceName, last: number): Promise<void> {
    await eventually(
      `${from} reaches ${this.net}.${last}`,
      async () => {
        const ping = ['ping', '-c', '1', '-W', '1', `${this.net}.${last}`];
        return (await this.lab.exec(from, ping)).status === 0;
      },
      PATIENCE_MS,
    );
  }

  /** Each client has another member's address. */
  async split(): Promise<void> {
    await eventually(
      'each client has a member of its own',
      async () => {
        const has = new Set(await Promise.all(CLIENTS.map(each => this.known(each))));
        return this.lab.members.every(name => has.has(this.mac(name)));
      },
      PATIENCE_MS,
    );
  }

  /** Packets from a client to the host until `stop`. */
  meter(client: Client): ReturnType<typeof startMeter> {
    return startMeter({
      from: argv => this.lab.spawn(client, argv),
      to: argv => this.lab.spawn('host', argv),
      address: `${this.net}.2`,
      rate: RATE,
      seconds: 0,
    });
  }

  async close(): Promise<void> {
    if (this.#world !== undefined) await this.#world.close();
    else this.lab.close();
  }
}

const opened: Stack[] = [];
afterEach(async () => {
  for (const stack of opened.splice(0)) await stack.close();
});

/** Waits until so many packets more have come. */
function moreCome(meter: Awaited<ReturnType<typeof startMeter>>): Promise<boolean> {
  const before = meter.progress.received;
  return eventually('packets come', () => meter.progress.received > before + RATE / 2, PATIENCE_MS);
}

describe.each(ARMS)('balance-alb (%s)', { timeout: 2 * PATIENCE_MS }, arm => {
  test.runIf(HAS_VLAN)(
    'clients in a VLAN on the bond are split; a death moves them, a return splits them again',
    async () => {
      const stack = await Stack.open(arm, '10.7.0');
      for (const [place, last] of [
        ['host', 2],
        ['switch', 3],
        ['peer', 1],
      ] as const) {
        const port = PORTS[place];
        await stack.ip(place, `link add link ${port} name ${port}.7 type vlan id 7`);
        await stack.ip(place, `addr add ${stack.net}.${last}/24 dev ${port}.7`);
        await stack.ip(place, `link set ${port}.7 up`);
      }
      for (const last of [1, 3]) await stack.reaches('host', last);
      await stack.split();
      const client = (await stack.known('peer')) === stack.mac('eth1') ? 'peer' : 'switch';
      const meter = await stack.meter(client);
      await moreCome(meter);
      stack.lab.cut('eth1');
      await eventually(
        'the client has the other address',
        async () => (await stack.known(client)) === stack.mac('eth0'),
        PATIENCE_MS,
      );
      await moreCome(meter);
      meter.stop();
      expect((await meter.done).doubled).toBe(0);
      stack.lab.restore('eth1');
      await stack.split();
      for (const last of [1, 3]) await stack.reaches('host', last);
    },
  );

  test('as a port of a bridge nobody is split; what is behind the bridge is reached through the death of either member', async () => {
    const stack = await Stack.open(arm, '10.9.0');
    await stack.ip('host', 'link add br0 type bridge forward_delay 0');
    await stack.ip('host', 'link set bond0 master br0');
    await stack.ip('host', 'link set br0 up');
    await stack.ip('host', 'addr add 10.9.0.2/24 dev br0');
    await stack.ip('switch', 'addr add 10.9.0.3/24 dev sw0');
    // Somebody with an address of its own behind the bridge.
    const behind = `${stack.lab.host}b`;
    await stack.ip('host', `netns add ${behind}`);
    try {
      await stack.ip('host', `link add port0 type veth peer name eth0 netns ${behind}`);
      await stack.ip('host', 'link set port0 master br0 up');
      await stack.ip('host', `-n ${behind} addr add 10.9.0.5/24 dev eth0`);
      await stack.ip('host', `-n ${behind} link set eth0 up`);
      const all = async (): Promise<void> => {
        for (const client of CLIENTS) for (const last of [2, 5]) await stack.reaches(client, last);
        // The bridge's own address is learned at one port.
        for (const client of CLIENTS) expect(await stack.known(client)).toBe(stack.mac('br0'));
      };
      await all();
      const bridge = stack.mac('br0');
      for (const dying of ['eth0', 'eth1']) {
        stack.lab.cut(dying);
        await all();
        stack.lab.restore(dying);
        await eventually('the carrier is back', () => stack.lab.link('host', dying)?.carrier === true);
        await all();
      }
      expect(stack.mac('br0')).toBe(bridge);
    } finally {
      await stack.ip('host', `netns del ${behind}`);
    }
  });
});
