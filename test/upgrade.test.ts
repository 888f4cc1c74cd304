// From one version to another and back, under traffic: nothing is lost, and counts go on. Needs root; part of test:all.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ShowBond, ShowDocument } from '../src/daemon/api/api.js';
import { ManagedBondwire, reportLine, startMeter } from '../src/lab/index.js';
import { tcxAvailable } from '../src/linux/index.js';
import { buildEarlier, buildTomorrow, EARLIER, hasEarlier, type Version } from './support/other-versions.js';
import { BIN, closeStages, Stage, until } from './support/stage.js';
import { expectNothingLost, Traffic } from './support/traffic.js';

const RATE = 2000;
const BUILD_MS = 600_000;
const TEST_MS = 300_000;

const bins: Record<'earlier' | 'this' | 'tomorrow', string> = { earlier: '', this: BIN, tomorrow: '' };
const versions: Version[] = [];
const isThere = hasEarlier();
if (!isThere) console.log(`The history has no commit ${EARLIER}: upgrades from it are left out.`);

beforeAll(() => {
  const tomorrow = buildTomorrow();
  versions.push(tomorrow);
  bins.tomorrow = tomorrow.bin;
  if (!isThere) return;
  const earlier = buildEarlier();
  versions.push(earlier);
  bins.earlier = earlier.bin;
}, BUILD_MS);
afterAll(() => {
  for (const version of versions) version.remove();
});
afterEach(closeStages);

type VersionName = keyof typeof bins;

/** Daemons of all versions for one run directory; `environment` is that of all. */
function daemonsOf(stage: Stage, environment: readonly string[]): Record<VersionName, ManagedBondwire> {
  const of = (name: VersionName): ManagedBondwire =>
    new ManagedBondwire({
      spawn: argv => stage.lab.spawn('host', ['env', ...environment, ...argv]),
      bin: bins[name],
      runDir: stage.runDir,
    });
  return { earlier: of('earlier'), this: of('this'), tomorrow: of('tomorrow') };
}

/** Version of the layout that the note of the bond tells of, in its own places. */
function layoutOf(stage: Stage): unknown {
  const state = JSON.parse(readFileSync(`${stage.runDir}/state.json`, 'utf8')) as {
    bonds: { pins: string }[];
  };
  const note = readFileSync(`${stage.runDir}/${state.bonds[0]?.pins ?? ''}.json`, 'utf8');
  return (JSON.parse(note) as { layoutVersion?: unknown }).layoutVersion;
}

/** One bond through these versions, each ended by the signal, under traffic both ways. */
async function throughVersions(
  way: readonly VersionName[],
  signal: 'SIGKILL' | 'SIGTERM',
  environment: readonly string[],
  options: Readonly<Record<string, string>> = {},
): Promise<void> {
  const stage = await Stage.open({ noDaemon: true });
  const daemons = daemonsOf(stage, environment);
  const [first = 'this', ...others] = way;
  let daemon = daemons[first];
  try {
    await daemon.start();
    await stage.bond({ data_plane: 'ebpf', ...options });
    const drops = await lose(stage, daemon);
    const traffic = await Traffic.start(stage, RATE);
    const inbound = await startMeter({
      from: argv => stage.lab.spawn('peer', argv),
      to: argv => stage.lab.spawn('host', argv),
      address: stage.lab.hostIp,
      rate: RATE,
      seconds: 0,
    });
    for (const next of others) {
      await daemon.stop(signal);
      await traffic.flowing();
      daemon = daemons[next];
      await daemon.start();
      expect((await stage.api.status()).adopted).toEqual(['bond0']);
      expect(layoutOf(stage)).toBe(next === 'tomorrow' ? 9 : 8);
      await traffic.flowing();
      const shown = await shownBy(daemon);
      expect(shown.txDropped).toBe(drops);
      expect(shown.members.map(({ miiStatus }) => miiStatus)).toEqual(['up', 'up']);
    }
    inbound.stop();
    const report = await inbound.done;
    console.log(`in: ${reportLine(report)}`);
    expectNothingLost(await traffic.report(way.join(' → ')), options['mode'] === 'broadcast');
    expect([report.lost, report.refused, report.doubled]).toEqual([0, 0, 0]);
    // And what it is for works on.
    const active = (await shownBy(daemon)).active ?? 'eth0';
    stage.lab.cut(active);
    await stage.reached();
    stage.lab.restore(active);
    await stage.api.destroy('bond0');
    const left = await daemon.command(['show', '--json']);
    expect(JSON.parse(left.stdout)).toEqual({ bonds: [] });
  } finally {
    await daemon.stop('SIGKILL');
  }
}

