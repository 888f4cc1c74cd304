// Runs a bench of this folder in a guest kernel (scripts/guest) and gives the JSON that it left.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const GUEST = fileURLToPath(new URL('../../scripts/guest', import.meta.url));

/** Boots, runs `script` with `args` in there, shows what it prints, and gives the content of $OUT/result.json. */
export async function inGuest(
  flags: readonly string[],
  script: string,
  args: readonly string[],
): Promise<unknown> {
  const out = mkdtempSync(join(tmpdir(), 'bw-bench-'));
  try {
    const argv = [...flags, '--out', out, '--', process.execPath, script, ...args];
    const child = spawn(GUEST, argv, { stdio: ['ignore', 'inherit', 'inherit'] });
    const status = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (status !== 0) throw new Error(`The guest's bench ended with exit status ${status}`);
    return JSON.parse(readFileSync(join(out, 'result.json'), 'utf8')) as unknown;
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}
