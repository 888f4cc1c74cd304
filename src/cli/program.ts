// The command line as a whole: global options, the commands in their groups, help.
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { DEFAULT_RUN_DIR } from '../daemon/api/api.js';
import { registerApply } from './commands/apply.js';
import { registerCheck } from './commands/check.js';
import { registerCreate } from './commands/create.js';
import { registerDaemon } from './commands/daemon.js';
import { registerDemo } from './commands/demo.js';
import { registerDestroy } from './commands/destroy.js';
import { registerDoctor } from './commands/doctor.js';
import { registerEnslave } from './commands/enslave.js';
import { registerEvents } from './commands/events.js';
import { registerExport } from './commands/export.js';
import { registerHelp } from './commands/help.js';
import { registerImport } from './commands/import.js';
import { registerLab } from './commands/lab.js';
import { registerOptions } from './commands/options.js';
import { registerRelease } from './commands/release.js';
import { registerRootless } from './commands/rootless.js';
import { registerRun } from './commands/run.js';
import { registerSet } from './commands/set.js';
import { registerShow } from './commands/show.js';
import { registerSimulate } from './commands/simulate.js';
import { registerSnmp } from './commands/snmp.js';
import { registerUplink } from './commands/uplink.js';
import type { Session } from './process/session.js';
import { usageError } from './reading/usage-error.js';

const QUICK_START = `
Quick start:
  bondwire demo                                           a throw-away lab shows a failover; needs no root
  sudo bondwire run bond0 eth0 eth1 --take-addresses      a bond until Ctrl-C, with what eth0 and eth1 carry

Exit codes: 0 done, 1 refused or failed, 2 usage, 3 no daemon, 4 a permission is missing.`;

/** Groups as the help shows them, each with its commands in order. */
const GROUPS: readonly (readonly [string, readonly ((program: Command, session: Session) => void)[]])[] = [
  ['Try it:', [registerDemo, registerRootless, registerRun, registerSimulate, registerDoctor]],
  ['Run it:', [registerDaemon, registerSnmp]],
  ['Internet lines:', [registerUplink]],
  ['Change bonds:', [registerCreate, registerDestroy, registerEnslave, registerRelease, registerSet]],
  ['Configuration:', [registerImport, registerCheck, registerApply, registerExport]],
  ['Look:', [registerShow, registerEvents, registerOptions]],
  ['More:', [registerLab, registerHelp]],
];

/** The version of the package. */
function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** Builds the parser; actions are bound to `session`. Throws only Failure and commander's own for --help. */
export function buildProgram(session: Session): Command {
  const { terminal } = session;
  const program = new Command('bondwire')
    .description(
      'Linux Ethernet bonding: joins network interfaces into one, for redundancy and load balancing.',
    )
    .usage('COMMAND [ARGUMENT...]')
    .option(
      '--run-dir <DIR>',
      `directory of the daemon's socket and state (else $BONDWIRE_RUN_DIR, else ${DEFAULT_RUN_DIR})`,
    )
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help for a command')
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true, subcommandTerm: command => command.name() })
    .configureOutput({
      writeOut: text => terminal.out(text),
      writeErr: text => terminal.err(text),
      // Usage errors are reported once, as a sentence of ours.
      outputError: () => {},
      getOutHasColors: () => terminal.colour,
      getErrHasColors: () => false,
    })
    .addHelpText('after', QUICK_START);
  for (const [heading, registers] of GROUPS) {
    program.commandsGroup(heading);
    for (const register of registers) register(program, session);
  }
  explainUsageErrors(program);
  return program;
}

/** Runs the command of these words; false when only help or the version was printed. `known` is told how the run directory is named. */
export async function parseAndRun(
  words: readonly string[],
  session: Session,
  known: (runDir: () => string | undefined) => void,
): Promise<boolean> {
  const program = buildProgram(session);
  known(() => program.opts<{ runDir?: string }>().runDir);
  try {
    await program.parseAsync(words, { from: 'user' });
    return true;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return false;
    throw error;
  }
}

function explainUsageErrors(command: Command): void {
  command.exitOverride(error => {
    throw usageError(command, error);
  });
  for (const child of command.commands) explainUsageErrors(child);
}
