// Other versions of Bondwire to upgrade from and to: an earlier commit, built from the history, and one of tomorrow, which is this one
// with another layout of the state that programs and daemon share.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const TOP = fileURLToPath(new URL('../..', import.meta.url));

/** The last commit whose daemons exchange nothing. */
export const EARLIER = '2fb0939';

/** True where the history has that commit: a package, or a shallow clone, does not. */
export function hasEarlier(): boolean {
  try {
    execFileSync('git', ['cat-file', '-e', `${EARLIER}^{commit}`], { cwd: TOP, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** A version of its own in a directory of its own. */
export interface Version {
  readonly bin: string;
  remove(): void;
}

function at(directory: string): Version {
  symlinkSync(join(TOP, 'node_modules'), join(directory, 'node_modules'));
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  return { bin: join(directory, 'bin/bondwire'), remove };
}

/** The commit EARLIER, built. */
export function buildEarlier(): Version {
  const directory = mkdtempSync(join(tmpdir(), 'bw-earlier-'));
  const made = at(directory);
  const archive = execFileSync('git', ['archive', EARLIER], { cwd: TOP, maxBuffer: 512 * 1024 * 1024 });
  execFileSync('tar', ['-x', '-C', directory], { input: archive });
  execFileSync(process.execPath, [join(TOP, 'node_modules/typescript/bin/tsc'), '-b', 'src/cli'], {
    cwd: directory,
    stdio: 'pipe',
  });
  return made;
}

/** What differs in tomorrow's version: by file of `dist`, texts and what stands in their place. */
const TOMORROW: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  'dataplane/ebpf/shared-state.js': [
    ['LAYOUT_VERSION = 8;', 'LAYOUT_VERSION = 9;'],
    // Everything behind it lies elsewhere, members and losses too.
    ["net: 'u64',", "shifted: array(5, 'u64'), net: 'u64',"],
    ['dead: LOSS,', "inserted: 'u64', dead: LOSS,"],
    ['unused: bytes(42)', 'unused: bytes(34)'],
  ],
  'dataplane/userspace/shared-state.js': [['USERSPACE_VERSION = 6;', 'USERSPACE_VERSION = 7;']],
};

/** This version with another layout. `npm run build` comes before. */
export function buildTomorrow(): Version {
  const directory = mkdtempSync(join(tmpdir(), 'bw-tomorrow-'));
  const made = at(directory);
  mkdirSync(join(directory, 'dist'));
  for (const part of ['bin', 'package.json', 'dist'])
    cpSync(join(TOP, part), join(directory, part), { recursive: true });
  for (const [file, changes] of Object.entries(TOMORROW)) {
    const path = join(directory, 'dist', file);
    let text = readFileSync(path, 'utf8');
    for (const [before, after] of changes) {
      if (!text.includes(before)) throw new Error(`${file} has no "${before}" to change`);
      text = text.replace(before, after);
    }
    writeFileSync(path, text);
  }
  return made;
}
