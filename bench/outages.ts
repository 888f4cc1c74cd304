// What failures of a network cost: packets lost and the longest gap when a cable is cut in each mode, when a switch goes
// silent under the ARP monitor, and when everything fails once in the network of two switches and two hosts (HOWTO, chapter
// High Availability). Bondwire on this machine, and in a guest beside the kernel driver's bond.
//
//   npm run bench:outages [-- --arms bondwire:here,bondwire:6.12,driver:6.12] [--only WORD] [--runs N]
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type RealArm, runReal } from '#arms';
import { cleanStale } from '#lab';
import type { BondSpec, HostSpec, Scenario, TimedEvent, Timeline, Watch } from '#simulator';
import { inGuest } from './guest.js';
import { table } from './table.js';

const FAILS_AT_MS = 2000;
const HEALS_AT_MS = 4000;
const ENDS_AT_MS = 5500;
/** A guest at 250 million instructions a second does no more without losing some by itself. */
const RATE = 100;
const SERVER = '192.0.2.1';
const CLIENT = '192.0.2.10';

type Options = Readonly<Record<string, string>>;

const MII: Options = { miimon: '100' };
/** Each end asks the other. */
const ARP = (target: string): Options => ({ arp_interval: '100', arp_ip_target: target });

const MODES: readonly Options[] = [
  { mode: 'active-backup' },
  { mode: 'balance-rr' },
  { mode: 'balance-xor', xmit_hash_policy: 'layer3+4' },
  { mode: 'broadcast' },
  { mode: 'balance-tlb' },
];

function bonded(name: string, address: string, options: Options): HostSpec {
  const bond: BondSpec = { name: 'bond0', options, members: ['eth0', 'eth1'], addresses: [`${address}/24`] };
  return { name, interfaces: [{ name: 'eth0' }, { name: 'eth1' }], bonds: [bond] };
}

/** One to the server, and enough to the client that each member carries some where flows are hashed. */
const FLOWS: Scenario['flows'] = [
  ['to-server', 'client', 'server', SERVER],
  ...[1, 2, 3, 4].map(nth => [`to-client-${nth}`, 'server', 'client', CLIENT]),
].map(([name = '', from = '', to = '', address = '']) => ({
  name,
  from,
  to,
  address,
  packetsPerSecond: RATE,
  bytes: 64,
  startMs: 0,
  endMs: ENDS_AT_MS,
}));

const WATCH: readonly Watch[] = FLOWS.flatMap(({ name }): Watch[] => [
  { of: `flow ${name}`, property: 'lost', how: 'total' },
  { of: `flow ${name}`, property: 'longest-gap', how: 'total' },
]);

function scenario(
  name: string,
  network: Pick<Scenario, 'hosts' | 'switches' | 'cables'>,
  fails: TimedEvent,
  heals: TimedEvent,
): Scenario {
  return {
    version: 1,
    name,
    summary: name,
    ...network,
    flows: FLOWS,
    events: [fails, heals],
    observe: { atMs: [], watch: WATCH },
    expect: [],
    lengthMs: ENDS_AT_MS + 500,
  };
}

/** A server with two links to a switch, and a host with one. */
function oneSwitch(options: Options): Pick<Scenario, 'hosts' | 'switches' | 'cables'> {
  return {
    hosts: [
      bonded('server', SERVER, options),
      { name: 'client', interfaces: [{ name: 'eth0', addresses: [`${CLIENT}/24`] }] },
    ],
    switches: [{ name: 'sw1' }],
    cables: [
      { a: 'server:eth0', b: 'sw1:1' },
      { a: 'server:eth1', b: 'sw1:2' },
      { a: 'client:eth0', b: 'sw1:client' },
    ],
  };
}

/** Two hosts, each with a link to each of two switches, which are linked. */
function twoSwitches(server: Options, client: Options): Pick<Scenario, 'hosts' | 'switches' | 'cables'> {
  return {
    hosts: [bonded('server', SERVER, server), bonded('client', CLIENT, client)],
    switches: [{ name: 'sw1' }, { name: 'sw2' }],
    cables: [
      { a: 'server:eth0', b: 'sw1:1' },
      { a: 'server:eth1', b: 'sw2:1' },
      { a: 'client:eth0', b: 'sw1:2' },
      { a: 'client:eth1', b: 'sw2:2' },
      { a: 'sw1:isl', b: 'sw2:isl' },
    ],
  };
}

const cable = (end: string): readonly [TimedEvent, TimedEvent] => [
  { atMs: FAILS_AT_MS, do: 'cut', end },
  { atMs: HEALS_AT_MS, do: 'restore', end },
];
const power = (node: string): readonly [TimedEvent, TimedEvent] => [
  { atMs: FAILS_AT_MS, do: 'kill', node },
  { atMs: HEALS_AT_MS, do: 'revive', node },
];
const silence = (port: string): readonly [TimedEvent, TimedEvent] => [
  { atMs: FAILS_AT_MS, do: 'silence', switch: 'sw1', port },
  { atMs: HEALS_AT_MS, do: 'unsilence', switch: 'sw1', port },
];

