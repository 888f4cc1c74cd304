// Which mounts of a bpffs go with a container: /proc/self/mountinfo as machines and containers have it.
import { expect, test } from 'vitest';
import { isFleeting } from './pins-lifetime.js';

const HOST = 'pid:[4026531836]';
const CONTAINER = 'pid:[4026532201]';
const DIRECTORY = '/run/bond wire/bpf';
const above = '22 1 254:0 / / rw,relatime - ext4 /dev/root rw';
const line = (tags: string, type: string, source: string): string =>
  `${above}\n61 22 0:31 / /run/bond\\040wire/bpf rw,relatime ${tags}- ${type} ${source} rw,mode=700\n`;

test.each([
  ['ours, in a container', line('', 'bpf', 'bondwire'), CONTAINER, true],
  ['ours, in a container that follows the host', line('master:7 ', 'bpf', 'bondwire'), CONTAINER, true],
  ['ours, seen outside too', line('shared:12 ', 'bpf', 'bondwire'), CONTAINER, false],
  ['one that was mounted outside', line('', 'bpf', 'bpf'), CONTAINER, false],
  ['another file system', line('', 'tmpfs', 'bondwire'), CONTAINER, false],
  ['none (mounted where the host is)', `${above}\n`, CONTAINER, false],
  ['ours below the one from outside', line('', 'bpf', 'bondwire') + line('', 'bpf', 'bpf'), CONTAINER, false],
  ['ours, on the machine', line('', 'bpf', 'bondwire'), HOST, false],
])('%s', (_, mountInfo, namespace, fleeting) => {
  expect(isFleeting(DIRECTORY, mountInfo, namespace)).toBe(fleeting);
});
