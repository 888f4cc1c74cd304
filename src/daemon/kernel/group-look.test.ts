// Those whose groups changed are told so at the next look, and each now and then in any case.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { GroupLook, groupsByInterface } from './group-look.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const ETH0 = '2    eth0            1     0     01005e000001\n';
const BOND0 = '7    bond0           1     0     333300000001\n';
const MORE = '7    bond0           1     0     01005e000016\n';

test('groupsByInterface() gives the lines of each interface', () => {
  expect([...groupsByInterface(`${ETH0}${BOND0}${MORE}`)]).toEqual([
    [2, ETH0],
    [7, `${BOND0}${MORE}`],
  ]);
  expect([...groupsByInterface('')]).toEqual([]);
});

test('GroupLook tells of an interface when its groups change, and of others not', () => {
  let text = `${ETH0}${BOND0}`;
  const look = new GroupLook(
    () => text,
    () => 0,
  );
  const [bond, other] = [vi.fn(), vi.fn()];
  const next = (): number[] => {
    vi.advanceTimersByTime(500);
    return [bond, other].map(({ mock }) => mock.calls.splice(0).length);
  };
  const stop = look.follow(7, bond);
  const stopOther = look.follow(8, other);
  // Who is new is told how things are.
  expect(next()).toEqual([1, 1]);
  expect(next()).toEqual([0, 0]);
  text += MORE;
  expect(next()).toEqual([1, 0]);
  text = BOND0;
  expect(next()).toEqual([1, 0]);
  const late = vi.fn();
  const stopLate = look.follow(7, late);
  expect(next()).toEqual([0, 0]);
  expect(late).toHaveBeenCalledTimes(1);
  for (const end of [stop, stopOther, stopLate]) end();
  expect(vi.getTimerCount()).toBe(0);
});

test('GroupLook tells of any change, and now and then in any case', () => {
  let text = BOND0;
  const look = new GroupLook(
    () => text,
    () => 0,
  );
  const any = vi.fn();
  const stopAny = look.onChange(any);
  const stop = look.follow(7, () => {});
  vi.advanceTimersByTime(500);
  expect(any).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(29_000);
  expect(any).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(1500);
  expect(any).toHaveBeenCalledTimes(2);
  text = MORE;
  vi.advanceTimersByTime(500);
  expect(any).toHaveBeenCalledTimes(3);
  stopAny();
  text = '';
  vi.advanceTimersByTime(500);
  expect(any).toHaveBeenCalledTimes(3);
  stop();
});
