// Random uplinks from a seed: lines, what goes by them, a busy time of trouble and a quiet one after it, for the checkers. (simulator)
import { FAMILIES } from '../../uplinks/index.js';
import { Random } from '../random.js';
import {
  type Direction,
  DIRECTIONS,
  type LineSpec,
  type RuleSpec,
  type Step,
  type TimedStep,
  type TrafficSpec,
  type UplinkScenario,
  type UplinkSpec,
} from './scenario.js';

/** How long the trouble lasts, unless told otherwise. */
const BUSY_MS = 20_000;
const QUIET_MS = 10_000;
/** In this time whatever was wrong is forgotten, also of lines that are asked seldom. */
const LONG_QUIET_MS = 200_000;

type Make = (random: Random, line: string, uplink: UplinkSpec) => Step[];

/** The uplink of a seed, with trouble for so long. The same seed gives the same one for ever (until this file changes). */
export function randomUplink(seed: number, busyMs: number = BUSY_MS): UplinkScenario {
  const random = new Random(seed);
  const uplink = randomSpec(random);
  const steps = randomSteps(random, uplink, busyMs);
  const last = steps.at(-1)?.atMs ?? 0;
  return {
    version: 1,
    name: `random-uplink-${seed}`,
    summary: `Random uplink of seed ${seed}.`,
    uplink,
    steps,
    expect: [],
    lengthMs: last + (random.chance(3) ? LONG_QUIET_MS : QUIET_MS),
  };
}

function randomSpec(random: Random): UplinkSpec {
  const names = ['fibre', 'dsl', 'lte'].slice(0, random.chance(65) ? 2 : 3);
  const lines = names.map((name): LineSpec => randomLine(random, name));
  const isShared = random.chance(15);
  return {
    lines,
    ...(isShared ? { mode: 'share', sticky: random.pick(['client', 'flow']) } : {}),
    ...(random.chance(8) ? { returnMs: null } : { returnMs: random.pick([1000, 3000, 3000, 8000]) }),
    ...(random.chance(25) ? { rules: [randomRule(random, names)] } : {}),
    ...(random.chance(50) ? { timing: { dnsIntervalMs: 1000, httpIntervalMs: 2000 } } : {}),
    traffic: randomTraffic(random),
  };
}

function randomLine(random: Random, name: string): LineSpec {
  const isMetered = name === 'lte' ? random.chance(70) : random.chance(10);
  return {
    name,
    roundTripMs: random.pick([4, 12, 30, 30, 60, 250, 600]),
    ...(random.chance(15) ? { families: [random.pick(FAMILIES)] } : {}),
    ...(isMetered ? { metered: true } : {}),
    ...(isMetered && random.chance(60) ? { budgetMb: 100 } : {}),
    ...(random.chance(30) ? { nat6: 'prefix' } : {}),
    ...(random.chance(20) ? { dns: false } : {}),
    ...(random.chance(20) ? { http: false } : {}),
    ...(random.chance(10) ? { muteTarget: true } : {}),
    ...(random.chance(20) ? { weight: random.integer(0, 3) } : {}),
  };
}

function randomRule(random: Random, names: readonly string[]): RuleSpec {
  if (random.chance(50)) return { port: 22, keepTcpMs: random.pick([1000, 5000]) };
  const use = random.chance(50) ? [random.pick(names)] : names.toReversed();
  return { port: 22, use, otherwise: random.pick(['drop', 'selected']) };
}

function randomTraffic(random: Random): TrafficSpec[] {
  const traffic: TrafficSpec[] = [
    { name: 'call', kind: 'udp', everyMs: random.pick([50, 100]) },
    { name: 'call6', kind: 'udp', family: 'ipv6', everyMs: random.pick([100, 200]) },
    { name: 'ssh', kind: 'tcp', port: 22, everyMs: 200 },
    { name: 'web6', kind: 'tcp', family: 'ipv6', everyMs: 200 },
    { name: 'web', kind: 'requests', everyMs: 100 },
  ];
  return traffic.filter(() => random.chance(80));
}

function randomSteps(random: Random, uplink: UplinkSpec, busyMs: number): TimedStep[] {
  const steps: TimedStep[] = [];
  const count = Math.round((random.integer(0, 9) * busyMs) / BUSY_MS);
  for (let nth = 0; nth < count; nth++) {
    const atMs = random.chance(20)
      ? 100 * random.integer(1, Math.max(1, Math.floor(busyMs / 100)))
      : random.integer(0, busyMs);
    const line = random.pick(uplink.lines).name;
    let later = 0;
    for (const step of random.pick(KINDS)(random, line, uplink)) {
      steps.push({ ...step, atMs: Math.min(busyMs, atMs + later) });
      later += random.pick([1, 20, 90, 300, 650, 2000, 5000, 9000]);
    }
  }
  return steps.toSorted((a, b) => a.atMs - b.atMs);
}

