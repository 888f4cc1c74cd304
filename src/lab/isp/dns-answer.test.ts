import { expect, test } from 'vitest';
import { dnsAnswer, dnsQuery } from './dns-answer.js';

const ADDRESSES = { ipv4: '198.51.100.10', ipv6: '2001:db8::10' };

function bytes(text: string): Uint8Array {
  return Uint8Array.from(text.replaceAll(' ', '').match(/../g) ?? [], pair => Number.parseInt(pair, 16));
}

// RFC 1035, 4.1: header, question, answer.
const QUERY_A = bytes('1234 0100 0001 0000 0000 0000 03777777 04746573 74 00 0001 0001');

test('dnsQuery() asks for www.test', () => {
  expect(dnsQuery(0x1234, 'www.test', 'ipv4')).toEqual(QUERY_A);
});

test('dnsAnswer() answers the question with the address, behind a pointer to its name', () => {
  const answer = bytes(
    '1234 8180 0001 0001 0000 0000 03777777 04746573 74 00 0001 0001 c00c 0001 0001 00000001 0004 c633640a',
  );
  expect(dnsAnswer(QUERY_A, ADDRESSES)).toEqual(answer);
});

test('dnsAnswer() has an IPv6 address too, and of another type nothing', () => {
  const answer = dnsAnswer(dnsQuery(1, 'www.test', 'ipv6'), ADDRESSES);
  expect(answer?.subarray(-16)).toEqual(bytes('20010db8000000000000000000000010'));
  const mx = QUERY_A.slice();
  mx[mx.length - 3] = 15;
  const nothing = dnsAnswer(mx, ADDRESSES);
  expect(nothing?.length).toBe(mx.length);
  expect(nothing?.[7]).toBe(0);
});

test('dnsAnswer() does not answer what is no query, however it is cut off', () => {
  for (let length = 0; length < QUERY_A.length; length++) {
    expect(dnsAnswer(QUERY_A.subarray(0, length), ADDRESSES)).toBeUndefined();
  }
  const response = dnsAnswer(QUERY_A, ADDRESSES);
  expect(response && dnsAnswer(response, ADDRESSES)).toBeUndefined();
});
