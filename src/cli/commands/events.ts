// `bondwire events`: what happened, when and why; with --follow also what happens from now on.
import type { Command } from 'commander';
import type { Session } from '../process/session.js';
import type { EventsOptions } from '../quick-words.js';
import { printEvents } from './print-events.js';

const HELP = `
Example:
  bondwire events --follow --bond bond0`;

export function registerEvents(program: Command, session: Session): void {
  program
    .command('events')
    .description('what happened, when, why, and what it cost')
    .usage('[--follow] [--json] [--bond BOND]')
    .option('-f, --follow', 'stay, and print what happens from now on')
    .option('--json', 'one JSON object a line')
    .option('--bond <BOND>', 'only of this bond')
    .addHelpText('after', HELP)
    .action((options: EventsOptions) => printEvents(session, options));
}