function scenarios(): Scenario[] {
  const modes = MODES.map(options => {
    const words = Object.values(options).join(' ');
    return scenario(`${words}: a member is cut`, oneSwitch({ ...options, ...MII }), ...cable('server:eth0'));
  });
  const active = { mode: 'active-backup' };
  const silent = scenario(
    'active-backup, ARP monitor: a port goes silent',
    oneSwitch({ ...active, ...ARP(CLIENT) }),
    ...silence('1'),
  );
  const watched = scenario(
    'active-backup, link_watch=any, passive_evidence: a port goes silent',
    oneSwitch({ ...active, ...MII, ...ARP(CLIENT), link_watch: 'any', passive_evidence: '1' }),
    ...silence('1'),
  );
  const monitors = [
    ['MII', MII, MII],
    ['ARP', ARP(CLIENT), ARP(SERVER)],
  ] as const;
  // All begin on the first switch, whatever was ready first.
  const begins = { ...active, primary: 'eth0' };
  const failures = [
    ["the server's cable is cut", cable('server:eth0')],
    ["the client's cable is cut", cable('client:eth0')],
    ['the first switch dies', power('sw1')],
    ['the second switch dies', power('sw2')],
    ['the inter-switch link is cut', cable('sw1:isl')],
  ] as const;
  const two = monitors.flatMap(([word, server, client]) =>
    failures.map(([what, events]) =>
      scenario(
        `two switches, ${word}: ${what}`,
        twoSwitches({ ...begins, ...server }, { ...begins, ...client }),
        ...events,
      ),
    ),
  );
  return [...modes, silent, watched, ...two];
}

interface Seen {
  readonly scenario: string;
  /** Of all flows. */
  readonly lost: number;
  readonly gapMs: number;
}

function seen(timeline: Timeline): Seen {
  const values = (property: string): number[] =>
    timeline.observations.filter(each => each.property === property).map(each => Number(each.value));
  return {
    scenario: timeline.scenario,
    lost: values('lost').reduce((sum, each) => sum + each, 0),
    gapMs: Math.max(...values('longest-gap')),
  };
}

/** What the driver has not. */
function isOwn({ name }: Scenario): boolean {
  return name.includes('link_watch');
}

/** One after the other: nothing but the failure is to cost anything. */
async function measure(arm: RealArm, chosen: readonly Scenario[], runs: number): Promise<Seen[]> {
  const results: Seen[] = [];
  for (const each of chosen.filter(one => arm === 'bondwire' || !isOwn(one))) {
    for (let run = 0; run < runs; run++) {
      const one = seen(await runReal(each, arm));
      console.log(`${arm}  ${one.scenario}: lost ${one.lost}, longest gap ${Math.round(one.gapMs)} ms`);
      results.push(one);
    }
  }
  return results;
}

const armOf = (where: string): RealArm => (where.startsWith('driver') ? 'driver' : 'bondwire');

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      arms: { type: 'string', default: 'bondwire:here,bondwire:6.12,driver:6.12' },
      only: { type: 'string', default: '' },
      runs: { type: 'string', default: '1' },
      inside: { type: 'boolean', default: false },
    },
  });
  const chosen = scenarios().filter(({ name }) => name.includes(values.only));
  const runs = Number(values.runs);
  if (values.inside) {
    if (armOf(values.arms) === 'driver') execFileSync('modprobe', ['bonding', 'max_bonds=0']);
    const results = await measure(armOf(values.arms), chosen, runs);
    writeFileSync(join(process.env['OUT'] ?? '.', 'result.json'), JSON.stringify(results));
    return;
  }
  cleanStale();
  const arms = values.arms.split(',');
  const byArm = new Map<string, Seen[]>();
  for (const where of arms) {
    const [, place = 'here'] = where.split(':');
    if (place === 'here') byArm.set(where, await measure(armOf(where), chosen, runs));
    else {
      const kernel = place === '6.1' ? '6.1' : '6.12';
      const args = ['--inside', '--arms', where, '--only', values.only, '--runs', values.runs];
      const guest = { kernel, icount: true, timeoutSeconds: 3600 } as const;
      byArm.set(where, (await inGuest(guest, fileURLToPath(import.meta.url), args)) as Seen[]);
    }
  }
  const rows = chosen.map(({ name }) => {
    const cells = arms.flatMap(where => {
      const mine = (byArm.get(where) ?? []).filter(each => each.scenario === name);
      return [mine.map(each => each.lost).join(' '), mine.map(each => Math.round(each.gapMs)).join(' ')];
    });
    return [name].concat(cells);
  });
  const head = ['failure', ...arms.flatMap(where => [`${where} lost`, 'gap ms'])];
  console.log(`\n${FLOWS.length} flows of ${RATE} packets a second.\n${table(head, rows)}`);
}

await main();
