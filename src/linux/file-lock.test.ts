import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockFile } from './index.js';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'bw-lock-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

test('one holder at a time; another may have it afterwards', () => {
  const release = lockFile(`${directory}/lock`);
  expect(release).toBeTypeOf('function');
  expect(lockFile(`${directory}/lock`)).toBeUndefined();
  release?.();
  const again = lockFile(`${directory}/lock`);
  expect(again).toBeTypeOf('function');
  again?.();
});

test('nobody else may open it, whatever the umask: who can open it can lock it', () => {
  const before = process.umask(0);
  try {
    lockFile(`${directory}/lock`)?.();
  } finally {
    process.umask(before);
  }
  expect(statSync(`${directory}/lock`).mode & 0o777).toBe(0o600);
});

test('no directory, a directory in its place, a link: it throws and names the path', () => {
  mkdirSync(`${directory}/folder`);
  symlinkSync('/dev/null', `${directory}/link`);
  for (const [path, code] of [
    [`${directory}/nothing/lock`, 'ENOENT'],
    [`${directory}/folder`, 'EISDIR'],
    [`${directory}/link`, 'ELOOP'],
  ] as const) {
    expect(() => lockFile(path)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(path) }),
    );
  }
});
