// The table of a line's states, held against a list that is written out by hand; whatever is not in the list does nothing.
import { describe, expect, it } from 'vitest';
import type { LineStateName } from './contract.js';
import { LINE_EVENTS, LINE_TABLE, type LineEvent, nextState } from './line-states.js';

const STATES = Object.keys(LINE_TABLE) as LineStateName[];

/** state, event, next where the line was never given up, next where it was. */
const CHANGES: readonly (readonly [LineStateName, LineEvent, LineStateName, LineStateName])[] = [
  ['absent', 'found', 'unproven', 'unproven'],
  ['unproven', 'gone', 'absent', 'absent'],
  ['unproven', 'carrier-lost', 'down', 'down'],
  ['unproven', 'proven', 'up', 'returning'],
  ['unproven', 'app-bad', 'bad', 'bad'],
  ['unproven', 'budget-out', 'spent', 'spent'],
  ['unproven', 'drain', 'drained', 'drained'],
  ['up', 'gone', 'absent', 'absent'],
  ['up', 'carrier-lost', 'down', 'down'],
  ['up', 'silent', 'dead', 'dead'],
  ['up', 'quality-bad', 'bad', 'bad'],
  ['up', 'app-bad', 'bad', 'bad'],
  ['up', 'budget-out', 'spent', 'spent'],
  ['up', 'drain', 'drained', 'drained'],
  ['down', 'gone', 'absent', 'absent'],
  ['down', 'carrier-back', 'unproven', 'unproven'],
  ['down', 'drain', 'drained', 'drained'],
  ['dead', 'gone', 'absent', 'absent'],
  ['dead', 'carrier-lost', 'down', 'down'],
  ['dead', 'proven', 'returning', 'returning'],
  ['dead', 'drain', 'drained', 'drained'],
  ['bad', 'gone', 'absent', 'absent'],
  ['bad', 'carrier-lost', 'down', 'down'],
  ['bad', 'silent', 'dead', 'dead'],
  ['bad', 'quality-good', 'returning', 'returning'],
  ['bad', 'app-good', 'returning', 'returning'],
  ['bad', 'budget-out', 'spent', 'spent'],
  ['bad', 'drain', 'drained', 'drained'],
  ['returning', 'gone', 'absent', 'absent'],
  ['returning', 'carrier-lost', 'down', 'down'],
  ['returning', 'silent', 'dead', 'dead'],
  ['returning', 'quality-bad', 'bad', 'bad'],
  ['returning', 'app-bad', 'bad', 'bad'],
  ['returning', 'budget-out', 'spent', 'spent'],
  ['returning', 'drain', 'drained', 'drained'],
  ['returning', 'return-due', 'up', 'up'],
  ['spent', 'gone', 'absent', 'absent'],
  ['spent', 'carrier-lost', 'down', 'down'],
  ['spent', 'silent', 'dead', 'dead'],
  ['spent', 'budget-new', 'returning', 'returning'],
  ['spent', 'drain', 'drained', 'drained'],
  ['drained', 'gone', 'absent', 'absent'],
  ['drained', 'release', 'unproven', 'unproven'],
];

const cases = STATES.flatMap(state => LINE_EVENTS.map(event => [state, event] as const));

describe('LINE_TABLE', () => {
  it('has a row for every state and a step for every event', () => {
    expect(STATES).toHaveLength(9);
    for (const row of Object.values(LINE_TABLE)) expect(Object.keys(row)).toHaveLength(LINE_EVENTS.length);
  });

  it.each(cases)('%s, %s', (state, event) => {
    const listed = CHANGES.find(([from, what]) => from === state && what === event);
    expect(nextState(state, event, false)).toBe(listed?.[2] ?? state);
    expect(nextState(state, event, true)).toBe(listed?.[3] ?? state);
  });
});
