// The page docs/options.md, made from the same facts that `bondwire options --json` prints.
import { type OptionFacts, optionCatalogue } from '#cli';

const STATES: Readonly<Record<OptionFacts['state'], string>> = {
  works: 'Works',
  partly: 'Partly',
  stored: 'Kept, no effect yet',
  'not yet': 'Not yet',
};

const HEAD = `# Options

<!-- Made by "npm run docs" from the option table of src/policy; do not edit by hand. -->

Names and values are those of the kernel's bonding driver. A value may be given as its word or as its number:
\`mode=active-backup\` and \`mode=1\` are the same. Set options with [\`bondwire create\` and \`bondwire set\`](cli.md);
\`bondwire options\` prints this list. \`inline_failover\`, \`multicast\` and \`data_plane\` are Bondwire's own, \`multicast\` as the first
drivers had it.

What the column *State* says:

- **Works**: every value does what it says.
- **Partly**: one value works, every other one is refused with a sentence that says so.
- **Kept, no effect yet**: accepted and shown, as the driver does, but read only by modes or monitors that do not exist yet.
- **Not yet**: refused with a sentence that says so.
`;

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function row({ name, default: initial, state }: OptionFacts): string {
  return `| [\`${name}\`](#${name}) | ${initial === null ? '' : `\`${initial}\``} | ${STATES[state]} |`;
}

function section(option: OptionFacts): string {
  const { name, aliases, summary, values, unit, modes, withoutMembers, whileDown, state, note } = option;
  const guards = [
    ...(withoutMembers ? ['the bond has no members'] : []),
    ...(whileDown ? ['the bond is down'] : []),
  ];
  const facts = [
    `- Values: ${cell(values)}${unit === null ? '' : `, in ${unit}`}`,
    ...(option.default === null ? [] : [`- Default: \`${option.default}\``]),
    ...(aliases.length === 0 ? [] : [`- Other names: ${aliases.map(alias => `\`${alias}\``).join(', ')}`]),
    ...(modes === 'all' ? [] : [`- Modes: ${modes.join(', ')}`]),
    ...(guards.length === 0 ? [] : [`- May be changed only while ${guards.join(' and ')}`]),
    `- State: ${STATES[state]}${note === '' ? '' : ` (${note})`}`,
  ];
  return `## ${name}\n\n${summary}\n\n${facts.join('\n')}\n`;
}

/** The whole page. */
export function optionsPage(): string {
  const options = optionCatalogue();
  const table = ['| option | default | state |', '| --- | --- | --- |', ...options.map(row)].join('\n');
  return [HEAD, `${table}\n`, ...options.map(section)].join('\n');
}
