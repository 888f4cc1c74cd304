// Smaller uplink scenarios that still show what a large one shows. (simulator)
import type { LineSpec, TimedStep, UplinkScenario, UplinkSpec } from './scenario.js';
import { checkUplinkScenario } from './scenario-json.js';

/** The list with each half, each quarter, and each single item left out. */
function* without<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let size = items.length; size >= 1; size = Math.floor(size / 2))
    for (let at = 0; at < items.length; at += size) yield items.toSpliced(at, size);
}

function withSpec(scenario: UplinkScenario, uplink: UplinkSpec): UplinkScenario {
  return { ...scenario, uplink };
}

/** A scenario without a line, and without whatever names it. */
function* fewerLines(scenario: UplinkScenario): Generator<UplinkScenario> {
  const { uplink, steps } = scenario;
  for (const { name } of uplink.lines) {
    const lines = uplink.lines.filter(each => each.name !== name);
    const kept = steps.filter(step => !('line' in step && step.line === name));
    yield { ...withSpec(scenario, { ...uplink, lines }), steps: kept };
  }
}

/** Lines, and the uplink itself, without each of what they need not say. */
function* plainer(scenario: UplinkScenario): Generator<UplinkScenario> {
  const { uplink } = scenario;
  for (const key of ['rules', 'timing', 'mode', 'sticky', 'returnMs'] as const) {
    const { [key]: dropped, ...rest } = uplink;
    if (dropped !== undefined) yield withSpec(scenario, rest);
  }
  for (const [at, line] of uplink.lines.entries()) {
    for (const key of Object.keys(line)) {
      if (key === 'name') continue;
      const kept = Object.entries(line).filter(([each]) => each !== key);
      const plain = Object.fromEntries(kept) as unknown as LineSpec;
      yield withSpec(scenario, { ...uplink, lines: uplink.lines.with(at, plain) });
    }
  }
}

/** Rounder times, and steps that say less. */
function* rounder(scenario: UplinkScenario): Generator<UplinkScenario> {
  const { steps } = scenario;
  for (const [at, step] of steps.entries()) {
    const atMs = 100 * Math.round(step.atMs / 100);
    if (atMs !== step.atMs) yield { ...scenario, steps: steps.with(at, { ...step, atMs }) };
    for (const key of ['direction', 'family', 'forMs']) {
      const kept = Object.entries(step).filter(([each]) => each !== key);
      if (kept.length < Object.keys(step).length)
        yield { ...scenario, steps: steps.with(at, Object.fromEntries(kept) as unknown as TimedStep) };
    }
  }
}

function* candidates(scenario: UplinkScenario): Generator<UplinkScenario> {
  for (const steps of without(scenario.steps)) yield { ...scenario, steps };
  for (const traffic of without(scenario.uplink.traffic))
    yield withSpec(scenario, { ...scenario.uplink, traffic });
  const last = Math.max(0, ...scenario.steps.map(step => step.atMs));
  for (const lengthMs of [last + 1000, last + 3000, last + 10_000])
    if (lengthMs < scenario.lengthMs) yield { ...scenario, lengthMs };
  yield* fewerLines(scenario);
  yield* plainer(scenario);
  yield* rounder(scenario);
}

/** The least scenario found that still `fails`, after at most `tries` runs. */
export function shrinkUplink(
  scenario: UplinkScenario,
  fails: (candidate: UplinkScenario) => boolean,
  tries = 600,
): UplinkScenario {
  let least = scenario;
  let left = tries;
  for (let found = true; found && left > 0; ) {
    found = false;
    for (const candidate of candidates(least)) {
      if (!checkUplinkScenario(candidate).ok) continue;
      if (--left < 0) break;
      if (!fails(candidate)) continue;
      least = candidate;
      found = true;
      break;
    }
  }
  return least;
}
