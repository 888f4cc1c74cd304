import { expect, test } from 'vitest';
import { Thrift } from './thrift.js';

test('memory is given back from when the daemon has started, except in bursts, each of which ends once', () => {
  const flags: string[] = [];
  const thrift = new Thrift(flag => void flags.push(flag));
  thrift.burst()();
  expect(flags).toEqual([]);
  thrift.begin();
  expect(flags.splice(0)).toEqual(['--optimize-for-size']);
  const [one, other] = [thrift.burst(), thrift.burst()];
  one();
  one();
  expect(flags).toEqual(['--no-optimize-for-size']);
  other();
  expect(flags).toEqual(['--no-optimize-for-size', '--optimize-for-size']);
});
