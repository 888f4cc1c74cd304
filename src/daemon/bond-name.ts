// Which names a bond may have.
import { badInterfaceName, type Refusal, refusal, shown } from '../base/index.js';

/** dev_valid_name, and what rtnetlink would take for a pattern. */
export function checkBondName(name: string): Refusal | undefined {
  const refuse = (why: string): Refusal =>
    refusal('invalid-value', 'EINVAL', `"${shown(name)}" cannot be the name of a bond: ${why}`);
  const bad = badInterfaceName(name);
  if (bad !== null) return refuse(`${bad}.`);
  if (name.includes('%')) return refuse('the kernel would replace the "%" by a number.');
  if (!/^[\x21-\x7e]+$/.test(name)) return refuse('use printable ASCII characters.');
  if (['all', 'default'].includes(name)) return refuse('/proc/sys/net uses it for all interfaces.');
  return undefined;
}
