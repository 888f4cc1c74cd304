// What is in other network namespaces, looked at for all bonds at once: a look enters each namespace of the machine, of which there may
// be hundreds, and takes as long for one bond as for all.
import { type LinksElsewhere, linksElsewhere, type Rtnetlink } from '../../linux/index.js';
import { mayTag } from './vlan-stack.js';

/** Between two looks, at the least; and at least so many times what a look takes. */
const PAUSE = { ms: 250, times: 10 } as const;

interface Look {
  /** When it began and ended (performance.now). */
  readonly fromMs: number;
  readonly untilMs: number;
  readonly links: readonly LinksElsewhere[];
}

/** The last look of each daemon. */
const looks = new WeakMap<Rtnetlink, Look>();

function lookAgain(netlink: Rtnetlink): Look {
  const fromMs = performance.now();
  // Each bond keeps what it saw last: all links of a busy machine would be megabytes.
  const links = linksElsewhere(mayTag);
  const look = { fromMs, untilMs: performance.now(), links };
  looks.set(netlink, look);
  return look;
}

function pauseAfter({ fromMs, untilMs }: Look): number {
  return Math.max(PAUSE.ms, PAUSE.times * (untilMs - fromMs));
}

/**
 * The links that may tag (`mayTag`) in all namespaces but the thread's, as they were at `sinceMs` (performance.now) or later; or how
 * many milliseconds to wait before that is asked again, as looks have pauses between them.
 */
export function elsewhereSince(
  netlink: Rtnetlink,
  sinceMs: number,
): { readonly links: readonly LinksElsewhere[] } | { readonly waitMs: number } {
  const last = looks.get(netlink);
  if (last === undefined) return lookAgain(netlink);
  if (last.fromMs >= sinceMs) return last;
  const waitMs = last.untilMs + pauseAfter(last) - performance.now();
  return waitMs <= 0 ? lookAgain(netlink) : { waitMs };
}

/** The same as of the last look, if that is not older than a pause: what came since then is found by the next one. */
export function recentElsewhere(netlink: Rtnetlink): readonly LinksElsewhere[] {
  const last = looks.get(netlink);
  const isRecent = last !== undefined && performance.now() < last.untilMs + pauseAfter(last);
  return (isRecent ? last : lookAgain(netlink)).links;
}
