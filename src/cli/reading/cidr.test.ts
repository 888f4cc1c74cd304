import { expect, test } from 'vitest';
import { checkCidr } from './cidr.js';

test.each(['192.0.2.1/24', '0.0.0.0/0', '2001:db8::1/64', '::1/128'])('checkCidr() takes %s', text => {
  expect(() => checkCidr(text)).not.toThrow();
});

test.each([
  ['192.0.2.1', 'write it as 192.0.2.1/24'],
  ['2001:db8::1', 'write it as 2001:db8::1/64'],
  ['192.0.2.1/33', 'is not ADDRESS/PREFIX'],
  ['192.0.2.1/', 'is not ADDRESS/PREFIX'],
  ['192.0.2.1/-1', 'is not ADDRESS/PREFIX'],
  ['192.0.2/24', 'is not ADDRESS/PREFIX'],
  ['fe80::1%eth0/64', 'is not ADDRESS/PREFIX'],
  ['', 'is not ADDRESS/PREFIX'],
])('checkCidr() refuses %j', (text, reason) => {
  expect(() => checkCidr(text)).toThrow(reason);
});
