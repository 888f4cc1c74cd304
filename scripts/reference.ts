// Runs the stored scenarios in all arms and holds the timelines against each other: the kernel's driver and Bondwire in
// guests, Bondwire on this machine, the simulation. An end with status 0 means that every divergence is a listed one.
//
//   npm run test:reference [-- --arms driver:6.12,driver:6.1,bondwire:here] [--only NAME,...] [--random N] [--parallel N] [--record]
//
// Arms: driver and bondwire, and userspace, which is Bondwire on its user-space data plane; places: here, 6.12 and 6.1.
// --random N: N random scenarios (seeds 1 to N) besides. --record: the driver's timelines are kept under
// test/golden/timelines, for the tests to hold the simulation against.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type RealArm, runReal } from '#arms';
import { cleanStale, type GuestKernel, runInGuest } from '#lab';
import { comparableScenario, parseScenario, type Scenario, type Timeline } from '#simulator';
import { type Difference, readDifferences } from './differences.js';
import { judge, type Ran } from './judgement.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SCENARIOS = join(ROOT, 'test/scenarios');
const REAL_ARMS: readonly RealArm[] = ['driver', 'bondwire', 'userspace'];
/** Scenarios that one guest runs: a guest that breaks down, or is not through in time, then loses no others. */
const BATCH = 16;
const GOLDEN = join(ROOT, 'test/golden/timelines');

