// Keeps the host's own stack off a member: it would answer, and take in twice, what the worker carries to the bond. Taps
// such as the worker's see frames before filters do.
import {
  addClsact,
  addDropFilter,
  deleteBpfFilter,
  getLink,
  listBpfFilters,
  listQdiscs,
  readSysctl,
  type Rtnetlink,
  writeSysctl,
} from '../../linux/index.js';
import type { TagRange } from '../../netlink/index.js';
import { deleteEmptyClsact, FILTER_PREFERENCE, isBondwireFilter } from '../filter-place.js';
import { twice } from '../quietly.js';

/** How it was done, for undoing it; plain JSON. */
export interface Silence {
  readonly ifindex: number;
  /** True when the clsact qdisc was made for us. */
  readonly ownsQdisc: boolean;
  /** Set where the kernel has no such filters: net.ipv4.conf settings by name, as they were. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Strict reverse path check, and no answer to ARP: nothing of IPv4 that is meant for the bond gets in by the member. */
const QUIET_SETTINGS: Readonly<Record<string, string>> = { rp_filter: '1', arp_ignore: '8' };

const place = (ifindex: number) =>
  ({ ifindex, direction: 'ingress', preference: FILTER_PREFERENCE, handle: 1 }) as const;

/**
 * Drops what comes in after the taps have seen it; by settings where the kernel has no filters. `note` is told how it will be done
 * before it is. What was done when this throws (SystemError) is undone by `unsilence` with what was noted last.
 */
export function silence(netlink: Rtnetlink, ifindex: number, note: (silence: Silence) => void): Silence {
  const wasThere = listQdiscs(netlink, ifindex).some(
    qdisc => qdisc.ifindex === ifindex && qdisc.kind === 'clsact',
  );
  const byFilter: Silence = { ifindex, ownsQdisc: !wasThere };
  note(byFilter);
  try {
    addClsact(netlink, ifindex);
    addDropFilter(netlink, place(ifindex));
    return byFilter;
  } catch (error) {
    unsilence(netlink, byFilter);
    const settings = currentSettings(netlink, ifindex);
    if (settings === undefined) throw error;
    const bySettings: Silence = { ifindex, ownsQdisc: false, settings };
    note(bySettings);
    if (!writeQuiet(netlink, ifindex)) throw error;
    return bySettings;
  }
}

/** The settings as they are; undefined when the interface is gone. */
function currentSettings(netlink: Rtnetlink, ifindex: number): Silence['settings'] {
  const name = getLink(netlink, ifindex)?.name;
  if (name === undefined) return undefined;
  return Object.fromEntries(
    Object.keys(QUIET_SETTINGS).map(setting => [setting, readSysctl('ipv4', name, setting) ?? '0']),
  );
}

/** False when they cannot be written. */
function writeQuiet(netlink: Rtnetlink, ifindex: number): boolean {
  const name = getLink(netlink, ifindex)?.name;
  if (name === undefined) return false;
  try {
    for (const [setting, value] of Object.entries(QUIET_SETTINGS)) writeSysctl('ipv4', name, setting, value);
    return true;
  } catch {
    return false;
  }
}

/** Leaves frames with these VLAN tags to the host from now on, and no others. Throws SystemError. */
export function leaveToHost(
  netlink: Rtnetlink,
  { ifindex, settings }: Silence,
  tags: readonly TagRange[],
): void {
  // Settings of IPv4 on the member say nothing to VLAN devices on it.
  if (settings === undefined) addDropFilter(netlink, place(ifindex), tags, true);
}

/** Undoes it, also when it was noted and only begun. Quiet when the interface is gone. */
export function unsilence(netlink: Rtnetlink, silenced: Silence): void {
  twice(() => undo(netlink, silenced));
}

function undo(netlink: Rtnetlink, { ifindex, ownsQdisc, settings }: Silence): void {
  const name = getLink(netlink, ifindex)?.name;
  if (name === undefined) return;
  if (settings !== undefined) {
    for (const [setting, value] of Object.entries(settings)) {
      if (readSysctl('ipv4', name, setting) !== value) writeSysctl('ipv4', name, setting, value);
    }
    return;
  }
  // Not there, or another's: the index may have gone to another interface.
  if (listBpfFilters(netlink, ifindex, 'ingress').some(isBondwireFilter))
    deleteBpfFilter(netlink, place(ifindex));
  if (ownsQdisc) deleteEmptyClsact(netlink, ifindex);
}
