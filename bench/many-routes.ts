// An interface with many routes becomes a bond's member (--take-addresses), and gets all back when the bond ends: how long the
// host has no address of its own, no default route, not all routes; how long the daemon answers nobody meanwhile.
//
//   npm run bench:many-routes [-- --routes 500,2000,5000] [--addresses 1,300] [--plane userspace] [--checkout DIR]
import { get } from 'node:http';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { Lab, ManagedBondwire } from '#lab';
import { listRoutes, type Rtnetlink, routeTo } from '#linux';
import { RTN_LOCAL, RTN_UNICAST } from '#netlink';
import { table } from './table.js';

const HERE = fileURLToPath(new URL('../..', import.meta.url));
/** `proto bird`: by which the routes of this bench are told from others. */
const PROTOCOL = 12;
/** The daemon is asked so often whether it answers. */
const ASK_MS = 3;
/** A table of many routes is not read all the time: that would be what is measured. */
const COUNT_MS = 100;
const FAR = {
  4: Uint8Array.of(203, 0, 113, 1),
  6: Uint8Array.from([0x20, 1, 0xd, 0xb8, 0, 9, ...Array<number>(9).fill(0), 1]),
};

interface Outage {
  readonly address: number;
  readonly default4: number;
  readonly default6: number;
  readonly routes: number;
  readonly silent: number;
  readonly whole: number;
}

const wait = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

/** Watches one thing: milliseconds from when it was seen last before it was missing to when it was seen again. */
class Watched {
  #seen = performance.now();
  longest = 0;

