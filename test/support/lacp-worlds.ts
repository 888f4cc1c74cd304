// Random worlds of 802.3ad: two bonds over several cables, or one on partners that say anything, in trouble.
import { Random, type Scenario, type TimedEvent } from '../../src/simulator/index.js';

type Options = Readonly<Record<string, string>>;

/** Options of a bond. */
export function options(random: Random): Options {
  return {
    mode: '802.3ad',
    miimon: random.pick(['50', '100']),
    updelay: random.pick(['0', '0', '300']),
    downdelay: random.pick(['0', '0', '200']),
    lacp_rate: random.pick(['fast', 'fast', 'slow']),
    lacp_active: random.pick(['on', 'on', 'on', 'off']),
    ad_select: random.pick(['stable', 'bandwidth', 'count', 'actor_port_prio']),
    coupled_control: random.pick(['on', 'on', 'off']),
    min_links: random.pick(['0', '0', '1', '2']),
    lacp_quirks: random.pick(['0', '0', '1']),
    lacp_fallback: random.pick(['one', 'one', 'off', 'static']),
    inline_failover: random.pick(['1', '1', '0']),
    lacp_fast_silence: random.pick(['0', '200', '240', '500']),
    xmit_hash_policy: 'layer3+4',
  };
}

/** Options that may change while a bond is up. */
const SETTINGS: readonly (readonly [string, string])[] = [
  ['min_links', '0'],
  ['min_links', '2'],
  ['lacp_strict', 'on'],
  ['lacp_strict', 'off'],
  ['ad_actor_sys_prio', '100'],
  ['ad_actor_system', '02:dd:00:00:00:01'],
  ['ad_actor_system', '00:00:00:00:00:00'],
  ['lacp_quirks', '0'],
  ['lacp_quirks', '1'],
  ['lacp_fallback', 'off'],
  ['lacp_fallback', 'one'],
  ['lacp_fallback', 'static'],
  ['lacp_fast_silence', '0'],
  ['lacp_fast_silence', '250'],
  ['all_slaves_active', '1'],
  ['all_slaves_active', '0'],
  ['inline_failover', '0'],
  ['miimon', '100'],
];

export interface World {
  readonly hosts: readonly string[];
  readonly interfaces: readonly string[];
  readonly ends: readonly string[];
  /** Names of partners' ports; none where two bonds speak with each other. */
  readonly ports: readonly string[];
}

/** Something that happens to it. */
export function happening(random: Random, { hosts, interfaces, ends, ports }: World): TimedEvent {
  const atMs = random.integer(0, 30_000);
  const onBond = { host: random.pick(hosts), bond: 'bond0' };
  const end = random.pick(ends);
  const what = random.integer(0, ports.length > 0 ? 14 : 9);
  switch (what) {
    case 0:
    case 1:
      return {
        do: 'flap',
        end,
        times: random.integer(1, 4),
        downMs: random.pick([20, 90, 700, 4000]),
        upMs: random.pick([30, 250, 3000]),
        atMs,
      };
    case 2:
    case 3:
      return { do: 'lose', end, percent: random.pick([0, 30, 100]), atMs };
    case 4:
      return { do: random.pick(['bond-up', 'bond-up', 'bond-down'] as const), ...onBond, atMs };
    case 5:
      return {
        do: random.pick(['enslave', 'release'] as const),
        ...onBond,
        interface: random.pick(interfaces),
        atMs,
      };
    case 6:
      return {
        do: random.pick(['daemon-kill', 'daemon-start', 'daemon-start'] as const),
        host: onBond.host,
        atMs,
      };
    case 7:
      return {
        do: random.pick(['link-up', 'link-up', 'link-down'] as const),
        host: onBond.host,
        interface: random.pick(interfaces),
        atMs,
      };
    case 8:
      return {
        do: 'bond-mac',
        ...onBond,
        mac: random.pick(['02:aa:00:00:00:71', '02:aa:00:00:00:72']),
        atMs,
      };
    case 9: {
      const [option, value] = random.pick(SETTINGS);
      return { do: 'set', ...onBond, option, value, atMs };
    }
    default:
      return { do: 'partner-says', partner: 'sw', port: random.pick(ports), says: says(random), atMs };
  }
}

function says(random: Random): Extract<TimedEvent, { do: 'partner-says' }>['says'] {
  return {
    key: random.pick([9, 9, 7]),
    system: random.pick(['02:b1:00:00:00:00', '02:b1:00:00:00:00', '02:b1:00:09:00:00', '00:00:00:00:00:00']),
    flags: random.pick(['ATGSCD', 'ATGSCD', 'AGSCD', 'ATGS', 'ATG', 'ATSCD', 'TGSCD', 'ATGFE', '']),
    everyMs: random.pick([1000, 1000, 50, 400, 3500, 0]),
    names: random.chance(85),
    answers: random.pick([0, 1, 3, 8, 100]),
  };
}

/** The world of a seed. */
export function lacpWorld(seed: number): Scenario {
  const random = new Random(seed);
  const interfaces = Array.from({ length: random.integer(1, 4) }, (_, at) => `eth${at}`);
  const scripted = random.chance(40);
  const hosts = scripted ? ['left'] : ['left', 'right'];
  const ports = scripted ? interfaces.map((_, at) => String(at + 1)) : [];
  const ends = interfaces.map(each => `left:${each}`);
  const lengthMs = 45_000;
  const events = Array.from({ length: random.integer(1, 12) }, () =>
    happening(random, { hosts, interfaces, ends, ports }),
  );
  return {
    version: 1,
    name: `lacp-world-${seed}`,
    summary: 'A random world of 802.3ad.',
    arms: ['simulated'],
    hosts: hosts.map((name, nth) => ({
      name,
      interfaces: interfaces.map(each => ({
        name: each,
        speedMbps: random.pick([10_000, 10_000, 10_000, 1000]),
        duplex: random.pick(['full', 'full', 'full', 'full', 'half'] as const),
      })),
      bonds: [
        {
          name: 'bond0',
          options: options(random),
          members: interfaces,
          addresses: [`192.0.2.${nth + 1}/24`],
        },
      ],
    })),
    switches: [],
    ...(scripted && { partners: [{ name: 'sw', ports: ports.map(name => ({ name, key: 9 })) }] }),
    cables: interfaces.map((each, at) => ({
      a: `left:${each}`,
      b: scripted ? `sw:${at + 1}` : `right:${each}`,
    })),
    flows: scripted
      ? []
      : [
          {
            name: 'f',
            from: 'left',
            to: 'right',
            address: '192.0.2.2',
            packetsPerSecond: 20,
            bytes: 64,
            startMs: 0,
            endMs: lengthMs,
          },
        ],
    events: events.toSorted((a, b) => a.atMs - b.atMs),
    observe: { atMs: [], watch: [] },
    expect: [],
    lengthMs,
  };
}
