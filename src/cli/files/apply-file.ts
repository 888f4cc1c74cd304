// Has the daemon make the machine as a bondwire.yaml says: its bonds, then its uplink, whose lines may be bonds.
import type { ApiClient } from '../api-client.js';
import { tellWarnings } from '../printing/changed.js';
import { plain } from '../printing/plain.js';
import type { Terminal } from '../printing/terminal.js';
import { asFailure } from '../reading/failure.js';
import { plural } from '../reading/units.js';
import { type ApplyWishes, applyBonds } from './apply-bonds.js';
import type { FileWish } from './bondwire-file.js';

/** As `applyBonds`, and the uplink after them. */
export async function applyFile(
  api: ApiClient,
  terminal: Terminal,
  { bonds, uplink }: FileWish,
  wishes: ApplyWishes,
): Promise<readonly string[]> {
  const problems = bonds.length === 0 ? [] : await applyBonds(api, terminal, bonds, wishes);
  if (uplink === null) return problems;
  try {
    tellWarnings(terminal, await api.configureUplink(uplink));
  } catch (error) {
    // At the start of a daemon each is for itself: bonds that work are not ended for an uplink that does not.
    if (wishes.isLenient !== true || bonds.length === 0) throw error;
    const { message } = asFailure(error, `Making ${plain(uplink.name)}`);
    terminal.err(`bondwire: warning: ${message}\n`);
    return [...problems, message];
  }
  terminal.out(`${plain(uplink.name)} is as described: ${plural(uplink.lines.length, 'line')}.\n`);
  return problems;
}
