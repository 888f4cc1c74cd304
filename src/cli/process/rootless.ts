// Runs a command as root of a user namespace of its own, for people who are not root. What has to be set up inside is done by
// `rootless-main.ts`, which then becomes the command.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { refusedFailure } from '../reading/failure.js';
import { exitStatusOf, startInUserNamespace } from '../../linux/index.js';
import type { Terminal } from '../printing/terminal.js';

/** Set for whatever runs inside. */
export const ROOTLESS_MARK = 'BONDWIRE_ROOTLESS';
/** Exit status of `rootless-main` when it could not set things up. */
export const NOT_SET_UP = 125;
const ASK_MS = 20;
const MAIN = fileURLToPath(new URL('./rootless-main.js', import.meta.url));

/** The namespaces are ours, or why not. */
export async function rootlessRefusal(terminal: Terminal): Promise<string | undefined> {
  if (process.platform !== 'linux') return `this is ${process.platform}, and bonds are made on Linux`;
  if ((terminal.env[ROOTLESS_MARK] ?? '') !== '') return 'a user namespace did not help';
  try {
    const status = await runRootless(terminal, []);
    return status === 0 ? undefined : 'this system lets nobody be root of a user namespace of their own';
  } catch (error) {
    return `this system allows no user namespace: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Runs a command to its end and gives its exit status; signals go to it. Throws SystemError. */
export async function runRootless(terminal: Terminal, command: readonly string[]): Promise<number> {
  const [name, ...args] = command;
  const file = name === undefined ? [] : [onPath(name, terminal.env['PATH'] ?? ''), ...args];
  const pid = startInUserNamespace({
    file: process.execPath,
    args: [MAIN, ...file],
    env: { ...terminal.env, [ROOTLESS_MARK]: '1' },
  });
  const release = terminal.onSignal(signal => {
    try {
      process.kill(pid, signal);
    } catch {
      // It has just ended.
    }
  });
  try {
    for (;;) {
      const status = exitStatusOf(pid);
      if (status !== null) return status;
      await new Promise(resolve => setTimeout(resolve, ASK_MS));
    }
  } finally {
    release();
  }
}

/** The program that a shell would start. */
function onPath(name: string, path: string): string {
  if (name.includes('/')) return name;
  const candidates = path.split(delimiter).map(directory => join(directory, name));
  const found = candidates.find(candidate => {
    try {
      accessSync(candidate, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (found === undefined) throw refusedFailure(`There is no program ${name}.`);
  return found;
}
