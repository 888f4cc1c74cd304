// `bondwire doctor`: what this machine can do, and what is wrong with it.
import type { Command } from 'commander';
import { EXIT, type ShowBond } from '../../daemon/api/api.js';
import { DAEMON_CAPABILITIES } from '../process/capabilities.js';
import { asFailure } from '../reading/failure.js';
import { findingsTable } from '../printing/findings-table.js';
import type { Finding } from '../modules.js';
import type { Session } from '../process/session.js';

const HELP = `
Exits with 0 if there are warnings at most, 4 if a permission stands in the way, 1 for other problems: a bond
that has one usable member left where it had several is one.

Example:
  sudo bondwire doctor`;

export function registerDoctor(program: Command, session: Session): void {
  program
    .command('doctor')
    .description('what this machine can do, and what is wrong')
    .usage('[--json]')
    .option('--json', 'as JSON')
    .addHelpText('after', HELP)
    .action(async ({ json }: { json?: boolean }) => {
      const { terminal, machine } = session;
      const findings = await look(session);
      terminal.out(
        json === true
          ? `${JSON.stringify({ findings }, null, 2)}\n`
          : findingsTable(findings, terminal.colour),
      );
      if (!findings.some(({ level }) => level === 'problem')) return;
      const missing = machine.missingCapabilities(DAEMON_CAPABILITIES);
      session.exitWith(missing.length > 0 ? EXIT.permission : EXIT.refused);
    });
}

async function look(session: Session): Promise<readonly Finding[]> {
  const { running, supervised } = await daemonHere(session);
  try {
    const { diagnose } = await session.machine.daemon();
    return (await diagnose(running, supervised, session.runDir())).findings;
  } catch (error) {
    throw asFailure(error, 'Looking at this machine');
  }
}

/** The bonds of the daemon, and whether it has a supervisor; none where no daemon answers: the machine can be looked at all the same. */
async function daemonHere(
  session: Session,
): Promise<{ readonly running: readonly ShowBond[]; readonly supervised: boolean }> {
  try {
    const api = await session.api();
    const [{ bonds }, { supervised }] = await Promise.all([api.show(), api.status()]);
    return { running: bonds, supervised };
  } catch {
    return { running: [], supervised: false };
  }
}
