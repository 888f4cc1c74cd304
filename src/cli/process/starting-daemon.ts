// Whether a daemon of a run directory is just starting: there is its process, and nobody answers yet.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { DEFAULT_RUN_DIR } from '../../daemon/api/api.js';

/** What of a process says whether it is one. */
export interface ProcessFacts {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Its working directory. */
  readonly folder: string;
}

/** The run directory of the daemon that a process is, or undefined when it is none. */
export function runDirOfDaemon({ argv, env, folder }: ProcessFacts): string | undefined {
  const at = argv.findIndex(word => basename(word) === 'bondwire');
  const words = argv.slice(at + 1);
  if (at < 0 || !words.some(word => word === 'daemon' || word === 'run')) return undefined;
  const named = words.findIndex(word => word === '--run-dir');
  const joined = words.find(word => word.startsWith('--run-dir='))?.slice('--run-dir='.length);
  const option = joined ?? (named < 0 ? undefined : words[named + 1]);
  return resolve(folder, option ?? (env['BONDWIRE_RUN_DIR'] || DEFAULT_RUN_DIR));
}

function read(path: string): string[] {
  try {
    return readFileSync(path, 'utf8')
      .split('\0')
      .filter(part => part !== '');
  } catch {
    return [];
  }
}

function folderOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '/';
  }
}

/** True when there is the process of a daemon for this run directory; this one does not count. */
export function isDaemonStarting(runDir: string): boolean {
  let pids: string[];
  try {
    pids = readdirSync('/proc').filter(name => /^\d+$/.test(name) && name !== String(process.pid));
  } catch {
    return false;
  }
  return pids.some(pid => {
    const argv = read(`/proc/${pid}/cmdline`);
    if (!argv.some(word => basename(word) === 'bondwire')) return false;
    const env = Object.fromEntries(
      read(`/proc/${pid}/environ`).map(text => [
        text.slice(0, text.indexOf('=')),
        text.slice(text.indexOf('=') + 1),
      ]),
    );
    return runDirOfDaemon({ argv, env, folder: folderOf(pid) }) === runDir;
  });
}
