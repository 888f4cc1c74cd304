// Which test files run where, and what is left out.
import { expect, test } from 'vitest';
import { leftOutText, sortTestFiles } from './test-files.js';

const TEXTS: Readonly<Record<string, string>> = {
  'src/a.test.ts': 'test()',
  'src/b.test.ts': '// What it is;\n// needs root.\nimport x;',
  'src/c.test.ts': '// Needs git.\n',
  'test/d.test.ts': "// Needs root; part of test:all.\nimport { Stage } from './support/stage.js';\n",
  'test/e.test.ts': '// Pure, but long: part of test:all.\n',
  'test/f.test.ts': "// Needs root.\nstage.run('host', 'tc', 'qdisc');",
  'test/support/stage.ts': "// A stage. Needs root.\nimport { lab } from './lab.js';\n",
  'test/support/lab.ts': "// A lab; needs ip and ping.\nimport { Stage } from './stage.js';",
};
const files = Object.keys(TEXTS).filter(name => name.endsWith('.test.ts'));
const sort = (isRoot: boolean, missing: readonly string[]) =>
  sortTestFiles(files, { isRoot, hasProgram: name => !missing.includes(name), read: name => TEXTS[name] });

test('files go where their opening comment says', () => {
  expect(sort(true, [])).toEqual({
    pure: ['src/a.test.ts', 'src/c.test.ts'],
    real: ['src/b.test.ts', 'test/f.test.ts'],
    long: ['test/d.test.ts', 'test/e.test.ts'],
    needRoot: [],
    lacking: [],
  });
  expect(leftOutText(sort(true, []))).toBe('');
});

test('what needs root is left out for others', () => {
  const sorted = sort(false, ['tc', 'ip']);
  expect(sorted).toMatchObject({
    pure: ['src/a.test.ts', 'src/c.test.ts'],
    real: [],
    long: ['test/e.test.ts'],
  });
  expect(leftOutText(sorted)).toBe(
    'You are not root: 3 test files that need root are left out (src/b.test.ts, test/d.test.ts, test/f.test.ts).',
  );
});

test('what needs a program that is missing is left out, whether the file says so, starts it, or imports what does', () => {
  const sorted = sort(true, ['git', 'ping', 'tc']);
  expect(sorted).toMatchObject({
    pure: ['src/a.test.ts'],
    real: ['src/b.test.ts'],
    long: ['test/e.test.ts'],
  });
  expect(leftOutText(sorted).split('\n')).toEqual([
    'Programs are missing: 3 test files are left out: src/c.test.ts (git), test/d.test.ts (ping), test/f.test.ts (tc).',
    'This brings them: apt-get install -y --no-install-recommends git iproute2 iputils-ping',
  ]);
});
