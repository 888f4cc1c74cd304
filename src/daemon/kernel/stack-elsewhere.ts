// Macvlan and VLAN devices on a bond that are in other network namespaces (containers): the kernel's NETDEV_NOTIFY_PEERS goes up through
// them wherever they are, so their peers are to be told after a failover too. From here they are not seen, and nothing is told of them:
// all namespaces are looked into now and then. Their frames go out of what they stand on here.
import type { VlanTag } from '../../frames/index.js';
import { inOtherNamespaces, listLinks, type OtherNamespace, type Rtnetlink } from '../../linux/index.js';
import type { Link } from '../../netlink/index.js';
import type { StackedDevice } from '../../policy/index.js';
import { describe, lookAround, STACKABLE, tagOf } from './stack-facts.js';

/** Numbers in place of their interface indexes, which may be those of others here; no namespace counts so far. */
const FIRST_NUMBER = 0x4000_0000;

/** A device in another namespace. */
export interface Elsewhere {
  /** `ifindex` is a number of ours. */
  readonly device: StackedDevice;
  readonly kind: 'vlan' | 'macvlan';
  /** The interface of this namespace that it stands on, and the tags that its frames have there, outermost first. */
  readonly below: number;
  readonly tags: readonly VlanTag[];
}

/** The last look of each daemon. */
const seen = new WeakMap<Rtnetlink, readonly Elsewhere[]>();
const numbers = new Map<string, number>();

function numberOf(inode: number, ifindex: number): number {
  const key = `${inode}/${ifindex}`;
  const number = numbers.get(key) ?? FIRST_NUMBER + numbers.size;
  numbers.set(key, number);
  return number;
}

/** Those that stand on these interfaces, as of the last look. */
export function standingElsewhere(
  netlink: Rtnetlink,
  on: { readonly has: (ifindex: number) => boolean },
): readonly Elsewhere[] {
  return (seen.get(netlink) ?? []).filter(({ below }) => on.has(below));
}

/** The one with this number. */
export function elsewhereAt(netlink: Rtnetlink, number: number): Elsewhere | undefined {
  if (number < FIRST_NUMBER) return undefined;
  return seen.get(netlink)?.find(({ device }) => device.ifindex === number);
}

/** Looks into all namespaces but that of `netlink`, which is the thread's; true when something is other than at the last look. */
export function lookElsewhere(netlink: Rtnetlink): boolean {
  const found = inOtherNamespaces(lookIn);
  const before = seen.get(netlink) ?? [];
  seen.set(netlink, found);
  return JSON.stringify(before) !== JSON.stringify(found);
}

function mayStand(link: Link): boolean {
  return STACKABLE.has(link.info?.kind ?? '') && link.linkNetnsId !== undefined;
}

function lookIn({ netns, netlink, ourId }: OtherNamespace): Elsewhere[] {
  if (!listLinks(netlink).some(mayStand)) return [];
  const here = ourId();
  const around = lookAround(netlink);
  const found: Elsewhere[] = [];
  const add = (link: Link, below: number, tags: readonly VlanTag[]): void => {
    const tag = tagOf(link);
    const all = tag === null ? tags : [...tags, tag];
    const device = { ...describe(link, around), ifindex: numberOf(netns, link.ifindex) };
    const kind = link.info?.kind === 'vlan' ? 'vlan' : 'macvlan';
    found.push({ device, kind, below, tags: all });
    for (const upper of around.links) {
      const isOn = upper.link === link.ifindex && upper.linkNetnsId === undefined;
      if (isOn && STACKABLE.has(upper.info?.kind ?? '')) add(upper, below, all);
    }
  };
  for (const link of around.links)
    if (mayStand(link) && link.linkNetnsId === here && link.link !== undefined) add(link, link.link, []);
  return found;
}
