// scripts/guest: boots a stock kernel and runs a command there. Where nothing is installed and downloaded for it yet
// (run `scripts/guest true` once) these tests are left out, because a test must not install packages. Needs root;
// part of test:all.
import { existsSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type GuestKernel, guestIsReady, runInGuest } from '../../src/lab/index.js';

const kernels: readonly GuestKernel[] = ['6.12', '6.1'];
const ready = kernels.filter(guestIsReady);

test.runIf(ready.length > 0).each(ready)(
  'a guest with %s runs a command over this machine’s files',
  async kernel => {
    const times: number[] = [];
    let files = '';
    const { status, output } = await runInGuest({
      kernel,
      argv: [
        'bash',
        '-c',
        'uname -r; pwd; modprobe bonding; ip link add bond9 type bond; echo "${1}"; echo err >/dev/stderr; sleep 2; touch "$OUT/file" /etc/bw-guest-was-here; exit 7',
        'bash',
        'an argument',
      ],
      onOutput: () => times.push(performance.now()),
      onFiles: directory => {
        files = directory;
      },
    });
    const [release, ...rest] = output.trim().split('\n');
    expect(release, output).toMatch(new RegExp(`^${kernel.replace('.', '\\.')}\\.`));
    expect(rest).toEqual([process.cwd(), 'an argument', 'err']);
    expect(status).toBe(7);
    expect(files).toBe('');
    // It was printed before the command ended.
    expect(performance.now() - (times[0] ?? Infinity)).toBeGreaterThan(1000);
  },
);

test.runIf(ready.length > 0)(
  'a guest gives files back, leaves this machine alone, and is stopped when it takes too long',
  async () => {
    const kernel = ready[0] ?? '6.12';
    let found: string[] = [];
    const [done, late] = await Promise.all([
      runInGuest({
        kernel,
        argv: ['sh', '-c', 'touch "$OUT/file" /etc/bw-guest-was-here'],
        onFiles: directory => {
          found = readdirSync(directory);
        },
      }),
      runInGuest({ kernel, argv: ['sleep', '100'], timeoutSeconds: 5 }),
    ]);
    expect(done).toEqual({ status: 0, output: '' });
    expect(found).toEqual(['file']);
    expect(existsSync('/etc/bw-guest-was-here')).toBe(false);
    expect(late).toEqual({ status: 124, output: 'guest: the command did not finish within 5 s\n' });
  },
);
