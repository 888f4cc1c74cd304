import { decode } from 'dns-packet';
import { expect, test } from 'vitest';
import { dnsAnswer, dnsQuery, isDnsAnswer } from './dns-answer.js';

const ADDRESSES = { ipv4: '198.51.100.10', ipv6: '2001:db8::10' };

function bytes(text: string): Uint8Array {
  return Uint8Array.from(text.replaceAll(' ', '').match(/../g) ?? [], pair => Number.parseInt(pair, 16));
}

// RFC 1035, 4.1: header and question.
const QUERY = bytes('1234 0100 0001 0000 0000 0000 03777777 04746573 74 00 0001 0001');

test('dnsQuery() asks for www.test', () => {
  expect(Uint8Array.from(dnsQuery(0x1234, 'www.test', 'ipv4'))).toEqual(QUERY);
});

test.each([
  ['ipv4', 'A', ADDRESSES.ipv4],
  ['ipv6', 'AAAA', ADDRESSES.ipv6],
] as const)('dnsAnswer() has the %s address of every name', (family, type, data) => {
  const query = dnsQuery(7, 'www.test', family);
  const answer = dnsAnswer(query, ADDRESSES);
  const { id, answers } = decode(Buffer.from(answer ?? []));
  expect(id).toBe(7);
  expect(answers).toEqual([expect.objectContaining({ type, name: 'www.test', data })]);
  expect(isDnsAnswer(query, answer ?? new Uint8Array())).toBe(true);
  expect(isDnsAnswer(dnsQuery(8, 'www.test', family), answer ?? new Uint8Array())).toBe(false);
  expect(isDnsAnswer(query, query)).toBe(false);
});

test('dnsAnswer() has nothing of another type, and that is no answer', () => {
  const mx = QUERY.slice();
  mx[mx.length - 3] = 15;
  const answer = dnsAnswer(mx, ADDRESSES);
  expect(decode(Buffer.from(answer ?? [])).answers).toEqual([]);
  expect(isDnsAnswer(mx, answer ?? new Uint8Array())).toBe(false);
});

test('dnsAnswer() does not answer what is no query, however it is cut off', () => {
  for (let length = 0; length < QUERY.length; length++) {
    expect(dnsAnswer(QUERY.subarray(0, length), ADDRESSES)).toBeUndefined();
  }
  const response = dnsAnswer(QUERY, ADDRESSES);
  expect(response && dnsAnswer(response, ADDRESSES)).toBeUndefined();
});
