// Random scenarios from a seed: a network, options, and a busy few seconds followed by quiet, for the checkers. (simulator)
import { HASH_POLICIES } from '../policy/index.js';
import { Random } from './random.js';
import type {
  BondSpec,
  CableSpec,
  FlowSpec,
  Happening,
  HostSpec,
  InterfaceSpec,
  Scenario,
  SwitchSpec,
  TimedEvent,
  Watch,
} from './scenario.js';

/** How long the trouble lasts, unless told otherwise. */
const BUSY_MS = 6000;
const SPREAD_MODES = ['balance-rr', 'balance-xor', 'broadcast', 'balance-tlb'] as const;
const MIIMONS = ['10', '50', '100', '100', '100', '200'] as const;

interface Bonded {
  readonly host: string;
  readonly members: readonly string[];
}

interface Plan {
  readonly busyMs: number;
  readonly random: Random;
  readonly switches: readonly string[];
  readonly bonded: readonly Bonded[];
  readonly cables: readonly CableSpec[];
}

/** The scenario of a seed, with trouble for so long, and quiet after that. The same seed gives the same one for ever (until this file changes). */
export function randomScenario(seed: number, busyMs: number = BUSY_MS): Scenario {
  const random = new Random(seed);
  const switches: SwitchSpec[] = [{ name: 'sw1', ...(random.chance(20) ? { ageingMs: 1000 } : {}) }];
  const cables: CableSpec[] = [];
  if (random.chance(45)) {
    switches.push({ name: 'sw2' });
    cables.push({ a: 'sw1:isl', b: 'sw2:isl' });
  }
  const names = switches.map(each => each.name);
  const hosts: HostSpec[] = [];
  const bonded: Bonded[] = [];
  const bondedHosts = random.chance(30) ? 2 : 1;
  for (let nth = 1; nth <= bondedHosts; nth++) {
    const host = bondedHost(random, nth);
    hosts.push(host);
    bonded.push({ host: host.name, members: host.interfaces.map(each => each.name) });
    for (const [at, nic] of host.interfaces.entries()) {
      const target = names[at % names.length] ?? 'sw1';
      cables.push({ a: `${host.name}:${nic.name}`, b: `${target}:${host.name}-${nic.name}` });
    }
  }
  hosts.push({ name: 'peer', interfaces: [{ name: 'eth0', addresses: ['192.0.2.10/24'] }] });
  cables.push({ a: 'peer:eth0', b: `${random.pick(names)}:peer` });
  const plan: Plan = { busyMs, random, switches: names, bonded, cables };
  const events = randomEvents(plan);
  const lengthMs = busyMs + 2 * longestDelay(hosts, events) + 2000;
  return {
    version: 1,
    name: `random-${seed}`,
    summary: `Random scenario of seed ${seed}.`,
    hosts,
    switches,
    cables,
    flows: randomFlows(random, bonded, lengthMs),
    events,
    observe: { atMs: [], watch: bonded.flatMap(watchesOf) },
    expect: [],
    lengthMs,
  };
}

function watchesOf({ host, members }: Bonded): Watch[] {
  const change = { how: 'change' as const, withinMs: 250 };
  return [
    { of: `${host}/bond0`, property: 'active', ...change },
    { of: `${host}/bond0`, property: 'carrier', ...change },
    ...members.map(name => ({ of: `${host}/${name}`, property: 'link' as const, ...change })),
  ];
}

function bondedHost(random: Random, nth: number): HostSpec {
  const interfaces: InterfaceSpec[] = Array.from({ length: random.integer(1, 4) }, (_, at) => ({
    name: `eth${at}`,
    ...(random.chance(25) ? { speedMbps: random.pick([100, 1000, 25_000]) } : {}),
  }));
  const names = interfaces.map(each => each.name);
  const members = names.filter(() => random.chance(88));
  const bond: BondSpec = {
    name: 'bond0',
    options: randomOptions(random, names, members),
    members,
    addresses: [`192.0.2.${nth}/24`, ...(random.chance(20) ? [`2001:db8::${nth}/64`] : [])],
    ...(random.chance(5) ? { up: false } : {}),
  };
  return { name: `host${nth}`, interfaces, bonds: [bond] };
}

