// Joining: what is noted before what is done, what undoes it wherever it fails, and what the next keeper makes of a half-done one.
import { describe, expect, it } from 'vitest';
import {
  belongingsOf,
  candidateOf,
  HandmadeHost,
  joins,
  newBond,
  nextKeeper,
} from '../../test/support/handmade-host.js';
import type { Holder } from './ports.js';
import type { SavedKeeping } from './records.js';

const ADDRESS = '192.0.2.1/24';

function prepared() {
  const host = new HandmadeHost();
  const keeper = newBond(host);
  host.take();
  host.written.length = 0;
  return { host, keeper };
}

/** Everything that joining does to the machine: any of it may fail. */
const STEPS = [
  `take over ${ADDRESS}`,
  'set eth1 up=false',
  'silence eth1',
  'add eth1',
  'let in eth1',
  'set bond0 address=02:00:00:00:00:01',
  'set eth1 up=true',
  'plan active eth1',
  'carrier on',
  `bring ${ADDRESS}`,
  'bring the rest',
] as const;

describe('join()', () => {
  it('writes the interface down as joining, with what it carries, before it touches it', () => {
    const { host, keeper } = prepared();
    expect(joins(keeper, 1, [ADDRESS]).ok).toBe(true);
    expect(host.acts[0]).toBe('note');
    expect(host.written[0]?.members).toMatchObject([{ original: { ifindex: 1, up: true }, joining: true }]);
    expect(host.written[0]?.taken).toEqual([belongingsOf(1, ADDRESS)]);
    expect(keeper.records.get(1)?.joining).toBe(false);
  });

  it('does every one of its steps', () => {
    const { host, keeper } = prepared();
    joins(keeper, 1, [ADDRESS]);
    for (const step of STEPS) expect(host.acts).toContain(step);
  });

  it('does nothing where it cannot be written down, and the keeper knows of nothing', () => {
    const { host, keeper } = prepared();
    host.isBookFull = true;
    const joined = joins(keeper, 1, [ADDRESS]);
    expect(joined).toMatchObject({ ok: false, error: { errno: 'ENOSPC' } });
    // The book may have it, and its copy not.
    expect(host.acts).toEqual(['save']);
    expect(host.written.at(-1)).toMatchObject({ members: [], taken: [] });
    expect(keeper.records.size).toBe(0);
    expect(keeper.taken).toEqual([]);
  });

  it.each(STEPS)('undoes it all where "%s" fails', step => {
    const { host, keeper } = prepared();
    host.fails(step);
    const joined = joins(keeper, 1, [ADDRESS]);
    expect(joined).toMatchObject({ ok: false, error: { errno: 'EIO' } });
    expect(keeper.policy.members()).toEqual([]);
    expect(keeper.records.size).toBe(0);
    expect(keeper.taken).toEqual([]);
    expect(host.inPlane).toEqual([]);
    expect(host.interfaces.get(1)).toMatchObject({ address: '02:00:00:00:00:01', adminUp: true });
    const back = ['release eth1', 'remove eth1', 'restore eth1 address up'];
    expect(host.acts).toEqual(
      expect.arrayContaining([`take back ${ADDRESS}`, ...back, `give back ${ADDRESS}`]),
    );
    expect(host.acts.lastIndexOf('restore eth1 address up')).toBeLessThan(
      host.acts.lastIndexOf(`give back ${ADDRESS}`),
    );
    expect(host.written.at(-1)).toMatchObject({ members: [], taken: [] });
  });

  it('undoes one that the policy refuses', () => {
    const { host, keeper } = prepared();
    joins(keeper, 1);
    host.links.takesAddress = () => false;
    host.take();
    expect(joins(keeper, 2, [ADDRESS])).toMatchObject({ ok: false, error: { errno: 'EOPNOTSUPP' } });
    expect(keeper.records.has(2)).toBe(false);
    expect(host.inPlane).toEqual([1]);
    expect(host.actsOf('take back', 'restore', 'give back')).toEqual([
      `take back ${ADDRESS}`,
      'restore eth2 address up',
      `give back ${ADDRESS}`,
    ]);
  });

  it('does not count what was lost while it joined', () => {
    const { host, keeper } = prepared();
    host.links.putSourced = () => {
      host.loss = { packets: 7, sinceNs: 1n };
      return [];
    };
    joins(keeper, 1);
    expect(host.loss.packets).toBe(0);
  });

  it('takes one over that another bond held down: it is up in the end, and the other one writes that down', () => {
    const { host, keeper } = prepared();
    let saves = 0;
    const other: Holder = { records: new Map(), heldDown: new Set([1]), save: () => void (saves += 1) };
    host.others.push(other);
    host.change(1, { adminUp: false });
    joins(keeper, 1);
    expect(other.heldDown.size).toBe(0);
    expect(saves).toBe(1);
    expect(keeper.records.get(1)?.original.up).toBe(true);
  });
});

