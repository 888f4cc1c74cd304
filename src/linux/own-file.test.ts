// Files that are kept twice: of text or of pieces, and not written again where they say the same.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { copyOf, keepTwice, keepTwiceIfOther } from './own-file.js';

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'bw-own-file-'));
  path = join(directory, 'note.json');
});

afterEach(() => rmSync(directory, { recursive: true }));

const texts = (): string[] => [path, copyOf(path)].map(each => readFileSync(each, 'utf8'));
const inodes = (): number[] => [path, copyOf(path)].map(each => statSync(each).ino);

test('keepTwice writes pieces one after the other, more than one call takes', () => {
  const words = Array.from({ length: 3000 }, (_, nth) => `${nth} ü,`);
  keepTwice(
    path,
    words.map(word => Buffer.from(word)),
  );
  expect(texts()).toEqual([words.join(''), words.join('')]);
});

test('keepTwiceIfOther leaves what says the same', () => {
  keepTwice(path, 'as it is');
  const before = inodes();
  keepTwiceIfOther(path, 'as it is');
  expect(inodes()).toEqual(before);
});

test.each([
  ['the file says something else', (): void => writeFileSync(path, 'other')],
  ['the copy says something else', (): void => writeFileSync(copyOf(path), 'other')],
  ['the copy is gone', (): void => rmSync(copyOf(path))],
])('keepTwiceIfOther writes both where %s', (_, spoil) => {
  keepTwice(path, 'as it is');
  spoil();
  keepTwiceIfOther(path, 'as it is');
  expect(texts()).toEqual(['as it is', 'as it is']);
});
