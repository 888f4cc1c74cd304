// Uplink scenarios as JSON text: reading with all checks, as a file may come from anybody. (simulator)
import { err, ok, type Result } from '../../base/index.js';
import { FAMILIES } from '../../uplinks/index.js';
import {
  check,
  flag,
  list,
  matching,
  maybe,
  number,
  oneOf,
  record,
  type Shape,
  tagged,
  text,
} from '../shape.js';
import {
  DIRECTIONS,
  type Expectation,
  numberOfLine,
  type Step,
  type TimedStep,
  type UplinkScenario,
} from './scenario.js';

const name = matching(
  /^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/,
  'a name of at most 15 letters, digits, "_", "." or "-"',
);
const LONGEST_MS = 40 * 86_400_000;
const ms = number(0, LONGEST_MS);
const period = number(1, LONGEST_MS);
const family = oneOf(FAMILIES);
const direction = oneOf(DIRECTIONS);
const port = number(1, 65_535);
const line = name;
const whole = number(0, 1_000_000_000);

const orNull =
  (shape: Shape): Shape =>
  (given, place) =>
    given === null ? null : shape(given, place);

const LINE = record({
  name,
  roundTripMs: maybe(number(0.2, 10_000)),
  families: maybe(list(family)),
  metered: maybe(flag),
  budgetMb: maybe(number(0.001, 1_000_000_000)),
  weight: maybe(oneOf([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])),
  nat6: maybe(oneOf(['masquerade', 'prefix'])),
  dns: maybe(flag),
  http: maybe(flag),
  muteTarget: maybe(flag),
});

const RULE = record({
  protocol: maybe(oneOf(['tcp', 'udp'])),
  port,
  use: maybe(list(name)),
  otherwise: maybe(oneOf(['drop', 'selected'])),
  keepTcpMs: maybe(ms),
});

const TRAFFIC = record({
  name,
  kind: oneOf(['udp', 'tcp', 'requests']),
  family: maybe(family),
  client: maybe(number(1, 249)),
  port: maybe(port),
  everyMs: period,
  startMs: maybe(ms),
  endMs: maybe(ms),
});

const TIMING = record({
  intervalMs: maybe(number(20, 60_000)),
  meteredIntervalMs: maybe(period),
  silenceMs: maybe(number(50, 60_000)),
  silenceWithTrafficMs: maybe(period),
  lossEnter: maybe(number(0.1, 100)),
  lossLeave: maybe(number(0.1, 100)),
  latencyEnterMs: maybe(period),
  dnsIntervalMs: maybe(period),
  httpIntervalMs: maybe(period),
  appTimeoutMs: maybe(period),
});

/** What each step has beside `atMs` and `do`. */
const STEPS: Readonly<Record<Step['do'], Readonly<Record<string, Shape>>>> = {
  cut: { line },
  restore: { line },
  silence: { line, direction: maybe(direction), family: maybe(family) },
  speak: { line },
  'router-dead': { line },
  'router-back': { line },
  lose: { line, percent: number(0, 100), direction: maybe(direction) },
  delay: { line, ms: number(0, 60_000), direction: maybe(direction) },
  blackouts: { line, everyMs: period, forMs: ms },
  portal: { line },
  'portal-gone': { line },
  'dns-dead': { line },
  'dns-back': { line },
  address: { line, family: maybe(family) },
  'device-gone': { line },
  'device-back': { line },
  use: { line, forMs: maybe(period) },
  drain: { line, forMs: maybe(period) },
  release: { line: maybe(line) },
  refill: { line },
  spend: { line, mb: whole },
  'daemon-kill': {},
  'daemon-start': {},
  busy: { forMs: period },
  'kernel-refuses': { forMs: period },
};

const STEP = tagged(
  'do',
  Object.fromEntries(
    Object.entries(STEPS).map(([kind, shapes]) => [kind, record({ atMs: ms, do: text, ...shapes })]),
  ),
);

const EVENTS = [
  'line',
  'uplink-failover',
  'uplink-return',
  'uplink-none',
  'budget',
  'portal',
  'interference',
  'gateway-changed',
  'operator',
  'failure',
];
const CAUSES = [
  'carrier',
  'silent',
  'loss',
  'latency',
  'dns',
  'portal',
  'http',
  'tcp',
  'budget',
  'operator',
  'gone',
  'better',
];

const SELECTED = record({ atMs: ms, selected: orNull(name), family: maybe(family) });
const EVENT = record({
  event: oneOf(EVENTS),
  cause: maybe(oneOf(CAUSES)),
  to: maybe(name),
  sinceMs: maybe(ms),
  untilMs: maybe(ms),
  atLeast: maybe(whole),
  atMost: maybe(whole),
});
const OF_TRAFFIC = record({
  traffic: name,
  lostAtMost: maybe(whole),
  endedAtMost: maybe(whole),
  longestGapAtMostMs: maybe(ms),
});

