// The commands that ask a daemon: what they send, what they print, how they end.
// oxlint-disable unicorn/consistent-function-scoping -- each test says for itself what is answered
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Outcome, run, start } from '../test-support/command.js';
import {
  type Answer,
  done,
  type FakeDaemon,
  fakeDaemon,
  refuse,
  reply,
  temporaryRunDir,
} from '../test-support/fake-daemon.js';
import { BOND, FAILOVER } from '../test-support/samples.js';

let runDir: ReturnType<typeof temporaryRunDir>;
let daemon: FakeDaemon | undefined;

beforeEach(() => {
  process.env['TZ'] = 'UTC';
  runDir = temporaryRunDir();
});

afterEach(async () => {
  await daemon?.close();
  daemon = undefined;
  runDir.remove();
});

async function runWith(answer: Answer, words: readonly string[]): Promise<Outcome> {
  daemon = await fakeDaemon(runDir.path, answer);
  return run(words, { runDir: runDir.path });
}

const CHANGES: [string[], string, unknown][] = [
  [
    ['create', 'bond0', 'mode=1', 'miimon=100'],
    'POST /v1/bonds',
    { name: 'bond0', options: { mode: '1', miimon: '100' } },
  ],
  [['create', 'bond0'], 'POST /v1/bonds', { name: 'bond0', options: {} }],
  [['destroy', 'bond0'], 'DELETE /v1/bonds/bond0', undefined],
  [['enslave', 'bond0', 'eth0', 'eth1'], 'POST /v1/bonds/bond0/members', { interfaces: ['eth0', 'eth1'] }],
  [
    ['enslave', 'bond0', 'eth0', '--take-addresses', '--take-down'],
    'POST /v1/bonds/bond0/members',
    { interfaces: ['eth0'], takeDown: true, takeAddresses: true },
  ],
  [['release', 'bond0', 'eth0'], 'DELETE /v1/bonds/bond0/members', { interfaces: ['eth0'] }],
  [['set', 'bond0', 'primary='], 'PATCH /v1/bonds/bond0/options', { options: { primary: '' } }],
];

test.each(CHANGES)('%j asks the daemon and is silent', async (words, call, body) => {
  const outcome = await runWith((_, response) => done(response), words);
  expect(outcome).toEqual({ code: 0, out: '', err: '' });
  expect(daemon?.calls()).toEqual([call]);
  expect(daemon?.seen[0]?.body).toEqual(body);
});

test.each(CHANGES)('%j tells warnings and still succeeds', async words => {
  const outcome = await runWith((_, response) => done(response, ['Nobody watches the links.']), words);
  expect(outcome).toEqual({ code: 0, out: '', err: 'bondwire: warning: Nobody watches the links.\n' });
});

test.each(CHANGES)('%j tells a refusal', async words => {
  const outcome = await runWith((_, response) => refuse(response, 409, 'in-use', 'It is in use.'), words);
  expect(outcome).toEqual({ code: 1, out: '', err: 'bondwire: It is in use.\n' });
});

test.each([...CHANGES.map(([words]) => words), ['show'], ['events', '--follow']])(
  '%j without a daemon ends with 3',
  async (...words) => {
    const { code, out, err } = await run(words, { runDir: runDir.path });
    expect([code, out]).toEqual([3, '']);
    expect(err).toMatch(/^bondwire: No daemon is running at .*\n$/);
  },
);

test('--run-dir counts before and after the command, and before BONDWIRE_RUN_DIR', async () => {
  daemon = await fakeDaemon(runDir.path, (_, response) => done(response));
  for (const words of [
    ['--run-dir', runDir.path, 'destroy', 'bond0'],
    ['destroy', 'bond0', `--run-dir=${runDir.path}`],
  ]) {
    expect((await run(words, { runDir: '/nonexistent' })).code).toBe(0);
  }
});

test('show --json prints the document', async () => {
  const { code, out } = await runWith(
    (_, response) => reply(response, 200, { bonds: [BOND] }),
    ['show', '--json'],
  );
  expect(code).toBe(0);
  expect(JSON.parse(out)).toEqual({ bonds: [BOND] });
});

test('show asks once, and tells since when the active member is active', async () => {
  const activeSince = '2026-03-01T11:22:33.456Z';
  const { out } = await runWith(
    (_, response) => reply(response, 200, { bonds: [{ ...BOND, activeSince }] }),
    ['show', 'bond0'],
  );
  expect(out).toContain('Active member       eth0, since 2026-03-01 11:22:33 (');
  expect(daemon?.calls()).toEqual(['GET /v1/bonds/bond0']);
});

test('show --proc prints the text of one bond as it is, several under their names', async () => {
  const answer: Answer = ({ url }, response) => {
    if (url === '/v1/bonds') reply(response, 200, { bonds: [BOND, { ...BOND, name: 'bond1' }] });
    else response.end(`text of ${url}\n`);
  };
  expect((await runWith(answer, ['show', '--proc'])).out).toBe(
    '==> bond0 <==\ntext of /v1/bonds/bond0/proc\n\n==> bond1 <==\ntext of /v1/bonds/bond1/proc\n',
  );
  expect((await run(['show', 'bond0', '--proc'], { runDir: runDir.path })).out).toBe(
    'text of /v1/bonds/bond0/proc\n',
  );
});

test('events prints a line for each event, for people or as JSON', async () => {
  const answer: Answer = (_, response) => response.end(`${JSON.stringify(FAILOVER)}\n`);
  const people = await runWith(answer, ['events', '--bond', 'bond0']);
  expect(people).toEqual({
    code: 0,
    out: '2026-03-01 11:22:33.456 bond0 failover eth0 → eth1: eth0 lost its carrier; outage 0 ms, 0 packets lost\n',
    err: '',
  });
  const json = await run(['events', '--json'], { runDir: runDir.path });
  expect(json.out).toBe(`${JSON.stringify(FAILOVER)}\n`);
  expect(daemon?.calls()).toEqual(['GET /v1/events?bond=bond0', 'GET /v1/events']);
});

test('events --follow prints each event as it comes, and ends with 3 when the daemon does', async () => {
  let end = (): void => {};
  daemon = await fakeDaemon(runDir.path, (_, response) => {
    response.write(`${JSON.stringify(FAILOVER)}\n`);
    end = () => response.end();
  });
  const running = start(['events', '--follow'], { runDir: runDir.path });
  await running.wrote('failover eth0 → eth1');
  end();
  expect(await running.code).toBe(3);
  expect(running.err()).toBe(`bondwire: The daemon at ${runDir.path} ended; no more events.\n`);
});
