// Runs a bench of this folder in a guest kernel and gives the JSON that it left.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type GuestOptions, runInGuest } from '#lab';

/** Boots, runs `script` with `args` in there, shows what it prints, and gives the content of $OUT/result.json. */
export async function inGuest(
  options: Omit<GuestOptions, 'argv'>,
  script: string,
  args: readonly string[],
): Promise<unknown> {
  let result: unknown = null;
  const { status } = await runInGuest({
    ...options,
    argv: [process.execPath, script, ...args],
    onOutput: text => process.stdout.write(text),
    onFiles: directory => {
      result = JSON.parse(readFileSync(join(directory, 'result.json'), 'utf8'));
    },
  });
  if (status !== 0) throw new Error(`The bench in the guest ended with exit status ${status}`);
  return result;
}
