// The log of a daemon: kept small, and never a reason to stop.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { LogFile } from './log-file.js';

const folder = mkdtempSync(join(tmpdir(), 'bw-log-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('LogFile puts a file aside that is too long, and keeps one such', () => {
  const path = join(folder, 'bondwire.log');
  const log = new LogFile(path, 20);
  for (const line of [
    'one',
    'two',
    'three',
    'four',
    'five',
    'six',
    'seven',
    'eight',
    'nine',
    'ten',
    'eleven',
  ])
    log.write(`${line}\n`);
  expect(readdirSync(folder)).toEqual(['bondwire.log', 'bondwire.log.1']);
  expect(readFileSync(`${path}.1`, 'utf8')).toBe('six\nseven\neight\nnine\n');
  expect(readFileSync(path, 'utf8')).toBe('ten\neleven\n');
});

test('LogFile goes on where nothing can be written', () => {
  const log = new LogFile('/proc/nothing/bondwire.log');
  expect(() => log.write('lost\n')).not.toThrow();
  const full = new LogFile('/dev/full');
  expect(() => full.write('lost\n')).not.toThrow();
});
