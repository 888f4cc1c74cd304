// bin/bondwire, what it does before anything is loaded.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const BIN = fileURLToPath(new URL('../../bin', import.meta.url));
const QUICK = fileURLToPath(new URL('../../dist/quick.cjs', import.meta.url));
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bondwire-entry-'));
  cpSync(BIN, join(folder, 'bin'), { recursive: true });
  for (const room of ['base', 'cli', 'daemon']) mkdirSync(join(folder, 'dist', room), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function build(file: string, text: string, atSecond = 1000): void {
  const path = join(folder, 'dist', file);
  writeFileSync(path, text);
  utimesSync(path, atSecond, atSecond);
}

function run(...words: string[]) {
  return spawnSync(process.execPath, [join(folder, 'bin/bondwire'), ...words], { encoding: 'utf8' });
}

test('SIGHUP while it still loads ends no daemon, but any other command', () => {
  build(
    'cli/main.js',
    "process.kill(process.pid, 'SIGHUP'); setTimeout(() => console.log('it goes on'), 100);",
  );
  const daemon = run('--run-dir', '/run/x', 'daemon');
  expect([daemon.signal, daemon.stdout]).toEqual([null, 'it goes on\n']);
  expect(run('show').signal).toBe('SIGHUP');
});

test('the quick build runs what it knows; where it is missing, older than a room, or leaves it, the whole program does', () => {
  build('cli/main.js', "console.log('whole');");
  expect(run('show').stdout).toBe('whole\n');
  build(
    'quick.cjs',
    "exports.isRunQuickly = () => !process.argv.includes('--odd') && (console.log('quick'), true);",
    2000,
  );
  for (const room of ['base', 'cli', 'daemon']) build(`${room}/.tsbuildinfo`, '', 2000);
  expect(run('show').stdout).toBe('quick\n');
  expect(run('--run-dir', '/run/x', 'events').stdout).toBe('quick\n');
  expect(run('show', '--odd').stdout).toBe('whole\n');
  expect(run('options').stdout).toBe('whole\n');
  for (const room of ['base', 'cli', 'daemon']) {
    build(`${room}/.tsbuildinfo`, '', 2001);
    expect(run('show').stdout).toBe('whole\n');
    build(`${room}/.tsbuildinfo`, '', 2000);
  }
});

test('the quick build is made of the rooms that bin/bondwire compares it with, and of nothing installed', () => {
  const sources = [...readFileSync(QUICK, 'utf8').matchAll(/^\/\/ (\S+\.[jt]s)$/gm)].map(
    ([, path]) => path ?? '',
  );
  const rooms = new Set(sources.map(path => /^src\/(\w+)\//.exec(path)?.[1] ?? path));
  expect([...rooms].filter(room => !room.includes('rolldown/')).toSorted()).toEqual([
    'base',
    'cli',
    'daemon',
  ]);
});
