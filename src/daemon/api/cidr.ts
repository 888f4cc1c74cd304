// Addresses with their prefix length, as users write them.
import { parseIpv4, parseIpv6 } from '../../base/index.js';

/** `192.0.2.1/24`, `2001:db8::1/64`. */
export function isCidr(text: string): boolean {
  const match = /^(?<address>[^/]+)\/(?<length>\d{1,3})$/.exec(text);
  const { address = '', length = '' } = match?.groups ?? {};
  const isIpv6 = address.includes(':');
  const parsed = isIpv6 ? parseIpv6(address) : parseIpv4(address);
  return match !== null && parsed.ok && Number(length) <= (isIpv6 ? 128 : 32);
}
