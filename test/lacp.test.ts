// 802.3ad on real interfaces: two bonds of ours at the two ends of two cables. Negotiation, a cut, a silent cable, a change of key, a restart of
// either side, at both rates, with an end that is passive. Needs root, BPF, ip and ping; part of test:all.
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { lacpduFrame, tagFrame } from '../src/frames/index.js';
import { PacketSocket, requireLink } from '../src/linux/index.js';
import { closeEnds, type End, TwoEnds } from './support/two-ends.js';
import { until } from './support/stage.js';

afterEach(closeEnds);
vi.setConfig({ testTimeout: 180_000 });

/** Both ends have the same members in the aggregate. */
async function both(ends: TwoEnds, ...members: string[]): Promise<void> {
  await Promise.all([ends.left.agreed(...members), ends.right.agreed(...members)]);
}

/** Messages of an end, from the event of this number on. */
async function told(end: End, after = 0): Promise<string> {
  return (await end.events(after)).map(({ message }) => message).join('\n');
}

async function last(end: End): Promise<number> {
  return (await end.events()).at(-1)?.seq ?? 0;
}

describe.each([
  { name: 'fast', options: { lacp_rate: 'fast' } },
  { name: 'slow', options: { lacp_rate: 'slow' } },
])('two active ends at the rate $name', ({ options }) => {
  test('agree, lose a cable and have it back', async () => {
    const ends = await TwoEnds.open();
    await ends.agreed(options);
    const shown = await ends.left.show();
    expect(shown.lacp?.active).toMatchObject({ ports: 2 });
    expect(shown.lacp?.active?.partnerSystem).toBe((await ends.right.show()).address);
    for (const { lacp } of shown.members)
      expect(lacp).toMatchObject({ carries: true, isInActive: true, explanation: null });
    // Activity, aggregation, sync, collecting, distributing, and the short timeout at the fast rate.
    const flags = options.lacp_rate === 'fast' ? 63 : 61;
    await until('each has heard what the other came to', async () =>
      (await ends.left.show()).members.every(
        ({ lacp }) => lacp?.actor.state === flags && lacp.partner.state === flags,
      ),
    );
    ends.cut('eth0');
    await both(ends, 'eth1');
    await ends.reached();
    ends.mend('eth0');
    await both(ends, 'eth0', 'eth1');
    await ends.reached();
  });
});

test('a passive end is spoken to by an active one', async () => {
  const ends = await TwoEnds.open();
  await ends.left.bond({ lacp_rate: 'fast', lacp_active: 'off' }, ends.cables);
  await ends.right.bond({ lacp_rate: 'fast' }, ends.cables);
  await both(ends, 'eth0', 'eth1');
  await ends.reached();
  expect((await ends.left.member('eth0')).lacp?.actor.state).toBe(62);
});

test('two passive ends say nothing, and doctor says what to do: that mends it', async () => {
  const ends = await TwoEnds.open();
  const options = { lacp_rate: 'fast', lacp_active: 'off' };
  await Promise.all([ends.left, ends.right].map(end => end.bond(options, ends.cables)));
  await until('nobody was heard', async () => (await ends.left.member('eth0')).lacp?.receive === 'defaulted');
  const { stdout } = await ends.left.bondwire.command(['doctor']);
  expect(stdout).toContain('eth0 hears no LACPDUs');
  expect(stdout).toContain('this end is passive, by lacp_active=off');
  ends.right.setUp('bond0', false);
  await ends.right.bondwire.run('set', 'bond0', 'lacp_active=on');
  ends.right.setUp('bond0', true);
  await both(ends, 'eth0', 'eth1');
});

test('a cable that carries nothing although its carrier is there is given up by both ends and taken back', async () => {
  const ends = await TwoEnds.open();
  await ends.agreed({ lacp_rate: 'fast' });
  const [seen, seenRight] = [await last(ends.left), await last(ends.right)];
  ends.silence('eth1');
  await both(ends, 'eth0');
  await ends.reached();
  await until('the ends say so', async () =>
    (await told(ends.left, seen)).includes('The partner of eth1 fell silent'),
  );
  expect(await told(ends.right, seenRight)).toContain('sends through eth0: the partner of eth1 fell silent');
  const table = await ends.left.bondwire.run('show', 'bond0');
  expect(table).toMatch(/LACP +1 of 2 ports carries, aggregator 1, partner/);
  await until(
    'nobody is heard any more',
    async () => (await ends.left.member('eth1')).lacp?.receive === 'defaulted',
  );
  ends.heal('eth1');
  await both(ends, 'eth0', 'eth1');
});

