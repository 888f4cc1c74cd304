// `npm run test:selftests`: what the kernel's own tests of 802.3ad check, with the driver and with Bondwire beside each other. Bondwire runs
// now, on this machine; what the driver did is read from the recordings that
// `npm run test:reference -- --arms driver:6.12 --only NAME,… --record` made in a guest.
//
//   npm run test:selftests [-- --write] [--arms bondwire,userspace] [--seen FILE]
//
// --write: the table goes into docs/selftests.md. --arms: userspace is Bondwire with its user-space data plane. --seen: what Bondwire did is
// kept in FILE, scenario by scenario; what is there already is not run again.
//
// Needs root. Ends with 1 when a check does not hold with Bondwire.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type RealArm, runReal } from '#arms';
import { cleanStale } from '#lab';
import { parseScenario, type Scenario, type Timeline, unmet } from '#simulator';
import { type Column, LACP_SELFTESTS, tableText } from './selftest-table.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PAGE = join(ROOT, 'docs/selftests.md');
/** A run that came out otherwise on a busy machine is repeated so often. */
const TRIES = 3;
/** Runs at a time: they mostly wait. */
const PARALLEL = 2;
const ARMS = ['bondwire', 'userspace'] as const;
const COLUMNS: Readonly<Record<RealArm, string>> = {
  driver: 'driver',
  bondwire: 'Bondwire',
  userspace: 'Bondwire, user space',
};

function read(name: string): Scenario {
  const parsed = parseScenario(readFileSync(join(ROOT, `test/scenarios/${name}.json`), 'utf8'));
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

function recorded(kernel: string): Column {
  const text = readFileSync(join(ROOT, `test/golden/timelines/driver-${kernel}.json`), 'utf8');
  const timelines = (JSON.parse(text) as Timeline[]).map(each => [each.scenario, each] as const);
  return { name: `driver, ${kernel}`, timelines: new Map(timelines) };
}

/** Until the scenario's expectations are kept, but not for ever; a machine that is too busy for the network is asked again too. */
async function run(scenario: Scenario, arm: RealArm): Promise<Timeline> {
  for (let tries = 1; ; tries++) {
    try {
      const timeline = await runReal(scenario, arm);
      if (tries === TRIES || unmet(scenario, timeline).length === 0) return timeline;
    } catch (error) {
      if (tries === TRIES) throw error;
      console.error(`${scenario.name}: ${String(error)}`);
    }
  }
}

/** What was seen before, by arm and scenario. */
type Seen = Record<string, Record<string, Timeline>>;

async function runAll(
  scenarios: readonly Scenario[],
  arm: RealArm,
  seen: Seen,
  file?: string,
): Promise<Column> {
  const timelines = (seen[arm] ??= {});
  const waiting = scenarios.filter(({ name }) => timelines[name] === undefined);
  const worker = async (): Promise<void> => {
    for (let scenario = waiting.shift(); scenario !== undefined; scenario = waiting.shift()) {
      timelines[scenario.name] = await run(scenario, arm);
      console.error(`${arm}: ${scenario.name} has run`);
      if (file !== undefined) writeFileSync(file, JSON.stringify(seen));
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return { name: COLUMNS[arm], timelines: new Map(Object.entries(timelines)) };
}

/** Puts the table between the marks of the page. */
function write(table: string): void {
  const [before, after] = readFileSync(PAGE, 'utf8').split(/<!-- table -->[^]*<!-- \/table -->/);
  if (before === undefined || after === undefined) throw new Error(`${PAGE} has no place for the table`);
  writeFileSync(PAGE, `${before}<!-- table -->\n\n${table}\n<!-- /table -->${after}`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      write: { type: 'boolean', default: false },
      arms: { type: 'string', default: 'bondwire,userspace' },
      seen: { type: 'string' },
    },
  });
  const { seen: file } = values;
  const scenarios = LACP_SELFTESTS.flatMap(each => each.scenarios).map(read);
  const seen = (file !== undefined && existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}) as Seen;
  cleanStale();
  const ours: Column[] = [];
  for (const arm of ARMS.filter(each => values.arms.split(',').includes(each)))
    ours.push(await runAll(scenarios, arm, seen, file));
  const table = tableText(scenarios, [recorded('6.12'), ...ours]);
  console.log(table);
  if (values.write) write(table);
  const unkept = ours.flatMap(({ timelines }) =>
    scenarios.flatMap(each => unmet(each, timelines.get(each.name) ?? { ...NOTHING, scenario: each.name })),
  );
  process.exitCode = unkept.length === 0 ? 0 : 1;
}

const NOTHING: Timeline = { scenario: '', arm: 'bondwire', ranBy: '', observations: [] };

await main();
