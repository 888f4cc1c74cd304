// What a member that vanished is awaited with.
import { expect, test } from 'vitest';
import { HandmadeHost, joins, newBond } from '../../test/support/handmade-host.js';
import type { WantedMember } from './records.js';

/** The wishes of a bond whose member eth1 vanished; eth1 was up before unless `isDown`. */
function wishes(
  options: Readonly<Record<string, string>>,
  wanted: readonly WantedMember[] = [],
  isDown = false,
) {
  const host = new HandmadeHost();
  host.change(1, { adminUp: !isDown });
  host.change(2, { name: 'eth10' });
  const keeper = newBond(host);
  for (const member of [1, 2]) expect(joins(keeper, member)).toMatchObject({ ok: true });
  for (const [option, value] of Object.entries(options))
    expect(keeper.setOption(option, value)).toMatchObject({ ok: true });
  keeper.wanted = wanted;
  keeper.memberGone(1);
  return keeper.wanted;
}

const WISH = { takeDown: true, takeAddresses: false, options: {} };

test('its own options, and no others: queue 0 is none', () => {
  expect(wishes({ prio: 'eth1:7' })).toEqual([{ ...WISH, name: 'eth1', ifindex: 1, options: { prio: '7' } }]);
  expect(wishes({ prio: 'eth10:7' })).toEqual([{ ...WISH, name: 'eth1', ifindex: 1 }]);
});

test('it is taken down if it was up when it joined', () => {
  expect(wishes({}, [], true)).toMatchObject([{ name: 'eth1', takeDown: false }]);
});

test('other wishes stay, and one for the same interface by another name is enough', () => {
  const other = { ...WISH, name: 'eth9' };
  expect(wishes({}, [other])).toMatchObject([other, { name: 'eth1' }]);
  const alias = { ...WISH, name: 'uplink', ifindex: 1 };
  expect(wishes({}, [alias])).toEqual([alias]);
});
