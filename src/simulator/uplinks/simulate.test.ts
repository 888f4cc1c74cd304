// Uplinks in virtual time: the keeper that ships over lines, routing and flow tables of the simulated gateway.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { unmetOfUplink } from './expectations.js';
import type { TimedStep, UplinkScenario, UplinkSpec } from './scenario.js';
import { checkUplinkScenario } from './scenario-json.js';
import { simulateUplink } from './simulate.js';

function office(
  steps: readonly TimedStep[],
  wish: Partial<UplinkSpec> = {},
  lengthMs = 30_000,
): UplinkScenario {
  return {
    version: 1,
    name: 'office',
    summary: 'Two lines.',
    uplink: {
      lines: [{ name: 'fibre', roundTripMs: 9 }, { name: 'dsl' }],
      traffic: [
        { name: 'call', kind: 'udp', everyMs: 20 },
        { name: 'ssh', kind: 'tcp', everyMs: 100 },
        { name: 'web', kind: 'requests', everyMs: 50 },
        { name: 'call6', kind: 'udp', family: 'ipv6', everyMs: 50 },
      ],
      ...wish,
    },
    steps,
    expect: [],
    lengthMs,
  };
}

function lost(scenario: UplinkScenario): Record<string, number> {
  const { traffic, violations } = simulateUplink(scenario);
  expect(violations).toEqual([]);
  return Object.fromEntries(traffic.map(each => [each.name, each.lost]));
}

describe('simulateUplink()', () => {
  it('does what examples/silent-line.json expects', () => {
    const file = new URL('../../../examples/silent-line.json', import.meta.url);
    const scenario = checkUplinkScenario(JSON.parse(readFileSync(file, 'utf8')));
    if (!scenario.ok) throw new Error(scenario.error);
    const simulated = simulateUplink(scenario.value);
    expect(unmetOfUplink(scenario.value, simulated)).toEqual([]);
    expect(simulated.violations).toEqual([]);
  });

  it('gives the same course for the same seed, and another one for another seed', () => {
    const scenario = office([{ atMs: 3000, do: 'lose', line: 'fibre', percent: 30 }]);
    expect(simulateUplink(scenario, { seed: 3 })).toEqual(simulateUplink(scenario, { seed: 3 }));
    expect(simulateUplink(scenario, { seed: 3 }).traffic).not.toEqual(
      simulateUplink(scenario, { seed: 4 }).traffic,
    );
  });

  it('loses nothing where nothing happens, and nothing when the standby fails', () => {
    const none = { call: 0, ssh: 0, web: 0, call6: 0 };
    expect(lost(office([]))).toEqual(none);
    expect(lost(office([{ atMs: 3000, do: 'cut', line: 'dsl' }]))).toEqual(none);
    expect(lost(office([{ atMs: 3000, do: 'silence', line: 'dsl' }]))).toEqual(none);
  });

  it('is over a cut within a few packets', () => {
    const counts = lost(office([{ atMs: 3000, do: 'cut', line: 'fibre' }]));
    expect(counts['call']).toBeLessThanOrEqual(4);
    expect(counts['web']).toBeLessThanOrEqual(2);
  });

  it('fails over by the kernel alone while there is no daemon', () => {
    const scenario = office([
      { atMs: 3000, do: 'daemon-kill' },
      { atMs: 5000, do: 'cut', line: 'fibre' },
    ]);
    const { traffic, selections } = simulateUplink(scenario);
    expect(selections.filter(({ atMs }) => atMs > 0)).toEqual([]);
    expect(Object.fromEntries(traffic.map(each => [each.name, each.lost > 3]))).toEqual({
      call: false,
      ssh: false,
      web: false,
      call6: false,
    });
  });

  it('flows of a translated prefix never come back by themselves: only a flush helps them', () => {
    const lines = [
      { name: 'fibre', nat6: 'prefix' },
      { name: 'dsl', nat6: 'prefix' },
    ] as const;
    const cut: TimedStep = { atMs: 5000, do: 'cut', line: 'fibre' };
    expect(lost(office([cut], { lines }))['call6']).toBeLessThanOrEqual(2);
    const alone = simulateUplink(office([{ atMs: 3000, do: 'daemon-kill' }, cut], { lines }));
    expect(alone.traffic.find(({ name }) => name === 'call6')?.lost).toBeGreaterThan(400);
  });
});
