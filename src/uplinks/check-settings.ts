// What is against settings: each refusal says what was refused, why, and what to do. (uplinks)
import {
  err,
  meantWord,
  ok,
  parseIpv4,
  parseIpv6,
  type Refusal,
  refusal,
  type Result,
} from '../base/index.js';
import { familyOf } from './apps.js';
import { FAMILIES, MOST_LINES } from './contract.js';
import type { LineSettings, UplinkRule, UplinkSettings, UplinkTiming } from './settings.js';

/** Minutes of a day. */
const DAY_MINUTES = 1440;
const MOST_RULES = 99;
/** Shorter intervals would be a flood. */
const LEAST_INTERVAL_MS = 20;

/** Nothing, or why an uplink cannot be so. */
export function checkSettings(settings: UplinkSettings): Result<void, Refusal> {
  for (const problem of problemsOf(settings)) return err(refusal('invalid-value', 'EINVAL', problem));
  return ok(undefined);
}

function* problemsOf(settings: UplinkSettings): Iterable<string> {
  const { name, lines, rules } = settings;
  if (lines.length === 0) yield `uplink ${name} has no lines; give it at least one`;
  if (lines.length > MOST_LINES)
    yield `uplink ${name} has ${lines.length} lines, and marks have room for ${MOST_LINES}; take some away`;
  yield* twiceOf(lines);
  for (const line of lines) yield* problemsOfLine(line);
  if (rules.length > MOST_RULES)
    yield `uplink ${name} has ${rules.length} rules, and tables have room for ${MOST_RULES}; put some together`;
  const names = lines.map(line => line.name);
  for (const [at, rule] of rules.entries()) yield* problemsOfRule(rule, at, names);
  yield* problemsOfMask(settings);
  yield* problemsOfReturn(settings.return);
  yield* problemsOfTiming(settings.timing);
}

function* twiceOf(lines: readonly LineSettings[]): Iterable<string> {
  for (const key of ['name', 'device'] as const) {
    const words = lines.map(line => line[key]);
    const twice = words.find((word, at) => words.indexOf(word) !== at);
    if (twice !== undefined) yield `two lines have the ${key} ${twice}; each needs one of its own`;
  }
}

function* problemsOfLine(line: LineSettings): Iterable<string> {
  const { name, targets, weight, budget, dns, http, tcp } = line;
  if (name === '') yield 'a line has an empty name; give it one';
  if (targets.ipv4.length === 0 && targets.ipv6.length === 0)
    yield `line ${name} has no targets, so nothing would say whether it lives; give it two addresses`;
  for (const family of FAMILIES) {
    const parse = family === 'ipv4' ? parseIpv4 : parseIpv6;
    const wrong = targets[family].find(target => !parse(target).ok);
    if (wrong !== undefined)
      yield `line ${name}: target ${wrong} is no address of ${family === 'ipv4' ? 'IPv4' : 'IPv6'}; write an address, not a name`;
  }
  for (const target of [...dns, ...(tcp === null ? [] : [tcp])])
    if (familyOf(target) === null)
      yield `line ${name}: ${target} has no address for a host; write the address, as a name would have to be asked for first`;
  if (http !== null && familyOf(http.url) === null && dns.length === 0)
    yield `line ${name}: ${http.url} has a name for a host, and there are no DNS servers to ask; give the line some, or write the address`;
  if (http !== null && !http.url.startsWith('http://'))
    yield `line ${name}: ${http.url} is not asked, as portals show themselves on http:// only; write such a URL`;
  if (!Number.isInteger(weight) || weight < 0 || weight > 1000)
    yield `line ${name} has the weight ${weight}; write a whole number from 0 to 1000`;
  if (budget === null) return;
  if (!(budget.bytes > 0)) yield `line ${name} has a budget of ${budget.bytes} bytes; write more than 0`;
  const { resetDay } = budget;
  if (resetDay !== null && !(Number.isInteger(resetDay) && resetDay >= 1 && resetDay <= 31))
    yield `line ${name}: its budget begins anew on day ${resetDay}; write a day from 1 to 31`;
}

function* problemsOfRule(rule: UplinkRule, at: number, names: readonly string[]): Iterable<string> {
  const where = `rule ${at + 1}`;
  for (const name of rule.use ?? []) {
    if (names.includes(name)) continue;
    const meant = meantWord(name, names);
    yield `${where} uses the line ${name}, which there is not; ${meant === undefined ? `lines are ${names.join(', ')}` : `did you mean ${meant}?`}`;
  }
  if (rule.use?.length === 0) yield `${where} may use no line; name one, or leave "use" away`;
  if (rule.keepTcpMs !== undefined && !(rule.keepTcpMs >= 0))
    yield `${where} keeps TCP for ${rule.keepTcpMs} ms; write 0 or more`;
}

function* problemsOfMask({ markMask, lines }: UplinkSettings): Iterable<string> {
  const lowest = markMask & -markMask;
  const room = lowest === 0 ? 0 : (markMask >>> 0) / (lowest >>> 0);
  const isOne = Number.isInteger(Math.log2(room + 1));
  if (!isOne || room < lines.length)
    yield `the mask 0x${(markMask >>> 0).toString(16)} has no room for ${lines.length} lines; take neighbouring bits, as 0x3f000000`;
}

function* problemsOfReturn(wish: UplinkSettings['return']): Iterable<string> {
  if (wish === null) return;
  if (!(wish.afterMs >= 0)) yield `return after ${wish.afterMs} ms cannot be; write 0 or more`;
  if (wish.at !== null && !(Number.isInteger(wish.at) && wish.at >= 0 && wish.at < DAY_MINUTES))
    yield `return at minute ${wish.at} cannot be; a day has minutes from 0 to ${DAY_MINUTES - 1}`;
}

function* problemsOfTiming(timing: UplinkTiming): Iterable<string> {
  for (const [name, value] of Object.entries(timing)) {
    // A line may have to be without any loss to be good again.
    const isGood = name === 'lossLeave' ? value >= 0 : value > 0;
    if (!isGood || !Number.isFinite(value)) yield `${name} is ${value}; write more than 0`;
  }
  if (timing.intervalMs < LEAST_INTERVAL_MS)
    yield `intervalMs is ${timing.intervalMs}, which would flood the targets; write ${LEAST_INTERVAL_MS} or more`;
  if (timing.lossLeave >= timing.lossEnter)
    yield `lossLeave (${timing.lossLeave} %) is not below lossEnter (${timing.lossEnter} %), so a line would change all the time; make it smaller`;
}
