// Interface addresses as they are written on the command line: ADDRESS/PREFIX.
import { isIP } from 'node:net';
import { usageFailure } from './failure.js';
import { plain } from '../printing/plain.js';

/** Refuses what is no IPv4 or IPv6 address with the length of its prefix. */
export function checkCidr(text: string): void {
  const slash = text.lastIndexOf('/');
  const family = isIP(slash < 0 ? text : text.slice(0, slash));
  const longest = family === 6 ? 128 : 32;
  const prefix = text.slice(slash + 1);
  if (family !== 0 && slash < 0) {
    throw usageFailure(
      `"${plain(text)}" lacks the length of its prefix; write it as ${plain(text)}/${family === 6 ? 64 : 24}.`,
    );
  }
  if (family === 0 || !/^\d{1,3}$/.test(prefix) || Number(prefix) > longest || text.includes('%')) {
    throw usageFailure(`"${plain(text)}" is not ADDRESS/PREFIX; write it as 192.0.2.1/24 or 2001:db8::1/64.`);
  }
}