  look(isThere: boolean): void {
    const now = performance.now();
    if (!isThere) {
      this.#missing = true;
      return;
    }
    if (this.#missing) this.longest = Math.max(this.longest, now - this.#seen);
    this.#missing = false;
    this.#seen = now;
  }

  /** What is missing still counts up to now. */
  get ms(): number {
    return this.#missing ? performance.now() - this.#seen : this.longest;
  }

  #missing = false;

  get isMissing(): boolean {
    return this.#missing;
  }
}

function leads(netlink: Rtnetlink, to: Uint8Array, type: number): boolean {
  return routeTo(netlink, to)?.type === type;
}

async function during(
  lab: Lab,
  runDir: string,
  count: number,
  work: () => Promise<unknown>,
): Promise<Outage> {
  const netlink = lab.netlink('host');
  const [address, default4, default6, routes] = [new Watched(), new Watched(), new Watched(), new Watched()];
  let silent = 0;
  const end = new AbortController();
  const isDone = (): boolean => end.signal.aborted;
  let counted = 0;
  const look = (): void => {
    address.look(leads(netlink, Uint8Array.of(10, 9, 0, 2), RTN_LOCAL));
    default4.look(leads(netlink, FAR[4], RTN_UNICAST));
    default6.look(leads(netlink, FAR[6], RTN_UNICAST));
    // To read them all takes tens of milliseconds, in which nothing else is seen.
    if (default4.isMissing || default6.isMissing || performance.now() - counted < COUNT_MS) return;
    routes.look(listRoutes(netlink).filter(({ protocol }) => protocol === PROTOCOL).length === count);
    counted = performance.now();
  };
  const looking = (async (): Promise<void> => {
    while (!isDone()) {
      look();
      await wait(1);
    }
  })();
  const asking = (async (): Promise<void> => {
    while (!isDone()) {
      const asked = performance.now();
      await answered(runDir);
      silent = Math.max(silent, performance.now() - asked);
      await wait(ASK_MS);
    }
  })();
  const start = performance.now();
  await work();
  const whole = performance.now() - start;
  await wait(3 * COUNT_MS);
  end.abort();
  await Promise.all([looking, asking]);
  look();
  return {
    address: address.ms,
    default4: default4.ms,
    default6: default6.ms,
    routes: routes.ms,
    silent,
    whole,
  };
}

async function batch(lab: Lab, lines: readonly string[]): Promise<void> {
  const child = lab.spawn('host', ['ip', '-batch', '-']);
  child.stdin?.end(`${lines.join('\n')}\n`);
  const status = await new Promise(resolve => child.once('close', resolve));
  if (status !== 0) throw new Error('ip -batch failed');
}

/** Waits until the daemon has said how it is; one that is not there answers at once. */
function answered(runDir: string): Promise<void> {
  return new Promise(resolve => {
    const asked = get(
      { socketPath: join(runDir, 'control.sock'), path: '/v1/status', agent: false },
      response => {
        response.resume();
        response.once('close', resolve);
      },
    );
    asked.once('error', () => resolve());
  });
}

/** Half of the routes over IPv4, half over IPv6. */
async function furnish(lab: Lab, routes: number, addresses: number): Promise<void> {
  const half = Math.floor(routes / 2);
  await batch(lab, [
    'link set eth0 up',
    'addr add 10.9.0.2/24 dev eth0',
    'addr add 2001:db8:5::2/64 dev eth0 nodad',
    ...Array.from(
      { length: addresses - 1 },
      (_, nth) => `addr add 10.77.${nth >> 8}.${nth & 255}/32 dev eth0`,
    ),
    'route add default via 10.9.0.1 dev eth0',
    'route add default via 2001:db8:5::1 dev eth0',
    ...Array.from(
      { length: half },
      (_, nth) => `route add 10.100.${nth >> 8}.${nth & 255}/32 via 10.9.0.1 dev eth0 proto ${PROTOCOL}`,
    ),
    ...Array.from(
      { length: routes - half },
      (_, nth) =>
        `route add 2001:db8:6:${nth.toString(16)}::/64 via 2001:db8:5::1 dev eth0 metric 77 proto ${PROTOCOL}`,
    ),
  ]);
}

async function measured(
  checkout: string,
  plane: string,
  routes: number,
  addresses: number,
): Promise<readonly (readonly [string, Outage])[]> {
  const lab = await Lab.create({ ipv6: true });
  try {
    const runDir = lab.makeRunDir();
    const bin = join(checkout, 'bin/bondwire');
    const bondwire = new ManagedBondwire({ spawn: argv => lab.spawn('host', argv), bin, runDir });
    await bondwire.start();
    try {
      await furnish(lab, routes, addresses);
      await bondwire.run('create', 'bond0', `data_plane=${plane}`, 'mode=active-backup', 'miimon=100');
      const args = ['enslave', '--take-down', '--take-addresses', 'bond0', 'eth0', 'eth1'];
      const enslave = await during(lab, runDir, routes, () => bondwire.run(...args));
      const destroy = await during(lab, runDir, routes, () => bondwire.run('destroy', 'bond0'));
      const what = `${routes} routes, ${addresses} addresses`;
      return [
        [`enslave, ${what}`, enslave],
        [`destroy, ${what}`, destroy],
      ];
    } finally {
      await bondwire.stop();
    }
  } finally {
    lab.close();
  }
}

const { values } = parseArgs({
  options: {
    routes: { type: 'string', default: '500,2000,5000' },
    addresses: { type: 'string', default: '1,300' },
    plane: { type: 'string', default: 'ebpf' },
    checkout: { type: 'string', default: HERE },
  },
});
const numbers = (text: string): number[] => text.split(',').map(Number);
const rows: string[][] = [];
for (const addresses of numbers(values.addresses)) {
  for (const routes of numbers(values.routes)) {
    for (const [what, outage] of await measured(values.checkout, values.plane, routes, addresses)) {
      const { address, default4, default6, routes: all, silent, whole } = outage;
      rows.push([what, ...[address, default4, default6, all, silent, whole].map(ms => ms.toFixed(0))]);
      process.stderr.write(`${rows.at(-1)?.join('  ')}\n`);
    }
  }
}
const head = ['ms without', 'address', 'default v4', 'default v6', 'all routes', 'daemon silent', 'command'];
process.stdout.write(`${table(head, rows)}\n`);