describe('undo()', () => {
  it('gives back what this joining brought, not what an earlier one of the same interface did', () => {
    const { host, keeper } = prepared();
    joins(keeper, 1, ['192.0.2.1/24']);
    keeper.release([1], []);
    joins(keeper, 1, ['198.51.100.1/24']);
    host.take();
    keeper.undo(1);
    expect(host.actsOf('take back', 'give back')).toEqual([
      'take back 198.51.100.1/24',
      'give back 198.51.100.1/24',
    ]);
    expect(keeper.taken).toEqual([belongingsOf(1, '192.0.2.1/24')]);
  });

  it('gives nothing back where this joining brought nothing', () => {
    const { host, keeper } = prepared();
    joins(keeper, 1, [ADDRESS]);
    keeper.release([1], []);
    joins(keeper, 1);
    host.take();
    keeper.undo(1);
    expect(host.actsOf('take back', 'give back')).toEqual([]);
    expect(keeper.taken).toEqual([belongingsOf(1, ADDRESS)]);
  });

  it.each([[`take back ${ADDRESS}`], ['release eth1'], ['remove eth1']])(
    'gives the interface back what it had where "%s" fails, which is told',
    act => {
      const { host, keeper } = prepared();
      host.fails('bring the rest');
      host.fails(act);
      expect(joins(keeper, 1, [ADDRESS]).ok).toBe(false);
      expect(host.acts).toContain(`give back ${ADDRESS}`);
      expect(host.interfaces.get(1)?.adminUp).toBe(true);
      expect(host.failures).toContain('it failed (EIO)');
      expect(keeper.records.size).toBe(0);
    },
  );

  it('writes down what is on its way back before it moves', () => {
    const { host, keeper } = prepared();
    joins(keeper, 1, [ADDRESS]);
    host.take();
    host.written.length = 0;
    keeper.undo(1);
    const writes = host.acts.slice(0, host.acts.indexOf(`take back ${ADDRESS}`));
    expect(writes.at(-1)).toBe('save');
    const noted = host.written[writes.filter(act => act === 'save').length - 1];
    expect(noted?.members).toMatchObject([{ joining: true }]);
    expect(noted?.taken).toMatchObject([{ ifindex: 1, returning: true }]);
  });
});

describe('undoUnfinished()', () => {
  /** One member, and what of the book is otherwise when the keeper ends; the data plane has these. */
  function restarted(change: Partial<SavedKeeping>, inPlane: readonly number[]) {
    const { host, keeper } = prepared();
    joins(keeper, 1, [ADDRESS]);
    host.inPlane = [...inPlane];
    const next = nextKeeper(host, { ...structuredClone(keeper.saved()), ...change });
    host.take();
    next.undoUnfinished();
    return { host, next };
  }
  const { original } = candidateOf(new HandmadeHost(), 1);

  it('undoes a joining that was cut short', () => {
    const members = [{ original, joining: true, took: true }];
    const { host, next } = restarted({ members }, [1]);
    expect(next.records.size).toBe(0);
    expect(next.policy.members()).toEqual([]);
    expect(host.acts).toEqual(
      expect.arrayContaining(['remove eth1', 'restore eth1 address up', `give back ${ADDRESS}`]),
    );
    expect(host.told.at(-1)?.message).toContain('joining of eth1');
  });

  it('goes on giving back what was on its way, of one that is no member any more', () => {
    const taken = [{ ...belongingsOf(1, ADDRESS), returning: true }];
    const { host, next } = restarted({ members: [], taken }, []);
    expect(host.actsOf('give back')).toEqual([`give back ${ADDRESS}`]);
    expect(next.taken).toEqual([]);
  });

  it('finishes a leaving that was cut short, as it was begun', () => {
    const host = new HandmadeHost();
    // Its members keep their MAC addresses, so there is none to be given back.
    const keeper = newBond(host, { fail_over_mac: 'active' });
    joins(keeper, 1);
    host.written.length = 0;
    keeper.release([1], []);
    const cut = host.written.find(({ members }) => members[0]?.leaving !== undefined);
    expect(cut?.members[0]?.leaving).toEqual({ restoreAddress: false });
    host.inPlane = [1];
    const next = nextKeeper(host, cut ?? keeper.saved());
    host.take();
    next.undoUnfinished();
    expect(host.actsOf('remove', 'restore')).toEqual(['remove eth1', 'restore eth1 up']);
    expect(next.records.size).toBe(0);
    expect(host.told.at(-1)?.message).toContain('leaving of eth1');
  });

  it('forgets one that the data plane does not have, and touches it not', () => {
    const members = [{ original, joining: false }];
    const { host, next } = restarted({ members }, []);
    expect(host.actsOf('restore', 'set eth1', 'give')).toEqual([]);
    expect(next.records.size).toBe(0);
    expect(next.policy.members()).toEqual([]);
  });

  it('takes out of the data plane what the book does not know', () => {
    const { host } = restarted({}, [1, 3]);
    expect(host.actsOf('remove')).toEqual(['remove eth3']);
  });

  it('leaves a member as it is', () => {
    const { host, next } = restarted({}, [1]);
    expect(host.acts).toEqual([]);
    expect([...next.records.keys()]).toEqual([1]);
  });
});
