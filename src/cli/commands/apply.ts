// `bondwire apply`: makes the bonds of bondwire.yaml through the daemon.
import type { Command } from 'commander';
import type { Session } from '../process/session.js';

const HELP = `
Bonds that are missing are made, with members, addresses and routes; those that exist get what they lack. What an
earlier file made and this one does not have goes; what somebody else made stays. When something fails, the bonds that this run made are removed again.
'bondwire import' writes such a file; docs/import.md describes it.

Example:
  bondwire apply /etc/bondwire.yaml`;

interface ApplyOptions {
  readonly takeDown?: boolean;
  readonly takeAddresses?: boolean;
}

export function registerApply(program: Command, session: Session): void {
  program
    .command('apply')
    .description('make the bonds and the uplink of a bondwire.yaml')
    .usage('[--take-down] [--take-addresses] FILE')
    .argument('<FILE>', 'a bondwire.yaml')
    .option('--take-down', 'take members that are up down first, also where the file does not say so')
    .option('--take-addresses', 'move addresses and routes of members to the bond')
    .addHelpText('after', HELP)
    .action(async (file: string, options: ApplyOptions) => {
      const { readBondwireFile } = await import('../files/bondwire-file.js');
      const wish = await readBondwireFile(file, session.terminal);
      const { applyFile } = await import('../files/apply-file.js');
      await applyFile(await session.api(), session.terminal, wish, {
        takeDown: options.takeDown === true,
        takeAddresses: options.takeAddresses === true,
      });
    });
}
