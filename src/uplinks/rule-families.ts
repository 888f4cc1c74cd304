// Which packets a rule of the operator can be about. (uplinks)
import type { Family } from './contract.js';
import type { UplinkRule } from './settings.js';

/** False for a rule that no packet of the family can match. */
export function mayMatch({ match }: UplinkRule, family: Family): boolean {
  const prefixes = [match.from, match.to].filter(prefix => prefix !== undefined);
  const ofFamily = (prefix: string): boolean => (prefix.includes(':') ? 'ipv6' : 'ipv4') === family;
  const other = family === 'ipv4' ? 'icmpv6' : 'icmp';
  return prefixes.every(ofFamily) && match.protocol !== other;
}
