// Types what a message offers: finds a command of a given shape in a text, fills in what a person would, and runs it in the host of a
// stage as a shell would, with `bondwire` in the PATH and its daemon at hand.
import { type ChildProcess } from 'node:child_process';
import { dirname } from 'node:path';
import type { CommandResult } from '../../src/lab/index.js';
import { BIN, type Stage } from './stage.js';

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);

/** The command of this shape in a text, as it stands there. Throws when there is none. */
export function offered(text: string, shape: string): string {
  const pattern = shape
    .split(/\{\w+\} ?/)
    .map(escaped)
    .join(String.raw`(?:[^';\n]*?)`);
  const end = shape.endsWith('}') ? String.raw`(?='|\n|$|; |, | \()` : '';
  const found = new RegExp(`${pattern}${end}`).exec(text);
  if (found === null) throw new Error(`No command of the shape "${shape}" is offered here: ${text}`);
  return found[0];
}

function argvOf(stage: Stage, command: string): string[] {
  const path = `${dirname(BIN)}:${process.env['PATH'] ?? ''}`;
  return ['env', `PATH=${path}`, `BONDWIRE_RUN_DIR=${stage.runDir}`, 'sh', '-c', command];
}

/** Runs a line in the host, whatever comes of it. */
export function typed(stage: Stage, command: string): Promise<CommandResult> {
  return stage.lab.exec('host', argvOf(stage, command));
}

/** Runs a line in the host that goes on until it is ended. */
export function begun(stage: Stage, command: string): ChildProcess {
  return stage.lab.spawn('host', argvOf(stage, `exec ${command}`));
}

/** Runs a line that has to end well; gives what it wrote. */
export async function pasted(stage: Stage, command: string): Promise<string> {
  const { status, stdout, stderr } = await typed(stage, command);
  if (status !== 0) throw new Error(`"${command}" ended with ${status}: ${stderr.trim() || stdout.trim()}`);
  return stdout;
}

/** What a line says that is refused. */
export async function refused(stage: Stage, command: string): Promise<string> {
  const { status, stdout, stderr } = await typed(stage, command);
  if (status === 0) throw new Error(`"${command}" was not refused`);
  return `${stdout}${stderr}`;
}
