// Where a daemon keeps what, below its run directory.
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import type { BondPlaces } from '../../dataplane/index.js';
import { isErrno, withHostMounts } from '../../linux/index.js';
import { bpffsPath } from './pin-place.js';

/** The file that the daemon of a run directory holds. */
export function lockPath(runDir: string): string {
  return `${runDir}/lock`;
}

/** `mkdir -p`, with errors for people. (Node's own never returns below /proc.) */
export function makeDirectories(path: string): void {
  const parts = path.split('/');
  for (let end = 2; end <= parts.length; end++) {
    const directory = parts.slice(0, end).join('/');
    const found = statSync(directory, { throwIfNoEntry: false });
    if (found?.isDirectory() === true) continue;
    if (found !== undefined) {
      throw new Error(`${directory} is a file, not a directory. Name another one with --run-dir.`);
    }
    try {
      mkdirSync(directory, { mode: 0o755 });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') continue;
      const message = `The directory ${directory} cannot be made (${code}). Name another one with --run-dir.`;
      throw Object.assign(new Error(message, { cause: error }), { code });
    }
  }
}

/** Places of one bond. `pins` is the name of its directory. */
export function placesOf(runDir: string, pins: string): BondPlaces {
  return { pins: `${bpffsPath(runDir)}/${pins}`, partsFile: `${runDir}/${pins}.json` };
}

/**
 * Names of pins of which there is a note in the run directory (or its copy, or one that was being written), or that are there themselves, whether their bond was ever
 * finished or not. Throws where that cannot be looked at.
 */
export function notedPins(runDir: string): string[] {
  const notes = namesIn(() => readdirSync(runDir)).flatMap(
    file => /^(.*)\.json(?:\.copy|\.state)?(?:\.new)?$/.exec(file)?.[1] ?? [],
  );
  const pins = namesIn(() => withHostMounts(() => readdirSync(bpffsPath(runDir))));
  return [...new Set([...notes, ...pins])].filter(isLowerEndName);
}

/** None where there is no such directory. */
function namesIn(read: () => string[]): string[] {
  try {
    return read();
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}

/** True for a name that `lowerEndName` gives. */
export function isLowerEndName(name: string): boolean {
  return /^bwl-[0-9a-f]{8}$/.test(name);
}

/**
 * A name for the lower end of a bond: `bwl-` and eight hexadecimal digits of a hash of the bond's name, so that it fits
 * 15 characters for every bond; `attempt` gives another one when it is taken.
 */
export function lowerEndName(bondName: string, attempt: number): string {
  let hash = 0x811c9dc5 ^ attempt;
  for (const byte of Buffer.from(bondName)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return `bwl-${hash.toString(16).padStart(8, '0')}`;
}
