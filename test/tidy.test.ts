// Checks the repository itself: the rules of the house that no compiler and no linter knows. Needs git.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { helpTexts } from '../src/cli/command-tree.js';
import { strays } from './support/offered-commands.js';
import { impureImports, impurities, sideEntries } from './support/purity.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LONGEST_FILE = 450;

/** What each pure room may import besides itself; none of them imports anything of Node. */
const PURE: Readonly<Record<string, readonly string[]>> = {
  base: [],
  frames: ['base'],
  policy: ['base', 'frames'],
  uplinks: ['base'],
  keeper: ['base', 'frames', 'policy'],
  netlink: ['base'],
  ebpf: ['base'],
  report: ['base', 'policy'],
  simulator: ['base', 'frames', 'policy', 'keeper', 'report', 'uplinks'],
  config: ['base', 'policy', 'uplinks'],
};

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

/** Sources of a room that are no tests. */
function sourcesOf(room: string): string[] {
  return sources.filter(name => name.startsWith(`src/${room}/`) && !name.endsWith('.test.ts'));
}

test.each(Object.keys(PURE))('the pure room %s imports and names nothing that it may not', room => {
  const names = sourcesOf(room);
  expect(names).not.toEqual([]);
  expect(names.flatMap(name => impureImports(name, read(name), PURE[room] ?? []))).toEqual([]);
  expect(names.flatMap(name => impurities(name, read(name)))).toEqual([]);
});

test('rooms are entered by their index.ts', () => {
  const names = sources.filter(name => name.startsWith('src/') && !name.endsWith('.test.ts'));
  expect(names.flatMap(name => sideEntries(name, read(name)))).toEqual([]);
});

describe('a planted line in a pure room is found', () => {
  const PLANTED = 'src/policy/planted.ts';
  const importsOf = (text: string): string[] => impureImports(PLANTED, text, ['base', 'frames']);

  test.each([
    'const now = Date.now();',
    'const now = new Date(0).getHours();',
    'const at = globalThis.Date;',
    "const { env } = (globalThis as unknown as Record<string, never>)['process'];",
    'const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;',
    'names.sort((a, b) => a.localeCompare(b));',
    'const text = value.toLocaleString();',
    'export async function later(): Promise<void> {}',
    'void Promise.resolve().then(run);',
    'const one = await two;',
    'const x = Math.random();',
    'const { random } = Math;',
    'const y = Math["random"]();',
    "const clock = Function('return this')();",
    'Atomics.wait(words, 0, 0, 5);',
    'const here = import.meta.url;',
  ])('%s', line => {
    expect(impurities(PLANTED, `// Planted.\n${line}\n`)).not.toEqual([]);
  });

  test.each([
    ["import { readFileSync } from 'node:fs';", 'node:fs'],
    ["import 'node:process';", 'node:process'],
    ["const z = await import('zod');", 'zod'],
    ["import { getLink } from '../linux/index.js';", '../linux/index.js'],
    ["export * from '../../test/support/lines.js';", '../../test/support/lines.js'],
  ])('%s', (line, target) => {
    expect(importsOf(line)).toEqual([`${PLANTED}: ${target}`]);
  });

  test.each([
    "import { parseMac } from '../base/mac.js';",
    "import type { Frame } from '../frames/ethernet.js';",
    "export * from '../base/mac.js';",
    "const mac = await import('../base/mac.js');",
  ])('%s', line => {
    expect(importsOf(line)).toEqual([]);
    expect(sideEntries(PLANTED, line)).toHaveLength(1);
  });

  test.each([
    "import { parseMac } from '../base/index.js';",
    "import { Bond } from './bond.js';",
    '// Date, async and Math.random are not used here.',
    ' * async',
    'const most = Math.max(1, 2); // not Math.random()',
    'const updated = candidate.dateless;',
  ])('not so: %s', line => {
    const text = line.startsWith(' *') ? `/**\n${line}\n */` : line;
    expect([...impurities(PLANTED, text), ...importsOf(text), ...sideEntries(PLANTED, text)]).toEqual([]);
  });
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