/** The bond as the daemon's own command shows it: that of this version may want more of an answer. */
async function shownBy(daemon: ManagedBondwire): Promise<ShowBond> {
  const { stdout, stderr } = await daemon.command(['show', 'bond0', '--json']);
  const [bond] = stdout === '' ? [] : (JSON.parse(stdout) as ShowDocument).bonds;
  if (bond === undefined) throw new Error(`bond0 is not shown: ${stderr}`);
  return bond;
}

/** Counts some frames as lost: they find no member while both cables are cut. */
async function lose(stage: Stage, daemon: ManagedBondwire): Promise<number> {
  for (const member of stage.lab.members) stage.lab.cut(member);
  await stage.lab.exec('host', ['ping', '-c', '3', '-i', '0.2', '-W', '1', stage.lab.peerIp]);
  for (const member of stage.lab.members) stage.lab.restore(member);
  await stage.reached();
  await until('both are up', async () =>
    (await shownBy(daemon)).members.every(({ miiStatus }) => miiStatus === 'up'),
  );
  return (await shownBy(daemon)).txDropped;
}

const kinds = tcxAvailable() === true ? ['tcx', 'clsact'] : ['clsact'];

describe.each(kinds)('attached by %s', kind => {
  const environment = [`BONDWIRE_ATTACH=${kind}`];

  test.runIf(isThere)(
    `from ${EARLIER} to this one, to tomorrow’s, and back`,
    () => throughVersions(['earlier', 'this', 'tomorrow', 'this'], 'SIGTERM', environment),
    TEST_MS,
  );

  test.runIf(isThere)(
    `from ${EARLIER} to tomorrow’s at once, after a death`,
    () => throughVersions(['earlier', 'tomorrow'], 'SIGKILL', environment),
    TEST_MS,
  );
});

test.each([{ mode: 'balance-xor' }, { mode: 'balance-tlb' }, { mode: 'broadcast' }])(
  'up and down in %o',
  options => throughVersions(['this', 'tomorrow', 'this'], 'SIGTERM', [], options),
  TEST_MS,
);

test.runIf(isThere)(
  `back to ${EARLIER}, which knows one layout only: it refuses, the bond goes on, and this one takes it over again`,
  async () => {
    const stage = await Stage.open({ noDaemon: true });
    const daemons = daemonsOf(stage, []);
    await daemons.this.start();
    await stage.bond({ data_plane: 'ebpf' });
    await daemons.this.stop('SIGTERM');
    await expect(daemons.earlier.start()).rejects.toThrow(
      /made by another version of Bondwire.*left as it is/,
    );
    await stage.reached();
    await daemons.this.start();
    expect((await stage.api.status()).adopted).toEqual(['bond0']);
    await stage.reached();
    await daemons.this.stop('SIGKILL');
  },
  TEST_MS,
);

test.runIf(isThere)(
  'what goes on without pins is left alone by a version that knows pins only, and said',
  async () => {
    const stage = await Stage.open({ noDaemon: true });
    const daemons = daemonsOf(stage, []);
    await daemons.this.start();
    await stage.bond({ data_plane: 'ebpf' });
    await daemons.this.stop('SIGTERM');
    const state = JSON.parse(readFileSync(`${stage.runDir}/state.json`, 'utf8')) as {
      bonds: { pins: string }[];
    };
    const file = `${stage.runDir}/${state.bonds[0]?.pins ?? ''}.json`;
    // As it is noted where pins end with the daemon.
    const note = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, JSON.stringify({ ...note, layoutVersion: 0 }));
    await expect(daemons.earlier.start()).rejects.toThrow(
      /made by another version of Bondwire.*left as it is/,
    );
    await stage.reached();
    await daemons.this.start();
    expect((await stage.api.status()).adopted).toEqual(['bond0']);
    await daemons.this.stop('SIGKILL');
  },
  TEST_MS,
);

test(
  'In user space the interface, its addresses and members are taken over; what was counted is not, and is said',
  async () => {
    const stage = await Stage.open({ noDaemon: true });
    const daemons = daemonsOf(stage, []);
    await daemons.this.start();
    await stage.bond({ data_plane: 'userspace' });
    for (const next of [daemons.tomorrow, daemons.this]) {
      await daemons[next === daemons.this ? 'tomorrow' : 'this'].stop('SIGTERM');
      await next.start();
      await stage.reached();
      expect((await stage.show()).members.map(({ name }) => name)).toEqual(['eth0', 'eth1']);
      expect((await stage.events()).at(-1)?.seq).toBeGreaterThan(0);
      const told = (await stage.events()).map(({ message }) => message);
      expect(
        told.some(message => /made anew.*of version [67], and this Bondwire has [67]/.test(message)),
      ).toBe(true);
    }
    stage.lab.cut('eth0');
    await stage.reached();
    await stage.api.destroy('bond0');
    await daemons.this.stop('SIGKILL');
    expect(existsSync(`${stage.runDir}/bpf`)).toBe(true);
  },
  TEST_MS,
);
