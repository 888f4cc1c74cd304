// The table of a member's life: every state has every row, each way ends, and flags of the book are read one way.
import { describe, expect, it } from 'vitest';
import { HAPPENINGS, lifeOf, LIVES, MEMBERSHIP } from './membership.js';

describe('MEMBERSHIP', () => {
  it('is total, and leads to states that there are', () => {
    for (const life of LIVES)
      for (const happening of HAPPENINGS) expect(LIVES).toContain(MEMBERSHIP[life][happening].next);
  });

  it('leaves nothing half-way once a keeper has started', () => {
    for (const life of LIVES) expect(['absent', 'member', 'awaited']).toContain(MEMBERSHIP[life].start.next);
  });

  it.each([
    ['joining', 'undo'],
    ['leaving', 'finish'],
    ['stray', 'forget'],
    ['returning', 'undo'],
    ['member', 'nothing'],
  ] as const)('one that is %s when a keeper starts: %s', (life, does) => {
    expect(MEMBERSHIP[life].start.does).toBe(does);
  });

  it('awaits members that vanish, and none that were on their way', () => {
    const awaited = LIVES.filter(life => MEMBERSHIP[life].vanished.does === 'wait');
    expect(awaited).toEqual(['member', 'stray']);
  });
});

describe('lifeOf()', () => {
  const leaving = { restoreAddress: true };
  const belongings = { ifindex: 2, name: 'eth0', addresses: [], routes: [] };

  it.each([
    [undefined, {}, 'absent'],
    [undefined, { belongings }, 'absent'],
    [undefined, { belongings: { ...belongings, returning: true } }, 'returning'],
    [{ joining: true }, {}, 'joining'],
    // One that is undone while it leaves.
    [{ joining: true, leaving }, {}, 'joining'],
    [{ joining: false, leaving }, {}, 'leaving'],
    [{ joining: false }, {}, 'stray'],
    [{ joining: false }, { inPlane: true }, 'member'],
  ] as const)('of %o with %o: %s', (record, seen, life) => {
    expect(lifeOf(record, { inPlane: false, ...seen })).toBe(life);
  });
});
