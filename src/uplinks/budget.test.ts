// Budgets and the calendar: what is counted, the warning, a line that is used up, and when it begins anew.
import { describe, expect, it } from 'vitest';
import { civilOf, dayNumberOf, periodStart } from './calendar.js';
import { type LineState } from './state.js';
import { lineOf, settingsOf, World } from './testing.js';

const DAY = 86_400_000;
/** 2026-01-30, 12:00 UTC. */
const JANUARY_30 = dayNumberOf({ year: 2026, month: 1, day: 30 }) * DAY + DAY / 2;

function started(resetDay: number | null): World {
  const world = new World();
  const budget: LineState['settings']['budget'] = { bytes: 1000, resetDay };
  world.begin(settingsOf([lineOf('fibre'), lineOf('lte', { metered: true, budget })]));
  world.feed({ kind: 'calendar', wallMs: JANUARY_30, offsetMs: 0 });
  world.feed({ kind: 'bytes', line: 2, received: 5000, sent: 5000 });
  world.pass(3000);
  world.told.length = 0;
  return world;
}

const lte = (world: World) => world.uplink.snapshot(world.now)?.lines[1];
const use = (world: World, received: number, sent = 5000): void => {
  world.feed({ kind: 'bytes', line: 2, received, sent });
};

describe('dates', () => {
  it.each([
    [0, 1970, 1, 1],
    [59, 1970, 3, 1],
    [11_016, 2000, 2, 29],
    [11_017, 2000, 3, 1],
    [20_788, 2026, 12, 1],
    [-1, 1969, 12, 31],
  ])('day %i is %i-%i-%i', (number, year, month, day) => {
    expect(civilOf(number)).toEqual({ year, month, day });
    expect(dayNumberOf({ year, month, day })).toBe(number);
  });

  it('go round for four hundred years', () => {
    for (let number = 0; number < 146_097; number += 13) expect(dayNumberOf(civilOf(number))).toBe(number);
  });

  it.each([
    ['2026-01-30', 31, '2025-12-31'],
    ['2026-01-31', 31, '2026-01-31'],
    ['2026-02-27', 31, '2026-01-31'],
    ['2026-02-28', 31, '2026-02-28'],
    ['2026-03-15', 1, '2026-03-01'],
    ['2026-01-10', 15, '2025-12-15'],
    ['2028-02-29', 30, '2028-02-29'],
  ])('a period that %s lies in, with reset on day %i, began on %s', (date, resetDay, start) => {
    const number = (text: string): number => {
      const [year = 0, month = 0, day = 0] = text.split('-').map(Number);
      return dayNumberOf({ year, month, day });
    };
    expect(periodStart(number(date), resetDay)).toBe(number(start));
  });
});

describe('a budget', () => {
  it('counts what goes both ways since the first look, also over a new device', () => {
    const world = started(1);
    expect(lte(world)?.budget).toEqual({ bytes: 1000, usedBytes: 0, percent: 0 });
    use(world, 5100, 5050);
    expect(lte(world)?.budget?.usedBytes).toBe(150);
    use(world, 40, 10);
    expect(lte(world)?.budget?.usedBytes).toBe(200);
    expect(lte(world)?.todayBytes).toBe(200);
  });

  it('is warned of at 80 %, once', () => {
    const world = started(1);
    use(world, 5799);
    expect(world.events('budget')).toEqual([]);
    use(world, 5800);
    use(world, 5900);
    expect(world.events('budget')).toMatchObject([{ line: 'lte', level: 'warning' }]);
    expect(world.events('budget')[0]?.message).toMatch(/80 % of its budget of 1\.0 kB is used/);
    expect(lte(world)?.families.ipv4.state).toBe('up');
  });

  it('that is used up makes the line the last resort', () => {
    const world = started(1);
    use(world, 6000);
    expect(lte(world)?.families.ipv4.state).toBe('spent');
    world.carrier(1, false);
    world.pass(500);
    expect(world.selected()).toBe('lte');
    world.carrier(1, true);
    world.pass(1000);
    expect(world.selected()).toBe('fibre');
  });

  it('moves traffic off the line when it ends', () => {
    const world = started(1);
    world.carrier(1, false);
    world.pass(2000);
    world.carrier(1, true);
    world.pass(2000);
    expect(world.selected()).toBe('lte');
    use(world, 6000);
    expect(world.selected()).toBe('fibre');
  });

  it('begins anew on its day, and the line returns', () => {
    const world = started(1);
    use(world, 6000);
    const february = JANUARY_30 + 1.5 * DAY;
    world.feed({ kind: 'calendar', wallMs: february - 10_000 - 3_600_000, offsetMs: 3_600_000 });
    world.pass(9000);
    expect(lte(world)?.families.ipv4.state).toBe('spent');
    expect(lte(world)?.todayBytes).toBe(0);
    world.pass(1000);
    expect(lte(world)?.budget?.usedBytes).toBe(0);
    expect(lte(world)?.families.ipv4.state).toBe('returning');
    world.pass(31_000);
    expect(lte(world)?.families.ipv4.state).toBe('up');
  });

  it('without a day begins anew when it is filled up', () => {
    const world = started(null);
    use(world, 6000);
    expect(world.feed({ kind: 'operator', wish: { kind: 'refill', line: 1 } })).toMatchObject({ ok: false });
    expect(world.feed({ kind: 'operator', wish: { kind: 'refill', line: 2 } })).toMatchObject({ ok: true });
    expect(lte(world)?.families.ipv4.state).toBe('returning');
  });

  it('is no fault of the line: it comes back where it was', () => {
    const world = started(null);
    use(world, 6000);
    world.feed({ kind: 'operator', wish: { kind: 'refill', line: 2 } });
    expect(lte(world)?.families.ipv4.relapses).toBe(0);
  });
});
