// What keeps the pure rooms pure, and rooms apart, beyond what the compiler sees: what else than its arguments a program could ask for
// (clocks, chance, the machine's language), work that goes on by itself, and imports that go past the door of a room.
import { dirname, join, relative } from 'node:path';

/** Packages of npm that pure rooms may import; they are pure themselves. */
const PURE_PACKAGES: Readonly<Record<string, readonly string[]>> = { config: ['yaml', 'zod'] };

/**
 * Files that other rooms import past the `index.ts` of theirs: types of the API and small modules, so that a short command does not
 * load the daemon.
 */
const SIDE_DOORS: ReadonlySet<string> = new Set([
  'src/daemon/api/addresses.js',
  'src/daemon/api/answers.js',
  'src/daemon/api/api.js',
  'src/daemon/api/uplink-api.js',
  'src/daemon/keeping/run-dir-owner.js',
]);

/** What pure code does not name; the compiler's library for these rooms has them all. */
const IMPURE: readonly (readonly [what: string, pattern: RegExp])[] = [
  ['the time', /\bDate\b/],
  ['chance', /\bMath\b(?!\.(?!random\b)\w)/],
  ["the machine's language or time zone", /\bIntl\b|\blocaleCompare\b|\btoLocale\w*/],
  ['the global object, which has everything', /\bglobalThis\b|\beval\b|\bFunction\s*\(/],
  ['work that goes on by itself', /\basync\b|\bawait\b|\bPromise\b|\bfromAsync\b/],
  ['other threads and the garbage collector', /\bAtomics\b|\bWeakRef\b|\bFinalizationRegistry\b/],
  ['where it was loaded from', /\bimport\.meta\b/],
];

/** The text without comments: those of whole lines, and at the end of lines. */
function codeOf(text: string): string {
  return text
    .replace(/^[ \t]*\/\*[^]*?\*\//gm, '')
    .split('\n')
    .map(line => line.replace(/(?:^|\s)\/\/.*$/, ''))
    .join('\n');
}

/** Where the file imports from, as written. */
function targetsOf(text: string): readonly string[] {
  // A quote before it makes it a word of a text.
  const pattern = /(?<!['"`])\b(?:from|import|import\s*\(|require\s*\()\s*['"`]([^'"`\n]+)['"`]/g;
  return Array.from(codeOf(text).matchAll(pattern), match => match[1] ?? '');
}

/** The path of a relative import from the top, and its room. */
function placeOf(name: string, target: string): { readonly path: string; readonly room: string | undefined } {
  const path = relative('/', join('/', dirname(name), target));
  const [top, room] = path.split('/');
  return { path, room: top === 'src' ? room : undefined };
}

/** Imports of a source file (its path from the top) that go past the `index.ts` of another room. */
export function sideEntries(name: string, text: string): string[] {
  const [, own] = name.split('/');
  return targetsOf(text)
    .filter(target => {
      if (!target.startsWith('.')) return false;
      const { path, room } = placeOf(name, target);
      return room !== own && path !== `src/${room}/index.js` && !SIDE_DOORS.has(path);
    })
    .map(target => `${name}: ${target}`);
}

/** Imports of a file of a pure room that it may not have; `others`: the rooms that it may import. */
export function impureImports(name: string, text: string, others: readonly string[]): string[] {
  const [, own = ''] = name.split('/');
  const allowed = new Set([own, ...others]);
  return targetsOf(text)
    .filter(target => {
      if (!target.startsWith('.')) return !(PURE_PACKAGES[own] ?? []).includes(target);
      const { room } = placeOf(name, target);
      return room === undefined || !allowed.has(room);
    })
    .map(target => `${name}: ${target}`);
}

/** What a file of a pure room names and may not. */
export function impurities(name: string, text: string): string[] {
  const lines = codeOf(text).split('\n');
  return lines.flatMap(line =>
    IMPURE.filter(([, pattern]) => pattern.test(line)).map(([what]) => `${name}: ${what}: ${line.trim()}`),
  );
}
