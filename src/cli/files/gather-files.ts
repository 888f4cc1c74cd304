// Reads the files that `import` is given: those named, those that a folder holds and whose names speak of bonds, and those that
// /etc/network/interfaces sources.
import { readdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { matches, maySpeakOfBonds, recognise, sourceLines, type SourceFile } from '../../config/index.js';
import { refusedFailure } from '../reading/failure.js';
import { plain } from '../printing/plain.js';
import { readTextFile } from '../reading/read-text.js';

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
      const failed = (folder: string, error: unknown): void => {
        problems.push({ file: folder, line: 1, message: cannotRead(folder, error).message });
      };
      for (const found of walk(path, basename(resolve(path)), 0, { been: new Set(), failed }))
        tryToAdd(found, found, 1);
    } else add(path, true);
  }
  const named = new Set(paths.map(path => resolve(path)));
  const sourced = new Set<string>();
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
      for (const path of found) {
        sourced.add(resolve(path));
        tryToAdd(path, file.path, place.line);
      }
    }
  }
  const main = files.find(({ path }) => /(?:^|\/)network\/interfaces$/.test(path));
  const isLeftOut = ({ path }: SourceFile): boolean =>
    main !== undefined &&
    basename(dirname(path)) === 'interfaces.d' &&
    !named.has(resolve(path)) &&
    !sourced.has(resolve(path));
  for (const { path } of files.filter(isLeftOut)) {
    const message = `No source line of ${plain(main?.path ?? '')} leads to this file, so it was left out, as ifupdown does.`;
    problems.push({ file: path, line: 1, message });
  }
  return { files: files.filter(file => !isLeftOut(file)), problems };
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
  // One that was named may be a pipe (`<(…)`).
  if (!stat.isFile() && !isNamed)
    throw refusedFailure(`${plain(path)} is no file that holds text; it was passed over.`);
  try {
    return readTextFile(path);
  } catch (error) {
    throw refusedFailure((error as Error).message, error);
  }
}

/** Names in a folder in a fixed order; a folder that is a link to one is one. */
function namesIn(folder: string): { readonly name: string; readonly isFolder: boolean }[] {
  return readdirSync(folder, { withFileTypes: true })
    .map(entry => ({
      name: entry.name,
      isFolder: entry.isDirectory() || (entry.isSymbolicLink() && isFolder(join(folder, entry.name))),
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** False also of what leads nowhere, or to itself. */
function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** The same; none of a folder that is not there or may not be read. */
function namesThere(folder: string): { readonly name: string; readonly isFolder: boolean }[] {
  try {
    return namesIn(folder);
  } catch {
    return [];
  }
}

/** A walk through a folder, and where it could not go. */
interface Walk {
  /** Real paths of folders that it was in, so that links lead nowhere twice. */
  readonly been: Set<string>;
  readonly failed: (folder: string, error: unknown) => void;
}

/** `below`: the folder's name and what comes after, so that what lies above it does not count. */
function walk(folder: string, below: string, depth: number, way: Walk): string[] {
  if (depth > DEEPEST) return [];
  try {
    const real = realpathSync(folder);
    if (way.been.has(real)) return [];
    way.been.add(real);
    return namesIn(folder).flatMap(({ name, isFolder }) => {
      const path = join(folder, name);
      if (isFolder) return walk(path, `${below}/${name}`, depth + 1, way);
      return maySpeakOfBonds(`${below}/${name}`) ? [path] : [];
    });
  } catch (error) {
    way.failed(folder, error);
    return [];
  }
}

/** Files that a pattern with wildcards in its parts leads to. */
function expand(folder: string, pattern: string): string[] {
  const parts = resolve(folder, pattern).split('/').slice(1);
  let found = ['/'];
  for (const part of parts) {
    found = found.flatMap(place =>
      /[*?[]/.test(part)
        ? namesThere(place)
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
  return namesThere(place)
    .filter(entry => !entry.isFolder && /^[a-zA-Z0-9_-]+$/.test(entry.name))
    .map(entry => join(place, entry.name));
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
