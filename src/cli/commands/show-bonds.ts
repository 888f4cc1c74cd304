// What `bondwire show` does, without its command line: bonds as a table for people, as JSON, or as texts of other programs.
import type { ApiClient, TextView } from '../api-client.js';
import type { Asking } from '../process/session.js';
import type { ShowOptions } from '../quick-words.js';
import { showTable } from '../printing/show-table.js';
import { checkBondName } from '../reading/names.js';

export const VIEWS: readonly TextView[] = ['proc', 'info', 'ifconfig', 'sysfs'];

/** Prints what is asked for. */
export async function showBonds(
  asking: Asking,
  bond: string | undefined,
  options: ShowOptions,
): Promise<void> {
  if (bond !== undefined) checkBondName(bond);
  const api = await asking.api();
  asking.terminal.out(await text(api, bond, options, asking.terminal.colour));
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
  if (view === undefined) return showTable(document, { colour, now: new Date() });
  return viewTexts(
    api,
    document.bonds.map(({ name }) => name),
    view,
  );
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
