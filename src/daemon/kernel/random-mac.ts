// MAC addresses that nobody chose.

/** A random unicast address of local administration (eth_hw_addr_random). */
export function randomMac(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(6));
  bytes[0] = ((bytes[0] ?? 0) & 0xfe) | 0x02;
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(':');
}
