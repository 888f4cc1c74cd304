// Runs the stored scenarios in all arms and holds the timelines against each other: the kernel's driver and Bondwire in
// guests, Bondwire on this machine, the simulation. An end with status 0 means that every divergence is a listed one.
//
//   npm run test:reference [-- --arms driver:6.12,driver:6.1,bondwire:here] [--only NAME,...] [--random N] [--parallel N] [--record]
//
// --random N: N random scenarios (seeds 1 to N) besides, in the driver's arms. --record: the driver's timelines are kept under
// test/golden/timelines, for the tests to hold the simulation against.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type RealArm, runReal } from '#arms';
import { cleanStale, type GuestKernel, runInGuest } from '#lab';
import {
  type Arm,
  compareTimelines,
  parseScenario,
  randomScenario,
  type Scenario,
  simulate,
  type Timeline,
  unmet,
} from '#simulator';
import { type Difference, readDifferences } from './differences.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SCENARIOS = join(ROOT, 'test/scenarios');
const GOLDEN = join(ROOT, 'test/golden/timelines');

interface Ran {
  readonly scenario: string;
  readonly timeline?: Timeline;
  readonly failed?: string;
}

function read(file: string): Scenario {
  const parsed = parseScenario(readFileSync(join(SCENARIOS, file), 'utf8'));
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

function storedScenarios(): Scenario[] {
  return readdirSync(SCENARIOS)
    .filter(file => file.endsWith('.json'))
    .map(read);
}

function wanted(only: string | undefined, random: number): Scenario[] {
  const names = only?.split(',');
  const stored = storedScenarios().filter(({ name }) => names?.includes(name) ?? true);
  const made = Array.from({ length: random }, (_, at) => randomScenario(at + 1));
  return [...stored, ...made];
}

/** Several at a time: they mostly wait. */
async function runAll(scenarios: readonly Scenario[], arm: RealArm, parallel: number): Promise<Ran[]> {
  const results: Ran[] = [];
  const waiting = [...scenarios];
  const worker = async (): Promise<void> => {
    for (let scenario = waiting.shift(); scenario !== undefined; scenario = waiting.shift()) {
      try {
        results.push({ scenario: scenario.name, timeline: await runReal(scenario, arm) });
      } catch (error) {
        results.push({
          scenario: scenario.name,
          failed: String(error instanceof Error ? error.stack : error),
        });
      }
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return results;
}

async function runGuest(kernel: GuestKernel, args: readonly string[]): Promise<Ran[]> {
  let ran: Ran[] | undefined;
  const { status, output } = await runInGuest({
    kernel,
    // The guest is slow, and slower while others work: its clock counts instructions, so that times are what they are.
    icount: true,
    argv: [process.execPath, fileURLToPath(import.meta.url), '--inside', ...args],
    timeoutSeconds: 5400,
    onFiles: directory => {
      ran = JSON.parse(readFileSync(join(directory, 'result.json'), 'utf8')) as Ran[];
    },
  });
  if (ran === undefined)
    throw new Error(`The guest with ${kernel} gave nothing (status ${status}):\n${output.slice(-2000)}`);
  return ran;
}

interface Tally {
  scenarios: number;
  compared: number;
  listed: number;
  unlisted: number;
}

/** Holds what an arm saw against the simulation and the scenario's own expectations. */
function judge(
  where: string,
  scenarios: readonly Scenario[],
  ran: readonly Ran[],
  differences: readonly Difference[],
): Tally {
  const tally: Tally = { scenarios: 0, compared: 0, listed: 0, unlisted: 0 };
  for (const scenario of scenarios) {
    const one = ran.find(each => each.scenario === scenario.name);
    if (one === undefined) continue;
    tally.scenarios++;
    const problems: string[] = [];
    if (one.timeline === undefined) problems.push(one.failed ?? 'nothing came of it');
    else {
      const simulated = simulate(scenario);
      if (!simulated.ok) throw new Error(simulated.error);
      const { compared, divergence } = compareTimelines(
        one.timeline,
        simulated.value.timeline,
        scenario.observe.watch,
      );
      tally.compared += compared;
      if (divergence !== null) {
        const { of, property, atMs, reason, text } = divergence;
        problems.push(`${of} ${property} at ${atMs} ms: ${reason}\n${text}`);
      }
      problems.push(...unmet(scenario, one.timeline));
    }
    for (const problem of problems) {
      const listed = differences.find(each => each.matches(where, scenario.name, problem));
      if (listed !== undefined) {
        listed.seen++;
        tally.listed++;
        continue;
      }
      tally.unlisted++;
      console.log(`\n${where}: ${scenario.name}: ${problem}`);
    }
  }
  return tally;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      arms: { type: 'string', default: 'driver:6.12,driver:6.1,bondwire:here,bondwire:6.12' },
      only: { type: 'string' },
      random: { type: 'string', default: '0' },
      parallel: { type: 'string' },
      record: { type: 'boolean', default: false },
      inside: { type: 'boolean', default: false },
      arm: { type: 'string', default: 'driver' },
    },
  });
  const scenarios = wanted(values.only, Number(values.random));
  const suits = (scenario: Scenario, arm: Arm): boolean => scenario.arms?.includes(arm) ?? true;
  if (values.inside) {
    const arm = values.arm === 'driver' ? 'driver' : 'bondwire';
    // The driver of a stock kernel is a module; `max_bonds=0` as it would make a bond of its own otherwise.
    if (arm === 'driver') execFileSync('modprobe', ['bonding', 'max_bonds=0']);
    const parallel = Number(values.parallel ?? 4);
    const ran = await runAll(
      scenarios.filter(each => suits(each, arm)),
      arm,
      parallel,
    );
    writeFileSync(join(process.env['OUT'] ?? '.', 'result.json'), JSON.stringify(ran));
    return;
  }
  cleanStale();
  const differences = readDifferences(readFileSync(join(ROOT, 'docs/differences.md'), 'utf8'));
  let bad = 0;
  const arms = values.arms.split(',');
  for (const where of arms) {
    const [arm, place = 'here'] = where.split(':');
    if (arm !== 'driver' && arm !== 'bondwire')
      throw new Error(`There is no arm ${arm}; there are driver and bondwire`);
    const mine = scenarios.filter(each => suits(each, arm));
    const args = [
      '--arm',
      arm,
      '--random',
      values.random,
      '--parallel',
      values.parallel ?? (arm === 'driver' ? '2' : '1'),
    ];
    if (values.only !== undefined) args.push('--only', values.only);
    const ran =
      place === 'here'
        ? await runAll(mine, arm, Number(values.parallel ?? 2 * availableParallelism()))
        : await runGuest(place === '6.1' ? '6.1' : '6.12', args);
    const { scenarios: count, compared, listed, unlisted } = judge(where, mine, ran, differences);
    bad += unlisted;
    console.log(
      `${where}: ${count} scenarios, ${compared} observations compared, ${listed} listed divergences, ${unlisted} unlisted`,
    );
    if (values.record && arm === 'driver') {
      mkdirSync(GOLDEN, { recursive: true });
      const stored = new Set(storedScenarios().map(({ name }) => name));
      const kept = ran
        .filter(({ scenario }) => stored.has(scenario))
        .flatMap(each => each.timeline ?? [])
        .toSorted((a, b) => a.scenario.localeCompare(b.scenario));
      writeFileSync(
        join(GOLDEN, `driver-${place}.json`),
        `[\n${kept.map(each => JSON.stringify(each)).join(',\n')}\n]\n`,
      );
    }
  }
  // Only a run of everything can say that a listed difference is gone.
  const whole = values.only === undefined;
  for (const each of differences.filter(
    ({ seen, where }) => whole && seen === 0 && arms.some(arm => where.test(arm)),
  )) {
    bad++;
    console.log(`The difference ${each.id} of docs/differences.md did not occur: take it out`);
  }
  process.exitCode = bad === 0 ? 0 : 1;
}

await main();
