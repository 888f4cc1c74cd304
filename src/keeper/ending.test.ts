// The end of a bond: noted first, members before their homes, belongings to those that are free, and no step keeps another away.
import { describe, expect, it } from 'vitest';
import { belongingsOf, HandmadeHost, joins, newBond } from '../../test/support/handmade-host.js';
import type { Holder } from './ports.js';

/** A bond of eth1, with its addresses, and eth2. */
function prepared() {
  const host = new HandmadeHost();
  const keeper = newBond(host);
  joins(keeper, 1, ['192.0.2.1/24']);
  joins(keeper, 2, []);
  host.clock.endTurn();
  host.take();
  host.written.length = 0;
  host.told.length = 0;
  return { host, keeper };
}

describe('destroy()', () => {
  it('writes the end down first, goes down, lets homes go before they get theirs back, and then the others', () => {
    const { host, keeper } = prepared();
    let done = 0;
    keeper.destroy(() => void (done += 1));
    expect(host.acts[0]).toBe('save');
    expect(host.written[0]).toMatchObject({ ending: true, members: [{}, {}] });
    const marks = [
      'set bond0 up=false',
      'remove eth1',
      'restore eth1 address up',
      'first home eth1',
      'remove eth2',
      'restore eth2 address up',
      'destroy',
      'part',
      'rest home eth1',
      'end',
    ];
    expect(host.acts.filter(act => marks.includes(act))).toEqual(marks);
    expect(done).toBe(1);
  });

  it('is in the book until all is back, and out of it afterwards', () => {
    const { host, keeper } = prepared();
    keeper.destroy(() => {});
    const untilHome = host.acts.slice(0, host.acts.indexOf('rest home eth1')).filter(act => act === 'save');
    expect(host.written[untilHome.length - 1]?.taken).toEqual([belongingsOf(1, '192.0.2.1/24')]);
    expect(host.acts.slice(host.acts.indexOf('end'))).toEqual(['end', 'save', 'tell left']);
    expect(host.written.at(-1)?.taken).toEqual([]);
  });

  it('holds nobody down, and awaits nobody', () => {
    const { host, keeper } = prepared();
    keeper.destroy(() => {});
    expect(host.acts).toContain('restore eth1 address up');
    expect(keeper.heldDown.size).toBe(0);
    expect(keeper.wanted).toEqual([]);
  });

  it('brings up what was held down', () => {
    const { host, keeper } = prepared();
    keeper.release([1], []);
    expect(keeper.heldDown).toEqual(new Set([1]));
    keeper.destroy(() => {});
    expect(host.acts).toContain('set eth1 up=true');
  });

  it('gives nothing to an interface that is a member of another bond by now', () => {
    const { host, keeper } = prepared();
    keeper.release([1], []);
    const other: Holder = { records: new Map([[1, {}]]), heldDown: new Set(), save: () => {} };
    host.others.push(other);
    keeper.destroy(() => {});
    expect(host.actsOf('first home', 'rest home')).toEqual(['first home ', 'rest home ']);
  });

  it.each(['set bond0 up=false', 'remove eth1', 'release eth2', 'first home eth1', 'destroy'])(
    'goes on to the end where "%s" fails, which is told',
    act => {
      const { host, keeper } = prepared();
      host.fails(act);
      let done = 0;
      keeper.destroy(() => void (done += 1));
      expect(done).toBe(1);
      for (const name of [
        'restore eth1 address up',
        'restore eth2 address up',
        'first home eth1',
        'destroy',
        'end',
      ])
        expect(host.acts).toContain(name);
      const told = host.told.filter(({ severity }) => severity === 'error').length + host.failures.length;
      // Of those that could have been done by a moment's luck, the second attempt failed too.
      expect(told).toBe(1);
    },
  );
});
