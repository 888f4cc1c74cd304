// The lab of lines against the real kernel; needs root. Each fault does what it says and nothing else, and nothing stays.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { monotonicMs } from '#linux';
import { type CommandResult, type Direction, INSIDE, IspLab, SERVERS } from '#lab';
import { listNamedNetns } from '../src/linux/index.js';
import { collect } from '../src/lab/managed-bondwire.js';
import { ownerOf } from '../src/lab/names.js';
import { BIN } from './support/stage.js';

let lab: IspLab;
beforeAll(async () => {
  lab = await IspLab.create({ defaultRoutes: true });
  await lab.startServers();
});
afterEach(() => {
  for (const { device } of lab.lines) lab.clearFault(device);
});
afterAll(() => {
  expect(lab.close()).toEqual([]);
  expect(listNamedNetns().filter(name => ownerOf(name) === process.pid)).toEqual([]);
});

const FAMILIES = ['ipv4', 'ipv6'] as const;
type Family = (typeof FAMILIES)[number];

interface Pinged {
  readonly answered: number;
  /** Median, milliseconds. */
  readonly rttMs: number;
}

async function ping(target: string, device: string, count = 10): Promise<Pinged> {
  const argv = ['ping', '-n', '-c', String(count), '-i', '0.01', '-W', '0.3', '-I', device, target];
  const { stdout }: CommandResult = await lab.exec('gateway', argv);
  const times = [...stdout.matchAll(/ time=([\d.]+) ms/g)]
    .map(([, ms]) => Number(ms))
    .toSorted((a, b) => a - b);
  return { answered: times.length, rttMs: times[times.length >> 1] ?? Number.NaN };
}

/** What gets through a line: to the provider's router and beyond it, of ten each. */
async function throughLine(device: string, family: Family): Promise<{ router: number; beyond: number }> {
  const targets = [lab.line(device).gateway[family], SERVERS.first[family]];
  const [router, beyond] = await Promise.all(targets.map(target => ping(target, device)));
  return { router: router?.answered ?? 0, beyond: beyond?.answered ?? 0 };
}

/** A neighbour that did not answer while the line was dead is asked again a second later only. */
function untilWell(device: string, family: Family): Promise<void> {
  return expect.poll(() => throughLine(device, family)).toEqual(WELL);
}

const WELL = { router: 10, beyond: 10 };

describe.each(FAMILIES)('%s', family => {
  test.each(['wan0', 'wan1'])('by %s the internet answers, in the time of two ways', async device => {
    const { answered, rttMs } = await ping(SERVERS.second[family], device);
    const { delayMs } = lab.line(device);
    expect(answered).toBe(10);
    expect(rttMs).toBeGreaterThanOrEqual(2 * delayMs);
    expect(rttMs).toBeLessThan(2 * delayMs + 20);
  });

  test.each([
    ['gateway-dead', { router: 0, beyond: 0 }],
    ['dead-beyond', { router: 10, beyond: 0 }],
    ['silent', { router: 0, beyond: 0 }],
    ['silent up', { router: 0, beyond: 0 }],
    ['silent down', { router: 0, beyond: 0 }],
    ['portal', WELL],
    ['dns-dead', WELL],
  ] as const)(
    '%s: what gets through is %o; the carrier stays, and so does the other line',
    async (fault, through) => {
      lab.setFault('wan0', fault);
      expect(await throughLine('wan0', family)).toEqual(through);
      expect(lab.link('gateway', 'wan0')?.carrier).toBe(true);
      expect(await throughLine('wan1', family)).toEqual(WELL);
      lab.clearFault('wan0');
      expect(await throughLine('wan0', family)).toEqual(WELL);
    },
  );

  test('cut takes the carrier away at once, and the end of it gives all back', async () => {
    lab.setFault('wan0', 'cut');
    expect(lab.link('gateway', 'wan0')?.carrier).toBe(false);
    expect(await throughLine('wan1', family)).toEqual(WELL);
    lab.clearFault('wan0');
    expect(lab.link('gateway', 'wan0')?.carrier).toBe(true);
    await untilWell('wan0', family);
  });

  test('delay adds to each way that it is said of', async () => {
    await untilWell('wan0', family);
    lab.setFault('wan0', 'delay 40 down');
    expect((await ping(SERVERS.first[family], 'wan0')).rttMs).toBeGreaterThanOrEqual(50);
    lab.setFault('wan0', 'delay 40');
    const { answered, rttMs } = await ping(SERVERS.first[family], 'wan0');
    expect(answered).toBe(10);
    expect(rttMs).toBeGreaterThanOrEqual(90);
    expect(rttMs).toBeLessThan(130);
  });

  test('loss takes about the share that it says, on the way that it is said of', async () => {
    await untilWell('wan0', family);
    lab.setFault('wan0', 'loss 30 down');
    const before = { up: lab.counts('wan0', 'up'), down: lab.counts('wan0', 'down') };
    const { answered } = await ping(SERVERS.first[family], 'wan0', 200);
    expect(answered).toBeGreaterThan(100);
    expect(answered).toBeLessThan(180);
    expect(lab.counts('wan0', 'up').lost).toBe(before.up.lost);
    expect(lab.counts('wan0', 'down').lost).toBeGreaterThan(before.down.lost + 20);
  });
});

