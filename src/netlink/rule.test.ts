// Rules of the policy routing database, with bytes that Linux 6.18 told of rules that ip(8) had made.
import { expect, test } from 'vitest';
import { emitRule, parseRule, type Rule, ruleSuppresses } from './rule.js';
import { hex } from './testing.js';

/** 32000: from all lookup main suppress_prefixlength 0 proto 98 */
const MAIN = '02000000fe0000010000000008000f00fe00000008000e0000000000050015006200000008000600007d0000';
/** 32101: from all fwmark 0x1000000/0x3f000000 ipproto tcp lookup 8901 proto 98 */
const MARKED =
  '02000000fc0000010000000008000f00c522000008000e00ffffffff050015006200000008000600657d000008000a0000000001080010000000003f0500160006000000';
/** 32400: from 2001:db8:9::/48 to 2001:db8:a::/64 iif w1 uidrange 1000-2000 ipproto udp sport 5060 dport 5060-5070 lookup 9000 proto 98 */
const FULL =
  '0a403000fc0000010000000008000f002823000008000e00ffffffff0500150062000000070003007731000008000600907e00000c001400e8030000d007000008001700c413c41306001c00ffff000008001800c413ce1305001600110000001400010020010db8000a000000000000000000001400020020010db8000900000000000000000000';

function value(bytes: string): Rule {
  const parsed = parseRule(hex(bytes));
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

test('a rule by mark', () => {
  const rule = value(MARKED);
  expect(rule).toMatchObject({
    family: 2,
    action: 1,
    preference: 32_101,
    mark: 0x0100_0000,
    markMask: 0x3f00_0000,
    ipProtocol: 6,
    tableNumber: 8901,
    origin: 98,
    other: [],
  });
  expect(ruleSuppresses(rule)).toBeUndefined();
});

test('a rule that suppresses default routes', () => {
  const rule = value(MAIN);
  expect(rule).toMatchObject({ preference: 32_000, tableNumber: 254, other: [] });
  expect(ruleSuppresses(rule)).toBe(0);
});

test('a rule with all that an operator can say, and what is not known here is kept', () => {
  const rule = value(FULL);
  expect(rule).toMatchObject({
    family: 10,
    source: '2001:db8:9::',
    sourceLength: 48,
    destination: '2001:db8:a::',
    destinationLength: 64,
    incoming: 'w1',
    uids: { first: 1000, last: 2000 },
    ipProtocol: 17,
    sourcePorts: { first: 5060, last: 5060 },
    destinationPorts: { first: 5060, last: 5070 },
    tableNumber: 9000,
  });
  // FRA_SPORT_MASK, which the kernel adds for one port.
  expect(rule.other).toMatchObject([{ type: 28, value: Uint8Array.of(0xff, 0xff) }]);
});

test.each([MAIN, MARKED, FULL])('what is emitted says the same and is as long: %s', bytes => {
  const rule = value(bytes);
  const emitted = emitRule(rule);
  expect(emitted.length).toBe(hex(bytes).length);
  expect(emitted.subarray(0, 12)).toEqual(hex(bytes).subarray(0, 12));
  const again = parseRule(emitted);
  expect(again.ok && again.value).toEqual(rule);
});

test('a table below 256 without FRA_TABLE is the one of the header; a short message is refused', () => {
  expect(value('02000000fe00000100000000')).toMatchObject({ tableNumber: 254, other: [] });
  expect(parseRule(new Uint8Array(11)).ok).toBe(false);
  expect(parseRule(hex('02000000fe0000010000000008000f00fe')).ok).toBe(false);
});
