// A bond that is gone when a keeper starts: interfaces get back what they had, but for those that have other uses by now.
import { describe, expect, it } from 'vitest';
import { belongingsOf, HandmadeHost, joins, newBond } from '../../test/support/handmade-host.js';
import { giveUp } from './giving-up.js';

/** What the book has of a bond of eth1, with its addresses, and eth2; eth3 was held down. */
function prepared() {
  const host = new HandmadeHost();
  const keeper = newBond(host);
  joins(keeper, 1, ['192.0.2.1/24']);
  joins(keeper, 2);
  keeper.heldDown.add(3);
  const saved = structuredClone(keeper.saved());
  host.keeper = undefined;
  host.take();
  host.told.length = 0;
  return { host, saved };
}

describe('giveUp()', () => {
  it('gives everything back, filters before settings, addresses last', () => {
    const { host, saved } = prepared();
    giveUp(host, saved);
    expect(host.actsOf('release', 'restore', 'set', 'return')).toEqual([
      'release eth1',
      'restore eth1 address up',
      'release eth2',
      'restore eth2 address up',
      'set eth3 up=true',
      'return eth1',
    ]);
    expect(host.told.map(({ message }) => message)).toEqual([
      'bond0 was gone when the daemon started; its members are as they were before',
    ]);
  });

  it('leaves one that is used otherwise as it is, but takes the filters off it', () => {
    const { host, saved } = prepared();
    host.usedOtherwise.add(1);
    giveUp(host, saved);
    expect(host.actsOf('release', 'restore')).toEqual([
      'release eth1',
      'release eth2',
      'restore eth2 address up',
    ]);
    expect(host.told[0]?.message).toContain('eth1 is in use without bond0');
    expect(host.told[1]?.message).toContain('its other members');
  });

  it('has nothing to bring up of an interface that is gone', () => {
    const { host, saved } = prepared();
    host.interfaces.delete(3);
    giveUp(host, saved);
    expect(host.actsOf('set')).toEqual([]);
  });

  it.each(['release eth1', 'set eth3 up=true'])('gives all else back where "%s" fails', act => {
    const { host, saved } = prepared();
    host.fails(act);
    giveUp(host, { ...saved, taken: [belongingsOf(1, '192.0.2.1/24')] });
    expect(host.actsOf('restore', 'return')).toEqual([
      'restore eth1 address up',
      'restore eth2 address up',
      'return eth1',
    ]);
    expect(host.failures).toEqual(['it failed (EIO)']);
  });
});