function read(file: string): Scenario {
  const parsed = parseScenario(readFileSync(join(SCENARIOS, file), 'utf8'));
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

function listedDifferences(): Difference[] {
  return readDifferences(readFileSync(join(ROOT, 'docs/differences.md'), 'utf8'));
}

function storedScenarios(): Scenario[] {
  return readdirSync(SCENARIOS)
    .filter(file => file.endsWith('.json'))
    .map(read);
}

function wanted(only: string | undefined, random: number): Scenario[] {
  const names = only?.split(',');
  const stored = storedScenarios().filter(({ name }) => names?.includes(name) ?? true);
  const made = Array.from({ length: random }, (_, at) => comparableScenario(at + 1));
  return [...stored, ...made];
}

/** In lists of at most BATCH. */
function batches(scenarios: readonly Scenario[]): Scenario[][] {
  return Array.from({ length: Math.ceil(scenarios.length / BATCH) }, (_, at) =>
    scenarios.slice(at * BATCH, (at + 1) * BATCH),
  );
}

/** Several at a time: they mostly wait. */
async function runAll(
  scenarios: readonly Scenario[],
  arm: RealArm,
  parallel: number,
  done: (scenario: Scenario) => void = () => {},
): Promise<Ran[]> {
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
      done(scenario);
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return results;
}

/** The words of `arm:place`. */
function armOf(where: string): { readonly arm: RealArm; readonly place: string } {
  const [word, place = 'here'] = where.split(':');
  const arm = REAL_ARMS.find(each => each === word);
  if (arm === undefined) throw new Error(`There is no arm ${word}; there are ${REAL_ARMS.join(', ')}`);
  return { arm, place };
}

/** Whether a scenario is one for this arm. */
function suits(scenario: Scenario, arm: RealArm): boolean {
  return scenario.arms?.includes(arm === 'driver' ? 'driver' : 'bondwire') ?? true;
}

/**
 * Runs all, and once more, alone, those that came out otherwise: while many networks are set up on one CPU, a monitor may be
 * late by more than a scenario allows. What comes out otherwise twice is a divergence.
 */
async function runWithRepeats(
  scenarios: readonly Scenario[],
  where: string,
  parallel: number,
): Promise<Ran[]> {
  const { arm } = armOf(where);
  const ran = await runAll(scenarios, arm, parallel, ({ name }) => console.log(`${where}: ${name} has run`));
  const { unlisted } = judge(where, scenarios, ran, listedDifferences());
  const doubtful = new Set(unlisted.map(({ scenario }) => scenario));
  if (doubtful.size === 0) return ran;
  console.log(`${where}: run again, alone: ${[...doubtful].join(', ')}`);
  const again = await runAll(
    scenarios.filter(({ name }) => doubtful.has(name)),
    arm,
    1,
  );
  return [...ran.filter(({ scenario }) => !doubtful.has(scenario)), ...again];
}

/** Runs scenarios in one guest. What does not come back from there has failed. */
async function runGuest(
  kernel: GuestKernel,
  scenarios: readonly Scenario[],
  args: readonly string[],
): Promise<Ran[]> {
  let ran: Ran[] = [];
  const names = scenarios.map(({ name }) => name);
  const { status, output } = await runInGuest({
    kernel,
    // The guest is slow, and slower while others work: its clock counts instructions, so that times are what they are.
    icount: true,
    // Our daemon takes some thousand million instructions to start: seconds, as on a small machine of today, and not a dozen of them.
    ...(!args.some(word => word.startsWith('driver')) && { shift: 0 }),
    argv: [process.execPath, fileURLToPath(import.meta.url), ...args, '--inside', names.join(',')],
    timeoutSeconds: 5400,
    onOutput: text => process.stdout.write(text),
    onFiles: directory => {
      ran = JSON.parse(readFileSync(join(directory, 'result.json'), 'utf8')) as Ran[];
    },
  });
  const failed = `The guest with ${kernel} gave nothing of it (status ${status}):\n${output.slice(-2000)}`;
  return names.map(name => ran.find(({ scenario }) => scenario === name) ?? { scenario: name, failed });
}

/** Runs scenarios in guests, one guest after the other. */
async function runGuests(
  kernel: GuestKernel,
  scenarios: readonly Scenario[],
  args: readonly string[],
): Promise<Ran[]> {
  const ran: Ran[] = [];
  for (const batch of batches(scenarios)) ran.push(...(await runGuest(kernel, batch, args)));
  return ran;
}

/** Puts what the driver did in the place of what was recorded before; scenarios that are no longer stored go. */
function record(kernel: string, ran: readonly Ran[]): void {
  mkdirSync(GOLDEN, { recursive: true });
  const file = join(GOLDEN, `driver-${kernel}.json`);
  const before = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Timeline[]) : [];
  const stored = new Set(storedScenarios().map(({ name }) => name));
  const all = new Map<string, Timeline>();
  for (const timeline of [...before, ...ran.flatMap(each => each.timeline ?? [])])
    if (stored.has(timeline.scenario)) all.set(timeline.scenario, timeline);
  const kept = [...all.values()].toSorted((a, b) => a.scenario.localeCompare(b.scenario));
  writeFileSync(file, `[\n${kept.map(each => JSON.stringify(each)).join(',\n')}\n]\n`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      arms: { type: 'string', default: 'driver:6.12,driver:6.1,bondwire:here,bondwire:6.12' },
      only: { type: 'string' },
      random: { type: 'string', default: '0' },
      parallel: { type: 'string' },
      record: { type: 'boolean', default: false },
      // Names of scenarios: what a guest is told to run.
      inside: { type: 'string' },
    },
  });
  const scenarios = wanted(values.only, Number(values.random));
  if (values.inside !== undefined) {
    const names = new Set(values.inside.split(','));
    const { arm } = armOf(values.arms);
    // The driver of a stock kernel is a module; `max_bonds=0` as it would make a bond of its own otherwise.
    if (arm === 'driver') execFileSync('modprobe', ['bonding', 'max_bonds=0']);
    const parallel = Number(values.parallel ?? 4);
    const ran = await runWithRepeats(
      scenarios.filter(({ name }) => names.has(name)),
      values.arms,
      parallel,
    );
    writeFileSync(join(process.env['OUT'] ?? '.', 'result.json'), JSON.stringify(ran));
    return;
  }
  cleanStale();
  const differences = listedDifferences();
  let bad = 0;
  const arms = values.arms.split(',');
  for (const where of arms) {
    const { arm, place } = armOf(where);
    const mine = scenarios.filter(each => suits(each, arm));
    const args = [
      '--arms',
      where,
      '--random',
      values.random,
      '--parallel',
      values.parallel ?? (arm === 'driver' ? '2' : '1'),
    ];
    const ran =
      place === 'here'
        ? await runWithRepeats(mine, where, Number(values.parallel ?? 2 * availableParallelism()))
        : await runGuests(place === '6.1' ? '6.1' : '6.12', mine, args);
    const { scenarios: count, compared, listed, unlisted } = judge(where, mine, ran, differences);
    for (const problem of unlisted) console.log(`\n${where}: ${problem.scenario}: ${problem.text}`);
    bad += unlisted.length;
    console.log(
      `${where}: ${count} scenarios, ${compared} observations compared, ${listed} listed divergences, ${unlisted.length} unlisted`,
    );
    if (values.record && arm === 'driver') record(place, ran);
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
