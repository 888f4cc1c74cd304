// Answers of the lab's DNS server (RFC 1035): every name has the same addresses.
import { parseIpv4, parseIpv6 } from '../../base/index.js';
import type { Both } from './plan.js';

const HEADER_BYTES = 12;
const TYPES = { A: 1, AAAA: 28 } as const;
const CLASS_IN = 1;
/** A response, recursion desired and available. */
const RESPONSE = 0x8180;
/** A name as a pointer to that of the question, which is right behind the header. */
const POINTER_TO_QUESTION = 0xc000 | HEADER_BYTES;
const TTL_SECONDS = 1;

/** Where the first question ends, or undefined when there is none. */
function questionEnd(query: Uint8Array): number | undefined {
  let at = HEADER_BYTES;
  for (;;) {
    const length = query[at];
    if (length === undefined || length > 63) return undefined;
    at += length + 1;
    if (length === 0) return at + 4 <= query.length ? at + 4 : undefined;
  }
}

/** The answer to a query; undefined for what is none. Names have an A and an AAAA record, of other types nothing. */
export function dnsAnswer(query: Uint8Array, addresses: Both): Uint8Array | undefined {
  const end = questionEnd(query);
  if (end === undefined) return undefined;
  const view = new DataView(query.buffer, query.byteOffset, query.byteLength);
  const isResponse = view.getUint16(2) >>> 15 === 1;
  if (isResponse || view.getUint16(4) !== 1) return undefined;
  const type = view.getUint16(end - 4);
  const parsed =
    type === TYPES.A
      ? parseIpv4(addresses.ipv4)
      : type === TYPES.AAAA
        ? parseIpv6(addresses.ipv6)
        : undefined;
  const data = parsed?.ok === true ? parsed.value : undefined;
  const answer = new Uint8Array(end + (data === undefined ? 0 : 12 + data.length));
  answer.set(query.subarray(0, end));
  const out = new DataView(answer.buffer);
  out.setUint16(2, RESPONSE);
  out.setUint16(6, data === undefined ? 0 : 1);
  out.setUint32(8, 0);
  if (data === undefined) return answer;
  out.setUint16(end, POINTER_TO_QUESTION);
  out.setUint16(end + 2, type);
  out.setUint16(end + 4, CLASS_IN);
  out.setUint32(end + 6, TTL_SECONDS);
  out.setUint16(end + 10, data.length);
  answer.set(data, end + 12);
  return answer;
}

/** A query for the address of a name. `id`: 16 bits. */
export function dnsQuery(id: number, name: string, family: 'ipv4' | 'ipv6'): Uint8Array {
  const labels = name.split('.').map(label => new TextEncoder().encode(label));
  const query = new Uint8Array(HEADER_BYTES + labels.reduce((sum, label) => sum + 1 + label.length, 1) + 4);
  const view = new DataView(query.buffer);
  view.setUint16(0, id);
  // Recursion desired.
  view.setUint16(2, 0x0100);
  view.setUint16(4, 1);
  let at = HEADER_BYTES;
  for (const label of labels) {
    query[at] = label.length;
    query.set(label, at + 1);
    at += 1 + label.length;
  }
  view.setUint16(at + 1, family === 'ipv4' ? TYPES.A : TYPES.AAAA);
  view.setUint16(at + 3, CLASS_IN);
  return query;
}
