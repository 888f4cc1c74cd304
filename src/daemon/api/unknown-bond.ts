// The refusal of a name that no bond has, with what may have been meant.
import { advice, nearestName, type Refusal, refusal, shown } from '../../base/index.js';

/** `known`: the names that there are. */
export function unknownBond(name: string, known: readonly string[]): Refusal {
  const asked = shown(name);
  const nearest = nearestName(name, known);
  const hint =
    nearest === undefined
      ? known.length === 0
        ? `No bond exists yet; '${advice('bondwire create {bond} mode=active-backup miimon=100', { bond: asked })}' makes one.`
        : `There are: ${known.join(', ')}.`
      : `Did you mean ${nearest}?`;
  return refusal('unknown-bond', 'ENODEV', `There is no bond called "${asked}". ${hint}`);
}
