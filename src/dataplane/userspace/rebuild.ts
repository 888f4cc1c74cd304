// Makes the files of a user-space bond anew, of this version, where they are of another one, gone or damaged. The interfaces, what is
// on them, and the silence on members stay; what was counted, and frames that waited in rings, are lost.
import { getLink, listBpfFilters, type Rtnetlink } from '../../linux/index.js';
import type { BondPlaces, KnownBond } from '../contract.js';
import { MAX_MEMBERS } from '../limits.js';
import { isBondwireFilter } from '../filter-place.js';
import { unlessDamaged } from '../parts-note.js';
import { mapState, type Parts, readUserspaceParts, stateFile, writeWhole } from './parts-file.js';
import { forgetKept, ringName } from './rings.js';
import { SharedState, USERSPACE_VERSION } from './shared-state.js';
import { type Silence, silence } from './silence.js';
import type { SocketKeeper } from './socket-keeper.js';

/** True where a filter of this data plane's keeps the host off an interface: no eBPF program, but a classic one. */
export function isSilenced(netlink: Rtnetlink, ifindex: number): boolean {
  return listBpfFilters(netlink, ifindex, 'ingress').some(
    filter => isBondwireFilter(filter) && filter.classic !== undefined,
  );
}

/** Writes them, so that the bond can be adopted. Gives why that was needed: one clause. */
export function rebuild(
  { netlink, keeper }: { readonly netlink: Rtnetlink; readonly keeper: SocketKeeper },
  places: BondPlaces,
  known: KnownBond,
): string {
  const old = unlessDamaged(() => readUserspaceParts(places.partsFile));
  const before: readonly Silence[] =
    old !== undefined && 'lowerSilence' in old ? [old.lowerSilence, ...Object.values(old.silenced)] : [];
  const { lowerName, bondIfindex, lowerIfindex } = known;
  const members = known.members
    .filter(member => getLink(netlink, member) !== undefined)
    .slice(0, MAX_MEMBERS);
  // What is noted of each stays noted until it is done anew.
  const silenced = new Map(before.map(each => [each.ifindex, each] as const));
  const save = (): void => {
    const noted = members.flatMap((member, slot) => {
      const each = silenced.get(member);
      return each === undefined ? [] : [[slot, each] as const];
    });
    const lowerSilence = silenced.get(lowerIfindex) ?? { ifindex: lowerIfindex, ownsQdisc: true };
    const common = { kind: 'userspace', version: USERSPACE_VERSION, lowerName } as const;
    const parts: Parts = {
      ...common,
      bondIfindex,
      lowerIfindex,
      silenced: Object.fromEntries(noted),
      lowerSilence,
    };
    writeWhole(places.partsFile, parts);
  };
  // What waits in a ring cannot be found without the words of its version.
  for (const of of ['host' as const, ...Array(MAX_MEMBERS).keys()])
    forgetKept(keeper, ringName(lowerName, of));
  const memory = mapState(stateFile(places), true);
  try {
    const state = new SharedState(memory.buffer);
    state.initialise();
    for (const [slot, member] of members.entries()) state.occupy(slot, member);
  } finally {
    memory.unmap();
  }
  for (const ifindex of [lowerIfindex, ...members]) {
    const noted = silenced.get(ifindex);
    // As it is, where it is: frames would come in twice while it is made again.
    if (isSilenced(netlink, ifindex)) silenced.set(ifindex, noted ?? { ifindex, ownsQdisc: true });
    else if (noted?.settings === undefined)
      silence(netlink, ifindex, note => {
        silenced.set(ifindex, note);
        save();
      });
  }
  save();
  return old !== undefined && old.version !== USERSPACE_VERSION
    ? `they were of version ${old.version}, and this Bondwire has ${USERSPACE_VERSION}`
    : 'its files were gone or damaged';
}
