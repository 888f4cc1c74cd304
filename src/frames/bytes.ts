// Big-endian fields in a byte array, as network headers have them. Helpers of `frames` only.

/** 16-bit big-endian number at `offset`; 0 beyond the end. */
export function u16(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
}

/** Writes a 16-bit big-endian number. */
export function putU16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = (value >>> 8) & 0xff;
  bytes[offset + 1] = value & 0xff;
}

/** 32-bit big-endian number at `offset`, without sign; 0 beyond the end. */
export function u32(bytes: Uint8Array, offset: number): number {
  return u16(bytes, offset) * 0x1_0000 + u16(bytes, offset + 2);
}

/** Writes a 32-bit big-endian number. */
export function putU32(bytes: Uint8Array, offset: number, value: number): void {
  putU16(bytes, offset, value >>> 16);
  putU16(bytes, offset + 2, value & 0xffff);
}

/** True when the `length` bytes from `offset` are all zero. */
export function isZero(bytes: Uint8Array, offset: number, length: number): boolean {
  return bytes.subarray(offset, offset + length).every(byte => byte === 0);
}
