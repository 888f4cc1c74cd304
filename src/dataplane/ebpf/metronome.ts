// The metronome: LACPDUs that nobody asked for while no daemon is there. Programs cannot send by a timer, but a bridge that speaks STP can:
// a bridge of our own, with nobody to listen but a program at the other end of its only cable, says something every second for ever.
import {
  closeFd,
  createBridge,
  createVeth,
  deleteLink,
  getLink,
  type Rtnetlink,
  setLink,
} from '../../linux/index.js';
import type { Link } from '../../netlink/index.js';
import { doAll } from '../quietly.js';
import {
  type Attachment,
  attachProgram,
  type AttachWish,
  type Hooks,
  isAttached,
  swapProgram,
} from './attachment.js';

/** What there is of it; plain JSON, noted before it is made. */
export interface Metronome {
  readonly bridge: string;
  /** The cable: the port of the bridge, and the end with the program. */
  readonly port: string;
  readonly end: string;
  /** Absent until the program is about to be attached. */
  readonly attachment?: Attachment;
  /** Whose members it speaks for. */
  readonly slots: readonly number[];
}

const ALIAS = 'Bondwire: beats for LACP of';
const MTU = 1500;
/** The least that a bridge takes (BR_MIN_HELLO_TIME). */
const HELLO_SECONDS = 1;
const LEARN_SECONDS = 2;

/** Longest name, but for one letter (IFNAMSIZ). */
const LONGEST_STEM = 14;

/** Its interfaces are named after the lower end, which has a name of its own in its namespace: who is kept off that is kept off these. */
export function metronomeOf(lowerName: string): Metronome {
  const stem = lowerName.slice(0, LONGEST_STEM);
  return { bridge: `${stem}b`, port: `${stem}p`, end: `${stem}e`, slots: [] };
}

/** Makes bridge and cable; gives the index of the end where beats come out. What is noted as `metronome` is there before. */
export function makeMetronome(
  netlink: Rtnetlink,
  { bridge, port, end }: Metronome,
  lowerName: string,
): number {
  const quiet = { alias: `${ALIAS} ${lowerName}; leave it alone`, addrGenMode: 'none', up: true } as const;
  const { ifindex } = createBridge(
    netlink,
    { name: bridge },
    {
      stp: true,
      helloSeconds: HELLO_SECONDS,
      forwardDelaySeconds: LEARN_SECONDS,
      multicastSnooping: false,
    },
  );
  createVeth(netlink, { name: port, peerName: end, mtu: MTU });
  const far = indexOf(netlink, end);
  setLink(netlink, far, quiet);
  setLink(netlink, indexOf(netlink, port), { ...quiet, master: ifindex });
  setLink(netlink, ifindex, quiet);
  return far;
}

function indexOf(netlink: Rtnetlink, name: string): number {
  const link = getLink(netlink, name);
  if (link === undefined) throw new Error(`${name} is gone`);
  return link.ifindex;
}

/** Attaches the program, or puts it in the place of one that is attached. `note` comes before. */
export function attachMetronome(
  hooks: Hooks,
  programFd: number,
  { end, attachment }: Metronome,
  wish: Omit<AttachWish, 'ifindex'>,
  note: (attachment: Attachment) => void,
): Attachment {
  try {
    if (attachment !== undefined && isAttached(hooks, attachment)) {
      swapProgram(hooks, programFd, attachment);
      return attachment;
    }
    return attachProgram(hooks, programFd, { ...wish, ifindex: indexOf(hooks.netlink, end) }, note);
  } finally {
    closeFd(programFd);
  }
}

/** True when its interfaces are there and its program is where it was put. */
export function isWhole(hooks: Hooks, { bridge, end, attachment }: Metronome): boolean {
  const far = getLink(hooks.netlink, end);
  if (attachment === undefined || far?.ifindex !== attachment.ifindex) return false;
  return isOurs(getLink(hooks.netlink, bridge), 'bridge') && isAttached(hooks, attachment);
}

/** Takes it down, as far as it is there; the program goes with its interface. Interfaces that are not ours stay. */
export function removeMetronome(netlink: Rtnetlink, { bridge, end }: Metronome): void {
  const steps = [
    [end, 'veth'],
    [bridge, 'bridge'],
  ] as const;
  doAll(
    steps.map(([name, kind]) => () => {
      const link = getLink(netlink, name);
      if (link !== undefined && isOurs(link, kind)) deleteLink(netlink, link.ifindex);
    }),
  );
}

/** Without a mark where a daemon died before it was given one. */
function isOurs(link: Link | undefined, kind: string): boolean {
  return link?.info?.kind === kind && link.alias?.startsWith(ALIAS) !== false;
}
