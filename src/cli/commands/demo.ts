// `bondwire demo`: hands over to the lab's demo; as root of a user namespace where that takes it, on a simulated network where
// no lab can be built at all.
import { fileURLToPath } from 'node:url';
import { type Command, InvalidArgumentError } from 'commander';
import { LAB_CAPABILITIES } from '../process/capabilities.js';
import { asFailure } from '../reading/failure.js';
import type { Session } from '../process/session.js';

const HELP = `
Two hosts and a switch are built in network namespaces of their own; nothing of this machine's network is
touched. A bond of two members carries 1000 packets a second to a strict loss meter while the active cable
is cut and restored. Exits with 0 only if the bond took over. Who is not root gets the lab in a user namespace;
where that is not allowed either, or not on Linux, the network is simulated.

Example:
  bondwire demo --seconds 30`;

const BIN = fileURLToPath(new URL('../../../bin/bondwire', import.meta.url));
const LONGEST_SECONDS = 86_400;

export function registerDemo(program: Command, session: Session): void {
  program
    .command('demo')
    .description('show a failover in a throw-away lab (about 15 s)')
    .usage('[--keep] [--seconds N]')
    .option('--keep', 'leave the lab running, to play with')
    .option('--seconds <N>', 'how long to run', parseSeconds)
    .addHelpText('after', HELP)
    .action(async ({ keep, seconds }: { keep?: boolean; seconds?: number }) => {
      const { terminal, machine } = session;
      const wish = { keep: keep === true, seconds };
      try {
        if (machine.missingCapabilities(LAB_CAPABILITIES).length === 0) {
          session.exitWith(await real(session, wish));
          return;
        }
        const rootless = await machine.rootless();
        const refused = await rootless.rootlessRefusal(terminal);
        if (refused !== undefined) session.exitWith(await simulated(session, wish, refused));
        else session.exitWith(await rootless.runRootless(terminal, ownCommand(wish)));
      } catch (error) {
        throw asFailure(error, 'The demo');
      }
    });
}

interface Wish {
  readonly keep: boolean;
  readonly seconds: number | undefined;
}

async function real(session: Session, wish: Wish): Promise<number> {
  const { terminal, machine } = session;
  const write = (text: string): void => terminal.out(text);
  if ((terminal.env['BONDWIRE_ROOTLESS'] ?? '') !== '') {
    write(
      'You are not root: the lab is in a user namespace of its own, and packets are forwarded in user space.\n',
    );
  }
  const { runDemo } = await machine.lab();
  return runDemo({ ...wish, bin: BIN, colour: terminal.colour, write });
}

async function simulated(session: Session, wish: Wish, why: string): Promise<number> {
  const { terminal, machine } = session;
  const interrupted = new AbortController();
  const release = terminal.onSignal(() => interrupted.abort());
  try {
    const { runSimulatedDemo } = await machine.lab();
    return await runSimulatedDemo({
      ...wish,
      why: `you are not root, and ${why}`,
      colour: terminal.colour,
      write: text => terminal.out(text),
      interrupted: interrupted.signal,
    });
  } finally {
    release();
  }
}

/** This command once more. */
function ownCommand({ keep, seconds }: Wish): string[] {
  return [
    process.execPath,
    BIN,
    'demo',
    ...(keep ? ['--keep'] : []),
    ...(seconds === undefined ? [] : ['--seconds', String(seconds)]),
  ];
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!/^\d+$/.test(text) || seconds < 1 || seconds > LONGEST_SECONDS) {
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${LONGEST_SECONDS}.`);
  }
  return seconds;
}