/** Delays are multiples of miimon here and there, and otherwise are rounded. */
function randomOptions(
  random: Random,
  names: readonly string[],
  members: readonly string[],
): Record<string, string> {
  const miimon = random.pick(MIIMONS);
  const mode = random.chance(55) ? 'active-backup' : random.pick(SPREAD_MODES);
  const options: Record<string, string> = { mode, miimon };
  const maybe = (percent: number, name: string, value: () => string): void => {
    if (random.chance(percent)) options[name] = value();
  };
  const delay = (): string => String(Number(miimon) * random.integer(1, 6) + random.pick([0, 0, 7]));
  maybe(40, 'updelay', delay);
  maybe(30, 'downdelay', delay);
  if (mode === 'balance-rr') maybe(50, 'packets_per_slave', () => random.pick(['0', '2', '100']));
  const isTlb = mode === 'balance-tlb';
  if (isTlb) maybe(50, 'tlb_dynamic_lb', () => '0');
  if (mode === 'balance-xor' || isTlb) maybe(80, 'xmit_hash_policy', () => random.pick(HASH_POLICIES));
  maybe(50, 'inline_failover', () => random.pick(['0', '1']));
  maybe(5, 'all_slaves_active', () => '1');
  if (mode !== 'active-backup' && !isTlb) return options;
  if (!isTlb) maybe(20, 'peer_notif_delay', delay);
  maybe(50, 'primary', () => random.pick(names));
  maybe(50, 'primary_reselect', () => random.pick(['always', 'better', 'failure']));
  if (!isTlb) maybe(50, 'fail_over_mac', () => random.pick(['none', 'active', 'follow']));
  maybe(30, 'num_grat_arp', () => random.pick(['0', '1', '3', '10']));
  if (members.length > 0) {
    maybe(15, 'prio', () => members.map(name => `${name}:${random.integer(-5, 5)}`).join(' '));
  }
  return options;
}

function randomFlows(random: Random, bonded: readonly Bonded[], lengthMs: number): FlowSpec[] {
  const packetsPerSecond = random.pick([10, 20, 50]);
  const common = { packetsPerSecond, bytes: 64, startMs: 0, endMs: lengthMs - 200 };
  const flows = bonded.flatMap(({ host }, at): FlowSpec[] => [
    { name: `to-${host}`, from: 'peer', to: host, address: `192.0.2.${at + 1}`, ...common },
    { name: `from-${host}`, from: host, to: 'peer', address: '192.0.2.10', ...common },
  ]);
  return flows;
}

function longestDelay(hosts: readonly HostSpec[], events: readonly TimedEvent[]): number {
  let longest = 200;
  const note = (option: string, value: string): void => {
    if (option.endsWith('delay')) longest = Math.max(longest, Number(value) || 0);
  };
  for (const host of hosts) {
    for (const { options } of host.bonds ?? [])
      for (const [name, value] of Object.entries(options)) note(name, value);
  }
  for (const event of events) if (event.do === 'set') note(event.option, event.value);
  return longest * 2;
}

function randomEvents(plan: Plan): TimedEvent[] {
  const { random, busyMs } = plan;
  const events: TimedEvent[] = [];
  const count = Math.round((random.integer(0, 14) * busyMs) / BUSY_MS);
  for (let nth = 0; nth < count; nth++) {
    const atMs = random.chance(20)
      ? 100 * random.integer(1, Math.max(1, Math.floor(busyMs / 100)))
      : random.integer(0, busyMs);
    for (const [at, event] of randomHappenings(plan).entries()) {
      events.push({ ...event, atMs: Math.min(busyMs, atMs + at * random.pick([1, 30, 120, 700])) });
    }
  }
  return events.toSorted((a, b) => a.atMs - b.atMs);
}

type Kind = (plan: Plan, chosen: Bonded) => Happening[];

/** Kinds of trouble; those that come first more often stand there several times. */
const KINDS: readonly Kind[] = [
  cutAndMaybeBack,
  cutAndMaybeBack,
  cutAndMaybeBack,
  adminDown,
  releaseAndBack,
  setSomething,
  setSomething,
  flap,
  silence,
  powerOff,
  daemonKilled,
  bondDownUp,
  bondSettings,
  cutAll,
];

function randomHappenings(plan: Plan): Happening[] {
  return plan.random.pick(KINDS)(plan, plan.random.pick(plan.bonded));
}

function memberEnd({ random }: Plan, chosen: Bonded): string {
  return `${chosen.host}:${random.pick(chosen.members)}`;
}

