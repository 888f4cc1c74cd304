// Interfaces that are awaited, look by look: on the interfaces of a namespace, with a bond made by hand. Needs root.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { addAddresses, addressFromText, deleteAddresses, deleteLink, setLink } from '../../linux/index.js';
import { isRoot } from '../../linux/testing.js';
import { type HandmadeDaemon, withHandmadeDaemon } from '../../../test/support/handmade-daemon.js';
import { awaitedBy } from './awaited-members.js';

const WISHES = { takeDown: true, takeAddresses: false, options: {} };
const LOOK_MS = 500;

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
afterEach(() => void vi.useRealTimers());

/** So many looks, half a second apart. */
function look(daemon: HandmadeDaemon, times = 1): void {
  for (let i = 0; i < times; i++) {
    daemon.nowMs += LOOK_MS;
    vi.advanceTimersByTime(LOOK_MS);
  }
}

const names = (daemon: HandmadeDaemon): readonly string[] => awaitedBy(daemon.runner).map(({ name }) => name);
const said = (daemon: HandmadeDaemon): readonly string[] =>
  daemon.told.filter(({ type }) => type === 'awaited').map(({ message }) => message);

/** A daemon whose bond awaits `bwlate`. */
function withAwaiting(
  work: (daemon: HandmadeDaemon) => void,
  options: Readonly<Record<string, string>> = {},
): void {
  withHandmadeDaemon(daemon => {
    const asked = daemon.awaited.enslave(daemon.runner, ['bweth1', 'bwlate'], { ...WISHES, options });
    expect(asked).toMatchObject({ ok: true });
    daemon.awaited.start();
    work(daemon);
  });
}

