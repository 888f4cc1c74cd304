// The strict meter over a lab's cable; needs root.
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Lab } from './lab.js';
import { measureLoss, type MeterOptions, reportLine, startMeter } from './loss-meter.js';

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.create();
  lab.setUp('host', 'eth0', true);
  lab.addAddress('host', 'eth0', lab.hostAddress);
});
afterEach(() => {
  expect(lab.close()).toEqual([]);
});

function stream(rate: number, seconds: number): MeterOptions {
  return {
    from: argv => lab.spawn('host', argv),
    to: argv => lab.spawn('peer', argv),
    address: lab.peerIp,
    rate,
    seconds,
  };
}

function delay(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

test.each([
  [2000, 1],
  [50_000, 1],
])('measureLoss() loses nothing itself at %i packets a second', async (rate, seconds) => {
  const report = await measureLoss(stream(rate, seconds));
  expect(report).toMatchObject({
    sent: rate * seconds,
    lost: 0,
    doubled: 0,
    refused: 0,
    foreign: 0,
    overflowed: 0,
  });
  expect(report.sendingMs).toBeGreaterThan(seconds * 980);
  expect(reportLine(report)).toContain('lost 0');
});

test('measureLoss() counts what a cut cable swallows, as a gap and as a run of numbers', async () => {
  const meter = await startMeter(stream(2000, 1.5));
  while (meter.progress.received === 0) await delay(5);
  await delay(300);
  lab.cut('eth0');
  await delay(200);
  lab.restore('eth0');
  const report = await meter.done;
  expect(report.sent).toBe(3000);
  expect(report.lost).toBeGreaterThan(350);
  expect(report.lost).toBe(report.sent - report.received);
  expect(report.longestGapMs).toBeGreaterThan(190);
  expect(report.lostRuns.reduce((sum, run) => sum + run.count, 0)).toBe(report.lost);
  expect(report.gaps.some(gap => gap.lengthMs === report.longestGapMs)).toBe(true);
});

test('measureLoss() counts packets that the kernel refused as lost, and what was lost at the end', async () => {
  const meter = await startMeter(stream(1000, 1));
  while (meter.progress.received === 0) await delay(5);
  lab.setUp('host', 'eth0', false);
  const report = await meter.done;
  expect(report.sent).toBe(1000);
  expect(report.refused).toBeGreaterThan(300);
  expect(Object.keys(report.refusedBy)).toEqual(['ENETUNREACH']);
  expect(report.lost).toBeGreaterThanOrEqual(report.refused);
  expect(report.received + report.lost).toBe(1000);
  expect(report.lostRuns.at(-1)?.first).toBeLessThan(1000);
  expect(report.lostRuns.reduce((sum, run) => sum + run.count, 0)).toBe(report.lost);
});

test('startMeter() reports progress, ends when told to, and sees packets that are not its own', async () => {
  const meter = await startMeter(stream(500, 0));
  while (meter.progress.received < 100) await delay(5);
  expect(meter.startedAt).toBeGreaterThan(Date.now() - 10_000);
  const MAIN = fileURLToPath(new URL('../../dist/lab/meter-main.js', import.meta.url));
  const other = await lab.exec('host', [process.execPath, MAIN, 'send', lab.peerIp, '7007', '100', '0.2']);
  expect(other).toMatchObject({ status: 0, stdout: 'sent 20  refused 0\n' });
  meter.stop();
  const report = await meter.done;
  expect(report.lost).toBe(0);
  expect(report.sent).toBeGreaterThanOrEqual(100);
  // Twenty of another run, and the three that say that it ended.
  expect(report.foreign).toBe(23);
});

test('startMeter() says why when an end cannot do its work', async () => {
  const twice = startMeter(stream(100, 1));
  await twice;
  await expect(startMeter(stream(100, 1))).rejects.toThrow(/receiver ended without a result.*EADDRINUSE/s);
  await (await twice).done;
});

test('meter-main.js works by hand: the receiver ends with the sender', async () => {
  const MAIN = fileURLToPath(new URL('../../dist/lab/meter-main.js', import.meta.url));
  const receiver = lab.exec('peer', [process.execPath, MAIN, 'recv', '9000', '30']);
  await delay(400);
  await lab.exec('host', [process.execPath, MAIN, 'send', lab.peerIp, '9000', '1000', '0.5']);
  const { status, stdout } = await receiver;
  expect(status).toBe(0);
  expect(stdout).toMatch(
    /^received 500 {2}missing 0 {2}doubled 0 {2}reordered 0 {2}foreign 0 {2}longest gap \d+\.\d ms at \d\.\d\d s\n$/,
  );
  const wrong = await lab.exec('host', [process.execPath, MAIN, 'send', 'x']);
  expect(wrong).toMatchObject({ status: 2, stdout: '' });
  expect(wrong.stderr).toMatch(/^Use: /);
});
