// States of a line in one address family as a total table: state × event → what follows. Nothing else changes a state. (uplinks)
import type { LineStateName } from './contract.js';

/** What can happen to a line in one family. */
export const LINE_EVENTS = [
  /** Device, address and gateway are there. */
  'found',
  /** One of them is not. */
  'gone',
  'carrier-lost',
  'carrier-back',
  /** Questions stay without an answer for longer than its patience. */
  'silent',
  /** Three signs of life in a row. */
  'proven',
  /** Loss or latency is over the upper threshold. */
  'quality-bad',
  /** Both were under the lower threshold for long enough. */
  'quality-good',
  /** DNS, HTTP or TCP failed twice. */
  'app-bad',
  /** All of them that had failed work again. */
  'app-good',
  'budget-out',
  'budget-new',
  'drain',
  'release',
  /** It was good for as long as has to be before anything goes back to it. */
  'return-due',
] as const;

export type LineEvent = (typeof LINE_EVENTS)[number];

/** A state to go to, or one of: `stay`; `prove`: `up` when the line was never given up, else `returning`. */
export type Step = LineStateName | 'stay' | 'prove';

type Row = Readonly<Record<LineEvent, Step>>;

const STAY: Row = {
  found: 'stay',
  gone: 'stay',
  'carrier-lost': 'stay',
  'carrier-back': 'stay',
  silent: 'stay',
  proven: 'stay',
  'quality-bad': 'stay',
  'quality-good': 'stay',
  'app-bad': 'stay',
  'app-good': 'stay',
  'budget-out': 'stay',
  'budget-new': 'stay',
  drain: 'stay',
  release: 'stay',
  'return-due': 'stay',
};

/** Where packets could be sent: each of these can lose its device or its carrier, and be drained. */
const PRESENT: Row = { ...STAY, gone: 'absent', 'carrier-lost': 'down', drain: 'drained' };

/** Every state × event. What is not written out in a row does nothing in it. */
export const LINE_TABLE: Readonly<Record<LineStateName, Row>> = {
  absent: { ...STAY, found: 'unproven' },
  unproven: { ...PRESENT, proven: 'prove', 'app-bad': 'bad', 'budget-out': 'spent' },
  up: { ...PRESENT, silent: 'dead', 'quality-bad': 'bad', 'app-bad': 'bad', 'budget-out': 'spent' },
  down: { ...PRESENT, 'carrier-lost': 'stay', 'carrier-back': 'unproven' },
  dead: { ...PRESENT, proven: 'returning' },
  bad: {
    ...PRESENT,
    silent: 'dead',
    'quality-good': 'returning',
    'app-good': 'returning',
    'budget-out': 'spent',
  },
  returning: {
    ...PRESENT,
    silent: 'dead',
    'quality-bad': 'bad',
    'app-bad': 'bad',
    'budget-out': 'spent',
    'return-due': 'up',
  },
  // A spent line may be the last that is left, so it has to be known whether it lives.
  spent: { ...PRESENT, silent: 'dead', 'budget-new': 'returning' },
  // Its carrier does not count: nothing goes by it.
  drained: { ...STAY, gone: 'absent', release: 'unproven' },
};

/** States of a line on which a fault was found; the others are no fault of the line. */
export const FAULTY: ReadonlySet<LineStateName> = new Set(['down', 'dead', 'bad']);

/** Where a line goes. `fell`: it was given up since it was first found. */
export function nextState(state: LineStateName, event: LineEvent, fell: boolean): LineStateName {
  const step = LINE_TABLE[state][event];
  if (step === 'stay') return state;
  if (step === 'prove') return fell ? 'returning' : 'up';
  return step;
}
