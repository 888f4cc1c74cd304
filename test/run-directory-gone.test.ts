// The run directory, or what is in it, is gone while a bond is at work: a daemon that runs puts it back, and one that starts and finds
// nothing leaves the bond as it is and says so. Needs root; part of test:all.
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { unmountFileSystem } from '../src/linux/index.js';
import { BIN, closeStages, Stage, until } from './support/stage.js';

afterEach(closeStages);

/** `rm -rf`: it goes into the bpffs too, whose mount point stays. */
function empty(directory: string): void {
  for (const name of readdirSync(directory)) {
    try {
      rmSync(`${directory}/${name}`, { recursive: true, force: true });
    } catch {
      for (const inner of readdirSync(`${directory}/${name}`))
        if (inner.startsWith('bwl-')) rmSync(`${directory}/${name}/${inner}`, { recursive: true });
    }
  }
}

async function linksOf(stage: Stage): Promise<unknown> {
  const links = JSON.parse(await stage.ip('-j', 'link')) as Record<string, unknown>[];
  return links.map(({ ifname, ifindex, address, mtu }) => ({ ifname, ifindex, address, mtu }));
}

async function start(stage: Stage): Promise<string> {
  return stage.bondwire.start().then(
    () => 'started',
    (error: unknown) => (error as Error).message,
  );
}

describe.each(['ebpf', 'userspace'])('data_plane=%s', plane => {
  test('emptied beside a daemon: packets go on, it can be reached again, and a later one finds the bond', async () => {
    const stage = await Stage.open();
    await stage.bond({ data_plane: plane });
    const before = await linksOf(stage);
    empty(stage.runDir);
    await until('commands reach it again', async () =>
      stage.api.status().then(
        ({ bonds }) => bonds.includes('bond0'),
        () => false,
      ),
    );
    await stage.reached();
    expect((await stage.events()).map(({ message }) => message)).toContain(
      `${stage.runDir} was emptied while the daemon ran: what it held is there again`,
    );
    await stage.bondwire.stop('SIGKILL');
    if (plane === 'ebpf') await stage.reached();
    await stage.bondwire.start();
    await stage.reached();
    expect(await linksOf(stage)).toEqual(before);
    await stage.api.destroy('bond0');
    expect(readdirSync(stage.runDir).filter(name => name.startsWith('bwl-'))).toEqual([]);
  }, 120_000);

  test('state file and socket removed beside a daemon are put back', async () => {
    const stage = await Stage.open();
    await stage.bond({ data_plane: plane });
    const gone = ['state.json', 'state.json.copy', 'control.sock'].map(name => `${stage.runDir}/${name}`);
    for (const path of gone) rmSync(path);
    for (const path of gone) await until(`${path} is there`, () => existsSync(path));
    expect((await stage.api.status()).bonds).toEqual(['bond0']);
    await stage.bondwire.stop('SIGKILL');
    await stage.bondwire.start();
    await stage.reached();
  }, 120_000);

  test('gone when a daemon starts: the bond is left as it is, and found again when the directory is back', async () => {
    const stage = await Stage.open();
    await stage.bond({ data_plane: plane });
    const before = await linksOf(stage);
    await stage.bondwire.stop('SIGKILL');
    const aside = `${stage.runDir}.aside`;
    renameSync(stage.runDir, aside);
    try {
      const sentence = new RegExp(
        `bond0 \\(lower end bwl-[0-9a-f]{8}\\) was made by a daemon at ${stage.runDir} and cannot be taken over: .*state.json is gone, and so is all else.*left as it is.*--run-dir`,
      );
      const doctor = await stage.lab.exec('host', [
        process.execPath,
        BIN,
        '--run-dir',
        stage.runDir,
        'doctor',
      ]);
      expect(doctor.stdout).toMatch(sentence);
      for (const _ of ['once', 'again']) expect(await start(stage)).toMatch(sentence);
      expect(await linksOf(stage)).toEqual(before);
      if (plane === 'ebpf') await stage.reached();
    } finally {
      unmountFileSystem(`${stage.runDir}/bpf`);
      rmSync(stage.runDir, { recursive: true, force: true });
      renameSync(aside, stage.runDir);
    }
    await stage.bondwire.start();
    await stage.reached();
    // A state that does not know the bond, without any note of it.
    await stage.bondwire.stop('SIGKILL');
    const files = readdirSync(stage.runDir).map(name => `${stage.runDir}/${name}`);
    for (const path of files.filter(name => name.includes('/bwl-'))) rmSync(path);
    for (const path of files.filter(name => name.includes('/state.json'))) {
      const { bonds: _, ...head } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
      writeFileSync(path, JSON.stringify({ ...head, bonds: [] }));
    }
    expect(await start(stage)).toMatch(/bond0 .* cannot be taken over: .*state.json does not know it/);
    expect(await linksOf(stage)).toEqual(before);
  }, 120_000);
});
