// Files of the run directory are gone, damaged or in somebody's way while a bond carries traffic: the next daemon takes it over, or
// says why not and leaves it as it is. Needs root; part of test:all.
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { closeStages, Stage } from './support/stage.js';

afterEach(closeStages);

/** What a bond is to those who use it. */
async function bondOf(stage: Stage): Promise<unknown> {
  const links = JSON.parse(await stage.ip('-j', 'link')) as Record<string, unknown>[];
  return {
    links: links.map(({ ifname, ifindex, address, mtu, flags }) => ({
      ifname,
      ifindex,
      address,
      mtu,
      isUp: (flags as string[]).includes('UP'),
    })),
    addresses: await stage.ip('-o', '-4', 'addr', 'show', 'dev', 'bond0'),
    routes: await stage.ip('route'),
  };
}

/** State, notes and their copies, by what a test calls them. */
function filesOf({ runDir }: Stage) {
  const note = readdirSync(runDir).find(name => /^bwl-[0-9a-f]{8}\.json$/.test(name)) ?? '';
  const state = `${runDir}/state.json`;
  const parts = `${runDir}/${note}`;
  return { state, parts, all: [state, `${state}.copy`, parts, `${parts}.copy`] as const };
}

type Files = ReturnType<typeof filesOf>;

function cut(path: string): void {
  truncateSync(path, Math.floor(readFileSync(path).length / 2));
}

function instead(path: string, put: () => void): void {
  rmSync(path);
  put();
}

/** How files are damaged, and what the next daemon does: nothing said means that it takes the bond over. */
const DAMAGES: readonly (readonly [what: string, damage: (files: Files) => void, refuses?: RegExp])[] = [
  ['state.json is gone', ({ state }) => rmSync(state)],
  ['state.json is cut in half', ({ state }) => cut(state)],
  ['state.json is empty', ({ state }) => writeFileSync(state, '')],
  ['the note is gone', ({ parts }) => rmSync(parts)],
  ['the note is cut in half', ({ parts }) => cut(parts)],
  ['the note is of another bond', ({ parts }) => writeFileSync(parts, '{"layoutVersion":1}')],
  [
    'state and note are gone',
    ({ state, parts }) => {
      rmSync(state);
      rmSync(parts);
    },
  ],
  ['both copies are gone', ({ all }) => [all[1], all[3]].forEach(path => rmSync(path))],
  [
    'state.json is a directory',
    ({ state }) => instead(state, () => mkdirSync(state)),
    /state\.json cannot be read: it is no regular file.*left as they are/,
  ],
  [
    'state.json is a link',
    ({ state }) => instead(state, () => symlinkSync('/dev/null', state)),
    /state\.json cannot be read: it is a symbolic link/,
  ],
  [
    'the note is a directory',
    ({ parts }) => instead(parts, () => mkdirSync(parts)),
    /bond0 is at work and cannot be taken over: .*\.json cannot be read: it is no regular file/,
  ],
  [
    'state.json and its copy are gone',
    ({ all }) => [all[0], all[1]].forEach(path => rmSync(path)),
    /bond0 \(lower end bwl-.*\) is at work and cannot be taken over: .*state\.json is gone.*left as it is/,
  ],
  [
    'state.json and its copy are damaged',
    ({ all }) => [all[0], all[1]].forEach(cut),
    /state\.json is damaged: .*; and so is its copy/,
  ],
  ['the note and its copy are damaged', ({ all }) => [all[2], all[3]].forEach(cut)],
  ['the note and its copy are gone', ({ all }) => [all[2], all[3]].forEach(path => rmSync(path))],
  [
    'all are gone',
    ({ all }) => all.forEach(path => rmSync(path)),
    /bond0 \(lower end bwl-.*\) was made by a daemon at .* and cannot be taken over: .*state\.json is gone.*left as it is/,
  ],
  [
    'the state is that of before the bond',
    ({ all }) => {
      const { bonds: _, ...head } = JSON.parse(readFileSync(all[0], 'utf8')) as Record<string, unknown>;
      for (const path of [all[0], all[1]]) writeFileSync(path, JSON.stringify({ ...head, bonds: [] }));
    },
    /bond0 \(lower end bwl-.*\) is at work and cannot be taken over: .*state\.json does not know it/,
  ],
];

describe.each(['ebpf', 'userspace'])('data_plane=%s', plane => {
  test('whatever becomes of the files, the bond is taken over or left as it is, and the sentence is true', async () => {
    const stage = await Stage.open();
    await stage.bond({ data_plane: plane });
    const before = await bondOf(stage);
    await stage.bondwire.stop('SIGTERM');
    const files = filesOf(stage);
    const kept = `${stage.runDir}.kept`;
    mkdirSync(kept);
    try {
      files.all.forEach((path, at) => copyFileSync(path, `${kept}/${at}`));
      for (const [what, damage, refuses] of DAMAGES) {
        damage(files);
        const started = await stage.bondwire.start().then(
          () => 'started',
          (error: unknown) => (error as Error).message,
        );
        expect(await bondOf(stage), what).toEqual(before);
        if (refuses === undefined) {
          expect(started, what).toBe('started');
          expect((await stage.show()).members.map(({ name }) => name)).toEqual(['eth0', 'eth1']);
          await stage.reached();
          await stage.bondwire.stop('SIGTERM');
        } else {
          expect(started, what).toMatch(refuses);
        }
        files.all.forEach((path, at) => {
          rmSync(path, { recursive: true, force: true });
          copyFileSync(`${kept}/${at}`, path);
        });
      }
      await stage.bondwire.start();
      await stage.reached();
      await stage.api.destroy('bond0');
      expect(readdirSync(stage.runDir).filter(name => name.startsWith('bwl-'))).toEqual([]);
    } finally {
      rmSync(kept, { recursive: true, force: true });
    }
  }, 240_000);
});