function directionOf(random: Random): { direction?: Direction } {
  const direction = random.pick(DIRECTIONS);
  return direction === 'both' ? {} : { direction };
}

/** Kinds of trouble; those that come first more often stand there several times. */
const KINDS: readonly Make[] = [
  cutAndBack,
  cutAndBack,
  silence,
  silence,
  silence,
  router,
  lossy,
  slow,
  rough,
  portal,
  dns,
  renew,
  device,
  wish,
  wish,
  spend,
  daemonKilled,
  daemonKilled,
  busy,
  refusing,
  allSilent,
];

function cutAndBack(random: Random, line: string): Step[] {
  const cut: Step = { do: 'cut', line };
  return random.chance(85) ? [cut, { do: 'restore', line }] : [cut];
}

function silence(random: Random, line: string): Step[] {
  const family = random.chance(25) ? { family: random.pick(FAMILIES) } : {};
  const silent: Step = { do: 'silence', line, ...directionOf(random), ...family };
  return random.chance(85) ? [silent, { do: 'speak', line }] : [silent];
}

function allSilent(random: Random, _: string, { lines }: UplinkSpec): Step[] {
  const back = lines.filter(() => random.chance(80));
  return [
    ...lines.map(({ name: line }): Step => ({ do: 'silence', line })),
    ...back.map(({ name: line }): Step => ({ do: 'speak', line })),
  ];
}

function router(random: Random, line: string): Step[] {
  const dead: Step = { do: 'router-dead', line };
  return random.chance(85) ? [dead, { do: 'router-back', line }] : [dead];
}

function lossy(random: Random, line: string): Step[] {
  const direction = directionOf(random);
  return [
    { do: 'lose', line, percent: random.pick([2, 10, 30, 60, 100]), ...direction },
    { do: 'lose', line, percent: 0 },
  ];
}

function slow(random: Random, line: string): Step[] {
  return [
    { do: 'delay', line, ms: random.pick([50, 300, 700, 2500]), ...directionOf(random) },
    { do: 'delay', line, ms: 0 },
  ];
}

function rough(random: Random, line: string): Step[] {
  const everyMs = random.pick([1000, 2500, 5000]);
  return [
    { do: 'blackouts', line, everyMs, forMs: random.pick([100, 300, 450, 900]) },
    { do: 'blackouts', line, everyMs, forMs: 0 },
  ];
}

function portal(_: Random, line: string): Step[] {
  return [
    { do: 'portal', line },
    { do: 'portal-gone', line },
  ];
}

function dns(_: Random, line: string): Step[] {
  return [
    { do: 'dns-dead', line },
    { do: 'dns-back', line },
  ];
}

function renew(random: Random, line: string): Step[] {
  return [{ do: 'address', line, ...(random.chance(50) ? { family: random.pick(FAMILIES) } : {}) }];
}

function device(random: Random, line: string): Step[] {
  const gone: Step = { do: 'device-gone', line };
  return random.chance(85) ? [gone, { do: 'device-back', line }] : [gone];
}

function wish(random: Random, line: string): Step[] {
  const forMs = random.chance(50) ? { forMs: random.pick([500, 2000, 6000]) } : {};
  const first: Step = { do: random.pick(['use', 'drain']), line, ...forMs };
  const release: Step = { do: 'release', ...(random.chance(60) ? { line } : {}) };
  return random.chance(75) ? [first, release] : [first];
}

function spend(random: Random, line: string, { lines }: UplinkSpec): Step[] {
  const spec = lines.find(each => each.name === line && each.budgetMb !== undefined);
  if (spec === undefined) return [];
  const used: Step = { do: 'spend', line, mb: random.pick([85, 120]) };
  return random.chance(50) ? [used, { do: 'refill', line }] : [used];
}

function daemonKilled(random: Random): Step[] {
  const kill: Step = { do: 'daemon-kill' };
  return random.chance(90) ? [kill, { do: 'daemon-start' }] : [kill];
}

function busy(random: Random): Step[] {
  return [{ do: 'busy', forMs: random.pick([30, 200, 700, 1500, 4000]) }];
}

function refusing(random: Random): Step[] {
  return [{ do: 'kernel-refuses', forMs: random.pick([50, 300, 2000]) }];
}
