// What the kernel does not let us do is told in sentences that say what to do.
import { expect, test } from 'vitest';
import { SystemError } from '../../linux/index.js';
import { kernelRefused } from './refusals.js';

test.each([
  [1, 'permission', 'The rule was refused: this needs root, or CAP_NET_ADMIN'],
  [95, 'unsupported', 'The rule was refused: this kernel has no policy routing (CONFIG_IP_MULTIPLE_TABLES'],
  [97, 'unsupported', 'The rule was refused: this kernel has no policy routing (CONFIG_IP_MULTIPLE_TABLES'],
  [12, 'system', 'The rule was refused: RTM_NEWRULE for rule 1 failed: not enough memory (ENOMEM)'],
])('errno %i', (errno, code, start) => {
  const refused = kernelRefused(new SystemError('RTM_NEWRULE', errno, 'rule 1'), 'The rule');
  expect(refused.refusal.code).toBe(code);
  expect(refused.message.startsWith(start)).toBe(true);
  expect(refused.message).toBe(refused.refusal.message);
});
