// A process under strace: its calls are written down, or tampered with (it is killed at one, one fails, all are slow).
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { until } from './stage.js';

/** The Nth call of this name that a thread makes: strace counts each name by itself. */
export interface Call {
  readonly name: string;
  readonly nth: number;
  /** What strace wrote of it. */
  readonly text: string;
}

/** How a process is traced. */
export interface Tracing {
  /** Names of calls, comma-separated. */
  readonly calls: string;
  /** Where they are written down. */
  readonly file: string;
  /** What becomes of calls, as strace says it: `openat:error=EMFILE:when=3`, `sendto:delay_enter=20000`. */
  readonly inject?: string;
  /** All threads, or the main one alone. */
  readonly threads: 'all' | 'main';
}

/** Strace, which has hold of the process when this returns. */
export async function traced(pid: number, { calls, file, inject, threads }: Tracing): Promise<ChildProcess> {
  const tampering = inject === undefined ? [] : ['-e', `inject=${inject}`];
  const follow = threads === 'all' ? ['-f'] : [];
  const args = [...follow, '-qq', '-o', file, '-p', String(pid), '-e', `trace=${calls}`, ...tampering];
  const child = spawn('strace', args, { stdio: 'ignore' });
  await until('strace has hold of the daemon', () => {
    if (child.exitCode !== null) throw new Error(`strace ended with status ${child.exitCode}`);
    return tracers(pid, threads).every(tracer => tracer !== '0');
  });
  return child;
}

/** Who traces each thread; a call of the very first ones may have ended a thread, or all. */
function tracers(pid: number, threads: Tracing['threads']): string[] {
  if (isDead(pid)) return [];
  const tasks = threads === 'all' ? readdirSync(`/proc/${pid}/task`) : [String(pid)];
  return tasks.flatMap(task => {
    try {
      const status = readFileSync(`/proc/${pid}/task/${task}/status`, 'latin1');
      return /TracerPid:\t(\d+)/.exec(status)?.[1] ?? [];
    } catch {
      return [];
    }
  });
}

export function isDead(pid: number): boolean {
  try {
    return /^State:\t[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return true;
  }
}

/** The calls of the main thread that were written down, of all threads' (`-f` puts the thread in front) or of its alone. */
export function callsIn(file: string, pid: number, threads: Tracing['threads']): Call[] {
  const counts = new Map<string, number>();
  const line = threads === 'all' ? /^(\d+) +(\w+)\((.*)/gm : /^()(\w+)\((.*)/gm;
  return [...readFileSync(file, 'latin1').matchAll(line)]
    .filter(([, thread]) => thread === '' || thread === String(pid))
    .map(([, , name = '', text = '']) => {
      const nth = (counts.get(name) ?? 0) + 1;
      counts.set(name, nth);
      return { name, nth, text };
    });
}