function cutAndMaybeBack(plan: Plan, chosen: Bonded): Happening[] {
  const end = plan.random.chance(85) ? memberEnd(plan, chosen) : plan.random.pick(plan.cables).a;
  const cut: Happening = { do: 'cut', end };
  return plan.random.chance(75) ? [cut, { do: 'restore', end }] : [cut];
}

function cutAll(plan: Plan, chosen: Bonded): Happening[] {
  const ends = chosen.members.map(name => `${chosen.host}:${name}`);
  const back = ends.filter(() => plan.random.chance(80));
  return [
    ...ends.map((end): Happening => ({ do: 'cut', end })),
    ...back.map((end): Happening => ({ do: 'restore', end })),
  ];
}

function adminDown({ random }: Plan, { host, members }: Bonded): Happening[] {
  const name = random.pick(members);
  const down: Happening = { do: 'link-down', host, interface: name };
  return random.chance(75) ? [down, { do: 'link-up', host, interface: name }] : [down];
}

function releaseAndBack({ random }: Plan, { host, members }: Bonded): Happening[] {
  const nic = random.pick(members);
  const release: Happening = { do: 'release', host, bond: 'bond0', interface: nic };
  const enslave: Happening = { do: 'enslave', host, bond: 'bond0', interface: nic };
  return random.pick([[release, enslave], [release], [enslave]]);
}

function setSomething({ random }: Plan, { host, members }: Bonded): Happening[] {
  const name = random.pick(members);
  const [option, value] = random.pick([
    ['active_slave', name],
    ['active_slave', ''],
    ['primary', name],
    ['primary', ''],
    ['primary_reselect', random.pick(['always', 'better', 'failure'])],
    ['prio', `${name}:${random.integer(-9, 9)}`],
    ['miimon', random.pick(['0', '50', '100'])],
    ['updelay', random.pick(['0', '100', '300', '150'])],
    ['downdelay', random.pick(['0', '100', '300', '150'])],
    ['num_grat_arp', random.pick(['0', '1', '5'])],
    ['inline_failover', random.pick(['0', '1'])],
    ['fail_over_mac', random.pick(['none', 'active', 'follow'])],
    ['mode', random.pick(['active-backup', ...SPREAD_MODES])],
    ['xmit_hash_policy', random.pick(HASH_POLICIES)],
    ['packets_per_slave', random.pick(['0', '1', '3'])],
  ] as const);
  return [{ do: 'set', host, bond: 'bond0', option, value }];
}

function flap(plan: Plan, chosen: Bonded): Happening[] {
  const { random } = plan;
  const times = random.integer(2, 8);
  return [
    {
      do: 'flap',
      end: memberEnd(plan, chosen),
      times,
      downMs: random.pick([1, 10, 60, 150]),
      upMs: random.pick([1, 10, 60, 150]),
    },
  ];
}

function silence(plan: Plan, chosen: Bonded): Happening[] {
  const { random, switches } = plan;
  const name = random.pick(switches);
  const end = memberEnd(plan, chosen);
  return random.pick<Happening[]>([
    [
      { do: 'silence', switch: name },
      { do: 'unsilence', switch: name },
    ],
    [
      { do: 'lose', end, percent: random.pick([5, 50, 100]) },
      { do: 'lose', end, percent: 0 },
    ],
  ]);
}

function powerOff({ random, switches, bonded }: Plan): Happening[] {
  const node = random.chance(70) ? random.pick(switches) : random.pick(bonded).host;
  const kill: Happening = { do: 'kill', node };
  return random.chance(80) ? [kill, { do: 'revive', node }] : [kill];
}

function daemonKilled({ random }: Plan, { host }: Bonded): Happening[] {
  const kill: Happening = { do: 'daemon-kill', host };
  return random.chance(85) ? [kill, { do: 'daemon-start', host }] : [kill];
}

function bondDownUp({ random }: Plan, { host }: Bonded): Happening[] {
  const down: Happening = { do: 'bond-down', host, bond: 'bond0' };
  return random.chance(85) ? [down, { do: 'bond-up', host, bond: 'bond0' }] : [down];
}

function bondSettings({ random }: Plan, { host }: Bonded): Happening[] {
  return random.chance(50)
    ? [{ do: 'bond-mtu', host, bond: 'bond0', mtu: random.pick([1280, 1400, 9000]) }]
    : [
        {
          do: 'bond-mac',
          host,
          bond: 'bond0',
          mac: `02:00:5e:00:0${host.slice(-1)}:0${random.integer(1, 9)}`,
        },
      ];
}