test('a cable that carries in one direction only is told as such', async () => {
  const ends = await TwoEnds.open();
  await ends.agreed({ lacp_rate: 'fast' });
  const seen = await last(ends.right);
  ends.silence('eth0', 'right');
  await both(ends, 'eth1');
  await until('the right end says why', async () =>
    (await told(ends.right, seen)).includes('The partner of eth0 does not name it'),
  );
  const { stdout } = await ends.right.bondwire.command(['doctor']);
  expect(stdout).toContain('one direction');
  ends.heal('eth0');
  await both(ends, 'eth0', 'eth1');
});

test('ports with another key are no aggregate, and the reason is told', async () => {
  const ends = await TwoEnds.open({ cables: ['eth0', 'eth1', 'eth2'] });
  await ends.left.bond({ lacp_rate: 'fast' }, ends.cables);
  await ends.right.bond({ lacp_rate: 'fast' }, ['eth0', 'eth1']);
  // The third cable ends in another bond, as in another channel group of a switch.
  await ends.right.api.create({
    name: 'bond1',
    options: {
      mode: '802.3ad',
      lacp_rate: 'fast',
      ad_actor_system: '02:00:00:00:00:77',
    },
  });
  await ends.right.api.enslave('bond1', { interfaces: ['eth2'] });
  await ends.right.api.up('bond1');
  await both(ends, 'eth0', 'eth1');
  const explained = await until(
    'the third port is explained',
    async () => (await ends.left.member('eth2')).lacp?.explanation ?? undefined,
  );
  expect(explained).toMatchObject({ code: 'other-system' });
  const { stdout } = await ends.left.bondwire.command(['doctor']);
  expect(stdout).toContain('the partner of eth2 is another switch (02:00:00:00:00:77)');
  const table = await ends.left.bondwire.run('show', 'bond0');
  expect(table).toMatch(/eth2 +out +\d+ .*02:00:00:00:00:77/);
  expect(table).toContain('two switches need MLAG or vPC');
});

test('a daemon that is killed and started again finds the aggregate as it was, and its partner noticed nothing', async () => {
  const ends = await TwoEnds.open();
  await ends.agreed({ lacp_rate: 'slow' });
  const [before, seen] = [await ends.left.show(), await last(ends.right)];
  await ends.left.bondwire.stop('SIGKILL');
  await ends.left.bondwire.start();
  await both(ends, 'eth0', 'eth1');
  const after = await ends.left.show();
  expect(after.lacp).toEqual(before.lacp);
  expect(after.members.map(({ lacp }) => lacp?.actor)).toEqual(before.members.map(({ lacp }) => lacp?.actor));
  await ends.reached();
  expect(await told(ends.right, seen)).toBe('');
});

test('a member that leaves says so, and its partner stops sending to it at once', async () => {
  const ends = await TwoEnds.open();
  await ends.agreed({ lacp_rate: 'slow' });
  await ends.left.api.release('bond0', { interfaces: ['eth0'] });
  await both(ends, 'eth1');
  await ends.reached();
  await ends.left.api.enslave('bond0', { interfaces: ['eth0'] });
  await until('both carry again', async () =>
    (await ends.right.show()).members.every(({ lacp }) => lacp?.carries === true),
  );
});

