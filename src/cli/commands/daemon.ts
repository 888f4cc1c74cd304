// `bondwire daemon`: serves the control API in the foreground until a signal, and leaves the data plane in place.
import type { Command } from 'commander';
import type { BondWish } from '../../config/index.js';
import { asFailure } from '../failure.js';
import type { RunningDaemon } from '../modules.js';
import { startOwnDaemon } from '../own-daemon.js';
import { plain } from '../plain.js';
import type { Session } from '../session.js';
import { stopRequest } from '../stop-request.js';

const HELP = `
It stays in the foreground and logs to standard error. SIGTERM and Ctrl-C end it, but not its bonds: they
carry traffic on (those on the user-space data plane do not: their packets stop), and the next daemon at the
same run directory takes them over. 'bondwire destroy' removes.

Example:
  bondwire daemon --run-dir /run/bondwire`;

export function registerDaemon(program: Command, session: Session): void {
  program
    .command('daemon')
    .description('serve the other commands, in the foreground')
    .usage('[--run-dir DIR] [--config FILE]')
    .option('--config <FILE>', 'make the bonds of this bondwire.yaml first, as "bondwire apply" does')
    .addHelpText('after', HELP)
    .action(async (options: { config?: string }) => {
      const { terminal } = session;
      const runDir = session.runDir();
      const bonds = options.config === undefined ? [] : await readBonds(session, options.config);
      terminal.outliveReader();
      const stop = stopRequest(terminal, 'still ending; bonds are left in place.');
      let stopping: readonly string[] = [];
      try {
        const daemon = await startOwnDaemon(session, 'daemon', true);
        try {
          if (!stop.asked.aborted && bonds.length > 0) await apply(session, bonds);
          if (!stop.asked.aborted) terminal.out(await readyLine(session, runDir));
          await stop.wait();
          stopping = await bondsInUserSpace(session);
        } finally {
          await close(daemon);
        }
        terminal.out(`bondwire: ended by ${stop.name()}; ${plain(whatGoesOn(stopping))}\n`);
      } finally {
        stop.release();
      }
    });
}

/** Bonds whose packets go through the daemon; none when it does not say. */
async function bondsInUserSpace(session: Session): Promise<readonly string[]> {
  try {
    const { bonds } = await (await session.api()).show();
    return bonds.filter(bond => bond.dataPlane === 'userspace').map(bond => bond.name);
  } catch {
    return [];
  }
}

function whatGoesOn(stopping: readonly string[]): string {
  if (stopping.length === 0) return 'the data plane stays in place, bonds carry traffic on without a daemon';
  const one = stopping.length === 1;
  return `no packets go through ${stopping.join(', ')} until the next daemon, as ${one ? 'it is' : 'they are'} forwarded in user space; ${one ? 'its interface stays' : 'their interfaces stay'}, and other bonds carry traffic on`;
}

/** A file with errors starts no daemon. */
async function readBonds(session: Session, file: string): Promise<readonly BondWish[]> {
  const { readBondwireFile } = await import('../bondwire-file.js');
  return readBondwireFile(file, session.terminal);
}

/** What cannot be made ends the daemon, so that whoever started it hears of it; bonds at work stay at work. */
async function apply(session: Session, bonds: readonly BondWish[]): Promise<void> {
  const { applyBonds } = await import('../apply-bonds.js');
  await applyBonds(await session.api(), session.terminal, bonds, { takeDown: false, takeAddresses: false });
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
