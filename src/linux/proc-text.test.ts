// A file that is read again and again, longer and shorter than before.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ProcText } from './proc-text.js';

const directory = mkdtempSync(join(tmpdir(), 'bondwire-proc-'));
const path = join(directory, 'file');

afterEach(() => rmSync(path, { force: true }));

test('gives what the file says now, whatever it said before', () => {
  const file = new ProcText(path);
  const texts = [
    'one\n',
    'two\n',
    'longer than one\n',
    '',
    'x'.repeat(70_000),
    `${'x'.repeat(69_999)}y`,
    'one\n',
  ];
  for (const text of texts) {
    writeFileSync(path, text);
    expect(file.read()).toBe(text);
    expect(file.read()).toBe(text);
  }
});

test('what cannot be read is an error, after which it is read again', () => {
  const file = new ProcText(path);
  writeFileSync(path, 'one\n');
  expect(file.read()).toBe('one\n');
  rmSync(path);
  expect(() => file.read()).toThrow('ENOENT');
  writeFileSync(path, 'one\n');
  expect(file.read()).toBe('one\n');
});

test('reads a file of the kernel, which tells no length', () => {
  expect(new ProcText('/proc/self/status').read()).toMatch(/^Name:[^]*\nVmRSS:[^]*\n$/);
});
