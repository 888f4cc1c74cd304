// `bondwire simulate`: what would happen to a described network, told in virtual time; needs no daemon and no permission.
import { type Command, Option } from 'commander';
import { advice } from '../../base/index.js';
import { EXIT } from '../../daemon/api/api.js';
import type { Scenario, UplinkScenario } from '../../simulator/index.js';
import { refusedFailure, usageFailure } from '../reading/failure.js';
import { readTextFile } from '../reading/read-text.js';
import type { Session } from '../process/session.js';

const HELP = `
FILE describes a network or an uplink, what happens to it, and what is expected (docs/simulator.md).
Without FILE, --seed makes up a network and trouble, with --uplink lines to the internet and trouble.
The same file and seed give the same story, always.
Exits with 1 if something is not as expected.

Examples:
  bondwire simulate examples/two-switches.json
  bondwire simulate examples/silent-line.json
  bondwire simulate --seed 7 --minutes 2
  bondwire simulate --seed 7 --print > what-if.json`;

interface SimulateOptions {
  readonly seed?: string;
  readonly minutes?: string;
  readonly uplink?: boolean;
  readonly json?: boolean;
  readonly print?: boolean;
}

export function registerSimulate(program: Command, session: Session): void {
  program
    .command('simulate')
    .description('what would happen to a described network, and what it would cost')
    .usage('[FILE] [--seed N] [--minutes M] [--uplink] [--json | --print]')
    .argument('[FILE]', 'a scenario, as JSON')
    .addOption(new Option('--seed <N>', 'decides all that is left to chance (default 1)'))
    .addOption(
      new Option('--minutes <M>', 'how long; without FILE, how long the trouble lasts (default 0.1)'),
    )
    .addOption(new Option('--uplink', 'without FILE: lines to the internet instead of bonds'))
    .addOption(new Option('--json', 'the timeline and all counts as JSON').conflicts('print'))
    .addOption(new Option('--print', 'only print the scenario, to keep or to change'))
    .addHelpText('after', HELP)
    .action((file: string | undefined, options: SimulateOptions) => run(session, file, options));
}

async function run(session: Session, file: string | undefined, options: SimulateOptions): Promise<void> {
  if (file === undefined && options.seed === undefined) {
    throw usageFailure(
      `simulate needs a FILE or a --seed; '${advice('bondwire simulate --help')}' shows examples.`,
    );
  }
  if (file !== undefined && options.uplink === true)
    throw usageFailure('--uplink is for worlds that are made up; a FILE says by itself what it describes.');
  const seed = numberOf('--seed', options.seed, 0, 0xffff_ffff);
  const minutes = numberOf('--minutes', options.minutes, 0.001, 24 * 60);
  const simulator = await import('../../simulator/index.js');
  const busyMs = minutes === undefined ? undefined : minutes * 60_000;
  const made = options.uplink === true ? simulator.randomUplink : simulator.randomScenario;
  const scenario = file === undefined ? made(seed ?? 1, busyMs) : await readScenario(file, minutes);
  if (options.print === true) {
    session.terminal.out(simulator.printScenario(scenario));
    return;
  }
  const told =
    'uplink' in scenario
      ? simulatedUplink(simulator, scenario, seed)
      : simulatedNetwork(simulator, scenario, seed, file === undefined);
  session.terminal.out(options.json === true ? `${JSON.stringify(told.json, null, 2)}\n` : told.story());
  if (!told.isGood) session.exitWith(EXIT.refused);
}

type Simulator = typeof import('../../simulator/index.js');

/** How a simulation ended, to be told. */
interface Outcome {
  readonly json: unknown;
  story(): string;
  readonly isGood: boolean;
}

function simulatedNetwork(
  simulator: Simulator,
  scenario: Scenario,
  seed: number | undefined,
  isMadeUp: boolean,
): Outcome {
  const simulated = simulator.simulate(scenario, { seed: seed ?? 1 });
  if (!simulated.ok)
    throw refusedFailure(`The network of ${scenario.name} cannot be built: ${simulated.error}`);
  // A random scenario does not say which of its wishes must be refused.
  const unmet = isMadeUp ? [] : simulator.unmet(scenario, simulated.value.timeline);
  return {
    json: { ...simulated.value, unmet },
    story: () => simulator.storyText(scenario, simulated.value, unmet),
    isGood: unmet.length + simulated.value.violations.length === 0,
  };
}

function simulatedUplink(simulator: Simulator, scenario: UplinkScenario, seed: number | undefined): Outcome {
  const simulated = simulator.simulateUplink(scenario, { seed: seed ?? 1 });
  const unmet = simulator.unmetOfUplink(scenario, simulated);
  return {
    json: { ...simulated, unmet },
    story: () => simulator.uplinkStory(scenario, simulated, unmet),
    isGood: unmet.length + simulated.violations.length === 0,
  };
}

async function readScenario(file: string, minutes: number | undefined): Promise<Scenario | UplinkScenario> {
  const { parseAnyScenario } = await import('../../simulator/index.js');
  let text: string;
  try {
    text = readTextFile(file);
  } catch (error) {
    throw refusedFailure((error as Error).message, error);
  }
  const parsed = parseAnyScenario(text);
  if (!parsed.ok) throw refusedFailure(`${file} is no scenario: ${parsed.error}`);
  return minutes === undefined ? parsed.value : { ...parsed.value, lengthMs: minutes * 60_000 };
}

function numberOf(flag: string, text: string | undefined, min: number, max: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === '' || !(value >= min && value <= max)) {
    throw usageFailure(`${flag} must be a number from ${min} to ${max}, not "${text}".`);
  }
  return value;
}
