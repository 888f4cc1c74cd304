// `bondwire options`: every option of a bond, from the policy's own table.
import type { Command } from 'commander';
import type { OptionFacts } from '../reading/option-catalogue.js';
import type { Session } from '../process/session.js';

const HELP = `
Asks no daemon.

Examples:
  bondwire options
  bondwire options --json | jq -r '.options[] | select(.whileDown).name'`;

export function registerOptions(program: Command, { terminal }: Session): void {
  program
    .command('options')
    .description('every option of a bond: values, default, where it counts')
    .usage('[--json]')
    .option('--json', 'as JSON')
    .addHelpText('after', HELP)
    .action(async ({ json }: { json?: boolean }) => {
      const { optionCatalogue } = await import('../reading/option-catalogue.js');
      const options = optionCatalogue();
      terminal.out(
        json === true ? `${JSON.stringify({ options }, null, 2)}\n` : options.map(paragraph).join('\n'),
      );
    });
}

function paragraph(option: OptionFacts): string {
  const { name, summary, values, unit, modes, aliases } = option;
  const lines = [
    option.default === null ? name : `${name}=${option.default}`,
    `  ${summary}`,
    `  Values  ${values}${unit === null ? '' : ` ${unit}`}`,
    ...(aliases.length === 0 ? [] : [`  Also    ${aliases.join(', ')}`]),
    ...(modes === 'all' ? [] : [`  Modes   ${modes.join(', ')}`]),
    ...(option.withoutMembers || option.whileDown ? [`  Change  only ${guard(option)}`] : []),
  ];
  return `${lines.join('\n')}\n`;
}

function guard({ withoutMembers, whileDown }: OptionFacts): string {
  const conditions = [
    ...(withoutMembers ? ['without members'] : []),
    ...(whileDown ? ['while the bond is down'] : []),
  ];
  return conditions.join(' and ');
}
