// How many packets each interface received and sent, of all at once: with many members to ask each takes much longer. The numbers are kept
// in the same memory from look to look: there are hundreds, each second, in a daemon that has nothing to do.
import { ProcText } from '../../linux/index.js';

export interface PacketCounts {
  readonly rxPackets: number;
  readonly txPackets: number;
}

const NEWLINE = 0x0a;
const BLANK = 0x20;
const COLON = 0x3a;
const ZERO = 0x30;

/** By name, of /proc/net/dev: after two lines of headings a line an interface, its packets in the second and the tenth column after the name. */
export class PacketTable {
  readonly #counts = new Map<string, { rxPackets: number; txPackets: number; look: number }>();
  #look = 0;

  /** Takes in what the file says now. */
  read(text: Buffer): void {
    this.#look += 1;
    let from = text.indexOf(NEWLINE, text.indexOf(NEWLINE) + 1) + 1;
    while (from > 0 && from < text.length) {
      const end = endOf(text, from);
      this.#readLine(text, from, end);
      from = end + 1;
    }
    for (const [name, { look }] of this.#counts) if (look !== this.#look) this.#counts.delete(name);
  }

  /** Not to be kept: it is another's at the next look. */
  get(name: string): PacketCounts | undefined {
    return this.#counts.get(name);
  }

  names(): string[] {
    return [...this.#counts.keys()];
  }

  #readLine(text: Buffer, from: number, end: number): void {
    let first = from;
    while (text[first] === BLANK) first++;
    const colon = text.indexOf(COLON, first);
    if (colon < 0 || colon > end) return;
    const rxPackets = numberAt(text, colon + 1, 1);
    const txPackets = numberAt(text, colon + 1, 9);
    const name = text.toString('latin1', first, colon);
    const known = this.#counts.get(name);
    if (known === undefined) this.#counts.set(name, { rxPackets, txPackets, look: this.#look });
    else Object.assign(known, { rxPackets, txPackets, look: this.#look });
  }
}

function endOf(text: Buffer, from: number): number {
  const end = text.indexOf(NEWLINE, from);
  return end < 0 ? text.length : end;
}

/** One of the columns after `from`, counted from 0. */
function numberAt(text: Buffer, from: number, column: number): number {
  let at = from;
  for (let left = column; ; left--) {
    while (text[at] === BLANK) at++;
    if (left === 0) break;
    while (isInside(text, at)) at++;
  }
  let number = 0;
  for (; isInside(text, at); at++) number = number * 10 + (text[at] ?? ZERO) - ZERO;
  return number;
}

function isInside(text: Buffer, at: number): boolean {
  return at < text.length && text[at] !== BLANK && text[at] !== NEWLINE;
}

const file = new ProcText('/proc/thread-self/net/dev');
const table = new PacketTable();

/** Of the namespace that the thread is in, until the next call; empty where that is not told. */
export function packetCounts(): Pick<PacketTable, 'get'> {
  try {
    if (file.isNew()) table.read(file.bytes);
    return table;
  } catch {
    return new Map<string, PacketCounts>();
  }
}
