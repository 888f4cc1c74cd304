// Leaving: it is noted before anything is taken off, whatever fails of it the interface gets back what it had, and none is up beside
// the bond with the bond's own MAC address.
import { describe, expect, it } from 'vitest';
import { HandmadeHost, joins, newBond } from '../../test/support/handmade-host.js';

/** A bond of eth1, whose MAC address it has, and eth2. */
function prepared(options: Readonly<Record<string, string>> = {}) {
  const host = new HandmadeHost();
  const keeper = newBond(host, options);
  joins(keeper, 1);
  joins(keeper, 2);
  host.take();
  host.written.length = 0;
  host.told.length = 0;
  return { host, keeper };
}

describe('a member that leaves', () => {
  it('is written down as leaving before anything is taken off it, and after the plan without it', () => {
    const { host, keeper } = prepared();
    keeper.release([2], []);
    const done = host.actsOf('save', 'release', 'remove', 'restore');
    expect(done).toEqual(['save', 'release eth2', 'remove eth2', 'restore eth2 address up']);
    expect(host.written[0]?.members.at(-1)).toMatchObject({ leaving: { restoreAddress: true } });
    expect(keeper.records.has(2)).toBe(false);
  });

  it('sends no more by the time that it is taken off', () => {
    const { host, keeper } = prepared();
    keeper.release([1], []);
    expect(host.acts.indexOf('plan active eth2')).toBeLessThan(host.acts.indexOf('remove eth1'));
    expect(host.acts.indexOf('plan active eth2')).toBeGreaterThan(-1);
  });

  it.each(['release eth2', 'remove eth2'])('gets back what it had where "%s" fails', act => {
    const { host, keeper } = prepared();
    host.fails(act);
    keeper.release([2], []);
    expect(host.acts).toContain('remove eth2');
    expect(host.acts).toContain('restore eth2 address up');
    expect(host.failures).toEqual(['it failed (EIO)']);
    expect(keeper.records.has(2)).toBe(false);
    expect(keeper.policy.members().map(({ name }) => name)).toEqual(['eth1']);
  });

  it('is no failure where its interface is gone', () => {
    const { host, keeper } = prepared();
    host.fails('remove eth2', 'ENODEV');
    keeper.release([2], []);
    expect(host.failures).toEqual([]);
  });

  it('leaves what it counted as a member to the bond; a counter that was set back counts as not grown', () => {
    const host = new HandmadeHost();
    const keeper = newBond(host);
    host.counted.set(1, { rxBytes: 100, txBytes: 50 });
    host.counted.set(2, { rxBytes: 1000, txBytes: 500 });
    joins(keeper, 1);
    joins(keeper, 2);
    host.counted.set(1, { rxBytes: 130, txBytes: 20 });
    host.counted.set(2, { rxBytes: 1001, txBytes: 502 });
    keeper.release([1], []);
    keeper.release([2], []);
    expect(keeper.departed).toEqual({ rxBytes: 31, txBytes: 2 });
  });
});

describe('one whose MAC address the bond lives on with', () => {
  it('stays down, which is written down with its leaving, and told once', () => {
    const { host, keeper } = prepared();
    keeper.release([1], []);
    expect(host.written[0]).toMatchObject({ heldDown: [1], members: [{ leaving: {} }, {}] });
    expect(host.acts).toContain('restore eth1 address');
    const ofAddress = host.told.filter(({ message }) => message.includes('MAC address'));
    expect(ofAddress.map(({ type }) => type)).toEqual(['left']);
  });

  it('is up where it had another address, was down before, or was the last', () => {
    const { host, keeper } = prepared();
    keeper.release([2], []);
    expect(keeper.heldDown.size).toBe(0);
    keeper.release([1], []);
    expect(keeper.heldDown.size).toBe(0);
    expect(host.acts).toContain('restore eth1 address up');
  });

  it('comes up when the bond has another address, and that is written down', () => {
    const { host, keeper } = prepared();
    keeper.release([1], []);
    keeper.bondTold();
    expect(host.acts).not.toContain('set eth1 up=true');
    host.take();
    host.written.length = 0;
    if (host.bondLink !== null) host.bondLink = { ...host.bondLink, address: '02:00:00:00:00:77' };
    keeper.bondTold();
    expect(host.actsOf('set eth1')).toEqual(['set eth1 up=true']);
    expect(host.written.at(-1)?.heldDown).toEqual([]);
  });

  it('is held no more where it cannot come up, and the others come up', () => {
    const { host, keeper } = prepared();
    keeper.release([1], []);
    host.change(3, { adminUp: false });
    keeper.heldDown.add(3);
    host.fails('set eth1 up=true');
    keeper.releaseHeld();
    // Each is tried once more.
    expect(host.actsOf('set')).toEqual(['set eth1 up=true', 'set eth1 up=true', 'set eth3 up=true']);
    expect(keeper.heldDown.size).toBe(0);
    expect(host.failures).toEqual(['it failed (EIO)']);
  });
});
