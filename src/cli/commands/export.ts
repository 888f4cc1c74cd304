// `bondwire export`: what runs, as a bondwire.yaml.
import type { Command } from 'commander';
import type { UplinkSettings } from '../../uplinks/index.js';
import type { ApiClient } from '../api-client.js';
import { checkBondName } from '../reading/names.js';
import type { Session } from '../process/session.js';

const HELP = `
Options that are as in a new bond are left out. What the form cannot say (addresses with a lifetime, routes with
a metric or without a gateway) is told in comments at the top. 'bondwire apply' of it changes nothing.

Example:
  bondwire export > /etc/bondwire.yaml`;

export function registerExport(program: Command, session: Session): void {
  program
    .command('export')
    .description('write what runs as a bondwire.yaml')
    .usage('[BOND...]')
    .argument('[BOND...]', 'only these bonds')
    .addHelpText('after', HELP)
    .action(async (names: string[]) => {
      for (const name of names) checkBondName(name);
      const api = await session.api();
      const { exportText } = await import('../files/export-bonds.js');
      const all =
        names.length === 0
          ? (await api.show()).bonds
          : await Promise.all(names.map(async name => (await api.show(name)).bonds)).then(each =>
              each.flat(),
            );
      const described = await Promise.all(
        all.map(async bond => ({ bond, described: await api.described(bond.name) })),
      );
      const uplink = names.length === 0 ? await uplinkOf(api) : null;
      session.terminal.out(exportText(described, uplink));
    });
}

/** A daemon of an earlier version has none. */
async function uplinkOf(api: ApiClient): Promise<UplinkSettings | null> {
  try {
    return (await api.uplink()).settings;
  } catch {
    return null;
  }
}
