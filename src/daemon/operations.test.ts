// What users ask for is carried out whole or not at all, whatever fails on the way: on the interfaces of a namespace, with a bond made
// by hand. Needs root.
import { describe, expect, test } from 'vitest';
import { SystemError } from '../linux/index.js';
import { isRoot } from '../linux/testing.js';
import { HandmadeDaemon, withHandmadeDaemon } from '../../test/support/handmade-daemon.js';

const WISHES = { takeDown: true, takeAddresses: false, options: {} };
const EIO = 5;

/** From its Nth call on, looking at what may join throws. */
function blindFrom(daemon: HandmadeDaemon, nth: number): void {
  const { candidates } = daemon.operations;
  const check = candidates.check.bind(candidates);
  let calls = 0;
  candidates.check = (...args) => {
    calls += 1;
    if (calls >= nth) throw new SystemError('a look at an interface', EIO);
    return check(...args);
  };
}

describe.runIf(isRoot)('enslave()', () => {
  test('all join, in order, and one that is a member already is passed over', () =>
    withHandmadeDaemon(daemon => {
      expect(daemon.operations.enslave(daemon.runner, ['bweth2', 'bweth1'], WISHES)).toMatchObject({
        ok: true,
      });
      expect(daemon.operations.enslave(daemon.runner, ['bweth1', 'bweth3'], WISHES)).toMatchObject({
        ok: true,
      });
      expect(daemon.members()).toEqual(['bweth2', 'bweth1', 'bweth3']);
    }));

  test('one that cannot join: no other is touched', () =>
    withHandmadeDaemon(daemon => {
      daemon.host.take();
      const result = daemon.operations.enslave(daemon.runner, ['bweth1', 'bwnone'], WISHES);
      expect(result).toMatchObject({ error: { code: 'unknown-interface' } });
      expect(daemon.host.take()).toEqual([]);
    }));

  test('one whose joining fails: those before it leave again, last first', () =>
    withHandmadeDaemon(daemon => {
      daemon.host.fails('add bweth3');
      daemon.host.take();
      const result = daemon.operations.enslave(daemon.runner, ['bweth1', 'bweth2', 'bweth3'], WISHES);
      expect(result).toMatchObject({ error: { code: 'system', errno: 'EIO' } });
      expect(daemon.members()).toEqual([]);
      const restored = new Set(daemon.host.actsOf('restore'));
      expect(Array.from(restored)).toEqual([
        'restore bweth3 address',
        'restore bweth2 address',
        'restore bweth1 address',
      ]);
    }));

  test('what fails of the undoing keeps nothing else from being undone, and the refusal is that of the joining', () =>
    withHandmadeDaemon(daemon => {
      // The bond was down, and is no interface that could be taken down again.
      if (daemon.host.bondLink !== null) daemon.host.bondLink = { ...daemon.host.bondLink, adminUp: false };
      daemon.keeper.resync();
      daemon.host.fails('add bweth3');
      let looked = 0;
      const resync = daemon.runner.resync.bind(daemon.runner);
      daemon.runner.resync = () => {
        looked += 1;
        return resync();
      };
      const result = daemon.operations.enslave(daemon.runner, ['bweth1', 'bweth3'], WISHES);
      expect(result).toMatchObject({
        error: { message: expect.stringMatching(/^bweth3 cannot join bond0/) },
      });
      expect(daemon.members()).toEqual([]);
      expect(looked).toBe(1);
    }));

  test.each([4, 5])(
    'one that cannot be looked at, at look %i: those before it leave again, and it is a refusal',
    nth =>
      withHandmadeDaemon(daemon => {
        blindFrom(daemon, nth);
        const result = daemon.operations.enslave(daemon.runner, ['bweth1', 'bweth2', 'bweth3'], WISHES);
        expect(result).toMatchObject({ error: { code: 'system', errno: 'EIO' } });
        expect(daemon.members()).toEqual([]);
      }),
  );
});
