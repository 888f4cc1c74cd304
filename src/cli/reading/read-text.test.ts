// Files that users name: what is no text is refused at once, whatever would have to be waited for, and nothing is read without end.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LARGEST_TEXT, readTextFile } from './read-text.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bw-text-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a file, also by a link, and up to the limit', () => {
  writeFileSync(`${folder}/a`, 'bonds: {}\n');
  symlinkSync('a', `${folder}/link`);
  expect(readTextFile(`${folder}/link`)).toBe('bonds: {}\n');
  writeFileSync(`${folder}/a`, '#'.repeat(LARGEST_TEXT));
  expect(readTextFile(`${folder}/a`)).toHaveLength(LARGEST_TEXT);
  writeFileSync(`${folder}/a`, '#'.repeat(LARGEST_TEXT + 1));
  expect(() => readTextFile(`${folder}/a`)).toThrow(/\/a is larger than 1 MiB/);
});

test('a FIFO that nobody writes to, a device without end, a directory, nothing: refused at once, by name', () => {
  execFileSync('mkfifo', [`${folder}/fifo`]);
  symlinkSync('fifo', `${folder}/link`);
  expect(() => readTextFile(`${folder}/fifo`)).toThrow(/\/fifo cannot be read: it is a named pipe \(FIFO\)/);
  expect(() => readTextFile(`${folder}/link`)).toThrow(/named pipe/);
  expect(() => readTextFile('/dev/zero')).toThrow(/\/dev\/zero cannot be read: it is no regular file/);
  expect(() => readTextFile(folder)).toThrow(/cannot be read: it is a directory/);
  expect(() => readTextFile(`${folder}/nothing`)).toThrow(/\/nothing cannot be read: no such file/);
});

test('check, apply and import take a pipe of the shell and standard input, and no more than the limit of it', () => {
  const bin = fileURLToPath(new URL('../../../bin/bondwire', import.meta.url));
  const run = (line: string) => spawnSync('bash', ['-c', line], { encoding: 'utf8', timeout: 60_000 });
  const yaml = 'bonds:\\n  bond0:\\n    members: [eth0]\\n    options: { miimon: "100" }\\n';
  expect(run(`"${process.execPath}" "${bin}" check <(printf '${yaml}')`).stdout).toMatch(/is right: 1 bond/);
  expect(run(`printf '${yaml}' | "${process.execPath}" "${bin}" check -`).stdout).toMatch(/is right: 1 bond/);
  const endless = run(`yes | "${process.execPath}" "${bin}" check -`);
  expect([endless.status, endless.stderr]).toEqual([
    1,
    expect.stringMatching(/Standard input is larger than 1 MiB/),
  ]);
});
