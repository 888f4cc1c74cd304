// A daemon that is killed between two slices of the routes that a bond gives back at its end: the next one gives back the rest. Needs
// root, BPF, ip and strace; part of test:all.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { listRoutes } from '../src/linux/index.js';
import { routeInterface } from '../src/netlink/index.js';
import { pins } from './support/picture.js';
import { closeStages, ended, Stage, until } from './support/stage.js';
import { traced } from './support/traced.js';

afterEach(closeStages);

const ROUTES = 3000;
/** `proto bird`: by which these routes are told from others. */
const PROTOCOL = 12;

async function furnish(stage: Stage): Promise<void> {
  const lines = [
    'link set eth0 up',
    'addr add 10.9.0.2/24 dev eth0',
    'addr add 2001:db8:5::2/64 dev eth0 nodad',
    'route add default via 10.9.0.1 dev eth0',
    ...Array.from({ length: ROUTES }, (_, nth) =>
      nth % 2 === 0
        ? `route add 10.100.${nth >> 8}.${nth & 255}/32 via 10.9.0.1 dev eth0 proto ${PROTOCOL}`
        : `route add 2001:db8:6:${nth.toString(16)}::/64 via 2001:db8:5::1 dev eth0 metric 77 proto ${PROTOCOL}`,
    ),
  ];
  const child = stage.lab.spawn('host', ['ip', '-batch', '-']);
  child.stdin?.end(`${lines.join('\n')}\n`);
  expect(await new Promise(resolve => child.once('close', resolve))).toBe(0);
}

function routesOf(stage: Stage, name: string): number {
  const ifindex = stage.lab.link('host', name)?.ifindex;
  return listRoutes(stage.lab.netlink('host')).filter(
    route => route.protocol === PROTOCOL && routeInterface(route) === ifindex,
  ).length;
}

/** All that eth0 has: its addresses, its routes in all tables. */
async function carried(stage: Stage): Promise<string> {
  const ask = async (...args: string[]): Promise<string[]> =>
    (await stage.ip(...args, 'dev', 'eth0')).split('\n').map(line => line.trim());
  const addresses = (await ask('-o', 'addr', 'show')).map(line => line.replace(/\\.*/, ''));
  const routes = [
    ...(await ask('-4', 'route', 'show', 'table', 'all')),
    ...(await ask('-6', 'route', 'show', 'table', 'all')),
  ];
  return [...addresses, ...routes].toSorted().join('\n');
}

async function enslaved(stage: Stage): Promise<void> {
  await stage.api.create({ name: 'bond0', options: { mode: 'active-backup', miimon: '100' } });
  await stage.api.enslave('bond0', { interfaces: ['eth0', 'eth1'], takeDown: true, takeAddresses: true });
  expect(routesOf(stage, 'bond0')).toBe(ROUTES);
}

function pidOf(stage: Stage): number {
  const { pid } = stage.bondwire;
  if (pid === null) throw new Error('There is no daemon.');
  return pid;
}

/** Ends the daemon in the midst of a destroy, when eth0 has so many of its routes again. Each message to the kernel takes a while. */
async function killedAt(stage: Stage, count: number, file: string): Promise<void> {
  const pid = pidOf(stage);
  const inject = 'sendto:delay_enter=20000';
  const strace = await traced(pid, { calls: 'sendto', file, threads: 'main', inject });
  const destroyed = stage.api.destroy('bond0').catch(() => undefined);
  await until(`${count} routes are back`, () => routesOf(stage, 'eth0') >= count);
  await stage.bondwire.stop('SIGKILL');
  await destroyed;
  await ended(strace, 'SIGINT');
}

test.each([1, 0.5 * ROUTES, 0.8 * ROUTES])(
  'killed when %d routes were back, the next one gives back the rest',
  { timeout: 240_000 },
  async count => {
    const directory = mkdtempSync(join(tmpdir(), 'bw-slices-'));
    try {
      const stage = await Stage.open({ ipv6: true });
      await furnish(stage);
      const before = await carried(stage);
      await enslaved(stage);
      await killedAt(stage, count, join(directory, 'calls'));
      expect(routesOf(stage, 'eth0')).toBeLessThan(ROUTES);
      expect(stage.lab.link('host', 'bond0')).toBeUndefined();
      await stage.bondwire.start();
      expect((await stage.api.status()).bonds).toEqual([]);
      await expect.poll(() => carried(stage), { timeout: 60_000 }).toBe(before);
      expect(pins(stage)).toEqual([]);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
);
