// `show` and `events` without the parser print what they print with it, byte for byte, from sources and as the one file of the build; all
// other command lines go to the parser.
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, expect, test } from 'vitest';
import { quickWords } from './quick-words.js';
import { type Outcome, run } from './test-support/command.js';
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
    if (url.startsWith('/v1/events')) {
      return response.end(url.includes('bond7') ? '' : `${JSON.stringify(FAILOVER)}\n`);
    }
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
  ['events'],
  ['events', '--json', '--bond', 'bond0'],
  ['--run-dir', runDir.path, 'events'],
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
  ['events', '--bond', 'a/b'],
  ['events', '--bond', 'bond7'],
  ['events', '--follow', '--bond', 'bond7'],
  ['events', '-f', '--json'],
  ['events', '--run-dir', ''],
];

const QUICK = fileURLToPath(new URL('../../dist/quick.cjs', import.meta.url));

/** The same by the file of the build, in a process of its own. */
async function runBuilt(words: readonly string[]): Promise<Outcome> {
  const script = 'require(process.argv[1]).isRunQuickly() || process.exit(99)';
  const child = spawn(process.execPath, ['-e', script, '--', QUICK, ...words], {
    env: { ...process.env, BONDWIRE_RUN_DIR: runDir.path },
  });
  const ended = new Promise<number>(resolve => child.once('close', code => resolve(code ?? -1)));
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await ended, out, err };
}

test.each([...RIGHT, ...REFUSED].map(words => ({ words })))('$words', async ({ words }) => {
  expect(quickWords(words)).toBeDefined();
  await serve();
  const setting = { runDir: runDir.path };
  const whole = [...words, '--'];
  expect(quickWords(whole)).toBeUndefined();
  const withoutSpans = ({ code, out, err }: Outcome): Outcome => ({
    code,
    out: out.replaceAll(/\(\d[^)]*\)/g, ''),
    err,
  });
  const parsed = withoutSpans(await run(whole, setting));
  expect(withoutSpans(await run(words, setting))).toEqual(parsed);
  expect(withoutSpans(await runBuilt(words))).toEqual(parsed);
  expect(parsed.code === 0).toBe(RIGHT.includes(words));
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
  [['show', '--bond', 'bond0']],
  [['events', 'bond0']],
  [['events', '--proc']],
  [['events', '--bond']],
  [['events', '--bond', 'bond0', '--bond', 'bond0']],
  [['events', '--follow=yes']],
  [['help', 'show']],
  [['-V']],
])('%j is for the parser', words => {
  expect(quickWords(words)).toBeUndefined();
});
