// `show` without the parser prints what it prints with it, byte for byte; all other command lines go to the parser.
import { afterAll, afterEach, expect, test } from 'vitest';
import { showWords } from './quick-words.js';
import { run } from './test-support/command.js';
import { type FakeDaemon, fakeDaemon, refuse, reply, temporaryRunDir } from './test-support/fake-daemon.js';
import { BOND, FAILOVER } from './test-support/samples.js';

const runDir = temporaryRunDir();
let daemon: FakeDaemon | undefined;
afterEach(async () => {
  await daemon?.close();
  daemon = undefined;
});
afterAll(() => runDir.remove());

async function serve(): Promise<void> {
  daemon = await fakeDaemon(runDir.path, ({ url }, response) => {
    if (url.startsWith('/v1/events')) return response.end(`${JSON.stringify(FAILOVER)}\n`);
    if (url === '/v1/bonds' || url === '/v1/bonds/bond0') return reply(response, 200, { bonds: [BOND] });
    if (/^\/v1\/bonds\/bond0\/\w+$/.test(url)) return response.end(`the text of ${url}`);
    return refuse(response, 404, 'unknown-bond', 'There is no such bond.');
  });
}

const RIGHT: readonly (readonly string[])[] = [
  ['show'],
  ['show', 'bond0'],
  ['show', '--json'],
  ['show', 'bond0', '--json'],
  ['show', '--proc', 'bond0'],
  ['show', '--info'],
  ['show', '--ifconfig', 'bond0'],
  ['show', 'bond0', '--sysfs'],
  ['--run-dir', runDir.path, 'show'],
  ['show', '--run-dir', runDir.path, '--json'],
];
/** Right in form, and refused: by name, by the daemon, for want of one. */
const REFUSED: readonly (readonly string[])[] = [
  ['show', ''],
  ['show', 'a/b'],
  ['show', 'mode=1'],
  ['show', 'bond7'],
  ['show', 'bond7', '--proc'],
  ['show', '--run-dir', ''],
  ['show', '--run-dir', `/${'x'.repeat(200)}`],
  ['show', '--run-dir', `${runDir.path}/none`],
];

test.each([...RIGHT, ...REFUSED].map(words => ({ words })))('$words', async ({ words }) => {
  expect(showWords(words)).toBeDefined();
  await serve();
  const setting = { runDir: runDir.path };
  const whole = [...words, '--'];
  expect(showWords(whole)).toBeUndefined();
  const parsed = await run(whole, setting);
  const clock = (text: string): string => text.replaceAll(/\(\d[^)]*\)/g, '');
  const quick = await run(words, setting);
  expect({ ...quick, out: clock(quick.out) }).toEqual({ ...parsed, out: clock(parsed.out) });
  expect(quick.code === 0).toBe(RIGHT.includes(words));
});

test.each([
  [[]],
  [['shwo']],
  [['show', 'bond0', 'bond1']],
  [['show', '--jsno']],
  [['show', '--json', '--proc']],
  [['show', '-h']],
  [['show', '--help']],
  [['show', '--run-dir']],
  [['show', '--run-dir', '--json']],
  [['--run-dir', 'a', '--run-dir', 'b', 'show']],
  [['events']],
  [['help', 'show']],
  [['-V']],
])('%j is for the parser', words => {
  expect(showWords(words)).toBeUndefined();
});
