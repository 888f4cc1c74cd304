// Files of one name in several folders: /etc stands over /run, that over /usr/local/lib, that over /usr/lib, as systemd and kmod have
// it; netplan and NetworkManager have /run first. (config)
import type { FactList, SourceFile } from './facts.js';

/** Folders, the one that stands over the others first. */
const OF_SYSTEMD: readonly RegExp[] = [
  /(?:^|\/)etc\//,
  /(?:^|\/)run\//,
  /(?:^|\/)usr\/local\/lib\//,
  /(?:^|\/)(?:usr\/)?lib\//,
];

/** Of netplan and NetworkManager: /run stands over /etc, and that over /usr/lib. */
export const RUN_FIRST: readonly RegExp[] = [/(?:^|\/)run\//, /(?:^|\/)etc\//, /(?:^|\/)lib\//];

export interface Ordered {
  /** In the order of their names, as bytes. */
  readonly files: readonly SourceFile[];
  readonly overridden: readonly { readonly file: SourceFile; readonly by: SourceFile }[];
}

/** Sorts files by name and leaves out those over which another of the same name stands. `nameOf`: what makes two files the same. */
export function inOrder(
  files: readonly SourceFile[],
  nameOf: (path: string) => string,
  folders: readonly RegExp[] = OF_SYSTEMD,
): Ordered {
  const rankOf = (path: string): number => folders.findIndex(pattern => pattern.test(path));
  // In folders that none of these programs has, each file is one of its own.
  const keyOf = (path: string): string => (rankOf(path) < 0 ? path : nameOf(path));
  const best = new Map<string, SourceFile>();
  for (const file of files) {
    const other = best.get(keyOf(file.path));
    if (other === undefined || rankOf(file.path) < rankOf(other.path)) best.set(keyOf(file.path), file);
  }
  const bestOf = (file: SourceFile): SourceFile => best.get(keyOf(file.path)) ?? file;
  const counts = (file: SourceFile): boolean => rankOf(bestOf(file).path) === rankOf(file.path);
  const byName = (a: SourceFile, b: SourceFile): number => {
    const [one, other] = [nameOf(a.path), nameOf(b.path)];
    return one < other ? -1 : one > other ? 1 : 0;
  };
  return {
    files: files.filter(counts).toSorted(byName),
    overridden: files.flatMap(file => (counts(file) ? [] : [{ file, by: bestOf(file) }])),
  };
}

/** Tells of files that do not count. */
export function tellOverridden(list: FactList, overridden: Ordered['overridden']): void {
  for (const { file, by } of overridden)
    list.find(
      { file: file.path, line: 1 },
      'note',
      `${by.path} has the same name and stands over this file.`,
    );
}

/** True for a file in one of the folders of systemd and its like. */
export function isInKnownFolder(path: string): boolean {
  return OF_SYSTEMD.some(pattern => pattern.test(path));
}

/** The last part of a path. */
export function baseName(path: string): string {
  return path.split('/').at(-1) ?? '';
}
