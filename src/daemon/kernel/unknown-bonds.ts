// Bonds that bear our mark and that no state file knows: one that was being made is swept away, one that is at work never.
import { realpathSync } from 'node:fs';
import { isLowerEnd, markedRunDir, notedMembers } from '../../dataplane/index.js';
import { getLink, listLinks, type Rtnetlink } from '../../linux/index.js';
import type { Link } from '../../netlink/index.js';
import type { Machine } from './machine.js';
import { isLowerEndName, notedPins, placesOf } from '../keeping/places.js';
import { type LoadedState, stateFilePath } from '../keeping/state-file.js';

/**
 * Pins of bonds that an earlier daemon was making when it ended: nobody was told of them yet. Throws a sentence when there is one that
 * may be at work, before anything was touched.
 */
export function unfinishedPins(
  { runDir, netlink }: Pick<Machine, 'runDir' | 'netlink'>,
  { bonds, isOurs }: LoadedState,
): string[] {
  const known = new Set(bonds.map(({ pins }) => pins));
  const noted = notedPins(runDir).filter(pins => !known.has(pins));
  const unknown = new Set([...noted, ...markedPins(netlink, runDir).filter(pins => !known.has(pins))]);
  for (const pins of unknown) {
    const lower = getLink(netlink, pins);
    if (lower === undefined || !isLowerEnd(lower)) continue;
    let members: number | undefined;
    let why = isOurs ? `${stateFilePath(runDir)} does not know it` : `${stateFilePath(runDir)} is gone`;
    try {
      members = notedMembers(placesOf(runDir, pins));
    } catch (error) {
      why = `${why}, and ${(error as Error).message}`;
      members = Number.NaN;
    }
    // One that was being made is written down before it is finished, and has no members before that. The note goes last.
    if (isOurs && members === 0) continue;
    const name = bondOf(netlink, lower);
    if (members === undefined) throw forgotten(name, pins, runDir, why);
    throw new Error(
      `${name} (lower end ${pins}) is at work and cannot be taken over: ${why}. It was left as it is. Put the file or its copy back and start again; without them only a restart of the machine gives its members back what they had.`,
    );
  }
  return noted;
}

/** One of which no file tells any more: the run directory was emptied, or is a new one under the old name. */
function forgotten(name: string, pins: string, runDir: string, why: string): Error {
  return new Error(
    `${name} (lower end ${pins}) was made by a daemon at ${runDir} and cannot be taken over: ${why}, and so is all else that was known of it. It was left as it is. Put the directory back as it was and start again; without it only a restart of the machine gives its members back what they had. Other bonds can be looked after with another --run-dir.`,
  );
}

/** Lower ends that say that they are of this run directory. */
function markedPins(netlink: Rtnetlink, runDir: string): string[] {
  return listLinks(netlink).flatMap(link => {
    const { name = '' } = link;
    const marked = isLowerEndName(name) ? markedRunDir(link) : undefined;
    return marked !== undefined && isSame(marked, runDir) ? [name] : [];
  });
}

/** Whatever links lead there. */
function isSame(one: string, other: string): boolean {
  return one === other || realPath(one) === realPath(other);
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function bondOf(netlink: Rtnetlink, lower: Link): string {
  const bond = lower.link === undefined ? undefined : getLink(netlink, lower.link)?.name;
  return bond ?? lower.alias ?? lower.name ?? '';
}
