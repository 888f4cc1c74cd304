// `bondwire run`: daemon, bond and members in one foreground command, undone at its end.
import type { Command } from 'commander';
import { checkCidr } from '../reading/cidr.js';
import { usageFailure } from '../reading/failure.js';
import { checkBondName, checkMembers } from '../reading/names.js';
import { parseOptionWords, splitWords } from '../reading/option-words.js';
import type { Session } from '../process/session.js';

const HELP = `
Without mode=... it is mode=active-backup, without a link monitor miimon=100. Ctrl-C puts everything back as
it was: the bond goes, its members get their addresses, MTU and state again.

Example:
  bondwire run bond0 eth0 eth1 primary=eth0 --address 192.0.2.1/24`;

interface RunOptions {
  readonly address: readonly string[];
  readonly takeDown?: boolean;
  readonly takeAddresses?: boolean;
}

export function registerRun(program: Command, session: Session): void {
  program
    .command('run')
    .description('a bond in the foreground; Ctrl-C puts everything back')
    .usage('BOND IFACE... [OPTION=VALUE...] [--address CIDR]... [--take-down] [--take-addresses]')
    .argument('<BOND>', 'name of the new interface, such as bond0')
    .argument('<IFACE...>', "interfaces that are to join, and the driver's options as OPTION=VALUE")
    .option(
      '--address <CIDR>',
      'address for the bond, such as 192.0.2.1/24; may be repeated',
      (cidr: string, before: readonly string[]): readonly string[] => [...before, cidr],
      [],
    )
    .option('--take-down', 'take an interface that is up down first')
    .option('--take-addresses', 'move addresses and routes of the interfaces to the bond')
    .addHelpText('after', HELP)
    .action(async (bond: string, words: string[], options: RunOptions) => {
      checkBondName(bond);
      const { interfaces, options: optionWords } = splitWords(words);
      if (interfaces.length === 0) {
        throw usageFailure(
          'run: name at least one interface; usage: bondwire run BOND IFACE... [OPTION=VALUE...].',
        );
      }
      checkMembers(bond, interfaces);
      for (const cidr of options.address) checkCidr(cidr);
      const given = parseOptionWords(optionWords);
      const { runInForeground } = await import('../process/foreground.js');
      await runInForeground(session, {
        bond,
        interfaces,
        options: given,
        addresses: options.address,
        takeDown: options.takeDown === true,
        takeAddresses: options.takeAddresses === true,
      });
    });
}
