// What a bond loses is told from what others lose, so that a test on traffic fails for the bond alone: losses planted in each
// place. Needs root.
import { afterEach, expect, test } from 'vitest';
import { setLink } from '../src/linux/index.js';
import { closeStages, Stage, until } from './support/stage.js';
import { expectNothingLost, Traffic } from './support/traffic.js';

afterEach(closeStages);

const RATE = 1000;

async function stageWithTraffic(options: Record<string, string> = {}) {
  const stage = await Stage.open();
  await stage.bond(options);
  return { stage, traffic: await Traffic.start(stage, RATE) };
}

test('without inline failover, and with nobody to look, a cut loses packets by the bond', async () => {
  const { stage, traffic } = await stageWithTraffic({ inline_failover: '0' });
  await stage.bondwire.stop('SIGKILL');
  stage.lab.cut('eth0');
  await traffic.sending();
  const report = await traffic.report('inline_failover=0');
  expect(report.shares.bond).toBeGreaterThan(0);
  expect(() => expectNothingLost(report)).toThrow(/by the bond/);
});

test('with its lower end down, where the program is, the bond loses all', async () => {
  const { stage, traffic } = await stageWithTraffic({ data_plane: 'ebpf' });
  await stage.bondwire.stop('SIGKILL');
  const lower = /bwl-[^@:]+/.exec(await stage.ip('-o', 'link', 'show'))?.[0] ?? '';
  stage.lab.setUp('host', lower, false);
  await traffic.sending();
  const report = await traffic.report('the lower end is down');
  expect(report.shares.bond).toBeGreaterThan(0);
  expect(() => expectNothingLost(report)).toThrow(/by the bond/);
});

test('a silent port loses packets by the bond; one that does not forward yet does not', async () => {
  const { stage, traffic } = await stageWithTraffic();
  stage.lab.silence('eth0');
  await traffic.sending();
  stage.lab.restore('eth0');
  await traffic.flowing();
  const silent = await traffic.report('a silent port');
  expect(silent.lost).toBeGreaterThan(0);
  expect(silent.shares.bond).toBe(silent.lost);

  const again = await Traffic.start(stage, RATE);
  const { netlink, port, bridge } = {
    netlink: stage.lab.netlink('switch'),
    port: stage.lab.link('switch', stage.lab.cables['eth0'] ?? '')?.ifindex ?? 0,
    bridge: stage.lab.link('switch', 'sw0')?.ifindex ?? 0,
  };
  setLink(netlink, port, { master: 0 });
  await again.sending();
  setLink(netlink, port, { master: bridge });
  await again.flowing();
  const report = await again.report('a port that does not forward');
  expect(report.lost).toBeGreaterThan(0);
  expect(report.shares.beyond).toBe(report.lost);
  expectNothingLost(report);
});

test('packets that a cable swallowed are those of the cable', async () => {
  const { stage, traffic } = await stageWithTraffic();
  for (let cut = 0; cut < 5; cut++) {
    stage.lab.cut('eth0');
    await stage.active('eth1');
    stage.lab.restore('eth0');
    await stage.up('eth0');
    await until('it forwards', () => stage.lab.link('switch', 'p0')?.operationalState === 'up');
    await stage.api.set('bond0', { options: { active_slave: 'eth0' } });
  }
  const report = await traffic.report('five cuts');
  expect(report.shares.cable).toBeLessThanOrEqual(stage.lab.swallowed);
  expectNothingLost(report);
});
