// What `bondwire show` does, without its command line: bonds as a table for people, as JSON, or as texts of other programs.
import type { ApiClient, TextView } from '../api-client.js';
import type { Session } from '../process/session.js';
import type { ShowOptions } from '../quick-words.js';
import { Failure } from '../reading/failure.js';
import { checkBondName } from '../reading/names.js';

export const VIEWS: readonly TextView[] = ['proc', 'info', 'ifconfig', 'sysfs'];

/** Prints what is asked for. */
export async function showBonds(
  session: Session,
  bond: string | undefined,
  options: ShowOptions,
): Promise<void> {
  if (bond !== undefined) checkBondName(bond);
  const api = await session.api();
  session.terminal.out(await text(api, bond, options, session.terminal.colour));
}

async function text(
  api: ApiClient,
  bond: string | undefined,
  options: ShowOptions,
  colour: boolean,
): Promise<string> {
  const view = VIEWS.find(name => options[name] === true);
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
