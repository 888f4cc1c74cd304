// Checks of bond and interface names that need no daemon: what Linux itself would never accept as a name.
import { Buffer } from 'node:buffer';
import { usageFailure } from './failure.js';
import { plain } from '../printing/plain.js';

const IFNAMSIZ = 16;

/** isspace() of the kernel's table, which also counts the Latin-1 no-break space, byte by byte. */
function isKernelSpace(byte: number): boolean {
  return (byte >= 0x09 && byte <= 0x0d) || byte === 0x20 || byte === 0xa0;
}

/** What Linux (dev_valid_name) has against a name, as the rest of a sentence, or undefined. */
function badName(name: string): string | undefined {
  if (name === '') return 'it is empty';
  if (name === '.' || name === '..') return 'Linux reserves it';
  if (name.includes('/')) return 'it holds a "/"';
  if (name.includes(':')) return 'it holds a ":"';
  if (Buffer.from(name).some(isKernelSpace)) return 'it holds white space';
  return undefined;
}

/** Refuses a name that no bond can have. */
export function checkBondName(name: string): void {
  if (/^[a-z_]+=/.test(name))
    throw usageFailure(
      `"${plain(name)}" stands where the bond is named; the name comes first, then options.`,
    );
  const bytes = Buffer.byteLength(name);
  const reason =
    badName(name) ??
    (bytes >= IFNAMSIZ ? `it has ${bytes} bytes where ${IFNAMSIZ - 1} is the most` : undefined);
  if (reason === undefined) return;
  throw usageFailure(`"${plain(name)}" cannot name a bond: ${reason}; use a name such as bond0.`);
}

/** Refuses names that no interface can have, the bond among its own members, and a member given twice. */
export function checkMembers(bond: string, members: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of members) {
    // No limit of length here: an alternative name of an interface (`ip link property`) may be longer.
    const reason = badName(name);
    if (reason !== undefined) {
      throw usageFailure(`"${plain(name)}" cannot be the name of an interface: ${reason}.`);
    }
    if (name === bond) throw usageFailure(`${plain(name)} cannot be a member of itself.`);
    if (seen.has(name)) throw usageFailure(`${plain(name)} is given twice; name each interface once.`);
    seen.add(name);
  }
}
