// `bondwire rootless`: a shell, or one command, as root of a user namespace of one's own.
import type { Command } from 'commander';
import { permissionFailure } from '../reading/failure.js';
import type { Session } from '../process/session.js';

const HELP = `
Inside, all commands of Bondwire work for people who are not root, over interfaces that are made inside. The
network of the machine is not seen there; what was made goes when the command ends. Without COMMAND it is your shell.

Examples:
  bondwire rootless
  bondwire rootless -- ip -brief link`;

export function registerRootless(program: Command, session: Session): void {
  program
    .command('rootless')
    .description('a shell, or a command, as root of a network of its own; needs no permission')
    .usage('[-- COMMAND [ARGUMENT...]]')
    .argument('[COMMAND...]', 'what to run, with its arguments')
    .addHelpText('after', HELP)
    .action(async (words: string[]) => {
      const { terminal, machine } = session;
      const rootless = await machine.rootless();
      const refused = await rootless.rootlessRefusal(terminal);
      if (refused !== undefined) throw permissionFailure(`rootless does not work here: ${refused}.`);
      const command = words.length > 0 ? words : [terminal.env['SHELL'] ?? '/bin/sh'];
      session.exitWith(await rootless.runRootless(terminal, command));
    });
}
