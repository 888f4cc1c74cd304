import { expect, test } from 'vitest';
import { afterRound, firstScore, MWAN3_DEFAULTS, MWAN3_TUNED } from './score.js';

/** Changes by the number of the round, counted from 1. */
function changes(rounds: readonly boolean[], settings = MWAN3_DEFAULTS): string[] {
  let score = firstScore(settings);
  return rounds.flatMap((isHealthy, i) => {
    const after = afterRound(score, isHealthy, settings);
    score = after.score;
    return after.change === null ? [] : [`${after.change} ${i + 1}`];
  });
}

const bad = (count: number): boolean[] => Array.from({ length: count }, () => false);
const good = (count: number): boolean[] => Array.from({ length: count }, () => true);

test('a line goes off with the fifth bad round in a row, and on with the fifth good one', () => {
  expect(changes([...good(3), ...bad(4)])).toEqual([]);
  expect(changes([...good(3), ...bad(9)])).toEqual(['off 8']);
  expect(changes([...bad(7), ...good(4)])).toEqual(['off 5']);
  expect(changes([...bad(7), ...good(9)])).toEqual(['off 5', 'on 12']);
});

test('a good round forgives all bad ones before the line is off, a bad one all good ones while it is', () => {
  expect(changes([...bad(4), true, ...bad(4)])).toEqual([]);
  expect(changes([...bad(5), ...good(4), false, ...good(4)])).toEqual(['off 5']);
});

test('tuned, three do', () => {
  expect(changes([...bad(3), ...good(3)], MWAN3_TUNED)).toEqual(['off 3', 'on 6']);
});
