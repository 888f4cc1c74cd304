// How a bond reads the links of its members (option use_carrier, H21): from the device's carrier flag, or by the ethtool and MII
// ioctls (bond_check_dev_link).
import { type Ethtool, getLink, type Rtnetlink } from '../../linux/index.js';
import type { Link } from '../../netlink/index.js';
import type { BondFacts, MemberLink, MemberSnapshot, TimeMs } from '../../policy/index.js';
import { carrierOf, memberLinkOf } from './link-facts.js';

/** Basic mode status register of a PHY, and its bit for the link (IEEE 802.3 clause 22.2.4.2). */
const BMSR = 1;
const BMSR_LINK = 4;

/**
 * One whose carrier news comes at once is asked this often all the same, though the kernel says when news were lost: all of them in the
 * ticks that follow the same moment.
 */
const PROMPT_ASKED_MS = 5000;

function nextAskedMs(nowMs: TimeMs): TimeMs {
  return (Math.floor(nowMs / PROMPT_ASKED_MS) + 1) * PROMPT_ASKED_MS;
}

/** What is asked of a device. */
export type Asked = Pick<Ethtool, 'linkDetected' | 'linkSettings' | 'miiPhy' | 'miiRegister'>;

/** The link as the device tells it by ETHTOOL_GLINK, or else by its PHY; undefined when it tells neither. */
export function linkByIoctl(ethtool: Asked, name: string): boolean | undefined {
  const detected = ethtool.linkDetected(name);
  if (detected !== undefined) return detected;
  const phy = ethtool.miiPhy(name);
  if (phy === undefined) return undefined;
  // The bit latches: the first reading may tell of a loss that is over.
  ethtool.miiRegister(name, phy, BMSR);
  const status = ethtool.miiRegister(name, phy, BMSR);
  return status === undefined ? undefined : (status & BMSR_LINK) !== 0;
}

/**
 * True where the kernel tells a change of carrier at once, and a member need not be asked at every tick: devices that stand on another,
 * or are one of two (linkwatch_urgent_event). News of others may be held back by up to a second.
 */
export function tellsAtOnce({ ifindex, link }: Pick<Link, 'ifindex' | 'link'>): boolean {
  return link !== undefined && link !== 0 && link !== ifindex;
}

export class LinkReader {
  readonly #ethtool: Asked;
  readonly #netlink: Rtnetlink;
  readonly #now: () => TimeMs;
  readonly #warn: (member: string, message: string) => void;
  #byFlag = true;
  #isWatching = false;
  /** Members whose carrier news is not held back, and when they are asked next. */
  readonly #prompt = new Map<number, TimeMs>();
  /** Members of which it was said that their device does not tell its link. */
  readonly #silent = new Set<number>();

  constructor(
    machine: { readonly ethtool: Asked; readonly netlink: Rtnetlink; readonly now: () => TimeMs },
    warn: (member: string, message: string) => void,
  ) {
    this.#ethtool = machine.ethtool;
    this.#netlink = machine.netlink;
    this.#now = machine.now;
    this.#warn = warn;
  }

  /** The options may have changed. */
  follow({ readsCarrierFlag, miimonMs }: Pick<BondFacts, 'readsCarrierFlag' | 'miimonMs'>): void {
    this.#byFlag = readsCarrierFlag;
    this.#isWatching = miimonMs > 0;
  }

  /** A member as the kernel told it, its link as the option says. A device that does not tell counts as up. */
  linkOf(link: Link): MemberLink {
    const facts = memberLinkOf(this.#ethtool, link);
    if (!tellsAtOnce(link)) this.#prompt.delete(link.ifindex);
    else if (!this.#prompt.has(link.ifindex)) this.#prompt.set(link.ifindex, nextAskedMs(this.#now()));
    if (this.#byFlag) return facts;
    return { ...facts, carrier: this.#asked(link.ifindex, facts.name, facts.adminUp) };
  }

  /** Asks a member before a tick: what to tell the policy, if its link is not what that knows. */
  news({ member, name, adminUp, carrier }: MemberSnapshot): Link | undefined {
    if ((this.#byFlag && this.#mayWait(member)) || !adminUp) return undefined;
    const now = this.#byFlag ? this.#ethtool.linkDetected(name) : this.#asked(member, name, adminUp);
    if (now === undefined || now === carrier) return undefined;
    const link = getLink(this.#netlink, member);
    return link !== undefined && this.#byFlag && carrierOf(link) !== now ? undefined : link;
  }

  /** As `Links.restUntil`. */
  restUntil(members: readonly Pick<MemberSnapshot, 'member'>[]): TimeMs | null {
    if (!this.#byFlag) return null;
    let untilMs = Number.POSITIVE_INFINITY;
    for (const { member } of members) {
      const askedMs = this.#prompt.get(member);
      if (askedMs === undefined) return null;
      untilMs = Math.min(untilMs, askedMs);
    }
    return members.length === 0 ? nextAskedMs(this.#now()) : untilMs;
  }

  #mayWait(member: number): boolean {
    const askedMs = this.#prompt.get(member);
    if (askedMs === undefined) return false;
    const nowMs = this.#now();
    if (nowMs < askedMs) return true;
    this.#prompt.set(member, nextAskedMs(nowMs));
    return false;
  }

  #asked(member: number, name: string, adminUp: boolean): boolean {
    const link = linkByIoctl(this.#ethtool, name);
    if (link !== undefined) return link;
    if (adminUp && this.#isWatching && !this.#silent.has(member)) {
      this.#silent.add(member);
      const message = `${name} counts as up whatever happens: its device tells its link neither by ethtool nor by MII; set use_carrier=1, or use the ARP monitor`;
      this.#warn(name, message);
    }
    return true;
  }
}
