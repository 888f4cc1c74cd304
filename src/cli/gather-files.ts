// Reads the files that `import` is given: those named, those that a folder holds and whose names speak of bonds, and those that
// /etc/network/interfaces sources.
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { matches, maySpeakOfBonds, recognise, sourceLines, type SourceFile } from '../config/index.js';
import { refusedFailure } from './failure.js';
import { plain } from './plain.js';

const LARGEST_FILE = 1024 * 1024;
const MOST_FILES = 2000;
const DEEPEST = 8;

/** What was read, and what could not be. */
export interface Gathered {
  readonly files: readonly SourceFile[];
  readonly problems: readonly { readonly file: string; readonly line: number; readonly message: string }[];
}

/** Reads all of it. A path that was named and cannot be read is a failure; one that was found is a problem. */
export function gatherFiles(paths: readonly string[]): Gathered {
  const files: SourceFile[] = [];
  const problems: { file: string; line: number; message: string }[] = [];
  const seen = new Set<string>();
  const add = (path: string, isNamed: boolean): SourceFile | null => {
    const key = resolve(path);
    if (seen.has(key)) return null;
    seen.add(key);
    if (files.length >= MOST_FILES)
      throw refusedFailure(`There are more than ${MOST_FILES} files; name a smaller folder.`);
    const file = { path, text: readText(path, isNamed) };
    files.push(file);
    return file;
  };
  const tryToAdd = (path: string, file: string, line: number): void => {
    try {
      add(path, false);
    } catch (error) {
      problems.push({ file, line, message: (error as Error).message });
    }
  };
  for (const path of paths) {
    if (statOf(path).isDirectory()) {
      for (const found of walk(path, basename(resolve(path)), 0)) tryToAdd(found, found, 1);
    } else add(path, true);
  }
  // Files that are sourced may source others; `files` grows while it is walked.
  for (let at = 0; at < files.length; at++) {
    const file = files[at];
    if (file === undefined || recognise(file) !== 'interfaces') continue;
    for (const { directive, pattern, place } of sourceLines(file)) {
      const found =
        directive === 'source' ? expand(dirname(file.path), pattern) : listed(dirname(file.path), pattern);
      if (found.length === 0) {
        problems.push({ file: file.path, line: place.line, message: `${plain(pattern)} leads to no file.` });
      }
      for (const path of found) tryToAdd(path, file.path, place.line);
    }
  }
  return { files, problems };
}

function statOf(path: string) {
  try {
    return statSync(path);
  } catch (error) {
    throw cannotRead(path, error);
  }
}

function cannotRead(path: string, error: unknown): Error {
  const why = error instanceof Error ? error.message.replace(/^[A-Z]+: ([^,]*),.*$/s, '$1') : String(error);
  return refusedFailure(`${plain(path)} cannot be read: ${why}.`, error);
}

function readText(path: string, isNamed: boolean): string {
  const stat = statOf(path);
  // systemd: a link to /dev/null masks the file of that name.
  if (stat.isCharacterDevice() && realpathSync(path) === '/dev/null') return '';
  // A FIFO that was found would be waited for until somebody writes; one that was named is meant (`<(…)`).
  if (!stat.isFile() && !(isNamed && stat.isFIFO()))
    throw refusedFailure(`${plain(path)} is no file that holds text; it was passed over.`);
  if (stat.size > LARGEST_FILE)
    throw refusedFailure(`${plain(path)} is larger than 1 MiB, so it is no configuration of bonds.`);
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw cannotRead(path, error);
  }
}

/** Names in a folder in a fixed order; none of a folder that may not be read. */
function namesIn(folder: string): { readonly name: string; readonly isFolder: boolean }[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .map(entry => ({ name: entry.name, isFolder: entry.isDirectory() }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return [];
  }
}

/** `below`: the folder's name and what comes after, so that what lies above it does not count. */
function walk(folder: string, below: string, depth: number): string[] {
  if (depth > DEEPEST) return [];
  return namesIn(folder).flatMap(({ name, isFolder }) => {
    const path = join(folder, name);
    if (isFolder) return walk(path, `${below}/${name}`, depth + 1);
    return maySpeakOfBonds(`${below}/${name}`) ? [path] : [];
  });
}

/** Files that a pattern with wildcards in its parts leads to. */
function expand(folder: string, pattern: string): string[] {
  const parts = resolve(folder, pattern).split('/').slice(1);
  let found = ['/'];
  for (const part of parts) {
    found = found.flatMap(place =>
      /[*?[]/.test(part)
        ? namesIn(place)
            .filter(({ name }) => !name.startsWith('.') && matches(part, name))
            .map(({ name }) => join(place, name))
        : [join(place, part)],
    );
  }
  return found
    .filter(isFile)
    .map(path => (pattern.startsWith('/') ? path : join(folder, path.slice(resolve(folder).length))));
}

/** Files of a folder that ifupdown reads: names of letters, digits, dashes and underscores only. */
function listed(folder: string, name: string): string[] {
  const place = name.startsWith('/') ? name : join(folder, name);
  return namesIn(place)
    .filter(entry => !entry.isFolder && /^[a-zA-Z0-9_-]+$/.test(entry.name))
    .map(entry => join(place, entry.name));
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
