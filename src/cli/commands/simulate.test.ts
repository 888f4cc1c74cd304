// `bondwire simulate`: the story of a file or of a seed, and how it ends.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAnyScenario, parseScenario, randomScenario, randomUplink } from '../../simulator/index.js';
import { run } from '../test-support/command.js';

const EXAMPLE = fileURLToPath(new URL('../../../examples/single-switch.json', import.meta.url));
const UPLINK = fileURLToPath(new URL('../../../examples/silent-line.json', import.meta.url));
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bondwire-simulate-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('bondwire simulate', () => {
  it('tells the story of a file: what happened, what followed, what it cost, how it ended', async () => {
    const { code, out, err } = await run(['simulate', EXAMPLE]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/2\.030 s \* the cable at host1:eth0 is cut/);
    expect(out).toMatch(/bond0 moved from eth0 to eth1: eth0 lost its carrier/);
    expect(out).toMatch(/to-host1: 950 packets sent, \d+ lost, longest silence \d+ ms/);
    expect(out).toMatch(/host1\/bond0 uses eth0 \(eth0 up, failed 1 times; eth1 down, failed 1 times\)/);
  });

  it('tells the story of lines to the internet', async () => {
    const { code, out, err } = await run(['simulate', UPLINK]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/5\.000 s \* fibre is silent: nothing passes beyond its router, with the link up/);
    expect(out).toMatch(/5\.\d+ s {3}uplink \(IPv4\): fibre → dsl: silent for \d+ ms/);
    expect(out).toMatch(/call: 3400 packets sent, \d+ lost, longest silence \d+ ms/);
    expect(out).toMatch(/fibre: IPv4 up, IPv6 up; \d/);
  });

  it('makes up lines to the internet with --uplink', async () => {
    const { out } = await run(['simulate', '--uplink', '--seed', '7', '--print']);
    expect(parseAnyScenario(out)).toEqual({ ok: true, value: randomUplink(7) });
  });

  it.each([
    ['"line": "fibre"', '"line": "fiber"', /steps\[0\] \(silence\): there is no line fiber/],
    ['"do": "silence"', '"do": "silent"', /steps\[0\]\.do must be one of cut, restore,/],
    ['"kind": "udp"', '"kind": "ucp"', /uplink\.traffic\[0\]\.kind must be one of udp, tcp, requests/],
    ['"selected": "dsl"', '"chosen": "dsl"', /expect\[1\] must say what is expected/],
  ])('refuses %s written %s in one sentence', async (right, wrong, message) => {
    const file = join(folder, 'wrong.json');
    writeFileSync(file, readFileSync(UPLINK, 'utf8').replace(right, wrong));
    const outcome = await run(['simulate', file]);
    expect(outcome.code).toBe(1);
    expect(outcome.err).toMatch(message);
    expect(outcome.err.trim().split('\n')).toHaveLength(1);
  });

  it('gives the same JSON twice for a seed', async () => {
    const first = await run(['simulate', '--seed', '7', '--json']);
    expect(first).toEqual(await run(['simulate', '--seed', '7', '--json']));
    const answer = JSON.parse(first.out) as { violations: unknown[]; unmet: unknown[]; flows: unknown[] };
    expect(answer.violations).toEqual([]);
    expect(answer.unmet).toEqual([]);
    expect(answer.flows.length).toBeGreaterThan(0);
  });

  it('prints the scenario of a seed, for as long as asked', async () => {
    const { out } = await run(['simulate', '--seed', '7', '--minutes', '1', '--print']);
    expect(parseScenario(out)).toEqual({ ok: true, value: randomScenario(7, 60_000) });
  });

  it('ends with 1 and says what is not as expected', async () => {
    const text = readFileSync(EXAMPLE, 'utf8').replace('"atMost": 45', '"atMost": 0');
    const file = join(folder, 'strict.json');
    writeFileSync(file, text);
    const { code, out } = await run(['simulate', file]);
    expect(code).toBe(1);
    expect(out).toMatch(/Not as expected:\n {2}flow to-host1 lost: is \d+ at the end, expected at most 0/);
  });

  it.each([
    [['simulate', '--uplink', EXAMPLE], 2, /--uplink is for worlds that are made up/],
    [['simulate'], 2, /needs a FILE or a --seed/],
    [['simulate', '--seed', 'x'], 2, /--seed must be a number from 0/],
    [['simulate', '/nowhere.json'], 1, /\/nowhere\.json cannot be read/],
    [['simulate', fileURLToPath(import.meta.url)], 1, /is no scenario: It is no JSON/],
  ])('refuses %j', async (words, code, message) => {
    const outcome = await run(words);
    expect(outcome.code).toBe(code);
    expect(outcome.err).toMatch(message);
  });
});
