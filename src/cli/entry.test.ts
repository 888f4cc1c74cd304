// bin/bondwire, what it does before anything is loaded.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('SIGHUP while it still loads ends no daemon, but any other command', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bondwire-entry-'));
  try {
    for (const name of ['bin', 'dist/cli']) mkdirSync(join(folder, name), { recursive: true });
    const bin = join(folder, 'bin/bondwire');
    copyFileSync(fileURLToPath(new URL('../../bin/bondwire', import.meta.url)), bin);
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    const main = "process.kill(process.pid, 'SIGHUP'); setTimeout(() => console.log('it goes on'), 100);";
    writeFileSync(join(folder, 'dist/cli/main.js'), main);
    const run = (...words: string[]) => spawnSync(process.execPath, [bin, ...words], { encoding: 'utf8' });
    const daemon = run('--run-dir', '/run/x', 'daemon');
    expect([daemon.signal, daemon.stdout]).toEqual([null, 'it goes on\n']);
    expect(run('show').signal).toBe('SIGHUP');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
