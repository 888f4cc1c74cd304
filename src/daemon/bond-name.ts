// Which names a bond may have.
import { type Refusal, refusal, shown } from '../base/index.js';

/** dev_valid_name, and what rtnetlink would take for a pattern. */
export function checkBondName(name: string): Refusal | undefined {
  const refuse = (why: string): Refusal =>
    refusal('invalid-value', 'EINVAL', `"${shown(name)}" cannot be the name of a bond: ${why}`);
  if (name === '') return refuse('it is empty.');
  if (Buffer.byteLength(name) > 15) return refuse('an interface name has at most 15 bytes.');
  if (name === '.' || name === '..') return refuse('the kernel reserves it.');
  if (/[/:\s]/.test(name)) return refuse('an interface name has no "/", ":" or white space.');
  if (name.includes('%')) return refuse('the kernel would replace the "%" by a number.');
  if (!/^[\x21-\x7e]+$/.test(name)) return refuse('use printable ASCII characters.');
  if (['all', 'default'].includes(name)) return refuse('/proc/sys/net uses it for all interfaces.');
  return undefined;
}
