// Taking things down: a step that fails keeps no other from being done, and is tried once more.
import { expect, test } from 'vitest';
import { doAll } from './quietly.js';

test('each step is done, one that failed for a moment too; what fails twice is thrown when all was tried', () => {
  const done: string[] = [];
  const failing = (name: string, times: number) => () => {
    if (times-- > 0) throw new Error(name);
    done.push(name);
  };
  doAll([failing('a', 1), failing('b', 0), failing('c', 1)]);
  expect(done).toEqual(['b', 'a', 'c']);
  done.length = 0;
  expect(() => doAll([failing('a', 2), failing('b', 0), failing('c', 2)])).toThrow('a');
  expect(done).toEqual(['b']);
});
