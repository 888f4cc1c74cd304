// `bondwire demo`: hands over to the lab's demo; as root of a user namespace where that takes it, on a simulated network where
// no lab can be built at all.
import { fileURLToPath } from 'node:url';
import { Argument, type Command, InvalidArgumentError } from 'commander';
import { advice } from '../../base/index.js';
import { LAB_CAPABILITIES } from '../process/capabilities.js';
import { asFailure, refusedFailure, usageFailure } from '../reading/failure.js';
import { EXIT } from '../../daemon/api/api.js';
import type { Session } from '../process/session.js';
import { readTextFile } from '../reading/read-text.js';

const HELP = `
Two hosts and a switch are built in network namespaces of their own; nothing of this machine's network is
touched. A bond of two members carries 1000 packets a second to a strict loss meter while the active cable
is cut and restored. Exits with 0 only if the bond took over. Who is not root gets the lab in a user namespace;
where that is not allowed either, or not on Linux, the network is simulated.

With lacp, two daemons have a bond with mode=802.3ad lacp_rate=fast over two cables, each in a namespace of its
own, under traffic. One of them is killed (kill -9) for longer than its partner waits, comes back and takes the
bond over; then a cable is cut. --seconds says how long no daemon is there (6 unless given). Exits with 0 only if
the partner noticed nothing and nothing was lost meanwhile. In a user namespace there is no lease: a supervisor
starts the next daemon at once, and the demo says so.

With uplink, an office has two internet lines by two providers. One falls silent under a call and pages, comes back, the daemon is
killed, and a cable is cut (20 s). Exits with 0 only if the second line took over each time.

Examples:
  bondwire demo --seconds 30
  bondwire demo lacp
  bondwire demo uplink`;

const BIN = fileURLToPath(new URL('../../../bin/bondwire', import.meta.url));
const SHOWS = ['lacp', 'uplink'] as const;
type Show = (typeof SHOWS)[number];

function example(name: string): string {
  return fileURLToPath(new URL(`../../../examples/${name}.json`, import.meta.url));
}

const EXAMPLES: Readonly<Record<Show, string>> = {
  lacp: example('channel-group'),
  uplink: example('silent-line'),
};
const LONGEST_SECONDS = 86_400;

export function registerDemo(program: Command, session: Session): void {
  program
    .command('demo')
    .description('show a failover, LACP without its daemon, or two internet lines, in a throw-away lab')
    .usage('[lacp | uplink] [--keep] [--seconds N]')
    .addArgument(
      new Argument(
        '[show]',
        'lacp: a daemon that is killed, and its aggregate; uplink: two internet lines',
      ).choices(SHOWS),
    )
    .option('--keep', 'leave the lab running, to play with')
    .option('--seconds <N>', 'how long to run', parseSeconds)
    .addHelpText('after', HELP)
    .action(async (show: Show | undefined, { keep, seconds }: { keep?: boolean; seconds?: number }) => {
      const { terminal, machine } = session;
      const wish = { show, keep: keep === true, seconds };
      if (show !== undefined && wish.keep)
        throw usageFailure(
          `demo ${show} ends by itself; --keep is for '${advice('bondwire demo --keep')}', the demo of a failover.`,
        );
      if (show === 'uplink' && seconds !== undefined)
        throw usageFailure('demo uplink takes as long as it takes; leave --seconds out.');
      try {
        if (machine.missingCapabilities(LAB_CAPABILITIES).length === 0) {
          session.exitWith(await real(session, wish));
          return;
        }
        const rootless = await machine.rootless();
        const refused = await rootless.rootlessRefusal(terminal);
        if (refused !== undefined && show === 'lacp')
          throw refusedFailure(
            `demo lacp needs namespaces: you are not root, and ${refused}. '${advice('bondwire simulate {file}', { file: EXAMPLES.lacp })}' shows LACP in a simulated network.`,
          );
        if (refused !== undefined && show === 'uplink') {
          session.exitWith(await simulatedUplink(session, refused));
          return;
        }
        if (refused !== undefined) session.exitWith(await simulated(session, wish, refused));
        else session.exitWith(await rootless.runRootless(terminal, ownCommand(wish)));
      } catch (error) {
        throw asFailure(error, 'The demo');
      }
    });
}

interface Wish {
  readonly show: Show | undefined;
  readonly keep: boolean;
  readonly seconds: number | undefined;
}

async function real(session: Session, wish: Wish): Promise<number> {
  const { terminal, machine } = session;
  const { show } = wish;
  const write = (text: string): void => terminal.out(text);
  const isRootless = (terminal.env['BONDWIRE_ROOTLESS'] ?? '') !== '';
  if (isRootless && show !== 'uplink') {
    write(
      'You are not root: the lab is in a user namespace of its own, and packets are forwarded in user space.\n',
    );
  }
  const { runDemo, runLacpDemo, runUplinkDemo } = await machine.lab();
  const { keep, seconds } = wish;
  if (show === 'uplink') return runUplinkDemo({ bin: BIN, colour: terminal.colour, write });
  const common = { seconds, bin: BIN, colour: terminal.colour, write };
  return show === 'lacp' ? runLacpDemo({ ...common, supervised: isRootless }) : runDemo({ ...common, keep });
}

async function simulated(session: Session, { keep, seconds }: Wish, why: string): Promise<number> {
  const { terminal, machine } = session;
  const interrupted = new AbortController();
  const release = terminal.onSignal(() => interrupted.abort());
  try {
    const { runSimulatedDemo } = await machine.lab();
    return await runSimulatedDemo({
      keep,
      seconds,
      why: `you are not root, and ${why}`,
      colour: terminal.colour,
      write: text => terminal.out(text),
      interrupted: interrupted.signal,
    });
  } finally {
    release();
  }
}

/** The story of a line that falls silent, in virtual time. */
async function simulatedUplink({ terminal }: Session, why: string): Promise<number> {
  terminal.out(`The network is simulated: you are not root, and ${why}.\n`);
  const { parseAnyScenario, simulateUplink, unmetOfUplink, uplinkStory } = await import(
    '../../simulator/index.js'
  );
  const parsed = parseAnyScenario(readTextFile(EXAMPLES.uplink));
  if (!parsed.ok || !('uplink' in parsed.value))
    throw refusedFailure(`${EXAMPLES.uplink} is no scenario of an uplink: install Bondwire anew.`);
  const simulated = simulateUplink(parsed.value, { seed: 1 });
  const unmet = unmetOfUplink(parsed.value, simulated);
  terminal.out(uplinkStory(parsed.value, simulated, unmet));
  return unmet.length + simulated.violations.length === 0 ? EXIT.done : EXIT.refused;
}

/** This command once more. */
function ownCommand({ show, keep, seconds }: Wish): string[] {
  return [
    process.execPath,
    BIN,
    'demo',
    ...(show === undefined ? [] : [show]),
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
