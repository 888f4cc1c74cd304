// How many packets each interface received and sent, of all at once: with many members to ask each takes much longer.
import { readFileSync } from 'node:fs';

export interface PacketCounts {
  readonly rxPackets: number;
  readonly txPackets: number;
}

/** By name, of the text of /proc/net/dev: a line an interface, with its packets in the second and the tenth column after the name. */
export function parsePacketCounts(text: string): Map<string, PacketCounts> {
  const counts = new Map<string, PacketCounts>();
  for (const line of text.split('\n').slice(2)) {
    const [, name, columns] = /^\s*([^:]+):(.*)$/.exec(line) ?? [];
    if (name === undefined || columns === undefined) continue;
    const numbers = columns.trim().split(/\s+/);
    counts.set(name, { rxPackets: Number(numbers[1] ?? 0), txPackets: Number(numbers[9] ?? 0) });
  }
  return counts;
}

/** Of the namespace that the thread is in; empty where that is not told. */
export function packetCounts(): ReadonlyMap<string, PacketCounts> {
  try {
    return parsePacketCounts(readFileSync('/proc/thread-self/net/dev', 'utf8'));
  } catch {
    return new Map();
  }
}
