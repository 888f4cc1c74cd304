// Questions by a line on a real cable: pings, the gateway's link address, TCP, DNS and HTTP, good answers and bad ones. Needs root and ip.
import { execFileSync, spawn } from 'node:child_process';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Probes } from '../src/gateway/index.js';
import { Place } from '../src/lab/place.js';
import { namespaceName } from '../src/lab/names.js';
import { requireLink } from '../src/linux/index.js';
import type { Family, LinePath, LineSettings, Probe, ProbeFailure, ProbeKind } from '../src/uplinks/index.js';

vi.setConfig({ testTimeout: 60_000 });

const DEVICE = 'wan0';
const OURS = { ipv4: '192.0.2.2', ipv6: '2001:db8:1::2' } as const;
const THEIRS = { ipv4: '192.0.2.1', ipv6: '2001:db8:1::1' } as const;
/** Servers at the other end: DNS on 53 (right), 54 (SERVFAIL), 55 (silent); HTTP on 80 with pages. */
const SERVERS = `
const dgram = require('node:dgram'), http = require('node:http');
const dns = (port, code) => dgram.createSocket({ type: 'udp6' }, function (m, from) {
  if (code === null) return;
  const a = Buffer.from(m); a.writeUInt16BE(0x8180 | code, 2); this.send(a, from.port, from.address);
}).bind(port, '::');
dns(53, 0); dns(54, 2); dns(55, null);
http.createServer((q, r) => {
  if (q.url === '/away') { r.writeHead(302, { location: 'http://portal.example/' }); r.end(); }
  else if (q.url === '/slow') setTimeout(() => r.end('success\\n'), 3000);
  else if (q.url === '/other') r.end('<html>log in</html>');
  else if (q.url === '/gone') { r.writeHead(404); r.end('success'); }
  else r.end('success\\n');
}).listen(80, '::', () => console.log('ready'));
`;

interface Outcome {
  readonly rttMs?: number;
  readonly why?: ProbeFailure;
  readonly detail?: string | undefined;
}

let ours: Place;
let theirs: Place;
let servers: ReturnType<typeof spawn>;
let probes: Probes;
let page: LineSettings['http'] = null;
let next = 0;
const waiting = new Map<number, (outcome: Outcome) => void>();

function inNetns(place: Place, ...argv: string[]): void {
  execFileSync('ip', ['netns', 'exec', place.name, ...argv], { stdio: 'pipe' });
}

beforeAll(async () => {
  ours = Place.create(namespaceName(process.pid, 0, 'probegw'));
  theirs = Place.create(namespaceName(process.pid, 0, 'probeisp'));
  inNetns(ours, 'ip', 'link', 'add', DEVICE, 'type', 'veth', 'peer', 'name', 'isp', 'netns', theirs.name);
  for (const [place, device, end] of [
    [ours, DEVICE, OURS],
    [theirs, 'isp', THEIRS],
  ] as const) {
    inNetns(place, 'ip', 'link', 'set', 'lo', 'up');
    inNetns(place, 'ip', 'addr', 'add', `${end.ipv4}/24`, 'dev', device);
    inNetns(place, 'ip', 'addr', 'add', `${end.ipv6}/64`, 'dev', device, 'nodad');
    inNetns(place, 'ip', 'link', 'set', device, 'up');
  }
  servers = theirs.inside(() =>
    spawn(process.execPath, ['-e', SERVERS], { stdio: ['ignore', 'pipe', 'inherit'] }),
  );
  await new Promise(resolve => servers.stdout?.once('data', resolve));
  const link = requireLink(ours.netlink, DEVICE);
  const path = (family: Family): LinePath => ({
    address: OURS[family],
    addresses: [{ address: OURS[family], prefixLength: family === 'ipv4' ? 24 : 64 }],
    gateway: THEIRS[family],
    onLink: false,
  });
  const told = (probe: Probe, outcome: Outcome): void => waiting.get(probe.id)?.(outcome);
  probes = new Probes({
    lines: line =>
      line === 1 ? { device: DEVICE, ifindex: link.ifindex, mac: link.address ?? null, path } : undefined,
    settings: () => ({ http: page, dns: [THEIRS.ipv4] }) as unknown as LineSettings,
    answers: {
      answered: (probe, rttMs) => told(probe, { rttMs }),
      failed: (probe, why, detail) => told(probe, { why, detail }),
    },
  });
});
afterAll(() => {
  probes.close();
  servers.kill('SIGKILL');
  ours.remove();
  theirs.remove();
});
beforeEach(() => {
  page = null;
});

