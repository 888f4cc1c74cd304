// `bondwire doctor`: what this machine can do, and what is wrong with it.
import { type Command, InvalidArgumentError } from 'commander';
import { EXIT, type ShowBond } from '../../daemon/api/api.js';
import type { ShowUplink } from '../../daemon/api/uplink-api.js';
import type { ApiClient } from '../api-client.js';
import { DAEMON_CAPABILITIES } from '../process/capabilities.js';
import { asFailure } from '../reading/failure.js';
import { findingsTable } from '../printing/findings-table.js';
import type { Finding } from '../modules.js';
import type { Session } from '../process/session.js';

const HELP = `
Exits with 0 if there are warnings at most, 4 if a permission stands in the way, 1 for other problems: a bond
that has one usable member left where it had several is one.
It listens whether a switch speaks LACP with a bond that does not: for 1.2 s, in which one that speaks every second
is heard. Many speak every 30 s: --listen 31 hears them too.

Example:
  sudo bondwire doctor`;

export function registerDoctor(program: Command, session: Session): void {
  program
    .command('doctor')
    .description('what this machine can do, and what is wrong')
    .usage('[--listen SECONDS] [--json]')
    .option('--listen <seconds>', 'how long it listens for LACP', listenTime)
    .option('--json', 'as JSON')
    .addHelpText('after', HELP)
    .action(async ({ json, listen }: { json?: boolean; listen?: number }) => {
      const { terminal, machine } = session;
      const findings = await look(session, listen);
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

const LONGEST_LISTEN_S = 120;

function listenTime(text: string): number {
  const seconds = /^\d{1,3}$/.test(text) ? Number(text) : NaN;
  if (seconds >= 1 && seconds <= LONGEST_LISTEN_S) return seconds;
  throw new InvalidArgumentError(`It must be a whole number of seconds from 1 to ${LONGEST_LISTEN_S}.`);
}

async function look(session: Session, listen: number | undefined): Promise<readonly Finding[]> {
  const { running, supervised, uplink } = await daemonHere(session);
  try {
    const { diagnose } = await session.machine.daemon();
    return (
      await diagnose(
        running,
        supervised,
        session.runDir(),
        listen === undefined ? undefined : listen * 1000,
        uplink,
      )
    ).findings;
  } catch (error) {
    throw asFailure(error, 'Looking at this machine');
  }
}

/** The bonds of the daemon, and whether it has a supervisor; none where no daemon answers: the machine can be looked at all the same. */
async function daemonHere(session: Session): Promise<{
  readonly running: readonly ShowBond[];
  readonly supervised: boolean;
  readonly uplink: ShowUplink | null;
}> {
  try {
    const api = await session.api();
    const [{ bonds }, { supervised }] = await Promise.all([api.show(), api.status()]);
    return { running: bonds, supervised, uplink: await uplinkOf(api) };
  } catch {
    return { running: [], supervised: false, uplink: null };
  }
}

/** A daemon of an earlier version has no address for it. */
async function uplinkOf(api: ApiClient): Promise<ShowUplink | null> {
  try {
    return (await api.uplink()).uplink;
  } catch {
    return null;
  }
}
