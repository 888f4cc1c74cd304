// What hangs on an interface comes off whichever of the kernel's answers is a failure that lasts a moment, and goes together with the
// qdisc that was made for it. Needs root.
import { describe, expect, test } from 'vitest';
import {
  addClsact,
  addDropFilter,
  createVeth,
  listQdiscs,
  type Rtnetlink,
  SystemError,
} from '../linux/index.js';
import { inScratchNetns, isRoot } from '../linux/testing.js';
import { detach } from './ebpf/attachment.js';
import { Pins } from './ebpf/pins.js';
import { FILTER_PREFERENCE } from './filter-place.js';
import { silence, unsilence } from './userspace/silence.js';

const EPERM = 1;

/** The same connection, whose Nth question is refused; `asked` counts them. */
function refusing(netlink: Rtnetlink, nth: number): { readonly netlink: Rtnetlink; asked: number } {
  const counter = { netlink, asked: 0 };
  counter.netlink = new Proxy(netlink, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: readonly unknown[]): unknown => {
        counter.asked += 1;
        if (counter.asked === nth) throw new SystemError(String(name), EPERM);
        return Reflect.apply(value, target, args);
      };
    },
  });
  return counter;
}

const pins = new Pins(
  { reach: () => undefined, lasts: () => false },
  { pins: '/nowhere', partsFile: '/nowhere' },
);

/** Hangs something on an interface, and takes it off again with another connection. */
interface Way {
  readonly name: string;
  readonly hang: (netlink: Rtnetlink, ifindex: number) => (refusing: Rtnetlink) => void;
}

const WAYS: readonly Way[] = [
  {
    name: 'unsilence()',
    hang: (netlink, ifindex) => {
      const made = silence(netlink, ifindex, () => {});
      return other => unsilence(other, made);
    },
  },
  {
    name: 'detach() by clsact',
    hang: (netlink, ifindex) => {
      addClsact(netlink, ifindex);
      // As good as one with a program: both are known by their preference.
      addDropFilter(netlink, { ifindex, direction: 'ingress', preference: FILTER_PREFERENCE, handle: 1 });
      return other =>
        detach(
          { netlink: other, pins, mapId: undefined },
          { kind: 'clsact', pin: 'none', ifindex, ownsQdisc: true },
        );
    },
  },
];

describe.runIf(isRoot).each(WAYS)('$name', ({ hang }) => {
  test('leaves nothing, whichever answer is a failure', () => {
    inScratchNetns(netlink => {
      const veth = { name: 'bwoff0', peerName: 'bwoff1', mtu: 1500, numTxQueues: 1, peerNumTxQueues: 1 };
      const ifindex = createVeth(netlink, veth)?.ifindex ?? 0;
      const clsact = (): number =>
        listQdiscs(netlink, ifindex).filter(({ kind }) => kind === 'clsact').length;
      let asked = Infinity;
      for (let nth = 1; nth <= asked; nth++) {
        const takeOff = hang(netlink, ifindex);
        expect({ nth, clsact: clsact() }).toEqual({ nth, clsact: 1 });
        const counter = refusing(netlink, nth);
        takeOff(counter.netlink);
        expect({ nth, clsact: clsact() }).toEqual({ nth, clsact: 0 });
        // One that is not reached ends it.
        asked = counter.asked;
      }
      expect(asked).toBeGreaterThan(3);
    });
  });
});
