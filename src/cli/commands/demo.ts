// `bondwire demo`: hands over to the lab's demo, once it is clear that the lab can be built here.
import { fileURLToPath } from 'node:url';
import { type Command, InvalidArgumentError } from 'commander';
import { LAB_CAPABILITIES } from '../capabilities.js';
import { asFailure, permissionFailure } from '../failure.js';
import type { Session } from '../session.js';

const HELP = `
Two hosts and a switch are built in network namespaces of their own; nothing of this machine's network is
touched. A bond of two members carries 1000 packets a second to a strict loss meter while the active cable
is cut and restored. Exits with 0 only if the bond took over.

Example:
  sudo bondwire demo --seconds 30`;

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
      const missing = machine.missingCapabilities(LAB_CAPABILITIES);
      if (missing.length > 0) {
        throw permissionFailure(
          `demo needs ${missing.join(', ')} (root on Linux) to build a lab of namespaces with two cables and a switch, bond the two, cut one under traffic and count what is lost; without it, it only says so: run 'sudo bondwire demo'.`,
        );
      }
      try {
        const { runDemo } = await machine.lab();
        session.exitWith(
          await runDemo({
            keep: keep === true,
            seconds,
            bin: fileURLToPath(new URL('../../../bin/bondwire', import.meta.url)),
            colour: terminal.colour,
            write: text => terminal.out(text),
          }),
        );
      } catch (error) {
        throw asFailure(error, 'The demo');
      }
    });
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!/^\d+$/.test(text) || seconds < 1 || seconds > LONGEST_SECONDS) {
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${LONGEST_SECONDS}.`);
  }
  return seconds;
}
