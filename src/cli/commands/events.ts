// `bondwire events`: what happened, when and why; with --follow also what happens from now on.
import type { Command } from 'commander';
import { eventLine } from '../event-line.js';
import { noDaemonFailure } from '../failure.js';
import { checkBondName } from '../names.js';
import { plain } from '../plain.js';
import type { Session } from '../session.js';

const HELP = `
Example:
  bondwire events --follow --bond bond0`;

export function registerEvents(program: Command, session: Session): void {
  program
    .command('events')
    .description('what happened, when, why, and what it cost')
    .usage('[--follow] [--json] [--bond BOND]')
    .option('-f, --follow', 'stay, and print what happens from now on')
    .option('--json', 'one JSON object a line')
    .option('--bond <BOND>', 'only of this bond')
    .addHelpText('after', HELP)
    .action(async ({ follow, json, bond }: { follow?: boolean; json?: boolean; bond?: string }) => {
      if (bond !== undefined) checkBondName(bond);
      const { terminal } = session;
      const api = await session.api();
      for await (const event of api.events({ bond, follow })) {
        const line =
          json === true
            ? JSON.stringify(event)
            : eventLine(event, { colour: terminal.colour, now: new Date() });
        terminal.out(`${line}\n`);
      }
      if (follow === true) {
        throw noDaemonFailure(`The daemon at ${plain(session.runDir())} ended; no more events.`);
      }
    });
}
