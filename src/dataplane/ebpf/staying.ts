// Links end with the process that holds them, where pins do; filters stay by themselves.
import { basename } from 'node:path';
import { closeFd, programFdById } from '../../linux/index.js';
import { type Attachment, attachProgram, detach, type Hooks } from './attachment.js';
import { hookedBeside } from './hooks.js';
import { noted, type Parts } from './parts.js';

/** Puts filters with the same programs in place of links, between two frames; gives what to note. */
export function staying(hooks: Hooks, parts: Parts): Parts {
  const { transmit, receive, lowerIfindex } = parts;
  const members = Object.entries(receive).map(
    ([slot, each]) => [slot, asFilter(hooks, each, each.ifindex)] as const,
  );
  // What a netkit bond sends comes out of its lower end where no program takes it, and no filter can hang at the bond.
  const atLower = asFilter(hooks, transmit, lowerIfindex);
  return noted({ ...parts, transmit: atLower, receive: Object.fromEntries(members) }, false);
}

/** The filter takes over what the link leaves: it runs after it, and so it is there before the link goes. */
function asFilter(hooks: Hooks, link: Attachment, ifindex: number): Attachment {
  const { kind, pin } = link;
  const { mapId } = hooks;
  const hooked = hookedBeside(hooks.netlink, link).find(
    each => each.kind === kind && mapId !== undefined && each.mapIds.includes(mapId),
  );
  const program = hooked === undefined || kind === 'clsact' ? undefined : programFdById(hooked.programId);
  if (program === undefined) return link;
  try {
    // It is noted with all others.
    const made = attachProgram(hooks, program, { ifindex, pin: basename(pin), kind: 'clsact' }, () => {});
    detach(hooks, link);
    return made;
  } finally {
    closeFd(program);
  }
}
