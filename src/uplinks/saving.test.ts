// An uplink on paper: what comes back, on another clock, and what becomes of a paper that cannot be read.
import { describe, expect, it } from 'vitest';
import { eachJudged } from './state.js';
import { restoreState, saveState } from './saving.js';
import { lineOf, settingsOf, World } from './testing.js';
import { Uplink } from './uplink.js';

function lived(): World {
  const world = new World();
  world.begin(settingsOf([lineOf('fibre', { dns: ['192.0.2.53'] }), lineOf('dsl', { metered: true })]), [
    'ipv4',
    'ipv6',
  ]);
  world.feed({ kind: 'calendar', wallMs: 1_800_000_000_000, offsetMs: 0 });
  world.pass(5000);
  world.feed({ kind: 'operator', wish: { kind: 'use', line: 2, forMs: 60_000 } });
  world.line('fibre').rttMs = null;
  world.pass(700);
  return world;
}

/** Every number of a moment that the state holds, by its place. */
function moments(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const here = `${path}.${key}`;
    const isMoment =
      /(?:^at|At|[a-z]at|since|until|first|fault|asked|answered|recovered|lastSign|checked|traffic|goodSince|badSince|noneSince|steered|failingSince|patienceAt)Ms$/i.test(
        key,
      );
    return typeof inner === 'number' && isMoment ? [`${here} ${inner}`] : moments(inner, here);
  });
}

describe('saving', () => {
  it('is relative: the same paper on a clock that stands elsewhere', () => {
    const world = lived();
    const saved = world.uplink.save(world.now);
    const later = Uplink.restore(saved, 9_000_000);
    expect(later.save(9_000_000)).toEqual(saved);
    expect((later.deadline() ?? 0) - 9_000_000).toBe((world.uplink.deadline() ?? 0) - world.now);
    expect(later.snapshot(9_000_000)).toEqual(world.uplink.snapshot(world.now));
  });

  it('holds every moment relative to that of saving', () => {
    const world = lived();
    const { state } = world.uplink.save(world.now);
    const places = moments(state).filter(text => !/\.settings\.|\.calendar\.wallMs|gb/.test(text));
    expect(places.length).toBeGreaterThan(100);
    const absolute = places.filter(
      text =>
        Math.abs(Number(text.split(' ')[1])) > 4000 && !/use\.untilMs|sinceMs|patienceAtMs|\.atMs/.test(text),
    );
    expect(absolute).toEqual([]);
  });

  it.each([
    [null],
    [undefined],
    [7],
    ['text'],
    [[]],
    [{}],
    [{ state: 3 }],
    [{ state: { lines: 'none', timers: [] } }],
  ])('of %j gives a new uplink', paper => {
    const uplink = Uplink.restore(paper, 100);
    expect(uplink.settings()).toBeNull();
    expect(uplink.handle({ kind: 'settings', settings: settingsOf([lineOf('a')]) }, 100)).toMatchObject({
      ok: true,
    });
  });

  it('does without fields that are missing or of another kind, and leaves unknown ones out', () => {
    const world = lived();
    const paper = JSON.parse(JSON.stringify(world.uplink.save(world.now))) as {
      state: { lines: { families: { ipv4: Record<string, unknown> } }[]; nextFlush?: number; more?: number };
    };
    const ipv4 = paper.state.lines[0]?.families.ipv4 ?? {};
    delete ipv4['patienceMs'];
    ipv4['quality'] = 'good';
    ipv4['relapses'] = 'many';
    ipv4['more'] = 1;
    delete paper.state.nextFlush;
    paper.state.more = 1;
    const state = restoreState(paper, 500);
    const judged = state.lines[0]?.families.ipv4;
    expect(judged).toMatchObject({ patienceMs: 0, relapses: 0, quality: { minutes: [] }, state: 'dead' });
    expect(judged).not.toHaveProperty('more');
    expect(state).not.toHaveProperty('more');
    expect(state.nextFlush).toBe(1);
    expect(eachJudged(state)).toHaveLength(4);
    expect(saveState(state, 500).version).toBe(1);
  });
});
