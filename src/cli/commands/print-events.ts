// What `bondwire events` does, without its command line: what happened, and with `follow` what happens from now on.
import { meantWord } from '../../base/index.js';
import type { ApiClient } from '../api-client.js';
import { eventLine } from '../printing/event-line.js';
import { plain } from '../printing/plain.js';
import type { Asking } from '../process/session.js';
import type { EventsOptions } from '../quick-words.js';
import { type Failure, noDaemonFailure, refusedFailure } from '../reading/failure.js';
import { checkBondName } from '../reading/names.js';

/** Prints a line for each event. */
export async function printEvents(asking: Asking, { follow, json, bond }: EventsOptions): Promise<void> {
  if (bond !== undefined) checkBondName(bond);
  const { terminal } = asking;
  const api = await asking.api();
  let isKnown = bond === undefined;
  if (bond !== undefined && follow === true && !(await names(api)).includes(bond))
    terminal.err(`bondwire: warning: there is no bond called "${plain(bond)}" yet.\n`);
  for await (const event of api.events({ bond, follow })) {
    const line =
      json === true ? JSON.stringify(event) : eventLine(event, { colour: terminal.colour, now: new Date() });
    isKnown = true;
    terminal.out(`${line}\n`);
  }
  const unknown = isKnown || bond === undefined ? undefined : await unknownBond(api, bond);
  if (unknown !== undefined) throw unknown;
  if (follow === true) {
    throw noDaemonFailure(`The daemon at ${plain(asking.runDir())} ended; no more events.`);
  }
}

async function names(api: ApiClient): Promise<readonly string[]> {
  return (await api.show()).bonds.map(({ name }) => name);
}

/** Nothing is told of it: it does not exist, and never did as far as is remembered. */
async function unknownBond(api: ApiClient, bond: string): Promise<Failure | undefined> {
  const known = await names(api);
  // One that exists and has no events yet is no mistake.
  if (known.includes(bond)) return undefined;
  const near = meantWord(bond, known);
  const there = known.length === 0 ? 'There is none now.' : `There are: ${known.map(plain).join(', ')}.`;
  const hint = near === undefined ? there : `Did you mean ${plain(near)}?`;
  return refusedFailure(
    `No event is of a bond called "${plain(bond)}", and there is none of that name. ${hint}`,
  );
}