describe.runIf(isRoot)('AwaitedMembers', () => {
  test('what is there joins, what is not is awaited, and that is written down', () =>
    withAwaiting(daemon => {
      expect(daemon.members()).toEqual(['bweth1']);
      expect(names(daemon)).toEqual(['bwlate']);
      expect(daemon.saved.at(-1)).toBe(daemon.runner);
      expect(said(daemon)).toEqual([
        'bwlate is not there; bond0 does without it until it appears, and takes it then',
      ]);
      look(daemon, 3);
      expect(daemon.members()).toEqual(['bweth1']);
    }));

  test('one of them cannot join: none does, and none is awaited', () =>
    withHandmadeDaemon(daemon => {
      daemon.host.fails('add bweth1');
      const asked = daemon.awaited.enslave(daemon.runner, ['bweth1', 'bwlate'], WISHES);
      expect(asked).toMatchObject({ ok: false });
      expect(names(daemon)).toEqual([]);
    }));

  test('a name that no interface can have, and an option that is none of members, are refused', () =>
    withHandmadeDaemon(daemon => {
      const { awaited, runner } = daemon;
      expect(awaited.enslave(runner, ['bad/name'], WISHES)).toMatchObject({ error: { errno: 'EINVAL' } });
      const wrong = awaited.enslave(runner, ['bwlate'], { ...WISHES, options: { miimon: '5' } });
      expect(wrong).toMatchObject({ error: { code: 'invalid-value' } });
      expect(names(daemon)).toEqual([]);
    }));

  test('one that appears joins at the second look, as udev may rename it first', () =>
    withAwaiting(daemon => {
      const ifindex = daemon.plug('bwlate');
      look(daemon);
      expect(daemon.members()).toEqual(['bweth1']);
      look(daemon);
      expect(daemon.members()).toEqual(['bweth1', 'bwlate']);
      expect(names(daemon)).toEqual([]);
      expect(daemon.runner.wanted).toContainEqual(expect.objectContaining({ name: 'bwlate', ifindex }));
      expect(said(daemon).at(-1)).toBe('bwlate is there; it was awaited, and joined bond0');
    }));

  test('one that was renamed between two looks, or is another interface by then, does not join', () =>
    withAwaiting(daemon => {
      const first = daemon.plug('bwlate');
      look(daemon);
      setLink(daemon.netlink, first, { name: 'bwother' });
      look(daemon, 2);
      expect(daemon.members()).toEqual(['bweth1']);
      daemon.plug('bwlate-2');
      setLink(daemon.netlink, first, { name: 'bwlate' });
      look(daemon);
      deleteLink(daemon.netlink, 'bwlate');
      daemon.plug('bwlate');
      look(daemon);
      expect(daemon.members()).toEqual(['bweth1']);
      look(daemon);
      expect(daemon.members()).toEqual(['bweth1', 'bwlate']);
    }));

  test('it gets its options when it has joined; those that are refused leave it a member', () => {
    withAwaiting(
      daemon => {
        daemon.plug('bwlate');
        look(daemon, 2);
        expect(daemon.keeper.policy.snapshot().options.prio).toContain('bwlate:7');
      },
      { prio: '7' },
    );
    withAwaiting(
      daemon => {
        daemon.operations.set = () => ({
          ok: false,
          error: { code: 'in-use', errno: 'EBUSY', message: 'The queue is taken.' },
        });
        daemon.plug('bwlate');
        look(daemon, 2);
        expect(daemon.members()).toContain('bwlate');
        expect(daemon.told.filter(({ type }) => type === 'option')).toMatchObject([
          { severity: 'warning', message: 'The queue is taken.' },
        ]);
      },
      { prio: '7' },
    );
  });

  test('one that may not join is told of once, and joins as soon as nothing is against it', () =>
    withAwaiting(daemon => {
      const ifindex = daemon.plug('bwlate');
      const address = addressFromText(ifindex, '10.77.0.1/24');
      addAddresses(daemon.netlink, [address]);
      look(daemon, 5);
      expect(said(daemon).filter(text => text.includes('10.77.0.1/24'))).toHaveLength(1);
      deleteAddresses(daemon.netlink, [address]);
      look(daemon);
      expect(daemon.members()).toContain('bwlate');
    }));

  test('one that is asked for again is awaited once, as it was asked for last', () =>
    withAwaiting(daemon => {
      const wishes = { ...WISHES, takeAddresses: true };
      expect(daemon.awaited.enslave(daemon.runner, ['bwlate'], wishes)).toMatchObject({ ok: true });
      expect(awaitedBy(daemon.runner)).toEqual([{ name: 'bwlate', ...wishes }]);
    }));

  test('a member that was renamed is not awaited by its old name, which another interface may have', () =>
    withAwaiting(daemon => {
      const ifindex = daemon.plug('bwlate');
      look(daemon, 2);
      setLink(daemon.netlink, ifindex, { name: 'bwother' });
      daemon.host.change(ifindex, { name: 'bwother' });
      daemon.keeper.memberTold(ifindex);
      expect(names(daemon)).toEqual([]);
      daemon.plug('bwlate-2');
      setLink(daemon.netlink, daemon.index('bwlate-2'), { name: 'bwlate' });
      look(daemon, 3);
      expect(daemon.members()).toEqual(['bweth1', 'bwother']);
    }));

  test('one whose joining fails half-way is left alone for five seconds', () =>
    withAwaiting(daemon => {
      daemon.plug('bwlate');
      daemon.host.fails('add bwlate');
      const attempts = (): number => daemon.host.actsOf('add bwlate').length;
      look(daemon, 2);
      expect(attempts()).toBe(1);
      look(daemon, 9);
      expect(attempts()).toBe(1);
      look(daemon, 2);
      expect(attempts()).toBe(2);
      expect(said(daemon).filter(text => text.includes('cannot join'))).toHaveLength(1);
    }));

  test('one that somebody has joined by hand is known by its interface from then on', () =>
    withAwaiting(daemon => {
      const ifindex = daemon.plug('bwlate');
      expect(daemon.operations.enslave(daemon.runner, ['bwlate'], WISHES)).toMatchObject({ ok: true });
      daemon.saved.length = 0;
      look(daemon);
      expect(daemon.runner.wanted).toContainEqual(expect.objectContaining({ name: 'bwlate', ifindex }));
      expect(daemon.saved.at(-1)).toBe(daemon.runner);
    }));

  test('what cannot be looked at is looked at again, and keeps no other away', () =>
    withAwaiting(daemon => {
      const asked = daemon.awaited.enslave(daemon.runner, ['bwmore'], WISHES);
      expect(asked).toMatchObject({ ok: true });
      const { candidates } = daemon.operations;
      const check = candidates.check.bind(candidates);
      candidates.check = (runner, name, ...rest) => {
        if (name === 'bwlate') throw new Error('it cannot be read');
        return check(runner, name, ...rest);
      };
      daemon.plug('bwlate');
      daemon.plug('bwmore');
      look(daemon, 2);
      expect(daemon.members()).toEqual(['bweth1', 'bwmore']);
      candidates.check = check;
      look(daemon, 2);
      expect(daemon.members()).toContain('bwlate');
    }));

  test('closed, it looks no more', () =>
    withAwaiting(daemon => {
      daemon.awaited.close();
      daemon.plug('bwlate');
      look(daemon, 5);
      expect(daemon.members()).toEqual(['bweth1']);
    }));
});
