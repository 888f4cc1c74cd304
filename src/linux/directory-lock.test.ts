import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isErrno, lockDirectory } from './index.js';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'bw-lock-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

test('one holder at a time; another may have it afterwards', () => {
  const release = lockDirectory(directory);
  expect(release).toBeTypeOf('function');
  expect(lockDirectory(directory)).toBeUndefined();
  release?.();
  const again = lockDirectory(directory);
  expect(again).toBeTypeOf('function');
  again?.();
});

test('a directory that is not there throws', () => {
  try {
    lockDirectory(`${directory}/nothing`);
    expect.unreachable();
  } catch (error) {
    expect(isErrno(error, 'ENOENT')).toBe(true);
  }
});
