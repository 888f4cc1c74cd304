// Random scenarios that every world can be held to: one thing after the other, each given the time to come to its end, and
// nothing that only some of the worlds have. What the simulation refuses is written down as what must be refused. (simulator)
import { Random } from './random.js';
import type { BondSpec, Happening, HostSpec, Scenario, TimedEvent, Watch } from './scenario.js';
import { simulate } from './simulate.js';

/** After this everything that follows from one event is over, delays and the monitor's looks included. */
const APART_MS = 1500;
/** Longest delay that is set: seen by everybody who looks every 15 ms, and over before the next event. */
const DELAYS_MS = [200, 400] as const;
const MIIMONS = [50, 100] as const;
/** A state that is held shorter may be missed by one who looks now and then; none that is meant is. */
const MOMENT_MS = 110;

const host = 'host1';
const bond = 'bond0';

/** The comparable scenario of a seed; the same one for ever (until this file changes). */
export function comparableScenario(seed: number): Scenario {
  const random = new Random(seed);
  const switches = random.chance(40) ? ['sw1', 'sw2'] : ['sw1'];
  const names = Array.from({ length: random.integer(2, 4) }, (_, at) => `eth${at}`);
  const server = bondedHost(random, names);
  const cables = [
    ...(switches.length > 1 ? [{ a: 'sw1:isl', b: 'sw2:isl' }] : []),
    ...names.map((name, at) => ({
      a: `host1:${name}`,
      b: `${switches[at % switches.length] ?? 'sw1'}:host1-${name}`,
    })),
    { a: 'peer:eth0', b: 'sw1:peer' },
  ];
  const events = sequence(random, names, switches);
  const scenario: Scenario = {
    version: 1,
    name: `comparable-${seed}`,
    summary: `Comparable random scenario of seed ${seed}.`,
    hosts: [server, { name: 'peer', interfaces: [{ name: 'eth0', addresses: ['192.0.2.10/24'] }] }],
    switches: switches.map(name => ({ name })),
    cables,
    flows: [],
    events,
    observe: { atMs: [], watch: watchesOf(names, server.bonds?.[0]?.options['fail_over_mac'] !== 'follow') },
    expect: [],
    lengthMs: endOf(events),
  };
  return withRefusals(scenario);
}

/** With follow, addresses that clash are made anew: at random by the driver, from the member's own by us. */
function watchesOf(names: readonly string[], macs: boolean): Watch[] {
  const change = { how: 'change' as const, withinMs: 700, ignoreShorterThanMs: MOMENT_MS };
  const total = { how: 'total' as const };
  return [
    { of: 'host1/bond0', property: 'active', ...change },
    { of: 'host1/bond0', property: 'carrier', ...change },
    { of: 'host1/bond0', property: 'members', ...total },
    { of: 'host1/bond0', property: 'mtu', ...total },
    ...names.flatMap((name): Watch[] => [
      { of: `host1/${name}`, property: 'link', ...change },
      { of: `host1/${name}`, property: 'failures', ...total },
      ...(macs ? [{ of: `host1/${name}`, property: 'mac' as const, ...total }] : []),
    ]),
  ];
}

/** No option of ours alone: the driver's answer to a lost carrier is the one that all worlds have. */
function bondedHost(random: Random, names: readonly string[]): HostSpec {
  const miimon = random.pick(MIIMONS);
  const options: Record<string, string> = {
    mode: 'active-backup',
    miimon: String(miimon),
    inline_failover: '0',
  };
  const maybe = (percent: number, name: string, value: () => string): void => {
    if (random.chance(percent)) options[name] = value();
  };
  maybe(40, 'updelay', () => String(random.pick(DELAYS_MS)));
  maybe(30, 'downdelay', () => String(random.pick(DELAYS_MS)));
  maybe(50, 'primary', () => random.pick(names));
  maybe(50, 'primary_reselect', () => random.pick(['always', 'better', 'failure']));
  maybe(60, 'fail_over_mac', () => random.pick(['none', 'active', 'follow']));
  maybe(25, 'prio', () => names.map(name => `${name}:${random.integer(-5, 5)}`).join(' '));
  const spec: BondSpec = { name: bond, options, members: names, addresses: ['192.0.2.1/24'] };
  return { name: host, interfaces: names.map(name => ({ name })), bonds: [spec] };
}

type Kind = (random: Random, members: readonly string[], switches: readonly string[]) => Happening[];

