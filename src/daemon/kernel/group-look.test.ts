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

test('GroupLook tells of an interface when its groups change, of others not, and of each within ten looks', () => {
  let text = `${ETH0}${BOND0}`;
  const look = new GroupLook(() => text);
  const [bond, other] = [vi.fn(), vi.fn()];
  const stop = look.follow(7, bond);
  const stopOther = look.follow(8, other);
  vi.advanceTimersByTime(500);
  expect([bond, other].map(({ mock }) => mock.calls.length)).toEqual([1, 1]);
  vi.advanceTimersByTime(500);
  text += MORE;
  bond.mockClear();
  other.mockClear();
  vi.advanceTimersByTime(500);
  expect(bond).toHaveBeenCalledTimes(1);
  text = BOND0;
  vi.advanceTimersByTime(500);
  expect(bond).toHaveBeenCalledTimes(2);
  bond.mockClear();
  other.mockClear();
  vi.advanceTimersByTime(5000);
  expect([bond, other].map(({ mock }) => mock.calls.length)).toEqual([1, 1]);
  const any = vi.fn();
  const stopAny = look.onChange(any);
  vi.advanceTimersByTime(5000);
  expect(any).toHaveBeenCalledTimes(1);
  text = MORE;
  vi.advanceTimersByTime(500);
  expect(any).toHaveBeenCalledTimes(2);
  stopAny();
  text = '';
  vi.advanceTimersByTime(500);
  expect(any).toHaveBeenCalledTimes(2);
  stop();
  stopOther();
  expect(vi.getTimerCount()).toBe(0);
});
