// Which names an interface may have.
import { plain } from './plain.js';
import { encodeUtf8 } from './utf8.js';

/** IFNAMSIZ and ALTIFNAMSIZ without the closing zero: bytes of a name, and of an alternative name (`ip link property`). */
const MOST_BYTES = 15;
export const MOST_ALTERNATIVE_BYTES = 127;

/**
 * What Linux (dev_valid_name) has against a name of an interface, as the rest of a sentence; null when it is good. Alternative
 * names may be longer.
 */
export function badInterfaceName(name: string, mostBytes: number = MOST_BYTES): string | null {
  if (name === '') return 'it is empty';
  if (name === '.' || name === '..') return 'Linux reserves it';
  if (/[\s/:]/.test(name) || plain(name) !== name)
    return 'it holds white space, "/", ":" or a control character';
  return encodeUtf8(name).length > mostBytes ? `it has more than ${mostBytes} bytes` : null;
}

/** What is against a name of a bond, as the rest of a sentence; null when it is good: Linux's rules, and what tools would misread. */
export function badBondName(name: string): string | null {
  const bad = badInterfaceName(name);
  if (bad !== null) return bad;
  if (name.includes('%')) return 'the kernel would replace the "%" by a number';
  if (!/^[\x21-\x7e]+$/.test(name)) return 'use printable ASCII characters';
  if (name.startsWith('-')) return 'commands would take it for an option';
  if (name.startsWith('bwl-')) return 'lower ends of bonds are called so';
  if (['all', 'default'].includes(name)) return '/proc/sys/net uses it for all interfaces';
  // The driver's file: no interface can have its name where the driver is, and the views could not show such a bond.
  return name === 'bonding_masters' ? '/sys/class/net has a file of that name' : null;
}
