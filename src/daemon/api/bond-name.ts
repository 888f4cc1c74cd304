// Which names a bond may have.
import { badBondName, type Refusal, refusal, shown } from '../../base/index.js';

/** dev_valid_name, and what tools would misread. */
export function checkBondName(name: string): Refusal | undefined {
  const bad = badBondName(name);
  if (bad === null) return undefined;
  return refusal('invalid-value', 'EINVAL', `"${shown(name)}" cannot be the name of a bond: ${bad}.`);
}
