// bin/bondwire as a process of its own: from anywhere, through a link, into a pipe that closes.
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { temporaryRunDir } from './test-support/fake-daemon.js';

const bin = fileURLToPath(new URL('../../bin/bondwire', import.meta.url));
let place: ReturnType<typeof temporaryRunDir>;

beforeEach(() => {
  place = temporaryRunDir();
});

afterEach(() => {
  place.remove();
});

function call(command: string, words: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync(command, words, { cwd: place.path, encoding: 'utf8', env: { PATH: process.env['PATH'] } });
}

test('--help works from another folder, and through a link', () => {
  const direct = call(bin, ['--help']);
  expect([direct.status, direct.stderr]).toEqual([0, '']);
  expect(direct.stdout).toContain('Quick start');
  mkdirSync(join(place.path, 'bin'));
  symlinkSync(bin, join(place.path, 'bin', 'bw'));
  expect(call(join(place.path, 'bin', 'bw'), ['--help']).stdout).toBe(direct.stdout);
});

test('a user error is one line without a stack trace', () => {
  const { status, stdout, stderr } = call(bin, ['show', '--run-dir', 'nowhere']);
  expect([status, stdout]).toEqual([3, '']);
  expect(stderr).toMatch(/^bondwire: No daemon is running at .*\/nowhere \(.*\n$/);
});

test('a reader that goes away is no error', () => {
  const script = `{ sleep 0.2; "${bin}" --help; echo "exit $?" >&2; } | true`;
  expect(call('sh', ['-c', script]).stderr).toBe('exit 0\n');
});

test('output that a disk has no room for is an error', () => {
  for (const words of ['options', 'options --json', '--help']) {
    const { stderr } = call('sh', ['-c', `"${bin}" ${words} > /dev/full; echo "exit $?" >&2`]);
    expect(stderr).toMatch(/^bondwire: cannot write to standard output: ENOSPC.*\nexit 1\n$/);
  }
});

test('output that a file has room for in part is an error', () => {
  // One block of 512 bytes; SIGXFSZ, which would end the process instead, is ignored by Node.
  const script = `ulimit -f 1; "${bin}" options > cut; echo "exit $?" >&2`;
  expect(call('sh', ['-c', script]).stderr).toMatch(
    /^bondwire: cannot write to standard output: EFBIG.*\nexit 1\n$/,
  );
});
