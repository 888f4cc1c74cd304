// Taking things down: a step that fails keeps no other from being done, and is tried once more. Making things: all or nothing.
import { expect, test } from 'vitest';
import { allOrNothing, doAll, firstThatWorks } from './quietly.js';

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

test('what was made before a step failed is undone, the last first, whatever becomes of each', () => {
  const done: string[] = [];
  const making = (fails: boolean) => () =>
    allOrNothing(undo => {
      undo.push(() => done.push('first'));
      undo.push(() => {
        throw new Error('cannot be undone');
      });
      undo.push(() => done.push('last'));
      if (fails) throw new Error('the third step');
      return 'made';
    });
  expect(making(false)()).toBe('made');
  expect(done).toEqual([]);
  expect(making(true)).toThrow('the third step');
  expect(done).toEqual(['last', 'first']);
});

test('the first way that works is the one; where none does, the last one says why', () => {
  const failing = (name: string) => (): string => {
    throw new Error(name);
  };
  const tried: string[] = [];
  const noting = (name: string) => (): string => {
    tried.push(name);
    return name;
  };
  expect(firstThatWorks([failing('a'), noting('b'), noting('c')])).toBe('b');
  expect(tried).toEqual(['b']);
  expect(() => firstThatWorks([failing('a'), failing('b')])).toThrow('b');
});
