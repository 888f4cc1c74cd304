// 48-bit MAC addresses: text to bytes and back. In policy, API and reports a MAC is its lower-case text.
import { err, ok, type Result } from './result.js';

/** A MAC address as lower-case text, `aa:bb:cc:dd:ee:ff`. */
export type MacText = string;

const MAC_PATTERN = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i;

/** Bytes of a MAC address in text, or the reason why it is none. */
export function parseMac(text: string): Result<Uint8Array, string> {
  if (!MAC_PATTERN.test(text)) return err(`"${text}" is not a MAC address; write it as aa:bb:cc:dd:ee:ff`);
  return ok(Uint8Array.from(text.split(':'), part => Number.parseInt(part, 16)));
}

/** Text of the six bytes at `offset`. */
export function formatMac(bytes: Uint8Array, offset = 0): MacText {
  let text = '';
  for (let i = 0; i < 6; i++) {
    const part = (bytes[offset + i] ?? 0).toString(16).padStart(2, '0');
    text += i === 0 ? part : `:${part}`;
  }
  return text;
}

/** `ff:ff:ff:ff:ff:ff`. */
export const BROADCAST_MAC: MacText = 'ff:ff:ff:ff:ff:ff';
