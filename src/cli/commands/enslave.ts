// `bondwire enslave`: interfaces join a bond.
import type { Command } from 'commander';
import { tellWarnings } from '../printing/changed.js';
import { checkBondName, checkMembers } from '../reading/names.js';
import type { Session } from '../process/session.js';

const HELP = `
All of the interfaces join, or none. As with the driver, an interface must be down to join, and what it
carries (addresses, routes) would be lost: two of the options are for interfaces in use. With --await, one that is
not there joins when it appears, and again after it was unplugged, until it is released. A member that vanishes is
awaited without it too; with --no-await it is not.

Example:
  bondwire enslave --take-down --take-addresses bond0 eth0 eth1`;

export function registerEnslave(program: Command, session: Session): void {
  program
    .command('enslave')
    .description('add interfaces to a bond')
    .usage('[--take-down] [--take-addresses] [--await | --no-await] BOND IFACE...')
    .argument('<BOND>', 'the bond')
    .argument('<IFACE...>', 'interfaces that are to join')
    .option('--take-down', 'take an interface that is up down first')
    .option('--take-addresses', 'move its addresses and routes to the bond')
    .option('--await', 'an interface that is not there joins when it appears')
    .option('--no-await', 'one that vanishes is not awaited')
    .addHelpText('after', HELP)
    .action(
      async (
        bond: string,
        interfaces: string[],
        options: { takeDown?: boolean; takeAddresses?: boolean; await?: boolean },
      ) => {
        checkBondName(bond);
        checkMembers(bond, interfaces);
        const api = await session.api();
        // Neither of the two options: awaited only after it was there.
        const { await: awaits, ...others } = options;
        const wish = { ...others, ...(awaits !== undefined && { await: awaits, forget: !awaits }) };
        tellWarnings(session.terminal, await api.enslave(bond, { interfaces, ...wish }));
      },
    );
}
