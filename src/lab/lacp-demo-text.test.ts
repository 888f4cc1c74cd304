import { expect, test } from 'vitest';
import { painter } from './demo-text.js';
import { lacpFailures, lacpIntroduction, type LacpResult, lacpSummary } from './lacp-demo-text.js';

const plain = painter(false);
const good: LacpResult = {
  survival: 'lease',
  sent: 12_000,
  lost: 2,
  doubled: 0,
  awayMs: 6400,
  lostWhileAway: 0,
  said: 13,
  partnerTold: [],
  cutCable: 'eth1',
  lostAtCut: 2,
  inCable: 2,
  receivedWhileCut: 3000,
  backMs: 2430,
  lostAtReturn: 0,
  leftBehind: [],
};

test('lacpSummary() tells the figures of the run', () => {
  expect(lacpSummary(good, plain)).toBe(`  packets sent     12,000
  lost             2
  doubled          0
  no daemon for    6.4 s, and the partner waits 3 s; the programs said 13 LACPDUs
  lost meanwhile   0
  the partner      noticed nothing
  lost at the cut  2, of them 2 in the cut cable itself
  both carry again 2.4 s after eth1 was whole, 0 lost

The aggregate lived without its daemon, and without eth1.
`);
});

test('without a lease it says who brought the next daemon, and what was lost is told and no failure', () => {
  const supervised: LacpResult = {
    ...good,
    survival: 'supervisor',
    awayMs: 210,
    said: null,
    lostWhileAway: 4,
  };
  expect(lacpSummary(supervised, plain)).toContain(
    '  next daemon      210 ms after kill -9, started by the supervisor\n  lost meanwhile   4\n',
  );
  expect(lacpFailures(supervised)).toEqual([]);
});

test('lacpFailures() is empty only when nothing was noticed and nothing was lost or left', () => {
  expect(lacpFailures(good)).toEqual([]);
  for (const change of [
    { partnerTold: ['The partner of eth0 fell silent'] },
    { lostWhileAway: 1 },
    { awayMs: 2000 },
    { receivedWhileCut: 0 },
    { leftBehind: ['namespace bw1h'] },
  ])
    expect(lacpFailures({ ...good, ...change })).toHaveLength(1);
  expect(
    lacpSummary({ ...good, partnerTold: ['it fell silent', 'it is back', 'all is well'] }, plain),
  ).toContain('  the partner      it fell silent (and 2 more)\n');
});

test('lacpIntroduction() says what comes, and for how long', () => {
  expect(lacpIntroduction(6, 500).join(' ')).toMatch(/500 packets a second .* stays away for 6 s/);
  expect(lacpIntroduction(null, 500).join(' ')).not.toContain('stays away');
});
