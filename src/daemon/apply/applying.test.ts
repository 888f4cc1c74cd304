// A configuration is carried out whole or not at all, whatever fails: `Applying` on a site made by hand.
import { describe, expect, test } from 'vitest';
import { err, ok } from '../../base/index.js';
import { faster, HandmadeSite, PRESENT, request } from '../../../test/support/handmade-site.js';
import type { BondEvent } from '../../policy/index.js';
import { NOTHING_DESCRIBED } from '../api/api.js';
import { undoOf } from './steps.js';

const LENIENT = { isLenient: true };

describe('apply()', () => {
  test('nothing is to be done: nothing is done, and nothing written', async () => {
    const site = new HandmadeSite('b0');
    const file = request([{ name: 'b0', options: {}, addresses: [] }]);
    expect(await site.applying.apply(file)).toMatchObject({ ok: true });
    expect(site.acts).toEqual(['hold', 'let go']);
  });

  test('what undoes all steps so far is in the book before each, but for those of a new bond, which its end undoes', async () => {
    const site = new HandmadeSite('b0', 'b1');
    const file = request([
      { name: 'b0', ...faster, mtu: 9000 },
      { name: 'b2', mtu: 9000 },
      { name: 'b1', ...faster, addresses: ['192.0.2.1/24', '192.0.2.2/24'] },
    ]);
    expect(await site.applying.apply(file)).toMatchObject({ ok: true });
    const steps = site.done.map(({ step }) => step);
    for (const [at, { step, book }] of site.done.entries()) {
      const isWritten = !['keep', 'describe'].includes(step.kind);
      if (isWritten) expect(book, step.kind).toEqual(undoOf(steps.slice(0, at + 1)));
    }
    expect(site.deeds()).toEqual([
      'keep b0',
      'describe b0',
      'options b0',
      'link b0',
      'create b2',
      'describe b2',
      'link b2',
      'up b2',
      'add-addresses b2',
      'keep b1',
      'describe b1',
      'options b1',
      'add-addresses b1',
    ]);
  });

  test('that it was carried out is in the book before whoever asked hears of it', async () => {
    const site = new HandmadeSite('b0');
    const result = await site.applying.apply(request([{ name: 'b0', ...faster }, { name: 'b1' }]));
    expect(result).toEqual(
      ok({
        done: true,
        bonds: [
          { name: 'b0', outcome: 'changed', warnings: [], removed: [], undone: [] },
          { name: 'b1', outcome: 'made', warnings: [], removed: [], undone: [] },
        ],
      }),
    );
    expect(site.acts.slice(-2)).toEqual(['save', 'let go']);
    expect(site.book).toEqual([]);
    expect(site.applying.undo).toEqual([]);
  });

  test('others have their turn after each step', async () => {
    const site = new HandmadeSite();
    await site.applying.apply(request([{ name: 'b0' }]));
    const steps = site.acts.filter(act => act.startsWith('do ') || act === 'rest');
    expect(steps.length).toBeGreaterThan(5);
    expect(steps.filter((act, at) => (at % 2 === 1) !== (act === 'rest'))).toEqual([]);
  });

  test('a step fails: all that was done is undone, last first, and what was changed is as it was', async () => {
    const site = new HandmadeSite('b0');
    site.fails('do up b2');
    const file = request([{ name: 'b0', ...faster, mtu: 9000 }, { name: 'b1' }, { name: 'b2' }]);
    expect(await site.applying.apply(file)).toEqual(
      err({
        code: 'in-use',
        errno: 'EBUSY',
        message: 'do up b2 was refused.',
        undone: [
          'b1, b2 removed again, because what follows failed.',
          'b0 is as it was, as the file was not carried out.',
        ],
      }),
    );
    const deeds = site.deeds();
    expect(deeds.slice(deeds.indexOf('up b2') + 1)).toEqual([
      'destroy b2',
      'destroy b1',
      'link b0',
      'options b0',
      'describe b0',
      'give-back b0',
    ]);
    expect(Array.from(site.bonds)).toEqual([['b0', PRESENT]]);
    expect(site.acts.slice(-2)).toEqual(['save', 'let go']);
    expect(site.book).toEqual([]);
  });

  test('the book has all that is to be undone until all of it is', async () => {
    const site = new HandmadeSite('b0');
    site.fails('do up b1');
    const books: number[] = [];
    for (const act of ['do destroy b1', 'do options b0', 'do give-back b0'])
      site.at(act, () => books.push(site.book.length));
    await site.applying.apply(request([{ name: 'b0', ...faster }, { name: 'b1' }]));
    // The first is before that step itself.
    expect(books).toEqual([3, 4, 4, 4]);
  });

  test('what cannot be written down is not done, and what was done before is undone', async () => {
    const site = new HandmadeSite('b0');
    site.at('do describe b0', () => (site.isBookFull = true));
    const result = await site.applying.apply(request([{ name: 'b0', ...faster }]));
    expect(result).toMatchObject({
      error: { errno: 'ENOSPC', message: 'The file was not applied to b0: the book is full.' },
    });
    expect(site.done.map(({ step }) => step)).not.toContainEqual(
      expect.objectContaining({ kind: 'options', to: faster.options }),
    );
    expect(Array.from(site.bonds)).toEqual([['b0', PRESENT]]);
  });

  test.each(['refused', 'throws'] as const)(
    'a step of the undoing that %s ends it not, and is told of its bond alone',
    async how => {
      const site = new HandmadeSite('b0', 'b1');
      site.at('do create b2', () => site.fails('do options b1', how));
      site.fails('do up b3');
      const file = request([
        { name: 'b0', ...faster },
        { name: 'b1', ...faster, mtu: 9000 },
        { name: 'b2', up: false },
        { name: 'b3' },
      ]);
      const result = await site.applying.apply(file);
      const why = how === 'refused' ? 'do options b1 was refused' : 'do options b1 threw';
      expect(result).toMatchObject({
        error: {
          undone: [
            'b2, b3 removed again, because what follows failed.',
            'b0 is as it was, as the file was not carried out.',
            `b1 is not all as it was: ${why}; miimon: 50, before 100.`,
          ],
        },
      });
      expect(site.bonds.get('b1')).toMatchObject({ mtu: 1500, described: NOTHING_DESCRIBED });
      expect(site.book).toEqual([]);
    },
  );

  test('a new bond that cannot be removed again is told, with what removes it', async () => {
    const site = new HandmadeSite();
    site.fails('do destroy b0');
    site.fails('do up b1');
    const result = await site.applying.apply(request([{ name: 'b0' }, { name: 'b1' }]));
    expect(result).toMatchObject({
      error: {
        undone: [
          "b0 could not be removed again; 'bondwire destroy b0' does it.",
          'b1 removed again, because what follows failed.',
        ],
      },
    });
  });

  test('a bond that went away meanwhile is told, and keeps no other from being undone', async () => {
    const site = new HandmadeSite('b0', 'b1');
    site.at('do up b2', () => void site.bonds.delete('b1'));
    site.fails('do add-addresses b2');
    const file = request([{ name: 'b0', ...faster }, { name: 'b1', ...faster }, { name: 'b2' }]);
    const { error } = (await site.applying.apply(file)) as { error: { undone: readonly string[] } };
    expect(error.undone.slice(0, 2)).toEqual([
      'b2 removed again, because what follows failed.',
      'b0 is as it was, as the file was not carried out.',
    ]);
    expect(error.undone[2]).toMatch(/^b1 is not all as it was: .*b1 went away meanwhile\.$/);
  });

  test('bonds that cannot be read in the end are undone all the same, and the next daemon does not do it again', async () => {
    const site = new HandmadeSite('b0', 'b1');
    site.at('do up b2', () => (site.isBlind = true));
    site.fails('do add-addresses b2');
    const file = request([{ name: 'b0', ...faster }, { name: 'b1', ...faster }, { name: 'b2' }]);
    const what = 'what it is like now could not be read (nothing can be read)';
    expect(await site.applying.apply(file)).toMatchObject({
      error: {
        undone: [
          'b2 removed again, because what follows failed.',
          `b0 is not all as it was: ${what}.`,
          `b1 is not all as it was: ${what}.`,
        ],
      },
    });
    expect(Array.from(site.bonds.values())).toEqual([PRESENT, PRESENT]);
    expect(site.book).toEqual([]);
  });

  test('a bond that cannot be read before is not touched', async () => {
    const site = new HandmadeSite('b0');
    site.isBlind = true;
    const result = await site.applying.apply(request([{ name: 'b0', ...faster }]));
    expect(result).toMatchObject({
      error: { message: 'The file was not applied to b0: nothing can be read', undone: [] },
    });
    expect(site.deeds()).toEqual([]);
  });

  test('a step that throws is a failure as any other', async () => {
    const site = new HandmadeSite('b0');
    site.fails('do link b0', 'throws');
    const result = await site.applying.apply(request([{ name: 'b0', ...faster, mtu: 9000 }]));
    expect(result).toMatchObject({
      error: {
        message: 'The file was not applied to b0: do link b0 threw',
        // To be done in part is a possibility: it is undone, which fails too.
        undone: [expect.stringMatching(/^b0 is not all as it was: do link b0 threw\.$/)],
      },
    });
    expect(site.bonds.get('b0')).toEqual(PRESENT);
    expect(site.acts.at(-1)).toBe('let go');
  });

  test('what a step makes the bond tell is a warning, but not what others tell between steps', async () => {
    const site = new HandmadeSite('b0');
    const event = (message: string): BondEvent => ({ severity: 'warning', type: 'option', message });
    site.at('do options b0', () => site.tell('b0', event('nobody looks at links')));
    site.rest = () => {
      site.tell('b9', event('a failover elsewhere'));
      return Promise.resolve();
    };
    const result = await site.applying.apply(request([{ name: 'b0', ...faster }]));
    expect(result).toMatchObject({ value: { bonds: [{ warnings: ['nobody looks at links'] }] } });
  });

  test('a bond that could not even be made was not removed again', async () => {
    const site = new HandmadeSite();
    site.fails('do create b0');
    expect(await site.applying.apply(request([{ name: 'b0' }]))).toMatchObject({ error: { undone: [] } });
  });

  test('of a bond that was as the file says nothing is told where the file is undone', async () => {
    const site = new HandmadeSite('b0');
    site.fails('do up b1');
    const file = request([{ name: 'b0', options: {}, addresses: [] }, { name: 'b1' }]);
    expect(await site.applying.apply(file)).toMatchObject({
      error: { undone: ['b1 removed again, because what follows failed.'] },
    });
  });

  test('what came back to a bond is told, and what did not', async () => {
    const site = new HandmadeSite('b0', 'b1');
    const described = { ...NOTHING_DESCRIBED, addresses: ['192.0.2.1/24'] };
    for (const name of ['b0', 'b1']) site.bonds.set(name, { ...PRESENT, described });
    site.at('do up b2', () => site.fails('do add-addresses b1'));
    site.fails('do add-addresses b2');
    const file = request([
      { name: 'b0', addresses: ['192.0.2.9/24'] },
      { name: 'b1', addresses: ['192.0.2.9/24'] },
      { name: 'b2' },
    ]);
    expect(await site.applying.apply(file)).toMatchObject({
      error: {
        undone: [
          'b2 removed again, because what follows failed.',
          'b0 has the address 192.0.2.1/24 again, as the file was not carried out.',
          'b0 is as it was, as the file was not carried out.',
          'b1 did not get back the address 192.0.2.1/24.',
          expect.stringMatching(/^b1 is not all as it was: do add-addresses b1 was refused; addresses: /),
        ],
      },
    });
  });

  test('what a step removed, and what it warns of, is told; so is what nobody asked for', async () => {
    const site = new HandmadeSite('b0');
    site.bonds.set('b0', { ...PRESENT, members: [{ name: 'e9', forget: false }] });
    site.tells('do options b0', { removed: ['the option miimon'], warnings: ['It is slow.'] });
    const routes = [{ to: 'default', via: '192.0.2.254' }];
    const file = request([{ name: 'b0', ...faster, up: false, routes }]);
    expect(await site.applying.apply(file)).toMatchObject({
      value: {
        bonds: [
          {
            removed: ['the option miimon'],
            warnings: [
              'It is slow.',
              'e9 is a member of b0, but not in the file; it was left where it is.',
              'The routes over b0 were not added, because it is not brought up.',
            ],
          },
        ],
      },
    });
    expect(site.listening).toBe(0);
  });

  test('a file that was carried out is forgotten: a bond of it that somebody removed is a new one', async () => {
    const site = new HandmadeSite('b0');
    await site.applying.apply(request([{ name: 'b0', ...faster }]));
    site.bonds.delete('b0');
    site.fails('do up b0');
    expect(await site.applying.apply(request([{ name: 'b0' }]))).toMatchObject({
      error: { undone: ['b0 removed again, because what follows failed.'] },
    });
  });

  test('a file after one that failed knows nothing of that', async () => {
    const site = new HandmadeSite('b0');
    site.fails('do up b1');
    await site.applying.apply(request([{ name: 'b0', mtu: 9000 }, { name: 'b1' }]));
    site.acts.length = 0;
    await site.applying.apply(request([{ name: 'b0', ...faster }, { name: 'b1' }]));
    const deeds = site.deeds();
    expect(deeds.slice(deeds.indexOf('up b1') + 1)).toEqual([
      'destroy b1',
      'options b0',
      'describe b0',
      'give-back b0',
    ]);
  });
});

