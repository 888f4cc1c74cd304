// `bondwire show`: bonds as a table for people, as JSON, or as the driver's /proc text.
import { type Command, Option } from 'commander';
import type { ApiClient } from '../api-client.js';
import { Failure } from '../failure.js';
import { checkBondName } from '../names.js';
import type { Session } from '../session.js';

const HELP = `
Examples:
  bondwire show
  bondwire show bond0 --json | jq '.bonds[0].active'
  bondwire show bond0 --proc`;

interface ShowOptions {
  readonly json?: boolean;
  readonly proc?: boolean;
}

export function registerShow(program: Command, session: Session): void {
  program
    .command('show')
    .description('bonds and their members, as they are now')
    .usage('[BOND] [--json | --proc]')
    .argument('[BOND]', 'only this bond')
    .addOption(new Option('--json', 'as JSON').conflicts('proc'))
    .addOption(new Option('--proc', 'as the driver writes /proc/net/bonding/BOND'))
    .addHelpText('after', HELP)
    .action(async (bond: string | undefined, options: ShowOptions) => {
      if (bond !== undefined) checkBondName(bond);
      const api = await session.api();
      session.terminal.out(await text(api, bond, options, session.terminal.colour));
    });
}

async function text(
  api: ApiClient,
  bond: string | undefined,
  options: ShowOptions,
  colour: boolean,
): Promise<string> {
  if (options.proc === true && bond !== undefined) return withNewline(await api.proc(bond));
  const document = await api.show(bond);
  if (options.json === true) return `${JSON.stringify(document, null, 2)}\n`;
  if (options.proc === true)
    return procTexts(
      api,
      document.bonds.map(({ name }) => name),
    );
  const [{ showTable }, since] = await Promise.all([import('../show-table.js'), activeSince(api, bond)]);
  return showTable(document, { colour, now: new Date(), activeSince: since });
}

/** The texts one after the other, each under the name of its file if there are several. */
async function procTexts(api: ApiClient, bonds: readonly string[]): Promise<string> {
  const texts: string[] = [];
  for (const bond of bonds) {
    const text = withNewline(await api.proc(bond));
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