const EXPECTATION: Shape = (given, place) => {
  const keys = typeof given === 'object' && given !== null ? Object.keys(given) : [];
  if (keys.includes('event')) return EVENT(given, place);
  if (keys.includes('traffic')) return OF_TRAFFIC(given, place);
  if (keys.includes('selected')) return SELECTED(given, place);
  return `${place} must say what is expected: "selected" with "atMs", an "event", or of a "traffic"`;
};

const SCENARIO = record({
  version: oneOf([1]),
  name: matching(/^[a-z0-9]+(?:-[a-z0-9]+)*$/, 'a name in kebab-case'),
  summary: text,
  uplink: record({
    lines: list(LINE),
    mode: maybe(oneOf(['failover', 'share'])),
    sticky: maybe(oneOf(['client', 'flow'])),
    returnMs: maybe(orNull(ms)),
    rules: maybe(list(RULE)),
    timing: maybe(TIMING),
    traffic: list(TRAFFIC),
  }),
  steps: list(STEP),
  expect: list(EXPECTATION),
  lengthMs: number(1, LONGEST_MS),
});

/** Whether a value that was read claims to be an uplink scenario, and no network of bonds. */
export function isUplinkScenario(given: unknown): boolean {
  return typeof given === 'object' && given !== null && 'uplink' in given;
}

/** Checks a value that claims to be an uplink scenario; says in one sentence what is wrong, and where. */
export function checkUplinkScenario(given: unknown): Result<UplinkScenario, string> {
  const shaped = check<UplinkScenario>(SCENARIO, given);
  if (!shaped.ok) return shaped;
  const [problem] = problemsOf(shaped.value);
  return problem === undefined ? ok(shaped.value) : err(problem);
}

function* problemsOf(scenario: UplinkScenario): Iterable<string> {
  const { uplink, steps, expect } = scenario;
  const { lines, traffic, rules = [], timing } = uplink;
  if (lines.length === 0) yield 'uplink.lines is empty; an uplink needs a line';
  if (lines.length > 62) yield `uplink.lines has ${lines.length} lines; 62 is the most`;
  for (const [what, names] of [
    ['lines', lines.map(each => each.name)],
    ['traffic', traffic.map(each => each.name)],
  ] as const) {
    const same = names.find((each, at) => names.indexOf(each) !== at);
    if (same !== undefined) yield `two of uplink.${what} are called ${same}`;
  }
  const empty = lines.findIndex(({ families }) => families?.length === 0);
  if (empty >= 0) yield `uplink.lines[${empty}].families is empty; leave it away for both`;
  const { lossEnter = 20, lossLeave = 5 } = timing ?? {};
  if (lossLeave >= lossEnter)
    yield `uplink.timing.lossLeave (${lossLeave}) must be below lossEnter (${lossEnter})`;
  for (const [at, rule] of rules.entries()) {
    const unknown = rule.use?.find(each => numberOfLine(uplink, each) === 0);
    if (unknown !== undefined) yield `uplink.rules[${at}]: there is no line ${unknown}`;
    if (rule.use === undefined && rule.otherwise === 'drop')
      yield `uplink.rules[${at}] drops, and names no lines in "use"`;
  }
  for (const [at, step] of steps.entries())
    yield* problemsOfStep(scenario, step, `steps[${at}] (${step.do})`);
  for (const [at, each] of expect.entries()) yield* problemsOfExpectation(scenario, each, `expect[${at}]`);
}

function* problemsOfStep({ uplink }: UplinkScenario, step: TimedStep, where: string): Iterable<string> {
  if ('line' in step && step.line !== undefined && numberOfLine(uplink, step.line) === 0)
    yield `${where}: there is no line ${step.line}`;
  if (step.do === 'blackouts' && step.forMs >= step.everyMs)
    yield `${where}: forMs (${step.forMs}) must be below everyMs (${step.everyMs})`;
  if (step.do !== 'refill' && step.do !== 'spend') return;
  const spec = uplink.lines.find(each => each.name === step.line);
  if (spec?.budgetMb === undefined) yield `${where}: ${step.line} has no budget; give it budgetMb`;
}

function* problemsOfExpectation(
  { uplink, lengthMs }: UplinkScenario,
  each: Expectation,
  where: string,
): Iterable<string> {
  if ('traffic' in each) {
    if (!uplink.traffic.some(({ name: of }) => of === each.traffic))
      yield `${where}: there is no traffic ${each.traffic}`;
    return;
  }
  const of = 'selected' in each ? each.selected : (each.to ?? null);
  if (of !== null && numberOfLine(uplink, of) === 0) yield `${where}: there is no line ${of}`;
  if ('selected' in each && each.atMs > lengthMs) yield `${where}: at ${each.atMs} ms the scenario is over`;
  if ('event' in each && each.atLeast === undefined && each.atMost === undefined)
    yield `${where}: say how many with atLeast or atMost`;
}
