// `bondwire daemon`: serves the control API in the foreground until a signal, and leaves the data plane in place.
import type { Command } from 'commander';
import { DAEMON_CAPABILITIES, needCapabilities } from '../process/capabilities.js';
import type { FileWish } from '../files/bondwire-file.js';
import { ConfigFile, isEmpty, RELOAD_VARIABLE, statusText } from '../files/config-file.js';
import { asFailure } from '../reading/failure.js';
import type { DataPlanes } from '../../daemon/index.js';
import type { RunningDaemon } from '../modules.js';
import { refuseSecond, startOwnDaemon } from '../process/own-daemon.js';
import { plain } from '../printing/plain.js';
import type { Session } from '../process/session.js';
import type { ServiceManager } from '../process/service-manager.js';
import { stopRequest } from '../process/stop-request.js';
import type { Supervisee } from '../process/supervisee.js';

const HELP = `
It stays in the foreground and logs to standard error. SIGTERM and Ctrl-C end it, but not its bonds: they
carry traffic on (those on the user-space data plane do not: their packets stop), and the next daemon at the
same run directory takes them over. 'bondwire destroy' removes.
With --config the bonds of a file are made first; the other commands wait so long. SIGHUP has the file read again,
and carried out as 'bondwire apply' does. Where systemd started it (Type=notify) it hears when that is done.
With --supervise a second process starts the daemon again at once when it dies, and keeps the sockets of bonds
on the user-space data plane open meanwhile, so that frames wait there instead of being lost.

Examples:
  bondwire daemon --run-dir /run/bondwire
  bondwire daemon --config /etc/bondwire.yaml
  bondwire daemon --supervise`;

export function registerDaemon(program: Command, session: Session): void {
  program
    .command('daemon')
    .description('serve the other commands, in the foreground')
    .usage('[--run-dir DIR] [--config FILE] [--supervise]')
    .option('--config <FILE>', 'make the bonds of this bondwire.yaml first, as apply does')
    .option('--supervise', 'start the daemon again when it dies')
    .addHelpText('after', HELP)
    .action(async (options: { config?: string; supervise?: boolean }) => {
      const { terminal } = session;
      const runDir = session.runDir();
      if (options.supervise === true) {
        session.exitWith(await superviseDaemon(session, options.config));
        return;
      }
      const supervision = await supervisionHere(session);
      if (supervision === 'ended') return;
      supervision?.planes.takeOver(runDir);
      terminal.outliveReader();
      const manager = await managerOf(session, supervision?.supervisee);
      const path = options.config ?? terminal.env[RELOAD_VARIABLE];
      const file = path === undefined ? undefined : new ConfigFile(session, path, manager);
      const stop = stopRequest(terminal, 'still ending; bonds are left in place.', () => {
        if (file === undefined)
          terminal.err('bondwire: SIGHUP: there is no --config file to read again; the daemon goes on\n');
        else file.reload();
      });
      let stopping: readonly string[] = [];
      try {
        const isFirst = options.config !== undefined && file !== undefined;
        const wish = isFirst ? await file.read() : { bonds: [], uplink: null };
        const isWish = !isEmpty(wish);
        const daemon = await startOwnDaemon(session, 'daemon', {
          logToStderr: true,
          planes: supervision?.planes,
          starting: isWish && file !== undefined ? { file: file.path, key: file.key } : undefined,
        });
        supervision?.planes.settle();
        try {
          if (isWish) manager.status(`making the bonds of ${plain(file?.path ?? '')}`);
          const problems = stop.asked.aborted ? [] : await carriedOut(file, wish, manager);
          daemon.started();
          supervision?.supervisee.ready();
          manager.ready(
            file === undefined || !isFirst ? 'looking after bonds' : statusText(file.path, problems),
          );
          if (!stop.asked.aborted) terminal.out(await readyLine(session, runDir));
          await stop.wait();
          manager.stopping();
          supervision?.supervisee.ending();
          stopping = await bondsInUserSpace(session);
        } finally {
          await close(daemon);
        }
        terminal.out(`bondwire: ended by ${stop.name()}; ${plain(whatGoesOn(stopping))}\n`);
      } finally {
        manager.close();
        stop.release();
      }
    });
}

/** What cannot be made at all ends the daemon, so that whoever started it hears of it. */
async function carriedOut(
  file: ConfigFile | undefined,
  wish: FileWish,
  manager: ServiceManager,
): Promise<readonly string[]> {
  try {
    return (await file?.first(wish)) ?? [];
  } catch (error) {
    manager.status(asFailure(error, 'Carrying out the file').message);
    throw error;
  }
}

/** Who is told: the manager that started this process, or by way of the supervisor the one that started that. */
async function managerOf(session: Session, supervisee: Supervisee | undefined): Promise<ServiceManager> {
  const { notifier, serviceManager, watchdogMs } = await import('../process/service-manager.js');
  const { env } = session.terminal;
  if ((env['NOTIFY_SOCKET'] ?? '') === '') return serviceManager(undefined, undefined);
  const notify =
    supervisee === undefined ? notifier(session.terminal) : (text: string) => supervisee.notify(text);
  const pids = supervisee === undefined ? [process.pid] : [process.pid, process.ppid];
  return serviceManager(notify, watchdogMs(env, pids));
}

/** What would be refused at every start is refused before the first. */
async function superviseDaemon(session: Session, config: string | undefined): Promise<number> {
  needCapabilities(session.machine, 'daemon', DAEMON_CAPABILITIES);
  await refuseSecond(session, session.runDir());
  const { supervise } = await import('../process/supervisor.js');
  const script = [...process.execArgv, process.argv[1] ?? ''];
  return supervise(session.terminal, { runDir: session.runDir(), script, config });
}

/** The daemon's end of its supervision, once it is to begin; undefined without a supervisor, 'ended' when that is gone. */
async function supervisionHere(
  session: Session,
): Promise<{ supervisee: Supervisee; planes: DataPlanes } | 'ended' | undefined> {
  const { terminal, machine } = session;
  const { CHANNEL_VARIABLE } = await import('../process/supervision-messages.js');
  const named = terminal.env[CHANNEL_VARIABLE];
  if (named === undefined) return undefined;
  const { Supervisee } = await import('../process/supervisee.js');
  const supervisee = Supervisee.fromEnvironment(named);
  // All that takes time is done before the word to begin comes.
  const [{ prepareDaemon }] = await Promise.all([machine.daemon(), session.api()]);
  const planes = prepareDaemon(supervisee);
  let hasBegun = false;
  hasBegun = await supervisee.begin(planes, () => {
    if (hasBegun)
      terminal.err('bondwire: the supervisor is gone; the daemon goes on, and nobody starts it again.\n');
  });
  return hasBegun ? { supervisee, planes } : 'ended';
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
