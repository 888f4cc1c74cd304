// `bondwire help [COMMAND]`: the same as --help.
import type { Command } from 'commander';
import { usageFailure } from '../reading/failure.js';
import { advice, plain } from '../printing/plain.js';
import { habitOf } from '../reading/usage-error.js';

export function registerHelp(program: Command): void {
  program
    .command('help')
    .description('help for a command')
    .usage('[COMMAND]')
    .argument('[COMMAND]', 'a command')
    .addHelpText('after', '\nExample:\n  bondwire help enslave')
    .action((name: string | undefined) => {
      if (name === undefined) return program.outputHelp();
      const command = program.commands.find(candidate => candidate.name() === name);
      if (command === undefined) {
        const meant = habitOf(name, false);
        const hint = meant === undefined ? '' : ` did you mean ${meant}?`;
        throw usageFailure(
          `there is no command '${plain(name)}' to help with;${hint} see '${advice('bondwire --help')}'.`,
        );
      }
      return command.outputHelp();
    });
}
