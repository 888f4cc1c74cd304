// Who is held to have lost what, by counters.
import { describe, expect, test } from 'vitest';
import { type Drops, sharesText, shareOut } from './loss-shares.js';

const QUIET: Drops = { swallowed: 0, lower: 0, ports: 0, processors: 0 };
const NOBODY = { refused: 0, meter: 0, beyond: 0, cable: 0, machine: 0, bond: 0 };

/** A stream that lost the numbers 10 to 19. */
const TEN = { lost: 10, refused: 0, overflowed: 0, lostRuns: [{ first: 10, count: 10 }] };
const unseen = (): boolean => false;

describe('shareOut()', () => {
  test('gives nobody anything where nothing was lost, whatever the counters say', () => {
    const drops = { swallowed: 3, lower: 4, ports: 5, processors: 6 };
    expect(shareOut({ ...TEN, lost: 0, lostRuns: [] }, unseen, drops)).toEqual(NOBODY);
  });

  test.each([
    ['nothing was counted', QUIET, { bond: 10 }],
    ['a cable swallowed some', { ...QUIET, swallowed: 4, ports: 4 }, { cable: 4, bond: 6 }],
    ['a cable swallowed more of other streams', { ...QUIET, swallowed: 400, ports: 400 }, { cable: 10 }],
    ['the queue to the lower end was full', { ...QUIET, lower: 9, processors: 9 }, { machine: 9, bond: 1 }],
    ['the queue to a port was full', { ...QUIET, ports: 7, processors: 7 }, { machine: 7, bond: 3 }],
    ['the lower end was down', { ...QUIET, lower: 10 }, { bond: 10 }],
    ['frames went into a port that was closed', { ...QUIET, ports: 10 }, { bond: 10 }],
    ['queues were full elsewhere', { ...QUIET, processors: 100 }, { bond: 10 }],
    [
      'a cable swallowed some, and more went in after',
      { ...QUIET, swallowed: 2, ports: 10 },
      { cable: 2, bond: 8 },
    ],
  ])('%s', (_, drops, shares) => {
    expect(shareOut(TEN, unseen, drops)).toEqual({ ...NOBODY, ...shares });
  });

  test('what came in at the switch was not lost by the bond; the meter says how much of it was its own', () => {
    const cameIn = (number: number): boolean => number % 2 === 0;
    expect(shareOut(TEN, cameIn, QUIET)).toEqual({ ...NOBODY, beyond: 5, bond: 5 });
    expect(shareOut({ ...TEN, overflowed: 2 }, cameIn, QUIET)).toEqual({
      ...NOBODY,
      meter: 2,
      beyond: 3,
      bond: 5,
    });
  });

  test('what the kernel refused is told apart', () => {
    expect(shareOut({ ...TEN, refused: 10 }, unseen, QUIET)).toEqual({ ...NOBODY, refused: 10 });
  });
});

test('sharesText() lists who lost something', () => {
  expect(sharesText(NOBODY)).toBe('nothing was lost');
  expect(sharesText({ ...NOBODY, cable: 2, bond: 1 })).toBe(
    'lost: 1 by the bond, 2 in a cable while it was cut',
  );
});