test.each(['up', 'down'] as const)(
  'silent %s loses what goes that way and nothing of the other',
  async (way: Direction) => {
    const other = way === 'up' ? 'down' : 'up';
    await untilWell('wan0', 'ipv4');
    lab.setFault('wan0', `silent ${way}`);
    const before = { up: lab.counts('wan0', 'up'), down: lab.counts('wan0', 'down') };
    await ping(SERVERS.first.ipv4, 'wan0');
    const after = { up: lab.counts('wan0', 'up'), down: lab.counts('wan0', 'down') };
    expect(after[way].lost).toBeGreaterThanOrEqual(before[way].lost + 10);
    expect(after[way].delivered).toBe(before[way].delivered);
    expect(after[other].lost).toBe(before[other].lost);
  },
);

test('a fault says when it began and ended', () => {
  const beforeMs = monotonicMs();
  const set = lab.setFault('wan0', 'silent');
  const cleared = lab.clearFault('wan0');
  const moments = [beforeMs, set.fromMs, set.toMs, cleared.fromMs, cleared.toMs, monotonicMs()];
  expect(moments).toEqual(moments.toSorted((a, b) => a - b));
});

test('faults of several kinds stand beside each other, and one ends alone', () => {
  lab.setFault('wan0', 'loss 5');
  lab.setFault('wan0', 'delay 10 up');
  lab.setFault('wan0', 'loss 7 down');
  expect(lab.faults('wan0')).toEqual(['loss 7 down', 'delay 10 up']);
  expect(lab.faults('wan1')).toEqual([]);
  lab.clearFault('wan0', 'loss');
  expect(lab.faults('wan0')).toEqual(['delay 10 up']);
});

test.each(FAMILIES)('%s: a source address of the other line does not pass the provider', async family => {
  await untilWell('wan0', family);
  expect((await ping(SERVERS.first[family], lab.line('wan0').address[family])).answered).toBe(10);
  // Without a rule for it, it leaves by the first line.
  expect((await ping(SERVERS.first[family], lab.line('wan1').address[family])).answered).toBe(0);
});

test.each(FAMILIES)('%s: the client reaches the gateway, and nothing further without NAT', async family => {
  const reaches = async (target: string): Promise<number | null> =>
    (await lab.exec('client', ['ping', '-n', '-c', '2', '-i', '0.1', '-W', '1', target])).status;
  expect(await reaches(INSIDE.gateway[family])).toBe(0);
  expect(await reaches(SERVERS.first[family])).not.toBe(0);
});

test('a fault or a line that there is not is refused in a sentence', () => {
  expect(() => lab.setFault('wan0', 'slow')).toThrow('"slow" is no fault of a line');
  expect(() => lab.setFault('wan7', 'cut')).toThrow('The lab has no line wan7; it has wan0, wan1');
});

test('without default routes the gateway has none', async () => {
  const bare = await IspLab.create({ lines: [{}] });
  try {
    const { stdout } = await bare.exec('gateway', ['ip', 'route', 'show', 'default']);
    expect(stdout).toBe('');
    expect((await bare.exec('gateway', ['ip', '-6', 'route', 'show', 'default'])).stdout).toBe('');
  } finally {
    expect(bare.close()).toEqual([]);
  }
});

test('closing ends the process of the wires', async () => {
  const other = await IspLab.create({ lines: [{}] });
  const mark = `BONDWIRE_LAB=${other.name('gateway')}`;
  const { stdout } = await other.exec('wires', ['ip', 'netns', 'pids', other.name('wires')]);
  const pids = stdout.split('\n').filter(pid => pid !== '' && isMarked(pid, mark));
  expect(pids).not.toEqual([]);
  expect(other.close()).toEqual([]);
  await expect.poll(() => pids.filter(pid => isMarked(pid, mark))).toEqual([]);
});

const rootless = await collect(spawn(BIN, ['rootless', '--', '/bin/true']));

test.runIf(rootless.status === 0)(
  'the lab works with user namespaces alone (where the system allows them)',
  async () => {
    const script = `
    import { IspLab } from ${JSON.stringify(new URL('../dist/lab/index.js', import.meta.url).href)};
    const lab = await IspLab.create({ lines: [{ delayMs: 5 }], defaultRoutes: true });
    await lab.startServers();
    const page = async () => {
      const fetching = "fetch('http://198.51.100.10/', { redirect: 'manual' }).then(r => console.log(r.status), () => console.log('none'))";
      return (await lab.exec('gateway', [process.execPath, '-e', fetching])).stdout.trim();
    };
    const seen = [await page()];
    for (const fault of ['portal', 'dead-beyond']) {
      lab.setFault('wan0', fault);
      if (fault === 'portal') seen.push(await page());
      const ping = await lab.exec('gateway', ['ping', '-c', '2', '-i', '0.1', '-W', '1', '198.51.100.10']);
      seen.push(fault, ping.status);
      lab.clearFault('wan0');
    }
    console.log(JSON.stringify([...seen, lab.close()]));`;
    const child = spawn(BIN, ['rootless', '--', process.execPath, '--input-type=module', '-e', script]);
    const { stdout, stderr } = await collect(child);
    expect([stderr, JSON.parse(stdout)]).toEqual(['', ['200', '302', 'portal', 0, 'dead-beyond', 1, []]]);
  },
);

function isMarked(pid: string, mark: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(mark);
  } catch {
    return false;
  }
}
