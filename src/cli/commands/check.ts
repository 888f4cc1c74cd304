// `bondwire check`: looks at a bondwire.yaml without doing anything.
import type { Command } from 'commander';
import { plain } from '../printing/plain.js';
import type { Session } from '../process/session.js';
import { plural } from '../reading/units.js';

const HELP = `
Tells what is wrong, with line and column; asks no daemon. Exits with 1 if something is.

Example:
  bondwire check /etc/bondwire.yaml`;

export function registerCheck(program: Command, session: Session): void {
  program
    .command('check')
    .description('look whether a bondwire.yaml is right')
    .usage('FILE')
    .argument('<FILE>', 'a bondwire.yaml')
    .addHelpText('after', HELP)
    .action(async (file: string) => {
      const { readBondwireFile } = await import('../files/bondwire-file.js');
      const { bonds, uplink } = await readBondwireFile(file, session.terminal);
      const what = [
        ...(bonds.length > 0 || uplink === null ? [plural(bonds.length, 'bond')] : []),
        ...(uplink === null ? [] : [`an uplink of ${plural(uplink.lines.length, 'line')}`]),
      ];
      session.terminal.out(`${plain(file)} is right: ${what.join(', ')}.\n`);
    });
}
