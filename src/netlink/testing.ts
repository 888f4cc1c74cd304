// Helpers of this room's tests.

/** Bytes written in hexadecimal. */
export function hex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], pair => Number.parseInt(pair, 16));
}
