import { expect, test } from 'vitest';
import { wishesOf } from './environment.js';

test('what the environment insists on is taken, and nothing where it is silent', () => {
  expect(wishesOf({})).toEqual({});
  expect(wishesOf({ BONDWIRE_ATTACH: '', BONDWIRE_PAIR: '' })).toEqual({});
  expect(wishesOf({ BONDWIRE_ATTACH: 'clsact', BONDWIRE_PAIR: 'veth' })).toEqual({
    attach: 'clsact',
    pair: 'veth',
  });
  expect(wishesOf({ BONDWIRE_ATTACH: 'tcx', BONDWIRE_PAIR: 'netkit' })).toEqual({
    attach: 'tcx',
    pair: 'netkit',
  });
});

test('other words are refused, and so are two that exclude each other', () => {
  expect(() => wishesOf({ BONDWIRE_PAIR: 'macvlan' })).toThrow(
    'BONDWIRE_PAIR=macvlan was refused: it is netkit or veth; leave it away for the best that there is.',
  );
  expect(() => wishesOf({ BONDWIRE_ATTACH: 'TCX' })).toThrow('BONDWIRE_ATTACH=TCX was refused: it is tcx or');
  expect(() => wishesOf({ BONDWIRE_ATTACH: 'clsact', BONDWIRE_PAIR: 'netkit' })).toThrow(
    'BONDWIRE_PAIR=netkit was refused beside BONDWIRE_ATTACH=clsact',
  );
});
