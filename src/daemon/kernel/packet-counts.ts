// How many packets each interface received and sent, of all at once: with many members to ask each takes much longer.
import { ProcText } from '../../linux/index.js';

export interface PacketCounts {
  readonly rxPackets: number;
  readonly txPackets: number;
}

/** By name, of the text of /proc/net/dev: a line an interface, with its packets in the second and the tenth column after the name. */
export function parsePacketCounts(text: string): Map<string, PacketCounts> {
  const counts = new Map<string, PacketCounts>();
  for (const line of text.split('\n').slice(2)) {
    const colon = line.indexOf(':');
    if (colon < 0) continue;
    const rxPackets = numberAt(line, colon + 1, 1);
    counts.set(line.slice(0, colon).trim(), { rxPackets, txPackets: numberAt(line, colon + 1, 9) });
  }
  return counts;
}

const BLANK = 0x20;

/** One of the columns after `from`, counted from 0, with no more than that made of the line: there are hundreds, each second. */
function numberAt(line: string, from: number, column: number): number {
  let [at, end] = [from, from];
  for (let left = column; left >= 0; left--) {
    at = end;
    while (line.charCodeAt(at) === BLANK) at++;
    end = at;
    while (end < line.length && line.charCodeAt(end) !== BLANK) end++;
  }
  return Number(line.slice(at, end));
}

const devices = new ProcText('/proc/thread-self/net/dev');
let last: { readonly text: string; readonly counts: ReadonlyMap<string, PacketCounts> } | undefined;

/** Of the namespace that the thread is in; empty where that is not told. */
export function packetCounts(): ReadonlyMap<string, PacketCounts> {
  try {
    const text = devices.read();
    if (last?.text !== text) last = { text, counts: parsePacketCounts(text) };
    return last.counts;
  } catch {
    return new Map();
  }
}
