// Has the daemon make the machine as `bondwire.yaml` describes it, and tells what became of it.
import type { BondWish } from '../../config/index.js';
import type { ConfiguredBond } from '../../daemon/api/api.js';
import type { ApiClient } from '../api-client.js';
import { plain } from '../printing/plain.js';
import type { Terminal } from '../printing/terminal.js';
import { Failure, refusalOf, refusedFailure } from '../reading/failure.js';

export interface ApplyWishes {
  /** Also where the file does not say so. */
  readonly takeDown: boolean;
  readonly takeAddresses: boolean;
  /**
   * At the start of a daemon: an interface that is missing is warned of and awaited, and a bond that is there already is left
   * as it is when it cannot be made as described. A machine must not lose its connection for a dead card.
   */
  readonly isLenient?: boolean;
}

/**
 * Applies all bonds, or none. At the start of a daemon each for itself; then it gives sentences of what could not be made, unless
 * nothing could.
 */
export async function applyBonds(
  api: ApiClient,
  terminal: Terminal,
  bonds: readonly BondWish[],
  wishes: ApplyWishes,
): Promise<readonly string[]> {
  try {
    const { bonds: outcomes } = await api.configure({ bonds, ...wishes });
    return outcomes.flatMap(outcome => {
      const bond = bonds.find(({ name }) => name === outcome.name);
      return tell(terminal, outcome, bond === undefined ? '' : summary(bond));
    });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const refusal = refusalOf(error);
    for (const sentence of refusal?.undone ?? []) terminal.err(`bondwire: ${plain(sentence)}\n`);
    if (refusal?.code === 'not-found') {
      throw refusedFailure(
        'The daemon is of an earlier version, which does not take a whole file. End it (SIGTERM) and start the one of this version: it takes the bonds over as they are.',
        error.cause,
      );
    }
    throw error;
  }
}

/** Tells what became of one bond; gives why it is not as described. */
function tell(terminal: Terminal, bond: ConfiguredBond, summary: string): readonly string[] {
  const name = plain(bond.name);
  for (const warning of bond.warnings) terminal.err(`bondwire: warning: ${plain(warning)}\n`);
  for (const what of bond.removed)
    terminal.out(`${name} has lost ${plain(what)}: the file does not have it any more.\n`);
  for (const sentence of bond.undone) terminal.err(`bondwire: ${plain(sentence)}\n`);
  const problem = bond.problem === undefined ? undefined : plain(bond.problem);
  if (bond.outcome === 'left' || bond.outcome === 'unmade') {
    const how = bond.outcome === 'left' ? 'goes on as it is' : 'was not made';
    terminal.err(`bondwire: warning: ${problem ?? ''} ${name} ${how}.\n`);
    return [problem ?? ''];
  }
  if (problem !== undefined) return [problem];
  terminal.out(`${name} ${bond.outcome === 'made' ? 'was made' : 'is as described'}: ${summary}.\n`);
  return [];
}

function summary(bond: BondWish): string {
  const members = bond.members.map(({ name }) => plain(name));
  return [
    members.length === 0 ? 'no members' : `members ${members.join(', ')}`,
    ...(bond.addresses.length === 0 ? [] : [`address ${bond.addresses.join(', ')}`]),
    bond.up ? 'up' : 'not brought up',
  ].join('; ');
}
