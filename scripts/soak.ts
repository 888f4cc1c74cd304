// `npm run soak`: very many random scenarios, of bonds or of uplinks. Says which seeds it ran and how fast; a failing one is shrunk and
// printed.
//   npm run soak -- [--uplinks] [--scenarios N] [--from SEED] [--seconds S]
import { parseArgs } from 'node:util';
import {
  PACES,
  printScenario,
  randomScenario,
  randomUplink,
  type Scenario,
  shrinkScenario,
  shrinkUplink,
  simulate,
  simulateUplink,
  type UplinkScenario,
  type Violation,
} from '#simulator';

const { values } = parseArgs({
  options: {
    uplinks: { type: 'boolean', default: false },
    scenarios: { type: 'string', default: '100000' },
    from: { type: 'string', default: String(1 + (Date.now() % 1_000_000_000)) },
    seconds: { type: 'string', default: 'Infinity' },
  },
});
const from = Number(values.from);
const count = Number(values.scenarios);
const REPORT_EVERY = values.uplinks ? 250 : 10_000;
const until = Date.now() + 1000 * Number(values.seconds);

/** What a seed came to: the first rule that did not hold, and how long it lasted in virtual time. */
interface Run {
  readonly first: { readonly rule: string; readonly text: string } | undefined;
  readonly ms: number;
}

function runBonds(scenario: Scenario, seed: number): Run | null {
  const simulated = simulate(scenario, { seed, pace: PACES[seed % PACES.length] ?? PACES[0] });
  // What lost a part that another one names cannot be built, and shows nothing.
  if (!simulated.ok) return null;
  const [first] = simulated.value.violations;
  return { first: first && { rule: first.rule, text: textOf(first) }, ms: simulated.value.simulatedMs };
}

function textOf({ rule, of, atMs, message }: Violation): string {
  return `${rule} of ${of} at ${atMs} ms: ${message}`;
}

function runUplink(scenario: UplinkScenario, seed: number): Run {
  const { violations, simulatedMs } = simulateUplink(scenario, { seed });
  const [first] = violations;
  const text = `${first?.rule} at ${first?.atMs} ms: ${first?.message}`;
  return { first: first && { rule: first.rule, text }, ms: simulatedMs };
}

function run(seed: number): Run {
  if (values.uplinks) return runUplink(randomUplink(seed), seed);
  const scenario = randomScenario(seed);
  const ran = runBonds(scenario, seed);
  if (ran === null) throw new Error(`${scenario.name} cannot be built`);
  return ran;
}

/** The least scenario that breaks the same rule, as a file. */
function least(seed: number, rule: string): string {
  const isSame = (ran: Run | null): boolean => ran?.first?.rule === rule;
  return printScenario(
    values.uplinks
      ? shrinkUplink(randomUplink(seed), candidate => isSame(runUplink(candidate, seed)))
      : shrinkScenario(randomScenario(seed), candidate => isSame(runBonds(candidate, seed))),
  );
}

function report(seed: number, { rule, text }: { readonly rule: string; readonly text: string }): void {
  console.error(`Seed ${seed}: ${text}`);
  const folder = values.uplinks ? 'test/uplink-scenarios/' : 'test/scenarios/';
  console.error(`To keep under ${folder}:\n${least(seed, rule)}`);
}

const started = Date.now();
const cpu = process.cpuUsage();
let simulatedMs = 0;
let failed = 0;
let done = 0;
for (; done < count && Date.now() < until && failed < 5; done++) {
  const seed = from + done;
  const { first, ms } = run(seed);
  simulatedMs += ms;
  if (first !== undefined) {
    failed++;
    report(seed, first);
  }
  if (done % REPORT_EVERY === REPORT_EVERY - 1) console.log(`${done + 1} scenarios, ${failed} failed`);
}
const used = process.cpuUsage(cpu);
const cpuMs = (used.user + used.system) / 1000;
console.log(
  `${done} scenarios, seeds ${from} to ${from + done - 1}, ${failed} failed. ${Math.round(simulatedMs / 1000)} s simulated in ` +
    `${Math.round((Date.now() - started) / 1000)} s (${Math.round(simulatedMs / cpuMs)} simulated seconds a second of processor time).`,
);
process.exitCode = failed === 0 ? 0 : 1;