/** What may happen, in one or more steps. Those that are to come more often stand there several times. */
const KINDS: readonly Kind[] = [
  cutAndMaybeBack,
  cutAndMaybeBack,
  allCut,
  flap,
  downAndMaybeUp,
  releaseAndBack,
  setSomething,
  setSomething,
  (random, _, switches) => {
    const node = random.pick(switches);
    return [
      { do: 'kill', node },
      { do: 'revive', node },
    ];
  },
  () => [
    { do: 'bond-down', host, bond },
    { do: 'bond-up', host, bond },
  ],
  random => [{ do: 'bond-mtu', host, bond, mtu: random.pick([1280, 1400, 9000]) }],
  random => [{ do: 'bond-mac', host, bond, mac: `02:00:5e:00:00:0${random.integer(1, 9)}` }],
];

function cutAndMaybeBack(random: Random, members: readonly string[]): Happening[] {
  const end = `${host}:${random.pick(members)}`;
  const cut: Happening = { do: 'cut', end };
  return random.chance(75) ? [cut, { do: 'restore', end }] : [cut];
}

/** One by one, and back in another order. */
function allCut(random: Random, members: readonly string[]): Happening[] {
  const ends = members.map(name => `${host}:${name}`);
  const back = random.chance(50) ? ends : ends.toReversed();
  return [
    ...ends.map((end): Happening => ({ do: 'cut', end })),
    ...back.map((end): Happening => ({ do: 'restore', end })),
  ];
}

function flap(random: Random, members: readonly string[]): Happening[] {
  const end = `${host}:${random.pick(members)}`;
  return [{ do: 'flap', end, times: random.integer(2, 3), downMs: 700, upMs: 700 }];
}

function downAndMaybeUp(random: Random, members: readonly string[]): Happening[] {
  const name = random.pick(members);
  const down: Happening = { do: 'link-down', host, interface: name };
  return random.chance(80) ? [down, { do: 'link-up', host, interface: name }] : [down];
}

function releaseAndBack(random: Random, members: readonly string[]): Happening[] {
  const name = random.pick(members);
  return [
    { do: 'release', host, bond, interface: name },
    { do: 'enslave', host, bond, interface: name },
  ];
}

function setSomething(random: Random, members: readonly string[]): Happening[] {
  const name = random.pick(members);
  const [option, value] = random.pick([
    ['active_slave', name],
    ['active_slave', ''],
    ['primary', name],
    ['primary', ''],
    ['primary_reselect', random.pick(['always', 'better', 'failure'])],
    ['prio', `${name}:${random.integer(-9, 9)}`],
    ['miimon', random.pick(['50', '100'])],
    ['updelay', random.pick(['0', '200', '400'])],
    ['downdelay', random.pick(['0', '200', '400'])],
    ['num_grat_arp', random.pick(['0', '1', '5'])],
    ['fail_over_mac', random.pick(['none', 'active', 'follow'])],
  ] as const);
  return [{ do: 'set', host, bond, option, value }];
}

/** How long a happening goes on, and what follows from it. */
function lasts(happening: Happening): number {
  const itself = happening.do === 'flap' ? happening.times * (happening.downMs + happening.upMs) : 0;
  return itself + APART_MS;
}

function endOf(events: readonly TimedEvent[]): number {
  return Math.max(...events.map(event => event.atMs + lasts(event)));
}

function sequence(random: Random, members: readonly string[], switches: readonly string[]): TimedEvent[] {
  const events: TimedEvent[] = [];
  let atMs = 500;
  for (let count = random.integer(2, 6); count > 0; count--) {
    for (const happening of random.pick(KINDS)(random, members, switches)) {
      events.push({ ...happening, atMs });
      atMs += lasts(happening);
    }
  }
  return events;
}

/** What the simulation refuses must be refused everywhere, with the same errno. */
function withRefusals(scenario: Scenario): Scenario {
  const simulated = simulate(scenario);
  if (!simulated.ok) throw new Error(`${scenario.name}: ${simulated.error}`);
  const answers = new Map(
    simulated.value.timeline.observations
      .filter(({ property }) => property === 'errno')
      .map(({ of, value }) => [of, value]),
  );
  return {
    ...scenario,
    events: scenario.events.map((event, at): TimedEvent => {
      const answer = answers.get(`event ${at}`);
      if (answer === undefined || answer === 'ok') return event;
      return { ...event, refused: answer } as TimedEvent & Happening;
    }),
  };
}
