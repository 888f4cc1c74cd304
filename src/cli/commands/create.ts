// `bondwire create`: a new bond without members.
import type { Command } from 'commander';
import { tellWarnings } from '../printing/changed.js';
import { usageFailure } from '../reading/failure.js';
import { checkBondName } from '../reading/names.js';
import { parseOptionWords } from '../reading/option-words.js';
import { advice, plain } from '../printing/plain.js';
import type { Session } from '../process/session.js';

const HELP = `
Options are the kernel driver's, by their names and values: mode, miimon, updelay, downdelay, primary,
primary_reselect, fail_over_mac, num_grat_arp and so on. 'bondwire options' lists them all.
Like the driver's, a new bond is down: 'ip link set BOND up' brings it up.

Example:
  bondwire create bond0 mode=active-backup miimon=100`;

export function registerCreate(program: Command, session: Session): void {
  program
    .command('create')
    .description('make a bond')
    .usage('BOND [OPTION=VALUE...]')
    .argument('<BOND>', 'name of the new interface, such as bond0')
    .argument('[OPTION=VALUE...]', "the driver's options")
    .addHelpText('after', HELP)
    .action(async (bond: string, words: string[]) => {
      checkBondName(bond);
      checkNoInterfaces(bond, words);
      const options = parseOptionWords(words);
      const api = await session.api();
      tellWarnings(session.terminal, await api.create({ name: bond, options }));
    });
}

/** Other programs make a bond with its members. */
function checkNoInterfaces(bond: string, words: readonly string[]): void {
  const first = words.find(word => /^(?!bond\d)[a-z]+[\d.][\w.]*$/.test(word));
  if (first === undefined) return;
  const way = plain(advice('bondwire enslave --take-down {bond} {iface}', { bond, iface: first }));
  throw usageFailure(
    `"${plain(first)}" is not OPTION=VALUE; a bond is made without members, which join when it is there: '${way}'.`,
  );
}