test('the views are those of the driver, and what it tells CAP_NET_ADMIN alone is not for everybody', async () => {
  const ends = await TwoEnds.open();
  await ends.agreed({ lacp_rate: 'fast' });
  const { address } = await ends.right.show();
  const text = await until('the view has it', async () => {
    const now = await ends.left.bondwire.run('show', 'bond0', '--proc');
    return now.match(/port state: 63\n/g)?.length === 4 && now;
  });
  expect(text).toContain('Bonding Mode: IEEE 802.3ad Dynamic link aggregation\n');
  expect(text).toContain(`Partner Mac Address: ${address}\n`);
  const { runDir } = ends.left.bondwire;
  const sysfs = join(runDir, 'sys', 'class', 'net', 'bond0', 'bonding');
  const partner = join(sysfs, 'ad_partner_mac');
  await until('the files have it', () => readFileSync(partner, 'utf8') === `${address}\n`);
  expect(readFileSync(join(sysfs, 'ad_num_ports'), 'utf8')).toBe('2\n');
  expect(statSync(partner).mode & 0o777).toBe(0o400);
  const view = readFileSync(join(runDir, 'proc', 'net', 'bonding', 'bond0'), 'utf8');
  expect(view).toContain('Bonding Mode: IEEE 802.3ad Dynamic link aggregation\n');
  expect(view.match(/Aggregator ID: 1\n/g)).toHaveLength(2);
  expect(view).not.toMatch(/System|Partner Mac|port state/);
});

/** Sends these frames into a cable at the right end, ten thousand a second, for so long; gives how many were sent. */
async function flood(
  ends: TwoEnds,
  cable: string,
  frames: readonly Uint8Array[],
  ms: number,
): Promise<number> {
  const { place } = ends.right;
  const ifindex = requireLink(place.netlink, cable).ifindex;
  const socket = place.inside(() => PacketSocket.open({ ifindex, protocol: 0, qdiscBypass: true }));
  let sent = 0;
  const beganMs = performance.now();
  try {
    for (;;) {
      const passedMs = performance.now() - beganMs;
      if (passedMs > ms) return sent;
      for (; sent < passedMs * 10; sent++) socket.send(frames[sent % frames.length] ?? new Uint8Array());
      await new Promise(resolve => setTimeout(resolve, 5));
    }
  } finally {
    socket.close();
  }
}

/** Memory of a process in MB. */
function memoryOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
}

test('a flood of LACPDUs on one port, right, cut short or tagged, does not touch the others', async () => {
  const ends = await TwoEnds.open({ cables: ['eth0', 'eth1', 'eth2'] });
  await ends.agreed({ lacp_rate: 'fast' });
  const seen = await last(ends.right);
  const pid = ends.left.bondwire.pid ?? 0;
  const end = { systemPriority: 1, system: '02:00:00:00:00:99', key: 9, portPriority: 1, port: 9, state: 63 };
  const made = lacpduFrame('02:00:00:00:00:98', { actor: end, partner: end });
  if (!made.ok) throw new Error(made.error);
  const right = made.value;
  const frames = [right, right.subarray(0, 60), tagFrame(right, [{ tpid: 0x8100, tci: 5 }])];
  const before = await ends.left.show();
  const memory = memoryOf(pid);
  const sent = await flood(ends, 'eth2', frames, 6000);
  const after = await ends.left.show();
  expect(sent).toBeGreaterThan(30_000);
  // The others said all that was due meanwhile, and their partner has nothing to tell of them.
  for (const name of ['eth0', 'eth1']) {
    const [was, is] = [before, after].map(shown => shown.members.find(each => each.name === name)?.lacp);
    expect((is?.counts.lacpduOut ?? 0) - (was?.counts.lacpduOut ?? 0), name).toBeGreaterThanOrEqual(5);
    expect(is?.carries, name).toBe(true);
  }
  expect(await told(ends.right, seen)).not.toMatch(/eth[01] fell silent|eth[01] and its partner/);
  expect(memoryOf(pid) - memory).toBeLessThan(30);
  await both(ends, 'eth0', 'eth1', 'eth2');
});

test('doctor hears a switch that speaks LACP with a bond that does not, and says what to do at either end', async () => {
  const ends = await TwoEnds.open();
  await ends.left.bond({ mode: 'balance-xor' }, ends.cables);
  await ends.right.bond({ lacp_rate: 'fast' }, ends.cables);
  const doctor = await ends.left.bondwire.run('doctor', '--listen', '40', '--json');
  const { findings } = JSON.parse(doctor) as { findings: { name: string; detail: string; fix?: string }[] };
  const found = findings.find(({ name, detail }) => name === 'bond0' && detail.includes('speaks LACP'));
  expect(found?.detail).toMatch(
    /speaks LACP on eth0 \(port 1, key \d+\), eth1 \(port 2, key \d+\), which mode=balance-xor/,
  );
  expect(found?.fix).toMatch(/mode=802\.3ad, or set its channel group to static/);
});
