import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseAddress } from './address.js';
import { emitAttributes, parseAttributes } from './attribute.js';
import { parseAnswer, parseMessages } from './message.js';
import { parseNeighbour } from './neighbour.js';
import { asRequest, emitRoute, parseRoute, withInterface } from './route.js';
import { parseNews } from './rtnetlink.js';
import { hex } from './testing.js';
import { bpfFilterOptions, parseTrafficControl } from './traffic-control.js';

/** Linux 6.18 refuses an MTU of 1 for a veth. */
const REFUSAL =
  '60000000020000020700000042f76b87eaffffff28000000100005000700000000000000000000000300000000000000' +
  '000000000800040001000000210001006d7475206c657373207468616e20646576696365206d696e696d756d00000000';

test("parseAnswer() reads the kernel's sentence", () => {
  const messages = parseMessages(hex(REFUSAL));
  const [message] = messages.ok ? messages.value : [];
  expect(message && parseAnswer(message)).toEqual({
    ok: true,
    value: { errno: 22, message: 'mtu less than device minimum' },
  });
});

test('parseAnswer() takes errno 0 for success and an empty end of dump too', () => {
  const answer = { flags: 0, sequence: 1, port: 0 };
  expect(parseAnswer({ ...answer, type: 2, payload: new Uint8Array(20) })).toEqual({
    ok: true,
    value: { errno: 0 },
  });
  expect(parseAnswer({ ...answer, type: 3, payload: new Uint8Array(0) })).toEqual({
    ok: true,
    value: { errno: 0 },
  });
  expect(parseAnswer({ ...answer, type: 16, payload: new Uint8Array(20) }).ok).toBe(false);
});

test('parseMessages() gives a reason for a message that is cut off', () => {
  expect(parseMessages(hex(REFUSAL).slice(0, 40)).ok).toBe(false);
  expect(parseMessages(new Uint8Array(16)).ok).toBe(false);
});

test('parseAttributes() gives a reason for a length below the header or beyond the end', () => {
  expect(parseAttributes(hex('03000100')).ok).toBe(false);
  expect(parseAttributes(hex('0900010000000000')).ok).toBe(false);
});

test('parseAttributes() reads back what emitAttributes() wrote, whatever the padding', () => {
  const attribute = fc.record({
    type: fc.nat(0x3fff),
    flags: fc.constantFrom(0, 0x8000, 0x4000),
    value: fc.uint8Array({ maxLength: 40 }),
  });
  fc.assert(
    fc.property(fc.array(attribute), attributes => {
      expect(parseAttributes(emitAttributes(attributes))).toEqual({ ok: true, value: attributes });
    }),
  );
});

test('no parser throws on any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(50), (bytes, type) => {
      parseMessages(bytes);
      for (const parse of [parseAddress, parseNeighbour]) parse(bytes);
      const route = parseRoute(bytes);
      if (route.ok) emitRoute(asRequest(withInterface(route.value, 1, 2)));
      const filter = parseTrafficControl(bytes);
      if (filter.ok) bpfFilterOptions(filter.value);
      const message = { type, flags: 0x200, sequence: 0, port: 0, payload: bytes };
      parseNews(message);
      parseAnswer(message);
    }),
  );
});
