// Addresses as configuration writes them: with a prefix length, a netmask, or neither. (config)
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from '../base/index.js';

/** The length of an IPv4 prefix given as number (`24`, `/24`) or netmask (`255.255.255.0`); null when it is none. */
export function prefixLength(text: string, longest = 32): number | null {
  const digits = /^\/?([0-9]{1,3})$/.exec(text.trim())?.[1];
  if (digits !== undefined) return Number(digits) <= longest ? Number(digits) : null;
  const mask = parseIpv4(text.trim());
  if (!mask.ok || longest !== 32) return null;
  const bits = Array.from(mask.value, byte => byte.toString(2).padStart(8, '0')).join('');
  return /^1*0*$/.test(bits) ? bits.indexOf('0') + (bits.includes('0') ? 0 : 33) : null;
}

/** The prefix length of a class of old: 8, 16 or 24; null for addresses that have no class of networks. */
export function classLength(address: string): number | null {
  const parsed = parseIpv4(address);
  if (!parsed.ok) return null;
  const first = parsed.value[0] ?? 0;
  if (first < 128) return 8;
  if (first < 192) return 16;
  return first < 224 ? 24 : null;
}

/** Canonical text of an IPv4 or IPv6 address, or null. */
export function addressText(text: string): string | null {
  const trimmed = text.trim();
  if (trimmed.includes(':')) {
    const parsed = parseIpv6(trimmed);
    return parsed.ok ? formatIpv6(parsed.value) : null;
  }
  const parsed = parseIpv4(trimmed);
  return parsed.ok ? formatIpv4(parsed.value) : null;
}

/** `ADDRESS/LENGTH` in its canonical form, or null. `length` counts where the text has none. */
export function cidrText(text: string, length?: number | null): string | null {
  const [address = '', own, ...more] = text.trim().split('/');
  if (more.length > 0) return null;
  const canonical = addressText(address);
  if (canonical === null) return null;
  const longest = canonical.includes(':') ? 128 : 32;
  const chosen = own === undefined ? (length ?? null) : prefixLength(own, longest);
  return chosen === null || chosen > longest ? null : `${canonical}/${chosen}`;
}

/** Destination of a route: `default`, or a network with its length (a single address is a host). */
export function destinationText(text: string): string | null {
  const trimmed = text.trim();
  if (['default', '0.0.0.0/0', '::/0', '0/0'].includes(trimmed)) return 'default';
  return cidrText(trimmed, trimmed.includes(':') ? 128 : 32);
}

/** A MAC address in lower case with colons (dashes, and `5254.0000.0001`, are taken too), or null. */
export function macText(text: string): string | null {
  const dotted = /^([0-9a-f]{2})([0-9a-f]{2})\.([0-9a-f]{2})([0-9a-f]{2})\.([0-9a-f]{2})([0-9a-f]{2})$/i.exec(
    text.trim(),
  );
  const colons = (dotted?.slice(1).join(':') ?? text.trim()).toLowerCase().replaceAll('-', ':');
  return /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/.test(colons) ? colons : null;
}
