// What stands on a bond: the bond itself, VLANs, macvlans and a bridge above it, with the addresses and groups that
// peers and switches must be told of after a failover (kernel: NETDEV_NOTIFY_PEERS and NETDEV_RESEND_IGMP go the same way).
import type { VlanTag } from '../../frames/index.js';
import type { Rtnetlink } from '../../linux/index.js';
import type { Link } from '../../netlink/index.js';
import type { StackedDevice, Taught } from '../../policy/index.js';
import { LookTurns } from './look-turns.js';
import { standingElsewhere } from './stack-elsewhere.js';
import { describe, lookAround, lookAtFew, STACKABLE, type Surroundings, tagOf } from './stack-facts.js';

/** The devices that stand on the bond, the bond first, those in other namespaces last. */
export function collectStack(netlink: Rtnetlink, bondIfindex: number): StackedDevice[] {
  return stackIn(netlink, lookAtFew(netlink), bondIfindex);
}

const looks = new WeakMap<Rtnetlink, Surroundings>();
const turns = new WeakMap<Rtnetlink, LookTurns>();

/** Calls `look` when one at `collectStackInTurn` may be taken, which others that wait for one take at the same time. */
export function whenToLook(netlink: Rtnetlink, look: () => void): void {
  const ofAll = turns.get(netlink) ?? new LookTurns();
  turns.set(netlink, ofAll);
  ofAll.take(look);
}

/**
 * The same for all bonds that ask in one turn of the event loop: they share one look, as each event makes all of them ask. What
 * changes meanwhile has an event of its own, which is handled after the look is forgotten (immediates run in order).
 */
export function collectStackInTurn(netlink: Rtnetlink, bondIfindex: number): StackedDevice[] {
  let look = looks.get(netlink);
  if (look === undefined) {
    look = lookAround(netlink);
    looks.set(netlink, look);
    setImmediate(() => looks.delete(netlink));
  }
  return stackIn(netlink, look, bondIfindex);
}

function stackIn(netlink: Rtnetlink, around: Surroundings, bondIfindex: number): StackedDevice[] {
  const own = stackOn(around.links, bondIfindex);
  const tags = new Map(own.map(({ link, tag }) => [link.ifindex, tag]));
  const here = own.map(stacked =>
    Object.assign(describe(stacked.link, around), {
      taught: taughtBy(stacked, bondIfindex),
      ...(stacked.link.info?.kind === 'bridge' && { isBridge: true }),
    }),
  );
  const elsewhere = standingElsewhere(netlink, tags).map(({ device, below, kind, tags: above }) => {
    const tag = tags.get(below) ?? above[0] ?? null;
    const isDirect = below === bondIfindex && above.length === 1;
    const taught = kind === 'macvlan' || isDirect ? { kind, tag } : undefined;
    return Object.assign({}, device, { taught });
  });
  return [...here, ...elsewhere];
}

/** A device on the bond, and the tag that its frames have on the members from the VLAN device directly on the bond. */
interface Stacked {
  readonly link: Link;
  readonly tag: VlanTag | null;
}

/** How a switch is taught where a device on the bond is (alb_upper_dev_walk, bond_verify_device_path). */
function taughtBy({ link, tag }: Stacked, bondIfindex: number): Taught | undefined {
  const kind = link.info?.kind;
  if (kind === 'macvlan') return { kind, tag };
  return kind === 'vlan' && link.link === bondIfindex ? { kind, tag } : undefined;
}

/** The bond and what stands on it, directly or not, in this namespace. */
function stackOn(links: readonly Link[], bondIfindex: number): Stacked[] {
  const found = new Map<number, Stacked>();
  const add = (ifindex: number, below: VlanTag | null): void => {
    const link = links.find(other => other.ifindex === ifindex);
    if (link === undefined || found.has(ifindex)) return;
    const tag = link.link === bondIfindex ? tagOf(link) : below;
    found.set(ifindex, { link, tag });
    const master = links.find(other => other.ifindex === link.master);
    if (master?.info?.kind === 'bridge') add(master.ifindex, tag);
    for (const upper of links) {
      if (upper.link !== ifindex || upper.linkNetnsId !== undefined) continue;
      if (STACKABLE.has(upper.info?.kind ?? '')) add(upper.ifindex, tag);
    }
  };
  add(bondIfindex, null);
  return [...found.values()];
}
