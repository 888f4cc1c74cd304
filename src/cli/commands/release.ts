// `bondwire release`: members leave a bond.
import type { Command } from 'commander';
import { tellWarnings } from '../printing/changed.js';
import { checkBondName, checkMembers } from '../reading/names.js';
import type { Session } from '../process/session.js';

const HELP = `
Each becomes again what it was before it joined: MAC address, MTU, up or down, settings.

Example:
  bondwire release bond0 eth1`;

export function registerRelease(program: Command, session: Session): void {
  program
    .command('release')
    .description('take members out of a bond')
    .usage('BOND IFACE...')
    .argument('<BOND>', 'the bond')
    .argument('<IFACE...>', 'members that are to leave')
    .addHelpText('after', HELP)
    .action(async (bond: string, interfaces: string[]) => {
      checkBondName(bond);
      checkMembers(bond, interfaces);
      const api = await session.api();
      tellWarnings(session.terminal, await api.release(bond, { interfaces }));
    });
}