describe('apply() at the start of a daemon', () => {
  test('each bond is for itself: one that fails is as it was or not made, those before and after it stay', async () => {
    const site = new HandmadeSite('b0', 'b1');
    site.fails('do link b1');
    site.fails('do up b2');
    const file = request(
      [{ name: 'b0', ...faster }, { name: 'b1', ...faster, mtu: 9000 }, { name: 'b2' }, { name: 'b3' }],
      LENIENT,
    );
    const books: number[] = [];
    for (const act of ['do keep b1', 'do create b2', 'do create b3'])
      site.at(act, () => books.push(site.book.length));
    const result = await site.applying.apply(file);
    expect(result).toMatchObject({
      value: {
        bonds: [
          { name: 'b0', outcome: 'changed', undone: [] },
          { name: 'b1', outcome: 'left', problem: 'do link b1 was refused.' },
          {
            name: 'b2',
            outcome: 'unmade',
            problem: 'do up b2 was refused.',
            undone: ['b2 removed again, because what follows failed.'],
          },
          { name: 'b3', outcome: 'made' },
        ],
      },
    });
    expect(Array.from(site.bonds.keys())).toEqual(['b0', 'b1', 'b3']);
    expect(site.bonds.get('b0')?.options.miimon).toBe(50);
    expect(site.bonds.get('b1')).toEqual(PRESENT);
    // What was carried out before is there to stay.
    expect(books).toEqual([0, 0, 0]);
  });

  test('a bond that is without a route of the file keeps the addresses and routes it had, and no other is touched', async () => {
    const site = new HandmadeSite('b0', 'b1');
    const old = [{ to: '198.51.100.0/24', via: '192.0.2.254' }];
    const described = { ...NOTHING_DESCRIBED, addresses: ['192.0.2.1/24'], routes: old };
    for (const name of ['b0', 'b1']) site.bonds.set(name, { ...PRESENT, routes: old, described });
    const routes = [{ to: 'default', via: '192.0.2.254' }];
    const addresses = ['192.0.2.9/24'];
    site.tells('do add-routes b1', { isMissing: true });
    site.tells('do add-routes b2', { isMissing: true });
    const bond = { ...faster, addresses, routes };
    const file = request(
      [
        { ...bond, name: 'b0' },
        { ...bond, name: 'b1' },
        { ...bond, name: 'b2' },
      ],
      LENIENT,
    );
    expect(await site.applying.apply(file)).toMatchObject({
      value: {
        bonds: [
          { name: 'b0', outcome: 'changed', undone: [] },
          {
            name: 'b1',
            outcome: 'changed',
            problem: 'b1 is without a route of the file.',
            undone: [
              'b1 has the address 192.0.2.1/24 again, as the file was not carried out.',
              'b1 has the route 198.51.100.0/24 via 192.0.2.254 again, as the file was not carried out.',
            ],
          },
          { name: 'b2', outcome: 'made', undone: [] },
        ],
      },
    });
    const deeds = site.deeds();
    expect(deeds.slice(deeds.indexOf('add-routes b1') + 1, deeds.indexOf('create b2'))).toEqual([
      'add-addresses b1',
      'add-routes b1',
      'give-back b1',
    ]);
    expect(site.bonds.get('b0')?.addresses).toEqual(addresses);
    expect(site.bonds.get('b1')).toMatchObject({ addresses: [...addresses, '192.0.2.1/24'] });
    expect(site.bonds.get('b1')?.options.miimon).toBe(50);
    expect(site.bonds.get('b2')?.addresses).toEqual(addresses);
  });

  test('none of all bonds could be made: that is refused; where others were there before it is not', async () => {
    const file = request([{ name: 'b1' }, { name: 'b2' }], LENIENT);
    const site = new HandmadeSite();
    const other = new HandmadeSite('b9');
    for (const each of [site, other]) {
      each.fails('do up b1');
      each.fails('do add-addresses b2');
    }
    expect(await site.applying.apply(file)).toMatchObject({
      error: {
        message: 'do add-addresses b2 was refused.',
        undone: [
          'b1 removed again, because what follows failed.',
          'b2 removed again, because what follows failed.',
          'do up b1 was refused. b1 was not made.',
        ],
      },
    });
    expect(await other.applying.apply(file)).toMatchObject({
      value: { bonds: [{ outcome: 'unmade' }, { outcome: 'unmade' }] },
    });
  });
});
