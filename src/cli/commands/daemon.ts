// `bondwire daemon`: serves the control API in the foreground until a signal, and leaves the data plane in place.
import type { Command } from 'commander';
import { asFailure } from '../failure.js';
import type { RunningDaemon } from '../modules.js';
import { startOwnDaemon } from '../own-daemon.js';
import { plain } from '../plain.js';
import type { Session } from '../session.js';
import { stopRequest } from '../stop-request.js';

const HELP = `
It stays in the foreground and logs to standard error. SIGTERM and Ctrl-C end it, but not its bonds: they
carry traffic on, and the next daemon at the same run directory takes them over. 'bondwire destroy' removes.

Example:
  bondwire daemon --run-dir /run/bondwire`;

export function registerDaemon(program: Command, session: Session): void {
  program
    .command('daemon')
    .description('serve the other commands, in the foreground')
    .usage('[--run-dir DIR]')
    .addHelpText('after', HELP)
    .action(async () => {
      const { terminal } = session;
      const runDir = session.runDir();
      terminal.outliveReader();
      const stop = stopRequest(terminal, 'still ending; bonds are left in place.');
      try {
        const daemon = await startOwnDaemon(session, 'daemon', true);
        try {
          if (!stop.asked.aborted) terminal.out(await readyLine(session, runDir));
          await stop.wait();
        } finally {
          await close(daemon);
        }
        terminal.out(
          `bondwire: ended by ${stop.name()}; the data plane stays in place, bonds carry traffic on without a daemon\n`,
        );
      } finally {
        stop.release();
      }
    });
}

async function close(daemon: RunningDaemon): Promise<void> {
  try {
    await daemon.close('leave-in-place');
  } catch (error) {
    throw asFailure(error, 'Ending the daemon');
  }
}

async function readyLine(session: Session, runDir: string): Promise<string> {
  const { adopted } = await (await session.api()).status();
  const found = adopted.length === 0 ? '' : `; found at work: ${adopted.map(plain).join(', ')}`;
  return `bondwire: ready at ${plain(runDir)} (pid ${process.pid})${found}\n`;
}
