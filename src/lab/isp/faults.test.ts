import { expect, test } from 'vitest';
import { FAULT_FORMS, faultFromText, faultText, wireState } from './faults.js';

test.each([
  'cut',
  'gateway-dead',
  'dead-beyond',
  'silent',
  'silent up',
  'silent down',
  'loss 30',
  'loss 2.5 down',
  'delay 500',
  'delay 40 up',
  'portal',
  'dns-dead',
])('faultText() gives back what faultFromText() read: %s', text => {
  expect(faultText(faultFromText(text))).toBe(text);
});

test('faultFromText() takes hyphens for spaces', () => {
  expect(faultFromText('silent-up')).toEqual({ kind: 'silent', directions: ['up'] });
  expect(faultFromText('loss-30-down')).toEqual({ kind: 'loss', percent: 30, directions: ['down'] });
});

test.each(['', 'slow', 'silent left', 'loss', 'loss 0', 'loss 101', 'loss x', 'delay 1 up now', 'cut up'])(
  'faultFromText() refuses "%s" and says what there is',
  text => {
    expect(() => faultFromText(text)).toThrow(RangeError);
    expect(() => faultFromText(text)).toThrow(FAULT_FORMS.join(', '));
  },
);

test('wireState() adds delays, multiplies what passes, and keeps directions apart', () => {
  const faults = ['delay 100', 'delay 50 up', 'loss 50', 'loss 50 down', 'silent down', 'portal'].map(
    faultFromText,
  );
  expect(wireState(faults, 'up', 5)).toEqual({ delayMs: 155, loss: 0.5, silent: false });
  expect(wireState(faults, 'down', 5)).toEqual({ delayMs: 105, loss: 0.75, silent: true });
  expect(wireState([], 'up', 5)).toEqual({ delayMs: 5, loss: 0, silent: false });
});
