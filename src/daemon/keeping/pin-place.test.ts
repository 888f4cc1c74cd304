// Which file systems for pins outlive a daemon: /proc/PID/mountinfo as machines, sandboxes and containers have it.
import { expect, test } from 'vitest';
import { outlivesUs } from './pin-place.js';

const MACHINE = 'pid:[4026531836]';
const CONTAINER = 'pid:[4026532201]';
const ROOT = '22 1 254:0 / / rw,relatime - ext4 /dev/root rw\n';
const bpffs = (device: string, source: string, tags = ''): string =>
  `${ROOT}61 22 ${device} / /run/bond\\040wire/bpf rw,relatime ${tags}- bpf ${source} rw,mode=700\n`;

test.each([
  ['mounted where process 1 is', MACHINE, bpffs('0:31', 'bondwire'), bpffs('0:31', 'bondwire'), true],
  ['mounted in a namespace of ours', MACHINE, bpffs('0:31', 'bondwire'), ROOT, false],
  ['one of the same name there', MACHINE, bpffs('0:31', 'bondwire'), bpffs('0:30', 'bondwire'), false],
  ['one whose number begins alike', MACHINE, bpffs('0:3', 'bondwire'), bpffs('0:31', 'bondwire'), false],
  ['mounted elsewhere there', MACHINE, ROOT, bpffs('0:31', 'bpf').replace('/run', '/srv'), true],
  [
    'made known to others, who need not be process 1',
    MACHINE,
    bpffs('0:31', 'bondwire', 'shared:9 '),
    ROOT,
    false,
  ],
  ['process 1 may not be read (hidepid)', MACHINE, bpffs('0:31', 'bondwire'), '', false],
  [
    'ours in a container, whose process 1 sees it',
    CONTAINER,
    bpffs('0:31', 'bondwire'),
    bpffs('0:31', 'bondwire'),
    false,
  ],
  ['ours in a container, shared', CONTAINER, bpffs('0:31', 'bondwire', 'shared:12 '), ROOT, false],
  ['mounted outside of a container', CONTAINER, bpffs('0:31', 'bpf'), ROOT, true],
  ['unmounted', MACHINE, ROOT, ROOT, false],
])('%s', (_, pidNamespace, ours, first, outlives) => {
  const device = ours.includes(' 0:3 ') ? '0:3' : '0:31';
  expect(outlivesUs(device, pidNamespace, ours, first)).toBe(outlives);
});
