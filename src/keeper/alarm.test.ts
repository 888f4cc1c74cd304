// One deadline at a time.
import { describe, expect, it } from 'vitest';
import { HandmadeClock } from '../../test/support/handmade-host.js';
import { Alarm } from './alarm.js';

function prepared() {
  const clock = new HandmadeClock();
  const rung: number[] = [];
  const alarm = new Alarm(clock, () => void rung.push(clock.now()));
  return { clock, rung, alarm };
}

describe('Alarm', () => {
  it('rings once', () => {
    const { clock, rung, alarm } = prepared();
    alarm.set(50);
    clock.pass(500);
    expect(rung).toEqual([50]);
  });

  it.each([
    ['a later', 80],
    ['an earlier', 20],
  ])('rings at %s time instead, and not at the one before', (_, at) => {
    const { clock, rung, alarm } = prepared();
    alarm.set(50);
    alarm.set(at);
    expect(clock.waiting).toEqual([at]);
    clock.pass(500);
    expect(rung).toEqual([at]);
  });

  it('does not ring when it was taken back', () => {
    const { clock, rung, alarm } = prepared();
    alarm.set(50);
    alarm.set(null);
    expect(clock.waiting).toEqual([]);
    clock.pass(500);
    expect(rung).toEqual([]);
  });

  it('keeps the timer that it has where the time is the same, and takes a new one once that has rung', () => {
    const { clock, rung, alarm } = prepared();
    alarm.set(50);
    alarm.set(50);
    expect(clock.waiting).toEqual([50]);
    clock.pass(60);
    alarm.set(100);
    clock.pass(60);
    expect(rung).toEqual([50, 100]);
  });
});
