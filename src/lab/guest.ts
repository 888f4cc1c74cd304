// Commands in a guest that runs a stock Debian kernel: `scripts/guest` for programs.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { guard, release } from './lab-guard.js';

export type GuestKernel = '6.1' | '6.12';

export interface GuestOptions {
  readonly kernel: GuestKernel;
  /** A program or a shell script, and its arguments. */
  readonly argv: readonly string[];
  /** One CPU whose clock counts instructions. */
  readonly icount?: boolean;
  /** An instruction takes 2 to the power of so many nanoseconds of that clock; 2 without it. */
  readonly shift?: number;
  readonly timeoutSeconds?: number;
  /** Called with what the command prints, as it is printed. */
  readonly onOutput?: (text: string) => void;
  /** Called with the folder of the files that the command wrote under $OUT, which goes away afterwards. */
  readonly onFiles?: (directory: string) => void;
}

export interface GuestResult {
  /** The command's; 124: out of time, 125: the guest did not come up. */
  readonly status: number | null;
  readonly output: string;
}

/** The script that boots guests. */
export const GUEST_SCRIPT: string = fileURLToPath(new URL('../../scripts/guest', import.meta.url));

function kernelsDirectory(): string {
  const { BONDWIRE_KERNELS: own = '', XDG_CACHE_HOME: cache = '' } = process.env;
  return own === '' ? join(cache === '' ? '/var/cache' : cache, 'bondwire-kernels') : own;
}

/** True when a guest can be started without anything being installed or downloaded first. */
export function guestIsReady(kernel: GuestKernel): boolean {
  const path = (process.env['PATH'] ?? '').split(delimiter);
  const emulator = path.some(directory => existsSync(join(directory, 'qemu-system-x86_64')));
  return emulator && existsSync(join(kernelsDirectory(), kernel, 'initrd.gz'));
}

/** Boots a guest, runs the command in it as root, and waits for its end. */
export async function runInGuest(options: GuestOptions): Promise<GuestResult> {
  const out = mkdtempSync(join(tmpdir(), 'bw-guest-out-'));
  let running: ChildProcess | null = null;
  const closable = {
    close(): void {
      running?.kill('SIGTERM');
      rmSync(out, { recursive: true, force: true });
    },
  };
  guard(closable, 'close');
  try {
    const flags = ['--kernel', options.kernel, '--out', out];
    if (options.icount === true) flags.push('--icount');
    if (options.shift !== undefined) flags.push('--shift', String(options.shift));
    if (options.timeoutSeconds !== undefined) flags.push('--timeout', String(options.timeoutSeconds));
    // setpriv: when this process is killed outright, the guest goes too.
    const argv = ['--pdeathsig', 'TERM', GUEST_SCRIPT, ...flags, '--', ...options.argv];
    const child = spawn('setpriv', argv, { stdio: ['ignore', 'pipe', 'pipe'] });
    running = child;
    let output = '';
    const take = (chunk: Buffer): void => {
      output += chunk.toString();
      options.onOutput?.(chunk.toString());
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    const status = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (status === 0) options.onFiles?.(out);
    return { status, output };
  } finally {
    release(closable);
    closable.close();
  }
}
