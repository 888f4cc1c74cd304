import { expect, test } from 'vitest';
import { wantsColour } from './terminal.js';

test('wantsColour() on a terminal unless NO_COLOR is set to something or the terminal is dumb', () => {
  expect(wantsColour(true, {})).toBe(true);
  expect(wantsColour(true, { NO_COLOR: '' })).toBe(true);
  expect(wantsColour(true, { NO_COLOR: '1' })).toBe(false);
  expect(wantsColour(true, { TERM: 'dumb' })).toBe(false);
  expect(wantsColour(false, {})).toBe(false);
});