/** Asks; undefined when nothing is told in half a second more than the question may take. */
async function ask(
  kind: ProbeKind,
  target: string,
  family: Family = 'ipv4',
  line = 1,
): Promise<Outcome | undefined> {
  const probe: Probe = { id: ++next, line, family, kind, target, timeoutMs: 700 };
  const outcome = new Promise<Outcome | undefined>(resolve => {
    waiting.set(probe.id, resolve);
    setTimeout(() => resolve(undefined), 1200);
  });
  ours.inside(() => probes.ask(probe));
  return outcome;
}

const right = { rttMs: expect.any(Number) };

describe.each(['ipv4', 'ipv6'] as const)('%s', family => {
  const nobody = family === 'ipv4' ? '192.0.2.77' : '2001:db8:1::77';
  const at = (port: number): string =>
    family === 'ipv4' ? `${THEIRS.ipv4}:${port}` : `[${THEIRS.ipv6}]:${port}`;

  test('a ping is answered, and one to nobody is not', async () => {
    expect(await ask('ping', THEIRS[family], family)).toEqual(right);
    expect(await ask('ping', nobody, family)).toBeUndefined();
  });

  test('where there is no way it is not sent, and said so', async () => {
    const far = family === 'ipv4' ? '198.51.100.1' : '2001:db8:99::1';
    // Without a route IPv4 takes everybody for a neighbour on the device that the socket is tied to (ip_route_output_key_hash_rcu).
    const expected = family === 'ipv4' ? undefined : { why: 'unsent', detail: 'ENETUNREACH' };
    expect(await ask('ping', far, family)).toEqual(expected);
    expect(await ask('ping', THEIRS[family], family, 2)).toEqual({
      why: 'unsent',
      detail: 'there is no such device',
    });
  });

  test('the gateway tells its link address; nobody tells none', async () => {
    expect(await ask('gateway', THEIRS[family], family)).toEqual(right);
    expect(await ask('gateway', nobody, family)).toEqual({ why: 'timeout', detail: undefined });
  });

  test('TCP: connected, closed, nobody', async () => {
    expect(await ask('tcp', at(80), family)).toEqual(right);
    expect(await ask('tcp', at(81), family)).toEqual({ why: 'refused', detail: 'ECONNREFUSED' });
    expect((await ask('tcp', nobody, family))?.why).toMatch(/^(?:timeout|refused)$/);
  });

  test('DNS: right, in trouble, silent, not there', async () => {
    expect(await ask('dns', THEIRS[family], family)).toEqual(right);
    expect(await ask('dns', at(54), family)).toEqual({ why: 'wrong', detail: 'SERVFAIL' });
    expect(await ask('dns', at(55), family)).toEqual({ why: 'timeout', detail: undefined });
    expect(await ask('dns', at(56), family)).toEqual({ why: 'refused', detail: 'ECONNREFUSED' });
  });

  test.each([
    ['/', right],
    ['/away', { why: 'redirected', detail: 'to http://portal.example/' }],
    ['/other', { why: 'wrong', detail: 'another page came than the one that is known' }],
    ['/gone', { why: 'wrong', detail: 'status 404, not 200' }],
    ['/slow', { why: 'timeout', detail: undefined }],
  ])('HTTP %s', async (path, expected) => {
    const host = family === 'ipv4' ? THEIRS.ipv4 : `[${THEIRS.ipv6}]`;
    page = { url: `http://${host}${path}`, status: 200, body: 'success' };
    expect(await ask('http', page.url, family)).toEqual(expected);
  });
});

test('a page whose host has no address there is not asked for', async () => {
  page = { url: 'http://page.example/', status: 200, body: 'success' };
  expect(await ask('http', page.url)).toEqual({
    why: 'unsent',
    detail: 'no address of page.example is known',
  });
  page = { url: `http://[${THEIRS.ipv6}]/`, status: 200, body: 'success' };
  expect((await ask('http', page.url, 'ipv4'))?.why).toBe('unsent');
});

test('many pings are told apart, and what was closed tells nothing', async () => {
  const outcomes = await Promise.all(Array.from({ length: 50 }, () => ask('ping', THEIRS.ipv4)));
  expect(outcomes.filter(outcome => outcome?.rttMs !== undefined)).toHaveLength(50);
  probes.forget(1);
  expect(await ask('ping', THEIRS.ipv4)).toEqual(right);
});
