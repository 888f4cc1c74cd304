// The server against a daemon that only says what it was asked: every row of the table, on a real socket.
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { err, ok, refusal } from '../../base/index.js';
import type { BondRunner } from '../bond-runner.js';
import { Turns } from '../kernel/turns.js';
import type { Starting } from '../starting.js';
import { ADDRESSES, pathFor, type Row } from './addresses.js';
import type { ErrorBody } from './api.js';
import type { ControlledDaemon } from './routes.js';
import { lineOf, settingsOf } from '../../uplinks/testing.js';
import { ControlServer } from './server.js';

const asked: string[] = [];
let starting: Starting | undefined;
const said = <T>(what: string, value: T): T => {
  asked.push(what);
  return value;
};
const done = (what: string) => said(what, ok(undefined));

/** It has the bond b0. */
const DAEMON: ControlledDaemon = {
  journal: {
    listen: () => () => {},
    after: () => said('events', []),
  } as unknown as ControlledDaemon['journal'],
  turns: new Turns(),
  status: () => said('status', {} as never),
  starting: () => starting,
  show: name => said(name === undefined ? 'show' : 'showBond', ok({ bonds: [] })),
  members: () => said('members', { members: [] }),
  text: (_runner, view) => said(view, ''),
  find: name =>
    name === 'b0'
      ? ok({ name, records: new Map() } as unknown as BondRunner)
      : err(refusal('unknown-bond', 'ENODEV', `no ${name}`)),
  create: () => done('create'),
  destroy: () => Promise.resolve(done('destroy')),
  enslave: () => done('enslave'),
  release: () => done('release'),
  set: () => done('set'),
  up: () => done('up'),
  addAddresses: () => done('addAddresses'),
  setLink: () => done('link'),
  addRoutes: () => done('addRoutes'),
  describe: () => said('describe', ok([])),
  configure: () => Promise.resolve(said('configure', ok({ done: true, bonds: [] }))),
  described: () => said('described', { addresses: [], routes: [], more: [] }),
  uplink: {
    show: () => said('uplink', null),
    settings: () => null,
    configure: () => done('configureUplink'),
    remove: () => done('removeUplink'),
    wish: () => done('wishUplink'),
    drill: () => done('drillUplink'),
    explain: () => said('explainUplink', ok([])),
  } as unknown as ControlledDaemon['uplink'],
};

/** A body that is right, where one is needed. */
const BODIES: Readonly<Record<string, unknown>> = {
  create: { name: 'b0' },
  configureUplink: settingsOf([lineOf('fibre')]),
  wishUplink: { kind: 'release' },
  drillUplink: { line: 'fibre', kind: 'silent', forMs: 1000 },
  configure: { bonds: [{ name: 'b0' }] },
  enslave: { interfaces: ['e0'] },
  release: { interfaces: ['e0'] },
  set: { options: { miimon: '1' } },
  addAddresses: { addresses: ['192.0.2.1/24'] },
  link: { mtu: 1400 },
  addRoutes: { routes: [{ to: 'default', via: '192.0.2.9' }] },
  describe: { isMade: true, addresses: [], routes: [], members: [], options: [] },
};

const folder = mkdtempSync(join(tmpdir(), 'bw-server-'));
const socketPath = join(folder, 'control.sock');
let server: ControlServer;
beforeAll(async () => {
  server = await ControlServer.listen(DAEMON, socketPath);
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

function ask(
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number | undefined; allow: string | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const content = body === undefined ? '' : JSON.stringify(body);
    const headers = { 'content-length': Buffer.byteLength(content) };
    const sent = request({ socketPath, method, path, headers, agent: false }, response => {
      let text = '';
      response.setEncoding('utf8').on('data', part => (text += String(part)));
      response.on('end', () => resolve({ status: response.statusCode, allow: response.headers.allow, text }));
    });
    sent.on('error', reject);
    sent.end(content);
  });
}

const rows = Object.entries<Row<unknown>>({ ...ADDRESSES });

test.each(rows)('%s is done where the table says so', async (name, { method, path }) => {
  asked.length = 0;
  const { status } = await ask(method, pathFor(path, 'b0'), BODIES[name]);
  expect([status, asked]).toEqual([200, [name]]);
});

const paths = Array.from(new Set(rows.map(([, { path }]) => path)));

test.each(paths)('%s refuses every other method, and names those that it has', async path => {
  const methods = rows.filter(([, row]) => row.path === path).map(([, { method }]) => method);
  for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
    if (methods.some(other => other === method)) continue;
    const where = pathFor(path, 'b0');
    const { status, allow, text } = await ask(method, where);
    expect([status, allow]).toEqual([405, methods.join(', ')]);
    expect((JSON.parse(text) as ErrorBody).error).toEqual({
      code: 'invalid-request',
      errno: 'EINVAL',
      message: `${method} is not possible at ${where}; what is: ${methods.join(', ')}.`,
    });
  }
});

test.each([
  ['/', 404, 'not-found'],
  ['/v2/bonds', 404, 'not-found'],
  ['/v1/status/b0', 404, 'not-found'],
  ['/v1/bonds/b0/nothing', 404, 'not-found'],
  ['/v1/bonds/b0/proc/more', 404, 'not-found'],
  ['/v1/bonds/b1/nothing', 404, 'unknown-bond'],
  ['/v1/bonds/%', 400, 'invalid-request'],
])('GET %s is refused with %i and %s', async (path, status, code) => {
  const answer = await ask('GET', path);
  expect([answer.status, (JSON.parse(answer.text) as ErrorBody).error.code]).toEqual([status, code]);
});

test('while bonds of a file are made others may look, but not at one that is not there yet, and change nothing', async () => {
  starting = { file: '/etc/b.yaml', key: 'k' };
  try {
    expect((await ask('GET', '/v1/bonds')).status).toBe(200);
    for (const [method, path] of [
      ['GET', '/v1/bonds/b1'],
      ['POST', '/v1/bonds/b0/up'],
      ['PUT', '/v1/status'],
    ] as const)
      expect((await ask(method, path)).status, path).toBe(503);
  } finally {
    starting = undefined;
  }
});
