// A daemon dies, or is asked to end, in the midst of a configuration, also while one is undone: `Applying` on a site made by hand.
import { describe, expect, test } from 'vitest';
import { faster, HandmadeSite, PRESENT, request } from '../../../test/support/handmade-site.js';

describe('a daemon that dies in the midst of a file', () => {
  const file = request([{ name: 'b0', ...faster, mtu: 9000 }, { name: 'b1' }, { name: 'b2' }]);
  const ALL = [
    'describe b0',
    'options b0',
    'link b0',
    'create b1',
    'describe b1',
    'up b1',
    'add-addresses b1',
    'create b2',
    'describe b2',
    'up b2',
    'add-addresses b2',
  ];

  test.each(ALL)('at %s: the next one undoes all, and tells of each bond', async deed => {
    const site = new HandmadeSite('b0');
    await site.diesAt(`do ${deed}`, applying => applying.apply(file));
    await site.next().undoUnfinished();
    expect(Array.from(site.bonds)).toEqual([['b0', PRESENT]]);
    expect(site.book).toEqual([]);
    const kept = 'A file was being carried out with b0 when an earlier daemon ended';
    if (ALL.indexOf(deed) > 0)
      expect(site.told).toContainEqual({
        bond: 'b0',
        severity: 'warning',
        type: 'left',
        message: `${kept}; it is as it was before that`,
      });
    if (ALL.indexOf(deed) > 3)
      expect(site.told).toContainEqual(
        expect.objectContaining({ bond: 'b1', message: expect.stringMatching(/; it was removed again$/) }),
      );
  });

  test.each(['destroy b2', 'destroy b1', 'link b0', 'options b0', 'describe b0', 'give-back b0'])(
    'and the next one while it undoes that, at %s: the one after it does',
    async deed => {
      const site = new HandmadeSite('b0');
      await site.diesAt('do add-addresses b2', applying => applying.apply(file));
      site.next();
      await site.diesAt(`do ${deed}`, applying => applying.undoUnfinished());
      await site.next().undoUnfinished();
      expect(site.deeds().at(-1)).toBe('give-back b0');
      expect(Array.from(site.bonds)).toEqual([['b0', PRESENT]]);
      expect(site.book).toEqual([]);
    },
  );

  test('and one that undoes a file that failed', async () => {
    const site = new HandmadeSite('b0');
    site.fails('do add-addresses b2');
    await site.diesAt('do destroy b1', applying => applying.apply(file));
    await site.next().undoUnfinished();
    expect(Array.from(site.bonds)).toEqual([['b0', PRESENT]]);
    expect(site.book).toEqual([]);
  });

  test('a step of the undoing fails: the others are done, and it is told', async () => {
    const site = new HandmadeSite('b0');
    await site.diesAt('do up b2', applying => applying.apply(file));
    site.fails('do link b0');
    site.fails('do destroy b1', 'throws');
    await site.next().undoUnfinished();
    expect(site.bonds.get('b0')?.options.miimon).toBe(100);
    expect(site.has('b2')).toBe(false);
    const told = Object.fromEntries(site.told.map(({ bond, message }) => [bond, message.split('; ')[1]]));
    expect(told).toEqual({
      b0: 'it is not all as it was: do link b0 was refused',
      b1: 'it is not all as it was: do destroy b1 threw',
      b2: 'it was removed again',
    });
    // It cannot be done better by the one after it.
    expect(site.book).toEqual([]);
  });

  test('a bond that went away before the next one is told as gone', async () => {
    const site = new HandmadeSite('b0');
    await site.diesAt('do link b0', applying => applying.apply(file));
    site.bonds.delete('b0');
    await site.next().undoUnfinished();
    expect(site.deeds()).toEqual([]);
    expect(site.told.map(({ message }) => message)).toEqual([
      'A file was being carried out with b0 when an earlier daemon ended; it went away meanwhile',
    ]);
  });

  test('nothing was unfinished: nothing is told', async () => {
    const site = new HandmadeSite('b0');
    await site.applying.undoUnfinished();
    expect(site.acts).toEqual([]);
  });
});

describe('end()', () => {
  test('what is being carried out is undone at its next step, and later files are refused', async () => {
    const site = new HandmadeSite('b0');
    site.at('do link b0', () => site.applying.end());
    const file = request([{ name: 'b0', ...faster, mtu: 9000 }, { name: 'b1' }]);
    const message = (bond: string): string =>
      `The file was not applied to ${bond}: the daemon was asked to end meanwhile. Apply it again when there is a daemon.`;
    expect(await site.applying.apply(file)).toMatchObject({
      error: { message: message('b1'), undone: ['b0 is as it was, as the file was not carried out.'] },
    });
    expect(site.deeds()).not.toContain('create b1');
    expect(Array.from(site.bonds)).toEqual([['b0', PRESENT]]);
    expect(site.book).toEqual([]);
    site.acts.length = 0;
    expect(await site.applying.apply(file)).toMatchObject({ error: { message: message('b0') } });
    expect(site.deeds()).toEqual([]);
  });
});
