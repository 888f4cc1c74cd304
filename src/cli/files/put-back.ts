// What a file that failed half-way took from a bond is put back: a route or an address that went may be the only way to the machine.
import type { Described, DescribedDocument, RouteRequest } from '../../daemon/api/api.js';
import type { ApiClient } from '../api-client.js';
import { Failure } from '../reading/failure.js';
import { plain } from '../printing/plain.js';
import type { Terminal } from '../printing/terminal.js';

/** Addresses and routes of a bond before it is changed; undefined where the daemon is of a version that does not tell them. */
export async function belongingsOf(api: ApiClient, bond: string): Promise<DescribedDocument | undefined> {
  try {
    return await api.described(bond);
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

function key({ to, via }: RouteRequest): string {
  return `${to} ${via}`;
}

/** Gives the bond again what it had and has no more, and tells so. Nothing is thrown: something else failed already. */
export async function putBack(
  { api, terminal }: { readonly api: ApiClient; readonly terminal: Terminal },
  name: string,
  wish: Described,
  before: DescribedDocument | undefined,
): Promise<void> {
  const now = before === undefined ? undefined : await belongingsOf(api, name);
  if (before === undefined || now === undefined) return;
  const present = new Set(now.routes.map(key));
  const addresses = before.addresses.filter(address => !now.addresses.includes(address));
  const routes = before.routes.filter(route => !present.has(key(route)));
  if (addresses.length + routes.length === 0) return;
  const attempt = async (what: string, act: () => Promise<unknown>): Promise<void> => {
    try {
      await act();
      terminal.err(`bondwire: ${plain(name)} has ${plain(what)} again, as the file was not carried out.\n`);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      terminal.err(`bondwire: ${plain(name)} did not get back ${plain(what)}: ${error.message}\n`);
    }
  };
  try {
    // Noted first as of a file's making, so that the next file can take it away.
    await api.describe(name, {
      ...wish,
      isMade: false,
      addresses: [...wish.addresses, ...addresses],
      routes: [...wish.routes, ...routes],
    });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
  }
  for (const address of addresses)
    await attempt(`the address ${address}`, () => api.addAddresses(name, { addresses: [address] }));
  for (const route of routes)
    await attempt(`the route ${route.to} via ${route.via}`, () => api.addRoutes(name, { routes: [route] }));
}
