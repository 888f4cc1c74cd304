// `bondwire lab`: pulls and plugs the cables of a lab that `bondwire demo --keep` left running.
import type { Command } from 'commander';
import { EXIT } from '../../daemon/api/api.js';
import { asFailure } from '../reading/failure.js';
import type { Session } from '../process/session.js';

const HELP = `
Example:
  bondwire lab cut eth0`;

export function registerLab(program: Command, session: Session): void {
  const lab = program
    .command('lab')
    .description("cables of the lab that 'demo --keep' left")
    .usage('cut|restore|status [IFACE]')
    .helpCommand(false)
    .addHelpText('after', HELP);

  const run = async (verb: 'cut' | 'restore' | 'status', iface: string | undefined): Promise<void> => {
    try {
      const { labCommand } = await session.machine.lab();
      let told = '';
      const code = await labCommand(verb, iface, text => {
        told += text;
      });
      if (code === EXIT.done) session.terminal.out(told);
      else session.terminal.err(`bondwire: ${told}`);
      session.exitWith(code);
    } catch (error) {
      throw asFailure(error, `lab ${verb}`);
    }
  };
  lab
    .command('cut')
    .description('pull the cable of a member')
    .usage('IFACE')
    .argument('<IFACE>', 'a member, such as eth0')
    .addHelpText('after', '\nExample:\n  bondwire lab cut eth0')
    .action((iface: string) => run('cut', iface));
  lab
    .command('restore')
    .description('plug it in again')
    .usage('IFACE')
    .argument('<IFACE>', 'a member, such as eth0')
    .addHelpText('after', '\nExample:\n  bondwire lab restore eth0')
    .action((iface: string) => run('restore', iface));
  lab
    .command('status')
    .description('which cables are plugged in')
    .usage('[IFACE]')
    .argument('[IFACE]', 'only this member')
    .addHelpText('after', '\nExample:\n  bondwire lab status')
    .action((iface: string | undefined) => run('status', iface));
}
