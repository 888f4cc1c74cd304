import { expect, test } from 'vitest';
import type { Verdict } from '#lab';
import { timesText, type UplinkRun, uplinkTable } from './uplink-figures.js';

test.each([
  [[], '-'],
  [[700], '700'],
  [[0, 0, 0], '0'],
  [[30, 10, 20.4], '10/20/30'],
  [[10, 20], '10/15/20'],
  [[10, null], '10/never/never'],
  [[10, 20, null], '10/20/never'],
  [[null, null], 'never'],
])('timesText(%o) is %s', (times, text) => {
  expect(timesText(times)).toBe(text);
});

function verdict(parts: Partial<Verdict>): Verdict {
  const base = {
    flow: 'udp-existing',
    family: 'ipv4',
    againMs: 0,
    after: 100,
    bad: 0,
    lost: 0,
    before: 50,
    badBefore: 0,
  };
  return { ...base, ...parts } as Verdict;
}

function run(parts: Partial<UplinkRun>): UplinkRun {
  return { method: 'one', fault: 'cut', verdicts: [], back: [], events: [], load: 1, stallMs: 0, ...parts };
}

test('uplinkTable() puts runs of one method, fault and family into one row', () => {
  const runs = [
    run({
      verdicts: [verdict({ againMs: 20, bad: 2 }), verdict({ family: 'ipv6', againMs: null, bad: 50 })],
    }),
    run({ method: 'two', verdicts: [verdict({ badBefore: 3 })], back: [verdict({ bad: 4 })] }),
    run({ verdicts: [verdict({ againMs: 30, bad: 1 }), verdict({ flow: 'dns-new', againMs: 500, bad: 6 })] }),
  ];
  const lines = uplinkTable(runs, ['ipv4', 'ipv6'])
    .split('\n')
    .map(line => line.split(/ {2,}/));
  expect(lines[0]?.slice(0, 5)).toEqual(['fault', 'method', 'family', 'runs', 'udp-existing']);
  expect(lines.slice(1).map(line => line.join(' ').trim())).toEqual([
    'cut one ipv4 2 20/25/30 - - - 500 9 - 0',
    'cut one ipv6 2 never - - - - 50 - 0',
    'cut two ipv4 1 0 - - - - 0 4 3',
    'cut two ipv6 1 - - - - - 0 - 0',
  ]);
});
