// `bondwire destroy`: releases all members and removes the bond.
import type { Command } from 'commander';
import { tellWarnings } from '../printing/changed.js';
import { checkBondName } from '../reading/names.js';
import type { Session } from '../process/session.js';

const HELP = `
Every member becomes again what it was before it joined.

Example:
  bondwire destroy bond0`;

export function registerDestroy(program: Command, session: Session): void {
  program
    .command('destroy')
    .description('release all members and remove the bond')
    .usage('BOND')
    .argument('<BOND>', 'the bond')
    .addHelpText('after', HELP)
    .action(async (bond: string) => {
      checkBondName(bond);
      const api = await session.api();
      tellWarnings(session.terminal, await api.destroy(bond));
    });
}
