// Checks the repository itself: the rules of the house that no compiler and no linter knows. Needs git.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { helpTexts } from '../src/cli/command-tree.js';
import { strays } from './support/offered-commands.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LONGEST_FILE = 450;

/** What each pure room may import besides itself; none of them imports anything of Node. */
const PURE: Readonly<Record<string, readonly string[]>> = {
  base: [],
  frames: ['base'],
  policy: ['base', 'frames'],
  keeper: ['base', 'frames', 'policy'],
  netlink: ['base'],
  ebpf: ['base'],
  report: ['base', 'policy'],
  simulator: ['base', 'frames', 'policy', 'keeper', 'report'],
  config: ['base', 'policy'],
};

/** Packages of npm that pure rooms may import; they are pure themselves. */
const PURE_PACKAGES: Readonly<Record<string, readonly string[]>> = { config: ['yaml', 'zod'] };

/** Files that git knows or would add. */
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\n')
  .filter(name => name !== '' && existsSync(join(ROOT, name)));
const sources = files.filter(name => name.endsWith('.ts'));

function read(name: string): string {
  return readFileSync(join(ROOT, name), 'utf8');
}

test(`no file under src has more than ${LONGEST_FILE} lines`, () => {
  const long = sources.filter(
    name => name.startsWith('src/') && read(name).trimEnd().split('\n').length > LONGEST_FILE,
  );
  expect(long).toEqual([]);
});

test('files and folders of TypeScript are named in kebab-case', () => {
  const odd = sources.filter(name => !/^[a-z0-9/-]+(?:\.[a-z0-9]+)*\.ts$/.test(name));
  expect(odd).toEqual([]);
});

test('every source file that is no test opens with a comment that says what it is', () => {
  const silent = sources.filter(
    name => !name.endsWith('.test.ts') && !/^(?:\/\/ \S|\/\*\*)/.test(read(name).replace(/^#!.*\n/, '')),
  );
  expect(silent).toEqual([]);
});

test('no path of one machine is written down', () => {
  const pattern = /(?:^|[\s"'`(=])\/(?:work|home)\/[a-z]|\.\.\/shared\b/m;
  const named = files.filter(name => name !== 'package-lock.json' && pattern.test(read(name)));
  expect(named).toEqual([]);
});

test('no test is left out or run alone', () => {
  const pattern = /\b(?:test|it|describe|suite)(?:\.\w+)*\.(?:skip|only|todo)\b/;
  const marked = sources.filter(name => name.endsWith('.test.ts') && pattern.test(read(name)));
  expect(marked).toEqual([]);
});

test.each(Object.keys(PURE))('the pure room %s imports nothing that it may not', room => {
  const allowed = new Set([room, ...(PURE[room] ?? [])]);
  const wrong = sources
    .filter(name => name.startsWith(`src/${room}/`) && !name.endsWith('.test.ts'))
    .flatMap(name => {
      const targets = Array.from(
        read(name).matchAll(/(?:from|import\()\s*'([^']+)'/g),
        match => match[1] ?? '',
      );
      return targets
        .filter(target => {
          if (!target.startsWith('.')) return !(PURE_PACKAGES[room] ?? []).includes(target);
          const [, to] = relative(ROOT, join(ROOT, dirname(name), target)).split('/');
          return to === undefined || !allowed.has(to);
        })
        .map(target => `${name}: ${target}`);
    });
  expect(wrong).toEqual([]);
});

test('the pure rooms reference by tsconfig what they may import, and have no types of Node', () => {
  for (const [room, allowed] of Object.entries(PURE)) {
    const { references, compilerOptions } = JSON.parse(read(`src/${room}/tsconfig.json`)) as {
      references: { path: string }[];
      compilerOptions: { types?: string[] };
    };
    expect(
      references.map(({ path }) => basename(path)),
      room,
    ).toEqual(allowed);
    expect(compilerOptions.types, room).toBeUndefined();
  }
});

test('exports, imports and commands of the package lead to files that exist after a build', () => {
  const { exports, imports, bin } = JSON.parse(read('package.json')) as {
    exports: Record<string, Record<string, string>>;
    imports: Record<string, Record<string, string>>;
    bin: Record<string, string>;
  };
  const targets = [...Object.values(exports), ...Object.values(imports), bin].flatMap(entry =>
    Object.values(entry),
  );
  expect(targets.filter(target => !existsSync(join(ROOT, target)))).toEqual([]);
});

test('--help of every command shows an example', () => {
  const mute = Array.from(helpTexts())
    .filter(([name, text]) => name !== '' && !/^Examples?:\n {2}(?:sudo )?bondwire /m.test(text))
    .map(([name]) => name);
  expect(mute).toEqual([]);
});

test('every command that a message offers is built by advice() of base, so that test/advice can paste it', () => {
  expect(strays()).toEqual([]);
});

test('every record in test/golden is read by a test or written into a page', () => {
  const readers = sources
    .filter(name => name.endsWith('.test.ts') || name === 'scripts/cards-page.ts')
    .map(read);
  const records = new Set(
    files.filter(name => name.startsWith('test/golden/')).map(name => name.split('/')[2] ?? ''),
  );
  const unread = Array.from(records).filter(
    record =>
      !readers.some(text =>
        new RegExp(String.raw`golden/${record.replace('.', String.raw`\.`)}['/]`).test(text),
      ),
  );
  expect(unread).toEqual([]);
});
