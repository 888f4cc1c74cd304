// Links end with the process that holds them, where pins do; filters stay by themselves.
import { basename } from 'node:path';
import { closeFd, programFdById } from '../../linux/index.js';
import { type Attachment, attachIngress, detach, type Hooks } from './attachment.js';
import { hookedAt } from './hooks.js';
import { noted, type Parts } from './parts.js';

/** Puts filters with the same programs in place of links, between two frames; gives what to note. */
export function staying(hooks: Hooks, parts: Parts): Parts {
  const { transmit, receive } = parts;
  const members = Object.entries(receive).map(([slot, each]) => [slot, asFilter(hooks, each)] as const);
  return noted(
    { ...parts, transmit: asFilter(hooks, transmit), receive: Object.fromEntries(members) },
    false,
  );
}

/** The filter takes over what the link leaves: it runs after it, and so it is there before the link goes. */
function asFilter(hooks: Hooks, link: Attachment): Attachment {
  const { ifindex, kind, pin } = link;
  const { mapId } = hooks;
  const hooked = hookedAt(hooks.netlink, ifindex).find(
    each => mapId !== undefined && each.mapIds.includes(mapId),
  );
  const program = hooked === undefined || kind === 'clsact' ? undefined : programFdById(hooked.programId);
  if (program === undefined) return link;
  try {
    // It is noted with all others.
    const made = attachIngress(hooks, program, { ifindex, pin: basename(pin), kind: 'clsact' }, () => {});
    detach(hooks, link);
    return made;
  } finally {
    closeFd(program);
  }
}
