// `bondwire events`: what happened, when and why; with --follow also what happens from now on.
import type { Command } from 'commander';
import { eventLine } from '../printing/event-line.js';
import type { ApiClient } from '../api-client.js';
import { meantWord } from '../../base/index.js';
import { noDaemonFailure, type Failure, refusedFailure } from '../reading/failure.js';
import { checkBondName } from '../reading/names.js';
import { plain } from '../printing/plain.js';
import type { Session } from '../process/session.js';

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
      let isKnown = bond === undefined;
      if (bond !== undefined && follow === true && !(await names(api)).includes(bond))
        terminal.err(`bondwire: warning: there is no bond called "${plain(bond)}" yet.\n`);
      for await (const event of api.events({ bond, follow })) {
        const line =
          json === true
            ? JSON.stringify(event)
            : eventLine(event, { colour: terminal.colour, now: new Date() });
        isKnown = true;
        terminal.out(`${line}\n`);
      }
      const unknown = isKnown || bond === undefined ? undefined : await unknownBond(api, bond);
      if (unknown !== undefined) throw unknown;
      if (follow === true) {
        throw noDaemonFailure(`The daemon at ${plain(session.runDir())} ended; no more events.`);
      }
    });
}

async function names(api: ApiClient): Promise<readonly string[]> {
  return (await api.show()).bonds.map(({ name }) => name);
}

/** Nothing is told of it: it does not exist, and never did as far as is remembered. */
async function unknownBond(api: ApiClient, bond: string): Promise<Failure | undefined> {
  const known = await names(api);
  // One that exists and has no events yet is no mistake.
  if (known.includes(bond)) return undefined;
  const near = meantWord(bond, known);
  const there = known.length === 0 ? 'There is none now.' : `There are: ${known.map(plain).join(', ')}.`;
  const hint = near === undefined ? there : `Did you mean ${plain(near)}?`;
  return refusedFailure(
    `No event is of a bond called "${plain(bond)}", and there is none of that name. ${hint}`,
  );
}
