// 802.3ad with the kernel's driver as partner, on the stock kernels that have it: test/lacp-peers.test.ts inside guests. Where no guest is
// prepared (run `scripts/guest true` once) it is left out. Needs root; part of test:all.
import { describe, expect, test } from 'vitest';
import { guestIsReady, runInGuest } from '../../src/lab/index.js';

const KERNELS = ['6.12', '6.1'] as const;
const PATIENCE = ['--testTimeout', '900000', '--hookTimeout', '600000'];
const LIMIT_S = 1500;
/** Those that an emulated machine goes through in minutes: the others are of rates and directions that Open vSwitch shows as well. */
const SHOWN = ['fast, both active', 'slow, we are passive', 'falls silent', 'started again', 'priority'];

describe.each(KERNELS)('the driver of Linux %s', kernel => {
  test.runIf(guestIsReady(kernel))(
    'is a partner of ours: cut, silence, restart, another priority',
    async () => {
      const pattern = `the kernel driver.*(${SHOWN.join('|')})`;
      const { status, output } = await runInGuest({
        kernel,
        argv: ['node_modules/.bin/vitest', 'run', ...PATIENCE, '-t', pattern, 'test/lacp-peers.test.ts'],
        timeoutSeconds: LIMIT_S,
      });
      // Colours stand before the number.
      expect(output).toMatch(new RegExp(`Tests .*[^0-9]${SHOWN.length} passed`));
      expect(output).not.toMatch(/\d failed/);
      expect(status).toBe(0);
    },
    (LIMIT_S + 60) * 1000,
  );
});
