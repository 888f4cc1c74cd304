// Questions and answers of the lab's DNS server (RFC 1035): every name has the same addresses.
import { AUTHORITATIVE_ANSWER, decode, encode, type Packet, RECURSION_DESIRED } from 'dns-packet';
import type { Both } from './plan.js';

const TTL_SECONDS = 1;

function decoded(datagram: Uint8Array): Packet | undefined {
  try {
    return decode(Buffer.from(datagram));
  } catch {
    // It is cut off, or no message at all.
    return undefined;
  }
}

/** The answer to a query; undefined for what is none. Names have an A and an AAAA record, of other types nothing. */
export function dnsAnswer(query: Uint8Array, addresses: Both): Uint8Array | undefined {
  const asked = decoded(query);
  const [question, ...more] = asked?.questions ?? [];
  if (asked?.type !== 'query' || question === undefined || more.length > 0) return undefined;
  const { type, name } = question;
  const data = type === 'A' ? addresses.ipv4 : type === 'AAAA' ? addresses.ipv6 : undefined;
  const known = type === 'A' || type === 'AAAA' ? type : undefined;
  return encode({
    type: 'response',
    ...(asked.id !== undefined && { id: asked.id }),
    flags: AUTHORITATIVE_ANSWER | RECURSION_DESIRED,
    questions: [question],
    answers: data === undefined || known === undefined ? [] : [{ type: known, name, ttl: TTL_SECONDS, data }],
  });
}

/** A query for the address of a name. `id`: 16 bits. */
export function dnsQuery(id: number, name: string, family: 'ipv4' | 'ipv6'): Uint8Array {
  const type = family === 'ipv4' ? 'A' : 'AAAA';
  return encode({ type: 'query', id, flags: RECURSION_DESIRED, questions: [{ type, name }] });
}

/** True for the answer to this question with at least one record. */
export function isDnsAnswer(question: Uint8Array, answer: Uint8Array): boolean {
  const [asked, got] = [decoded(question), decoded(answer)];
  return asked !== undefined && got?.type === 'response' && got.id === asked.id && got.answers?.length !== 0;
}
