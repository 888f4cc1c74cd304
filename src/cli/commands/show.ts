// `bondwire show`: bonds as a table for people, as JSON, or as the texts of the driver and of ifconfig.
import { type Command, Option } from 'commander';
import type { TextView } from '../api-client.js';
import type { Session } from '../process/session.js';
import type { ShowOptions } from '../quick-words.js';
import { showBonds, VIEWS } from './show-bonds.js';

const HELP = `
Examples:
  bondwire show
  bondwire show bond0 --json | jq '.bonds[0].active'
  bondwire show bond0 --proc
  bondwire show bond0 --sysfs | grep failure_count`;

const WHAT: Readonly<Record<TextView, string>> = {
  proc: 'as the driver writes /proc/net/bonding/BOND',
  info: 'as the driver of 2003 wrote /proc/net/BOND/info',
  ifconfig: 'as ifconfig showed bonds: MASTER, SLAVE, NOARP, counters',
  sysfs: "the driver's files below /sys/class/net, a line for each",
};
const FORMS: readonly string[] = ['json', ...VIEWS];

export function registerShow(program: Command, session: Session): void {
  const command = program
    .command('show')
    .description('bonds and their members, as they are now')
    .usage(`[BOND] [${FORMS.map(form => `--${form}`).join(' | ')}]`)
    .argument('[BOND]', 'only this bond')
    .addHelpText('after', HELP)
    .action((bond: string | undefined, options: ShowOptions) => showBonds(session, bond, options));
  for (const [form, what] of [
    ['json', 'as JSON'] as const,
    ...VIEWS.map(view => [view, WHAT[view]] as const),
  ]) {
    command.addOption(new Option(`--${form}`, what).conflicts(FORMS.filter(other => other !== form)));
  }
}
