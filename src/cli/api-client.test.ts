// The client against answers good and bad, on a real socket.
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { controlSocketPath, EXIT } from '../daemon/api/api.js';
import { apiClient } from './api-client.js';
import {
  type Answer,
  type FakeDaemon,
  fakeDaemon,
  refuse,
  temporaryRunDir,
} from './test-support/fake-daemon.js';
import { BOND, FAILOVER } from './test-support/samples.js';

let runDir: ReturnType<typeof temporaryRunDir>;
let daemon: FakeDaemon | undefined;
let server: { close(): unknown } | undefined;

beforeEach(() => {
  runDir = temporaryRunDir();
});

afterEach(async () => {
  await daemon?.close();
  server?.close();
  daemon = undefined;
  server = undefined;
  runDir.remove();
});

async function answering(answer: Answer): Promise<ReturnType<typeof apiClient>> {
  daemon = await fakeDaemon(runDir.path, answer);
  return apiClient(runDir.path, { answerTimeoutMs: 200 });
}

test('a directory without a socket means no daemon', async () => {
  await expect(apiClient(runDir.path).status()).rejects.toMatchObject({
    exitCode: EXIT.noDaemon,
    message: `No daemon is running at ${runDir.path} (there is no control.sock): start one with 'bondwire daemon --run-dir ${runDir.path}', or name its directory with --run-dir.`,
  });
});

test('a socket that nobody listens on means no daemon', async () => {
  writeFileSync(controlSocketPath(runDir.path), '');
  await expect(apiClient(runDir.path).status()).rejects.toMatchObject({
    exitCode: EXIT.noDaemon,
    message: expect.stringContaining('nobody answers on its control.sock') as string,
  });
});

test('a refusal is its message, with control characters made harmless', async () => {
  const api = await answering((_, response) => refuse(response, 409, 'in-use', 'e\u001bth0 is in use.'));
  await expect(api.destroy('bond0')).rejects.toMatchObject({
    exitCode: EXIT.refused,
    message: 'e\\x1bth0 is in use.',
  });
});

test('a refusal for want of a permission has the exit code for that', async () => {
  const api = await answering((_, response) => refuse(response, 403, 'permission', 'CAP_BPF is missing.'));
  await expect(api.show()).rejects.toMatchObject({
    exitCode: EXIT.permission,
    message: 'CAP_BPF is missing.',
  });
});

test.each([
  ['{"bonds":', 'cannot be understood ({"bonds":)'],
  ['', 'cannot be understood (it is empty)'],
  ['[]', 'cannot be understood ([])'],
  ['{"bonds":[{"name":"bond0"}]}', 'cannot be understood ({"bonds":[{"name":"bond0"}]})'],
  [`"${'x'.repeat(100)}"`, `cannot be understood ("${'x'.repeat(59)}…)`],
])('the malformed answer %j is told', async (text, message) => {
  const api = await answering((_, response) => response.end(text));
  await expect(api.show()).rejects.toMatchObject({
    exitCode: EXIT.refused,
    message: expect.stringContaining(message) as string,
  });
});

test('a refusal without a reason is told by its status', async () => {
  const api = await answering((_, response) => response.writeHead(500).end('oops'));
  await expect(api.show('bond0')).rejects.toThrow(
    'The daemon refused GET /v1/bonds/bond0 with status 500 and gave no reason.',
  );
});

test('a daemon that does not answer is given up', async () => {
  const api = await answering(() => {});
  await expect(api.status()).rejects.toThrow('did not answer within 0.2 s');
});

test('a daemon that dies within its answer is told', async () => {
  const api = await answering((_, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('{', () => response.destroy());
  });
  await expect(api.status()).rejects.toMatchObject({
    exitCode: EXIT.noDaemon,
    message: expect.stringContaining('went away before its answer was complete') as string,
  });
});

test('something else than HTTP on the socket is told', async () => {
  const other = createServer(connection => connection.end('220 mail.example ESMTP\r\n'));
  server = other;
  await new Promise<void>(resolve => {
    other.listen(controlSocketPath(runDir.path), resolve);
  });
  await expect(apiClient(runDir.path).status()).rejects.toMatchObject({
    exitCode: EXIT.refused,
    message: expect.stringMatching(/^Talking to the daemon at .* failed: Parse Error/) as string,
  });
});

test('the name of a bond is quoted in paths, and events in their query', async () => {
  const api = await answering((_, response) => response.end());
  await api.text('b%d?#', 'proc');
  for await (const _ of api.events({ bond: 'b&c', after: 3, follow: true })) expect.unreachable();
  expect(daemon?.calls()).toEqual([
    'GET /v1/bonds/b%25d%3F%23/proc',
    'GET /v1/events?bond=b%26c&after=3&follow=1',
  ]);
});

test('events() gives records however the text is cut into pieces', async () => {
  const line = JSON.stringify({ ...FAILOVER, reason: 'e→h' });
  const bytes = Buffer.from(`${line}\n\n${line}\n${line}`);
  const api = await answering((_, response) => {
    for (let at = 0; at < bytes.length; at += 7) response.write(bytes.subarray(at, at + 7));
    response.end();
  });
  const reasons: (string | undefined)[] = [];
  for await (const { reason } of api.events({})) reasons.push(reason);
  expect(reasons).toEqual(['e→h', 'e→h', 'e→h']);
});

test('events() ends quietly when its signal says so', async () => {
  const api = await answering((_, response) => void response.write(`${JSON.stringify(FAILOVER)}\n`));
  const abort = new AbortController();
  let told = 0;
  for await (const _ of api.events({ follow: true, signal: abort.signal })) {
    told++;
    abort.abort();
  }
  expect(told).toBe(1);
});

test('events() refuses a line that is no event', async () => {
  const api = await answering((_, response) => response.end('{"seq":1}\n'));
  await expect(api.events({}).next()).rejects.toThrow('cannot be understood ({"seq":1})');
});

test('show() of a daemon from before silence and awaited members were told knows of none', async () => {
  const { awaited: _awaited, ...bond } = BOND;
  const members = bond.members.map(({ lastReceivedMs: _last, silence: _silence, ...member }) => member);
  const text = JSON.stringify({ bonds: [{ ...bond, members }] });
  const api = await answering((_, response) => response.end(text));
  const [shown] = (await api.show('bond0')).bonds;
  const unknown = { lastReceivedMs: null, silence: null };
  expect(shown).toEqual({
    ...BOND,
    awaited: [],
    members: BOND.members.map(member => Object.assign(structuredClone(member), unknown)),
  });
});
