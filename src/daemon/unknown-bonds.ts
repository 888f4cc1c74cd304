// Bonds that bear our mark and that no state file knows: one that was being made is swept away, one that is at work never.
import { isLowerEnd, notedMembers } from '../dataplane/index.js';
import { getLink } from '../linux/index.js';
import type { Machine } from './machine.js';
import { notedPins, placesOf } from './places.js';
import { type LoadedState, stateFilePath } from './state-file.js';

/**
 * Pins of bonds that an earlier daemon was making when it ended: nobody was told of them yet. Throws a sentence when there is one that
 * may be at work, before anything was touched.
 */
export function unfinishedPins(
  { runDir, netlink }: Pick<Machine, 'runDir' | 'netlink'>,
  { bonds, isOurs }: LoadedState,
): string[] {
  const known = new Set(bonds.map(({ pins }) => pins));
  const unknown = notedPins(runDir).filter(pins => !known.has(pins));
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
    // One that was being made is written down before it is finished, and has no members before that.
    if (isOurs && (members === undefined || members === 0)) continue;
    const name =
      (lower.link === undefined ? undefined : getLink(netlink, lower.link)?.name) ?? lower.alias ?? pins;
    throw new Error(
      `${name} (lower end ${pins}) is at work and cannot be taken over: ${why}. It was left as it is. Put the file or its copy back and start again; without them only a restart of the machine gives its members back what they had.`,
    );
  }
  return unknown;
}
