// For tests and benches: frames by chance that reach every branch of the hashes, from a seed.

/** A stream of 32-bit numbers (xorshift32). */
export function randomNumbers(seed: number): () => number {
  let state = (seed | 0) === 0 ? 1 : seed | 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

const ETHER_TYPES = [
  0x0800, 0x0800, 0x0800, 0x86dd, 0x86dd, 0x86dd, 0x0806, 0x8035, 0x8100, 0x88a8, 0x8864, 0x8847, 0x8848,
  0x88f7, 0x88fb, 0x892f, 0x8906, 0x88b5, 0x0040, 0x6558,
];
const PROTOCOLS = [
  6, 6, 17, 17, 33, 50, 51, 132, 136, 1, 1, 58, 58, 47, 47, 4, 41, 137, 0, 43, 44, 60, 99, 2,
];
const ICMP_TYPES = [0, 3, 4, 5, 8, 11, 12, 13, 14, 1, 2, 128, 129, 135, 200];

/** A frame, and the tag that travels beside it (0: none). */
export interface RandomFrame {
  readonly frame: Uint8Array;
  readonly vlanTci: number;
}

/** Writes layer after layer into 256 bytes of noise; cut off somewhere now and then. */
export function randomFrame(next: () => number): RandomFrame {
  const bytes = new Uint8Array(256);
  for (let i = 0; i < bytes.length; i++) bytes[i] = next();
  const pick = (list: readonly number[]): number => list[next() % list.length] ?? 0;
  const put16 = (at: number, value: number): void => {
    bytes[at] = value >>> 8;
    bytes[at + 1] = value;
  };
  const chance = (one: number): boolean => next() % one === 0;

  const byType = (at: number, type: number): void => {
    if (at > 200) return;
    if (type === 0x0800) ipv4(at);
    else if (type === 0x86dd) ipv6(at);
    else if (type === 0x8100 || type === 0x88a8) nest(at + 2, at + 4);
    else if (type === 0x88fb || type === 0x892f) nest(at + 4, at + 6);
    else if (type === 0x8864) pppoe(at);
  };
  const nest = (typeAt: number, at: number): void => {
    const type = pick(ETHER_TYPES);
    put16(typeAt, type);
    byType(at, type);
  };
  const pppoe = (at: number): void => {
    if (!chance(8)) put16(at, 0x1100);
    const [protocol, type] = [
      [0x21, 0x0800],
      [0x57, 0x86dd],
      [0x281, 0x8847],
      [0x283, 0x8848],
      [0xc021, 0],
      [0x0002, 0],
    ][next() % 6] as [number, number];
    // Pressed into one byte now and then: 0x21 as the first byte, which has its lowest bit set.
    if (chance(4) && protocol < 0x100) {
      bytes[at + 6] = protocol;
      byType(at + 7, type);
    } else {
      put16(at + 6, protocol);
      byType(at + 8, type);
    }
  };
  const ipv4 = (at: number): void => {
    const words = chance(20) ? next() % 5 : chance(4) ? 5 + (next() % 4) : 5;
    bytes[at] = 0x40 | words;
    put16(at + 6, chance(6) ? next() & 0x3fff : 0x4000);
    bytes[at + 9] = pick(PROTOCOLS);
    byProtocol(at + words * 4, bytes[at + 9] ?? 0, 0x0800);
  };
  const ipv6 = (at: number): void => {
    bytes[at] = 0x60;
    bytes[at + 6] = pick(PROTOCOLS);
    byProtocol(at + 40, bytes[at + 6] ?? 0, 0x86dd);
  };
  const gre = (at: number): void => {
    const version = chance(10) ? next() & 7 : chance(4) ? 1 : 0;
    put16(
      at,
      (next() & (chance(8) ? 0xfff8 : 0xb080)) | version | (version === 1 && !chance(4) ? 0x2000 : 0),
    );
    const flags = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    const behind = at + 4 + [0x8000, 0x2000, 0x1000].filter(bit => (flags & bit) !== 0).length * 4;
    if (version === 1) {
      put16(at + 2, chance(5) ? 0x0800 : 0x880b);
      const ppp = behind + ((flags & 0x0080) === 0 ? 0 : 4);
      put16(ppp + 2, pick([0x21, 0x57, 0x99]));
      byType(ppp + 4, ((bytes[ppp + 3] ?? 0) & 0x40) === 0 ? 0x0800 : 0x86dd);
    } else if (chance(3)) {
      put16(at + 2, 0x6558);
      nest(behind + 12, behind + 14);
    } else {
      nest(at + 2, behind);
    }
  };
  const byProtocol = (at: number, protocol: number, family: number): void => {
    if (at > 200) return;
    if (protocol === 47) gre(at);
    else if (protocol === 4) ipv4(at);
    else if (protocol === 41) ipv6(at);
    else if (protocol === 1 || protocol === 58) {
      bytes[at] = pick(ICMP_TYPES);
      if (chance(4)) put16(at + 4, 0);
      byType(at + 8, family);
    } else if (family === 0x86dd && [0, 43, 60].includes(protocol)) {
      bytes[at] = chance(2) ? 0 : pick(PROTOCOLS);
      bytes[at + 1] = chance(3) ? next() % 4 : 0;
      byProtocol(at + ((bytes[at + 1] ?? 0) + 1) * 8, bytes[at] ?? 0, family);
    }
  };

  nest(12, 14);
  const length = chance(3) ? 14 + (next() % 120) : 256;
  return { frame: bytes.subarray(0, length), vlanTci: chance(3) ? 1 + (next() % 0xffff) : 0 };
}
