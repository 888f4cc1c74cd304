// Starts a daemon in this process, for `daemon` and `run`, unless one already answers at the run directory.
import { DAEMON_CAPABILITIES, needCapabilities } from './capabilities.js';
import { asFailure, Failure, refusedFailure } from '../reading/failure.js';
import { EXIT } from '../../daemon/api/api.js';
import { checkRunDirOwner } from '../../daemon/keeping/run-dir-owner.js';
import type { DataPlanes } from '../../daemon/index.js';
import type { RunningDaemon } from '../modules.js';
import { advice, plain } from '../printing/plain.js';
import type { Session } from './session.js';

/** Starts it; a missing permission and a daemon that is already there are failures. */
export async function startOwnDaemon(
  session: Session,
  what: string,
  options: {
    readonly logToStderr: boolean;
    readonly planes?: DataPlanes | undefined;
    readonly starting?: { readonly file: string; readonly key: string } | undefined;
  },
): Promise<RunningDaemon> {
  const runDir = session.runDir();
  needCapabilities(session.machine, what, DAEMON_CAPABILITIES);
  // One that was prepared is a supervisor's, which has asked.
  if (options.planes === undefined) await refuseSecond(session, runDir);
  try {
    const { startDaemon } = await session.machine.daemon();
    const { logToStderr, planes, starting } = options;
    return await startDaemon({
      runDir,
      logToStderr,
      ...(planes !== undefined && { planes }),
      ...(starting !== undefined && { starting }),
    });
  } catch (error) {
    throw asFailure(error, `Starting a daemon at ${plain(runDir)}`);
  }
}

/** Refuses when a daemon answers at the run directory; somebody else's is not even asked. */
export async function refuseSecond(session: Session, runDir: string): Promise<void> {
  try {
    checkRunDirOwner(runDir);
  } catch (error) {
    throw asFailure(error, `Starting a daemon at ${plain(runDir)}`);
  }
  const api = await session.api({ awaitsStart: false });
  let pid: number;
  try {
    ({ pid } = await api.status());
  } catch (error) {
    if (error instanceof Failure && error.exitCode === EXIT.noDaemon) return;
    throw error;
  }
  throw refusedFailure(
    `A daemon (pid ${pid}) is already running at ${plain(runDir)}: use that one ('${plain(advice('bondwire --run-dir {runDir} show', { runDir }))}' tells what it has), or name another directory with --run-dir.`,
  );
}
