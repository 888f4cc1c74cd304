import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { SourceFile } from './facts.js';
import { importFiles } from './import-files.js';
import { takeOut } from './take-out.js';

const CASES = fileURLToPath(new URL('../../test/corpus/cases', import.meta.url));
const MACHINE = ['eth0', 'eth1', 'eth2', 'eth3', 'eno1', 'eno2'].map((name, at) => ({
  name,
  mac: `52:54:00:00:00:0${at + 1}`,
  type: 'ether',
}));

/** Formats of which the files themselves stay. */
const STAY: ReadonlySet<string | null> = new Set(['bondwire', 'cloud-init', null]);

function filesOf(name: string): SourceFile[] {
  const folder = join(CASES, name);
  return readdirSync(folder, { recursive: true })
    .map(path => join(folder, String(path)))
    .filter(path => statSync(path).isFile())
    .toSorted()
    .map(path => ({ path: relative(folder, path), text: readFileSync(path, 'utf8') }));
}

function changed(files: readonly SourceFile[], out: ReturnType<typeof takeOut>): SourceFile[] {
  return files.flatMap(file => {
    const after = out.files.find(({ path }) => path === file.path);
    return after === undefined ? [file] : after.text === null ? [] : [{ path: file.path, text: after.text }];
  });
}

const cases = readdirSync(CASES)
  .toSorted()
  .map(name => ({ name, files: filesOf(name) }))
  .filter(({ files }) => {
    const imported = importFiles(files, MACHINE);
    return (
      imported.bonds.length > 0 &&
      imported.findings.every(({ level }) => level !== 'error') &&
      imported.files.every(({ format }) => !STAY.has(format))
    );
  });

test('there are cases of every format that can be taken out', () => {
  const formats = new Set(
    cases.flatMap(({ files }) => importFiles(files, MACHINE).files.map(each => each.format)),
  );
  expect(formats).toEqual(
    new Set([
      'ifcfg',
      'interfaces',
      'keyfile',
      'modules',
      'netplan',
      'networkd',
      'nmstate',
      'script',
      'teamd',
    ]),
  );
});

/** One of each format, and one with white space in a name. */
const PATCHED = new Set([
  'ifcfg-howto',
  'interfaces-storeys',
  'keyfile-active-backup',
  'netplan-active-backup',
  'networkd-comments',
  'nmstate-policy',
]);

describe('takeOut()', () => {
  test.each(cases)('of $name leaves files that make no bond', ({ files }) => {
    const imported = importFiles(files, MACHINE);
    const out = takeOut(files, imported);
    const again = importFiles(changed(files, out), MACHINE);
    // Bonds in braces have no lines of their own: nothing is offered for those.
    const untouched = new Set(
      imported.files.flatMap(({ path, format }) =>
        format === 'netplan' && out.files.every(each => each.path !== path) ? [path] : [],
      ),
    );
    if (untouched.size === 0) expect(again.bonds.map(({ name }) => name)).toEqual([]);
    expect(out.diff === '').toBe(out.files.length === 0);
  });

  test.skipIf(!existsSync('/usr/bin/patch'))(
    'patch(1) makes of the diff what is foretold, also without an end of the last line',
    () => {
      const root = mkdtempSync(join(tmpdir(), 'bondwire-take-out-'));
      try {
        for (const { name, files: given } of cases.filter(each => PATCHED.has(each.name))) {
          const files = given.map(({ path, text }) => ({ path, text: text.replace(/\n$/, '') }));
          const out = takeOut(files, importFiles(files, MACHINE));
          if (out.diff === '') continue;
          const folder = join(root, name);
          for (const { path, text } of files) {
            mkdirSync(dirname(join(folder, path)), { recursive: true });
            writeFileSync(join(folder, path), text);
          }
          execFileSync('patch', ['-d', folder, '-p1', '--no-backup-if-mismatch', '-s'], { input: out.diff });
          for (const { path, text } of out.files) {
            const there = existsSync(join(folder, path)) ? readFileSync(join(folder, path), 'utf8') : null;
            expect(there?.trimEnd() ?? null, `${name}: ${path}`).toBe(text?.trimEnd() ?? null);
          }
        }
      } finally {
        rmSync(root, { recursive: true, force: true });
      }
    },
  );
});
