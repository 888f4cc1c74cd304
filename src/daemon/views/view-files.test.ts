// What the files of the driver's form make of writes that come at odd moments.
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ViewFiles } from './view-files.js';

const SLAVES = 'sys/class/net/bond0/bonding/slaves';
const MIIMON = 'sys/class/net/bond0/bonding/miimon';

let runDir: string;
let files: ViewFiles;
/** What was obeyed, in order. */
let obeyed: string[];
/** What the files are to hold. */
let tree: Map<string, { text: string; isPrivate?: true }>;
/** Called while a write is obeyed. */
let meanwhile: () => Promise<void>;

const at = (path: string): string => join(runDir, path);
const text = (path: string): string => readFileSync(at(path), 'utf8');

beforeEach(() => {
  runDir = mkdtempSync(join(tmpdir(), 'bw-views-'));
  obeyed = [];
  meanwhile = () => Promise.resolve();
  tree = new Map([
    [SLAVES, { text: 'eth0 eth1\n' }],
    [MIIMON, { text: '100\n' }],
  ]);
  files = new ViewFiles({
    runDir,
    trees: () => [new Map(tree)],
    anew: () => {},
    written: async writes => {
      obeyed.push(...writes.map(write => write.text));
      await meanwhile();
    },
    failed: message => {
      throw new Error(message);
    },
  });
  files.open();
  files.write();
});

afterEach(() => {
  files.close();
  expect(readdirSync(runDir)).toEqual([]);
  rmSync(runDir, { recursive: true });
});

/** Waits until all of this was obeyed, and the file has its text again. */
async function settled(wanted: readonly string[], path = SLAVES): Promise<void> {
  await expect.poll(() => obeyed).toEqual(wanted);
  await expect.poll(() => text(path) === tree.get(path)?.text).toBe(true);
}

describe('A write', () => {
  test('that comes while the one before it is obeyed counts as well', async () => {
    let first = true;
    meanwhile = async () => {
      if (!first) return;
      first = false;
      tree.set(SLAVES, { text: 'eth0\n' });
      writeFileSync(at(SLAVES), '+eth1\n');
    };
    writeFileSync(at(SLAVES), '-eth1\n');
    await settled(['-eth1\n', '+eth1\n']);
  });

  test('that comes just before the file is replaced for another reason counts', async () => {
    tree.set(MIIMON, { text: '200\n' });
    writeFileSync(at(MIIMON), '250\n');
    files.write();
    await settled(['250\n'], MIIMON);
  });

  test('of a shell that has cut the file and not yet written when it is replaced counts', async () => {
    const file = openSync(at(SLAVES), 'w');
    tree.set(SLAVES, { text: 'eth0\n' });
    files.write();
    expect(text(SLAVES)).toBe('eth0\n');
    writeSync(file, '+eth7\n');
    closeSync(file);
    await settled(['+eth7\n']);
  });

  test('of nothing sets nothing, and the file is right again', async () => {
    writeFileSync(at(SLAVES), '');
    await settled([]);
    appendFileSync(at(SLAVES), '-eth0\n');
    await settled(['eth0 eth1\n-eth0\n']);
  });
});

test('Many files are written in goes, with turns for others in between, and one that changes meanwhile is right in the end', async () => {
  const many = Array.from({ length: 3000 }, (_, nth) => `sys/class/net/bond0/many/${nth}`);
  for (const path of many) tree.set(path, { text: 'one\n' });
  const first = many[0] ?? '';
  const last = many.at(-1) ?? '';
  files.write();
  expect(text(first)).toBe('one\n');
  expect(existsSync(at(last))).toBe(false);
  tree.set(last, { text: 'other\n' });
  files.touch();
  await expect.poll(() => existsSync(at(last)) && text(last), { timeout: 20_000 }).toBe('other\n');
  expect(many.filter(path => !existsSync(at(path)))).toEqual([]);
});

test("a private file is its owner's alone, from when it is private and as long", () => {
  const mode = (): number => statSync(at(MIIMON)).mode & 0o777;
  expect(mode()).toBe(0o444);
  tree.set(MIIMON, { text: '100\n', isPrivate: true });
  files.write();
  expect(mode()).toBe(0o400);
  tree.set(MIIMON, { text: '100\n' });
  files.write();
  expect(mode()).toBe(0o444);
});
