// A child under `ip netns exec` pins a map in the host's mount namespace and is killed; the pin stays.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { lookupMap } from './bpf-map.js';
import { getPinned } from './bpf-object.js';
import { closeFd } from './ffi.js';
import { isBpffs, mountBpffs, unmountFileSystem, withHostMounts } from './mounts.js';
import { createNamedNetns, deleteNamedNetns } from './netns.js';
import { isRoot, scratchName } from './testing.js';

const BUILT = new URL('../../dist/linux/index.js', import.meta.url);

/** What the child does: with or without withHostMounts, mount a bpffs and pin a map that holds 77; then wait. */
function childProgram(directory: string, how: 'host' | 'own'): string {
  return `
    import { statSync } from 'node:fs';
    import * as linux from ${JSON.stringify(pathToFileURL(BUILT.pathname).href)};
    const directory = ${JSON.stringify(directory)};
    const before = process.cwd();
    const own = statSync('/proc/thread-self/ns/mnt').ino;
    const work = () => {
      linux.mountBpffs(directory);
      const fd = linux.createMap({ type: 2, keySize: 4, valueSize: 4, maxEntries: 1 });
      linux.updateMap(fd, new Uint8Array(4), Uint8Array.of(77, 0, 0, 0));
      linux.pinObject(fd, directory + '/map');
      return statSync('/proc/thread-self/ns/mnt').ino;
    };
    const inside = ${how === 'host' ? 'linux.withHostMounts(work)' : 'work()'};
    console.log(JSON.stringify({ own, inside, back: statSync('/proc/thread-self/ns/mnt').ino, cwdKept: process.cwd() === before }));
    setInterval(() => {}, 1000);
  `;
}

interface Report {
  readonly own: number;
  readonly inside: number;
  readonly back: number;
  readonly cwdKept: boolean;
}

/** Runs the child in the namespace as `ip netns exec` does, until it has reported, and kills it. */
async function runAndKill(netns: string, program: string): Promise<Report> {
  const child = spawn(
    'ip',
    ['netns', 'exec', netns, process.execPath, '--input-type=module', '-e', program],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const closed = new Promise(resolve => {
    child.on('close', resolve);
  });
  const line = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stdout.on('data', chunk => {
      text += String(chunk);
      if (text.includes('\n')) resolve(text);
    });
    child.on('close', () => reject(new Error(`The child ended early: ${text}`)));
  });
  child.kill('SIGKILL');
  await closed;
  return JSON.parse(line) as Report;
}

describe.skipIf(!isRoot)('withHostMounts(), which needs root', () => {
  for (const how of ['host', 'own'] as const) {
    test(`under \`ip netns exec\`, a pin made in the ${how} mounts ${how === 'host' ? 'stays' : 'goes'}`, async () => {
      const netns = scratchName();
      const directory = mkdtempSync(join(tmpdir(), 'bw-pins-'));
      createNamedNetns(netns);
      try {
        const report = await runAndKill(netns, childProgram(directory, how));
        const host = statSync('/proc/self/ns/mnt').ino;
        expect(report).toMatchObject({ back: report.own, cwdKept: true });
        expect(report.own).not.toBe(host);
        expect(report.inside).toBe(how === 'host' ? host : report.own);
        const fd = getPinned(join(directory, 'map'));
        if (how === 'own') expect([fd, isBpffs(directory)]).toEqual([undefined, false]);
        else {
          expect(fd).toBeTypeOf('number');
          expect(lookupMap(fd ?? -1, new Uint8Array(4), 4)).toEqual(Uint8Array.of(77, 0, 0, 0));
          closeFd(fd ?? -1);
          unlinkSync(join(directory, 'map'));
        }
      } finally {
        unmountFileSystem(directory);
        rmSync(directory, { recursive: true });
        deleteNamedNetns(netns);
      }
    });
  }

  test('in a chroot in a mount namespace of its own, it stays in the chroot, where its paths lead', () => {
    const module = fileURLToPath(new URL('../../dist/linux/mounts.js', import.meta.url));
    const look = `const there = () => require('node:fs').existsSync('/bw-marker');
      import('/tree/dist/linux/mounts.js').then(m => console.log(m.isBpffs('/'), there(), m.withHostMounts(there), there()))`;
    const root = mkdtempSync(join(tmpdir(), 'bw-root-'));
    try {
      const script = `set -e; mount -t tmpfs tmpfs "$1"; cd "$1"; : > bw-marker; mkdir tree node
        for folder in usr bin lib lib64 proc; do
          [ ! -e "/$folder" ] || { mkdir "$folder"; mount --rbind "/$folder" "$folder"; }
        done
        mount --rbind "$2" tree; mount --rbind "$3" node
        exec chroot . /node/node -e "$4"`;
      const tree = join(module, '../../..');
      const argv = ['-c', script, 'sh', root, tree, dirname(process.execPath), look];
      const said = execFileSync('unshare', ['--mount', '--propagation', 'private', 'sh', ...argv], {
        encoding: 'utf8',
      });
      // The first shows that system calls can be made there at all.
      expect(said).toBe('false true true true\n');
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  test("simply runs where we are in the host's mounts, and refuses an async function", () => {
    expect(withHostMounts(() => 5)).toBe(5);
    expect(() => withHostMounts(() => Promise.resolve())).toThrow('async');
    expect(() => mountBpffs('/dev/null/bw')).toThrow('ENOTDIR');
  });
});
