// A new MAC address of the bond goes to all members or to none: what each had before is what it has again.
import { expect, test } from 'vitest';
import { HandmadeHost } from '../../test/support/handmade-host.js';
import { giveAddresses, giveMtu } from './following.js';

const NEW = '02:00:00:00:00:77';
const BOND = { name: 'bond0', before: '02:00:00:00:00:aa', told: NEW };
const wishes = [1, 2, 3].map(member => ({ member, address: NEW }));

test('each gets back its own address, last first, whatever else fails on the way', () => {
  const host = new HandmadeHost();
  host.fails(`set eth3 address=${NEW}`);
  host.fails('set eth2 address=02:00:00:00:00:02');
  expect(giveAddresses(host, BOND, wishes)).toMatchObject({ type: 'address', severity: 'error' });
  expect(host.acts.slice(3)).toEqual([
    'set eth2 address=02:00:00:00:00:02',
    'set eth1 address=02:00:00:00:00:01',
    'set bond0 address=02:00:00:00:00:aa',
  ]);
});

test('one that has it already is left alone, and one that is gone by then is no reason', () => {
  const host = new HandmadeHost();
  host.change(1, { address: NEW });
  host.fails(`set eth2 address=${NEW}`, 'ENODEV');
  expect(giveAddresses(host, BOND, wishes)).toBeUndefined();
  expect(host.acts).toEqual([`set eth2 address=${NEW}`, `set eth3 address=${NEW}`]);
});

test('an MTU goes back to all that took it, though one does not take its old one any more', () => {
  const host = new HandmadeHost();
  host.fails('set eth2 mtu=9000', 'EINVAL');
  host.fails('set eth1 mtu=1500');
  const records = new Map([1, 2].map(member => [member, {}]));
  expect(giveMtu(host, { name: 'bond0', records }, 9000, 1500)).toMatchObject({ type: 'mtu' });
  expect(host.acts.slice(3)).toEqual(['set eth1 mtu=1500', 'mtu 1500', 'set bond0 mtu=1500']);
});
