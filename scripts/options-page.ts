// The page docs/options.md, made from the same facts that `bondwire options --json` prints.
import { type OptionFacts, optionCatalogue } from '#cli';

const HEAD = `# Options

<!-- Made by "npm run docs" from the option table of src/policy; do not edit by hand. -->

Names and values are those of the kernel's bonding driver. A value may be given as its word or as its number:
\`mode=active-backup\` and \`mode=1\` are the same. Set options with [\`bondwire create\` and \`bondwire set\`](cli.md);
\`bondwire options\` prints this list. \`inline_failover\`, \`link_watch\`, \`passive_evidence\`,
\`lacp_quirks\`, \`lacp_lease\`, \`lacp_fallback\`, \`lacp_fast_silence\`, \`multicast\` and \`data_plane\` are Bondwire's own, \`multicast\` as the first drivers had it.
`;

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function row({ name, default: initial }: OptionFacts): string {
  return `| [\`${name}\`](#${name}) | ${initial === null ? '' : `\`${initial}\``} |`;
}

function section(option: OptionFacts): string {
  const { name, aliases, summary, values, unit, modes, withoutMembers, whileDown } = option;
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
  ];
  return `## ${name}\n\n${summary}\n\n${facts.join('\n')}\n`;
}

/** The whole page. */
export function optionsPage(): string {
  const options = optionCatalogue();
  const table = ['| option | default |', '| --- | --- |', ...options.map(row)].join('\n');
  return [HEAD, `${table}\n`, ...options.map(section)].join('\n');
}
