// Keeps the host's own stack off a member: it would answer, and take in twice, what the worker carries to the bond. Taps
// such as the worker's see frames before filters do.
import {
  addClsact,
  addDropFilter,
  deleteBpfFilter,
  deleteClsact,
  getLink,
  hasFilters,
  listBpfFilters,
  listQdiscs,
  readSysctl,
  type Rtnetlink,
  writeSysctl,
} from '../../linux/index.js';
import { FILTER_PREFERENCE, isBondwireFilter } from '../filter-place.js';

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

/** Drops what comes in after the taps have seen it; by settings where the kernel has no filters. Throws SystemError. */
export function silence(netlink: Rtnetlink, ifindex: number): Silence {
  const wasThere = listQdiscs(netlink, ifindex).some(
    qdisc => qdisc.ifindex === ifindex && qdisc.kind === 'clsact',
  );
  let ownsQdisc = false;
  try {
    ownsQdisc = addClsact(netlink, ifindex);
    addDropFilter(netlink, place(ifindex));
    return { ifindex, ownsQdisc };
  } catch (error) {
    if (ownsQdisc && !wasThere) deleteClsact(netlink, ifindex);
    const settings = bySettings(netlink, ifindex);
    if (settings === undefined) throw error;
    return { ifindex, ownsQdisc: false, settings };
  }
}

/** The settings as they were; undefined when they cannot be written either. */
function bySettings(netlink: Rtnetlink, ifindex: number): Silence['settings'] {
  const name = getLink(netlink, ifindex)?.name;
  if (name === undefined) return undefined;
  const before: Record<string, string> = {};
  try {
    for (const [setting, value] of Object.entries(QUIET_SETTINGS)) {
      before[setting] = readSysctl('ipv4', name, setting) ?? '0';
      writeSysctl('ipv4', name, setting, value);
    }
    return before;
  } catch {
    return undefined;
  }
}

/** Undoes it. Quiet when the interface is gone. */
export function unsilence(netlink: Rtnetlink, { ifindex, ownsQdisc, settings }: Silence): void {
  const name = getLink(netlink, ifindex)?.name;
  if (name === undefined) return;
  if (settings !== undefined) {
    for (const [setting, value] of Object.entries(settings)) writeSysctl('ipv4', name, setting, value);
    return;
  }
  // Not there, or another's: the index may have gone to another interface.
  if (!listBpfFilters(netlink, ifindex, 'ingress').some(isBondwireFilter)) return;
  deleteBpfFilter(netlink, place(ifindex));
  const others = hasFilters(netlink, ifindex, 'ingress') || hasFilters(netlink, ifindex, 'egress');
  if (ownsQdisc && !others) deleteClsact(netlink, ifindex);
}
