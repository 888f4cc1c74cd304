// `bondwire set`: changes options of a bond that exists.
import type { Command } from 'commander';
import { tellWarnings } from '../printing/changed.js';
import { checkBondName } from '../reading/names.js';
import { parseOptionWords } from '../reading/option-words.js';
import type { Session } from '../process/session.js';

const HELP = `
All of the options change, or none; those that need a bond without members or a bond that is down are
refused with the reason. An empty value clears an option, as in primary=

Example:
  bondwire set bond0 miimon=50 primary=eth0`;

export function registerSet(program: Command, session: Session): void {
  program
    .command('set')
    .description('change options of a bond')
    .usage('BOND OPTION=VALUE...')
    .argument('<BOND>', 'the bond')
    .argument('<OPTION=VALUE...>', "the driver's options")
    .addHelpText('after', HELP)
    .action(async (bond: string, words: string[]) => {
      checkBondName(bond);
      const options = parseOptionWords(words);
      const api = await session.api();
      tellWarnings(session.terminal, await api.set(bond, { options }));
    });
}
