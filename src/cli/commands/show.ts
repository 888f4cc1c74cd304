// `bondwire show`: bonds as a table for people, as JSON, or as the texts of the driver and of ifconfig.
import { type Command, Option } from 'commander';
import type { ApiClient, TextView } from '../api-client.js';
import { Failure } from '../reading/failure.js';
import { checkBondName } from '../reading/names.js';
import type { Session } from '../process/session.js';

const HELP = `
Examples:
  bondwire show
  bondwire show bond0 --json | jq '.bonds[0].active'
  bondwire show bond0 --proc
  bondwire show bond0 --sysfs | grep failure_count`;

const VIEWS: readonly (readonly [TextView, string])[] = [
  ['proc', 'as the driver writes /proc/net/bonding/BOND'],
  ['info', 'as the driver of 2003 wrote /proc/net/BOND/info'],
  ['ifconfig', 'as ifconfig showed bonds: MASTER, SLAVE, NOARP, counters'],
  ['sysfs', "the driver's files below /sys/class/net, a line for each"],
];
const FORMS = ['json', ...VIEWS.map(([view]) => view)];

type ShowOptions = { readonly json?: boolean } & { readonly [view in TextView]?: boolean };

export function registerShow(program: Command, session: Session): void {
  const command = program
    .command('show')
    .description('bonds and their members, as they are now')
    .usage(`[BOND] [${FORMS.map(form => `--${form}`).join(' | ')}]`)
    .argument('[BOND]', 'only this bond')
    .addHelpText('after', HELP)
    .action(async (bond: string | undefined, options: ShowOptions) => {
      if (bond !== undefined) checkBondName(bond);
      const api = await session.api();
      session.terminal.out(await text(api, bond, options, session.terminal.colour));
    });
  for (const [form, what] of [['json', 'as JSON'] as const, ...VIEWS]) {
    command.addOption(new Option(`--${form}`, what).conflicts(FORMS.filter(other => other !== form)));
  }
}

async function text(
  api: ApiClient,
  bond: string | undefined,
  options: ShowOptions,
  colour: boolean,
): Promise<string> {
  const view = VIEWS.map(([name]) => name).find(name => options[name] === true);
  if (view !== undefined && bond !== undefined) return withNewline(await api.text(bond, view));
  const document = await api.show(bond);
  if (options.json === true) return `${JSON.stringify(document, null, 2)}\n`;
  if (view !== undefined)
    return viewTexts(
      api,
      document.bonds.map(({ name }) => name),
      view,
    );
  const [{ showTable }, since] = await Promise.all([
    import('../printing/show-table.js'),
    activeSince(api, bond),
  ]);
  return showTable(document, { colour, now: new Date(), activeSince: since });
}

/** The texts one after the other, each under the name of its bond if there are several. */
async function viewTexts(api: ApiClient, bonds: readonly string[], view: TextView): Promise<string> {
  const texts: string[] = [];
  for (const bond of bonds) {
    const text = withNewline(await api.text(bond, view));
    texts.push(bonds.length > 1 ? `==> ${bond} <==\n${text}` : text);
  }
  return texts.join('\n');
}

function withNewline(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

/** The last failover of each bond. A table without that is still a table, so a daemon's refusal is let pass. */
async function activeSince(
  api: ApiClient,
  bond: string | undefined,
): Promise<ReadonlyMap<string, { readonly to: string | null; readonly time: Date }>> {
  const last = new Map<string, { to: string | null; time: Date }>();
  try {
    for await (const event of api.events({ bond })) {
      if (event.type !== 'failover' || event.to === undefined) continue;
      last.set(event.bond, { to: event.to, time: new Date(event.time) });
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    last.clear();
  }
  return last;
}
