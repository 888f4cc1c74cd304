import { expect, test } from 'vitest';
import {
  type DemoResult,
  eventLine,
  failures,
  gapsOf,
  grouped,
  introduction,
  painter,
  span,
  statusLine,
  summary,
} from './demo-text.js';

const plain = painter(false);
const good: DemoResult = {
  sent: 12_000,
  lost: 0,
  lostWhere: 'nothing was lost',
  refused: 0,
  doubled: 0,
  gapAtCutMs: 1.44,
  gapElsewhere: null,
  cutMember: 'eth0',
  cutAtS: 4,
  restoredAtS: 8,
  activeBefore: 'eth0',
  activeWhileCut: 'eth1',
  reason: 'eth0 lost its carrier',
  noticedMs: 2.6,
  receivedAfterCut: 8000,
  leftBehind: [],
};

test('grouped() and span() write figures as people read them', () => {
  expect([0, 999, 1000, 1_234_567].map(grouped)).toEqual(['0', '999', '1,000', '1,234,567']);
  expect([0.04, 9.94, 9.96, 53.4, 999.4, 999.6, 12_345].map(span)).toEqual([
    '0.0 ms',
    '9.9 ms',
    '10 ms',
    '53 ms',
    '999 ms',
    '1.0 s',
    '12.3 s',
  ]);
});

test('statusLine() says who is active, what is cut, what is lost and that nothing arrives', () => {
  const view = { atS: 3.5, active: 'eth0', cut: [], sent: 3500, received: 3499, lost: 0, silentMs: 1 };
  expect(statusLine(view, plain)).toBe('  3.5 s  active eth0  sent 3,500  arrived 3,499  lost 0');
  expect(statusLine({ ...view, active: null, cut: ['eth0', 'eth1'], lost: 7, silentMs: 1500 }, plain)).toBe(
    '  3.5 s  nobody is active  sent 3,500  arrived 3,499  lost 7  cut eth0 eth1  nothing arrives for 1.5 s',
  );
});

test('eventLine() colours only when asked to', () => {
  expect(eventLine(12.34, 'x', 'red', plain)).toBe(' 12.3 s  x');
  expect(eventLine(12.34, 'x', 'red', painter(true))).toBe('\u001b[2m 12.3 s\u001b[0m  \u001b[31mx\u001b[0m');
});

test('summary() ends in plain words', () => {
  expect(summary(good, plain)).toBe(`  packets sent     12,000
  lost             0
  doubled          0
  gap at the cut   1.4 ms
  took over        eth1: eth0 lost its carrier
  told after       2.6 ms

The cable of eth0 was cut at 4.0 s. eth1 took over. 0 of 12,000 packets were lost.
`);
});

test('summary() tells where packets were lost', () => {
  const text = summary({ ...good, lost: 3, lostWhere: 'lost: 3 in a cable while it was cut' }, plain);
  expect(text).toContain('  lost             3; lost: 3 in a cable while it was cut\n');
});

test('failures() is empty only when another member took over, packets arrived and nothing was left', () => {
  expect(failures(good)).toEqual([]);
  expect(failures({ ...good, lost: 90 })).toEqual([]);
  expect(failures({ ...good, activeWhileCut: 'eth0' })).toHaveLength(1);
  expect(failures({ ...good, activeWhileCut: null })).toHaveLength(1);
  expect(failures({ ...good, receivedAfterCut: 0 })).toHaveLength(1);
  expect(failures({ ...good, leftBehind: ['namespace bw1h'] })).toEqual(['Not removed: namespace bw1h.']);
  expect(summary({ ...good, activeWhileCut: null }, plain)).toContain(
    'Nobody took over while the cable of eth0 was cut.',
  );
});

test('gapsOf() tells the gap of the cut from what this machine did at other times', () => {
  const gaps = [
    { atMs: 1000, lengthMs: 6 },
    { atMs: 2498, lengthMs: 9 },
    { atMs: 11_200, lengthMs: 53 },
    { atMs: 12_000, lengthMs: 30 },
  ];
  const found = gapsOf(gaps, 2500);
  expect(found).toEqual({ gapAtCutMs: 9, gapElsewhere: { lengthMs: 53, atS: 11.2 } });
  expect(gapsOf([], 2500)).toEqual({ gapAtCutMs: 0, gapElsewhere: null });
  expect(summary({ ...good, ...found }, plain)).toContain(
    'gap elsewhere    53 ms, at 11.2 s: nothing was cut then, this machine was busy',
  );
});

test('introduction() says what comes, and when', () => {
  expect(introduction(2.5, 1000).join(' ')).toMatch(
    /1,000 packets a second .* After 2\.5 s the cable in use is cut/,
  );
});
