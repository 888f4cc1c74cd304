// What faults of a line do to traffic, as the meter of lines sees it; needs root and nft. One line, so that nothing can take over.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Family, type Flow, FLOWS, IspLab, judge, UplinkMeter, type Verdict } from '#lab';

const MASQUERADE =
  'table inet nat { chain out { type nat hook postrouting priority srcnat; oifname "wan*" masquerade; }; }';

let lab: IspLab;
beforeAll(async () => {
  lab = await IspLab.create({ lines: [{ delayMs: 5, providerNat: true }], defaultRoutes: true });
  await lab.startServers();
  expect(await lab.exec('gateway', ['nft', MASQUERADE])).toMatchObject({ status: 0, stderr: '' });
});
afterEach(() => lab.clearFault('wan0'));
afterAll(() => expect(lab.close()).toEqual([]));

function delay(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

const FAULT_MS = 1500;

/** Traffic of some seconds with the fault in its middle. */
async function under(fault: string, flows: readonly Flow[] = FLOWS): Promise<readonly Verdict[]> {
  const meter = await UplinkMeter.start(lab, { flows });
  await delay(1500);
  const set = lab.setFault('wan0', fault);
  await delay(FAULT_MS);
  const cleared = lab.clearFault('wan0');
  await delay(2500);
  await meter.stop();
  const verdicts = judge(meter.samples, { momentMs: set.toMs, untilMs: cleared.fromMs });
  expect(verdicts).toHaveLength(2 * flows.length);
  for (const { before, badBefore } of verdicts) {
    expect(before).toBeGreaterThan(0);
    // A machine that is busy may be late once.
    expect(badBefore).toBeLessThanOrEqual(0.1 * before);
  }
  return verdicts;
}

/** Kinds of which next to nothing got through, and kinds of which nearly all did. */
function sorted(verdicts: readonly Verdict[], family: Family): { dead: Flow[]; well: Flow[] } {
  const own = verdicts.filter(verdict => verdict.family === family);
  return {
    dead: own.filter(({ bad, after }) => bad >= 0.9 * after).map(({ flow }) => flow),
    well: own.filter(({ bad, after }) => bad <= 0.1 * after).map(({ flow }) => flow),
  };
}

test.each([
  ['silent', { dead: FLOWS.filter(flow => flow !== 'tcp-existing'), well: [] }],
  ['dns-dead', { dead: ['dns-new'], well: FLOWS.filter(flow => flow !== 'dns-new') }],
  ['portal', { dead: ['udp-existing', 'udp-new', 'http-new'], well: ['dns-new'] }],
  ['delay 400 down', { dead: FLOWS, well: [] }],
] as const)('%s: %o', async (fault, expected) => {
  const verdicts = await under(fault);
  for (const family of ['ipv4', 'ipv6'] as const) {
    const { dead, well } = sorted(verdicts, family);
    expect(dead).toEqual(expect.arrayContaining([...expected.dead]));
    expect(well).toEqual(expected.well);
  }
});

test('loss takes a share of datagrams, and of none more', async () => {
  const verdicts = await under('loss 40 up', ['udp-existing', 'udp-new']);
  for (const { lost, after } of verdicts) {
    expect(lost).toBeGreaterThan(0.1 * after);
    expect(lost).toBeLessThan(0.8 * after);
  }
});

test('a portal is refused where no page is served', async () => {
  const bare = await IspLab.create({ lines: [{}] });
  try {
    expect(() => bare.setFault('wan0', 'portal')).toThrow('call startServers()');
  } finally {
    expect(bare.close()).toEqual([]);
  }
});

test('servers have the addresses that are asked for', async () => {
  const first = { ipv4: '1.1.1.1', ipv6: '2606:4700:4700::1111' };
  const other = await IspLab.create({ lines: [{}], servers: { first }, defaultRoutes: true });
  try {
    for (const address of Object.values(first)) {
      const argv = ['ping', '-n', '-c', '3', '-i', '0.1', '-W', '1', address];
      await expect.poll(async () => (await other.exec('gateway', argv)).status).toBe(0);
    }
  } finally {
    expect(other.close()).toEqual([]);
  }
});
