// Random worlds of bonds on switches that aggregate, single ones and pairs, in trouble.
import {
  type GroupSpec,
  Random,
  type Scenario,
  type SwitchSpec,
  type TimedEvent,
} from '../../src/simulator/index.js';
import { happening, options } from './lacp-worlds.js';

type Options = Readonly<Record<string, string>>;
const LENGTH_MS = 45_000;
const GROUPS = ['left', 'right'] as const;

function bondOptions(random: Random): Options {
  if (random.chance(15))
    return { mode: random.pick(['balance-xor', 'balance-rr']), miimon: random.pick(['50', '100']) };
  return options(random);
}

function setUp(random: Random): Omit<GroupSpec, 'name' | 'ports'> {
  if (random.chance(15)) return { lacp: 'off' };
  return {
    lacp: random.pick(['active', 'active', 'passive']),
    rate: random.pick(['fast', 'slow']),
    withoutLacp: random.pick(['suspend', 'suspend', 'individual']),
  };
}

interface Place {
  readonly random: Random;
  readonly names: readonly string[];
  /** Of each switch. */
  readonly ports: ReadonlyMap<string, readonly string[]>;
}

function trouble({ random, names, ports }: Place): TimedEvent[] {
  const atMs = random.integer(0, 30_000);
  const name = random.pick(names);
  const port = random.pick(ports.get(name) ?? []);
  const group = random.pick(GROUPS);
  const backMs = atMs + random.pick([50, 400, 3000, 6000]);
  switch (random.integer(0, 8)) {
    case 0:
    case 1:
      return [{ do: 'group-move', switch: name, port, ...(random.chance(70) && { group }), atMs }];
    case 2: {
      const key = random.chance(50) ? { key: 20 + GROUPS.indexOf(group) } : setUp(random);
      const to = random.chance(30)
        ? { lacp: 'active' as const, rate: random.pick(['fast', 'slow'] as const) }
        : key;
      return [{ do: 'group-set', switch: name, group, to, atMs }];
    }
    case 3:
      return [{ do: 'group-remove', switch: name, group, atMs }];
    case 4:
      return [
        {
          do: 'reboot',
          switch: name,
          downMs: random.pick([10, 300, 4000]),
          readyMs: random.pick([0, 200, 5000]),
          atMs,
        },
      ];
    case 5:
      return [
        { do: 'kill', node: name, atMs },
        { do: 'revive', node: name, atMs: backMs },
      ];
    case 6: {
      const which = random.chance(50) ? { port } : {};
      return [
        { do: 'silence', switch: name, ...which, atMs },
        { do: 'unsilence', switch: name, ...which, atMs: backMs },
      ];
    }
    default: {
      const end = names.length > 1 && random.chance(70) ? `${names[0]}:peer` : `${name}:${port}`;
      return [
        { do: 'cut', end, atMs },
        { do: 'restore', end, atMs: backMs },
      ];
    }
  }
}

/** In order, without those that name a group that is gone, or one that is static for what LACP has. */
function possible(events: readonly TimedEvent[]): TimedEvent[] {
  const gone = new Set<string>();
  return events
    .toSorted((a, b) => a.atMs - b.atMs)
    .filter(event => {
      if (!('switch' in event) || !('group' in event) || event.group === undefined) return true;
      const id = `${event.switch} ${event.group}`;
      if (gone.has(id)) return false;
      if (event.do === 'group-remove') gone.add(id);
      return true;
    });
}

/** The world of a seed: two hosts, one of them perhaps without a bond, on one switch or on a pair. */
export function switchWorld(seed: number): Scenario {
  const random = new Random(seed);
  const names = random.chance(50) ? ['A', 'B'] : ['A'];
  const interfaces = Array.from({ length: random.integer(1, 4) }, (_, at) => `eth${at}`);
  const isPlain = random.chance(30);
  const cables: Scenario['cables'][number][] = names.length > 1 ? [{ a: 'A:peer', b: 'B:peer' }] : [];
  const ports = new Map(names.map(name => [name, [] as string[]]));
  const groups = new Map(names.map(name => [name, new Map(GROUPS.map(each => [each, [] as string[]]))]));
  for (const host of GROUPS) {
    const own = host === 'right' && isPlain ? ['eth0'] : interfaces;
    for (const [at, nic] of own.entries()) {
      const owner = names[at % names.length] ?? 'A';
      const port = `${host}-${nic}`;
      cables.push({ a: `${host}:${nic}`, b: `${owner}:${port}` });
      ports.get(owner)?.push(port);
      // Now and then in the wrong one.
      const group = random.chance(8) ? random.pick(GROUPS) : host;
      if (!(host === 'right' && isPlain)) groups.get(owner)?.get(group)?.push(port);
    }
  }
  const ways = new Map(GROUPS.map(group => [group, setUp(random)]));
  // Addresses that are forgotten at once: everything is flooded.
  const ageing = random.chance(30) ? { ageingMs: random.pick([1, 300]) } : {};
  const switches = names.map(
    (name): SwitchSpec => ({
      name,
      ...ageing,
      groups: GROUPS.map(group => ({
        name: group,
        ports: groups.get(name)?.get(group) ?? [],
        ...ways.get(group),
      })),
    }),
  );
  const bonded = GROUPS.filter(host => host === 'left' || !isPlain);
  const ends = cables.filter(({ a }) => !a.startsWith('A:')).map(({ a }) => a);
  const place: Place = { random, names: names.filter(name => (ports.get(name) ?? []).length > 0), ports };
  const events = Array.from({ length: random.integer(1, 10) }, () =>
    random.chance(60) ? trouble(place) : [happening(random, { hosts: bonded, interfaces, ends, ports: [] })],
  ).flat();
  const flow = (from: string, to: string, address: string): Scenario['flows'][number] => ({
    name: `from-${from}`,
    from,
    to,
    address,
    packetsPerSecond: 20,
    bytes: 64,
    startMs: 0,
    endMs: LENGTH_MS,
  });
  return {
    version: 1,
    name: `switch-world-${seed}`,
    summary: 'A random world of switches that aggregate.',
    arms: ['simulated'],
    hosts: GROUPS.map((name, nth) => {
      const addresses = [`192.0.2.${nth + 1}/24`];
      if (!bonded.includes(name)) return { name, interfaces: [{ name: 'eth0', addresses }] };
      return {
        name,
        interfaces: interfaces.map(each => ({
          name: each,
          speedMbps: random.pick([10_000, 10_000, 10_000, 1000]),
          duplex: random.pick(['full', 'full', 'full', 'full', 'half'] as const),
        })),
        bonds: [{ name: 'bond0', options: bondOptions(random), members: interfaces, addresses }],
      };
    }),
    switches,
    ...(names.length > 1 && { pairs: [{ name: 'mlag', primary: 'A', secondary: 'B' }] }),
    cables,
    flows: [flow('left', 'right', '192.0.2.2'), flow('right', 'left', '192.0.2.1')],
    events: possible(events),
    observe: { atMs: [], watch: [] },
    expect: [],
    lengthMs: LENGTH_MS,
  };
}
