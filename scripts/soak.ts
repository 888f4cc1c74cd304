// `npm run soak`: very many random scenarios. Says which seeds it ran and how fast; a failing one is shrunk and printed.
//   npm run soak -- [--scenarios N] [--from SEED] [--seconds S]
import { parseArgs } from 'node:util';
import {
  PACES,
  printScenario,
  randomScenario,
  type Scenario,
  shrinkScenario,
  simulate,
  type Violation,
} from '#simulator';

const { values } = parseArgs({
  options: {
    scenarios: { type: 'string', default: '100000' },
    from: { type: 'string', default: String(1 + (Date.now() % 1_000_000_000)) },
    seconds: { type: 'string', default: 'Infinity' },
  },
});
const from = Number(values.from);
const count = Number(values.scenarios);
const until = Date.now() + 1000 * Number(values.seconds);

function violations(scenario: Scenario, seed: number): { found: readonly Violation[]; ms: number } {
  const simulated = simulate(scenario, { seed, pace: PACES[seed % PACES.length] ?? PACES[0] });
  if (!simulated.ok) throw new Error(`${scenario.name} cannot be built: ${simulated.error}`);
  return { found: simulated.value.violations, ms: simulated.value.simulatedMs };
}

function report(seed: number, first: Violation): void {
  console.error(`Seed ${seed}: ${first.rule} of ${first.of} at ${first.atMs} ms: ${first.message}`);
  const shows = (candidate: Scenario): boolean => {
    const simulated = simulate(candidate, { seed, pace: PACES[seed % PACES.length] ?? PACES[0] });
    // What lost a part that another one names cannot be built, and shows nothing.
    return simulated.ok && simulated.value.violations.some(each => each.rule === first.rule);
  };
  const least = shrinkScenario(randomScenario(seed), shows);
  console.error(`To keep under test/scenarios/:\n${printScenario(least)}`);
}

const started = Date.now();
const cpu = process.cpuUsage();
let simulatedMs = 0;
let failed = 0;
let done = 0;
for (; done < count && Date.now() < until && failed < 5; done++) {
  const seed = from + done;
  const { found, ms } = violations(randomScenario(seed), seed);
  simulatedMs += ms;
  const [first] = found;
  if (first !== undefined) {
    failed++;
    report(seed, first);
  }
  if (done % 10_000 === 9_999) console.log(`${done + 1} scenarios, ${failed} failed`);
}
const used = process.cpuUsage(cpu);
const cpuMs = (used.user + used.system) / 1000;
console.log(
  `${done} scenarios, seeds ${from} to ${from + done - 1}, ${failed} failed. ${Math.round(simulatedMs / 1000)} s simulated in ` +
    `${Math.round((Date.now() - started) / 1000)} s (${Math.round(simulatedMs / cpuMs)} simulated seconds a second of processor time).`,
);
process.exitCode = failed === 0 ? 0 : 1;
