// Bonds that are netkit pairs, on a kernel that has such devices: what a daemon does with them. `npm run test:guest` has the contract of
// data planes there, `npm run test:guest -- test/exchange.test.ts` the exchanges. Where this machine's kernel has netkit, the same files
// do it here. Where no guest is prepared (run `scripts/guest true` once) it is left out. Needs root; part of test:all.
import { expect, test } from 'vitest';
import { guestIsReady, runInGuest } from '../../src/lab/index.js';
import { netkitAvailable } from '../../src/linux/index.js';

const FILES = ['test/netkit-bonds.test.ts', 'src/dataplane/pair.test.ts'];
const MINUTE_S = 60;

test.runIf(guestIsReady('6.12') && netkitAvailable() !== true)(
  'netkit bonds are made, adopted and taken down on Linux 6.12',
  async () => {
    const patience = ['--testTimeout', '600000', '--hookTimeout', '600000'];
    const { status, output } = await runInGuest({
      kernel: '6.12',
      argv: ['node_modules/.bin/vitest', 'run', ...patience, '-t', 'netkit', ...FILES],
      timeoutSeconds: 60 * MINUTE_S,
    });
    expect(output).toMatch(/Tests .*\d\d passed/);
    expect(output).not.toMatch(/\d failed/);
    expect(status).toBe(0);
  },
  61 * MINUTE_S * 1000,
);
