// Whether an interface has a qdisc at its ingress. Needs root.
import { expect, test } from 'vitest';
import { createVeth, requireLink } from './links.js';
import { Rtnetlink } from './rtnetlink.js';
import { inScratchNetns, isRoot } from './testing.js';
import { addClsact, deleteClsact, hasIngressQdisc } from './traffic-control.js';

const turn = (): Promise<void> => new Promise(resolve => void setImmediate(resolve));

test.runIf(isRoot)(
  'hasIngressQdisc() sees what the connection did, and in the next turn what others did',
  async () => {
    const { netlink, other, ifindex, peer } = inScratchNetns(scratch => {
      createVeth(scratch, { name: 'bwq0', peerName: 'bwq1', mtu: 1500, numTxQueues: 1, peerNumTxQueues: 1 });
      const [one, two] = [requireLink(scratch, 'bwq0').ifindex, requireLink(scratch, 'bwq1').ifindex];
      // Connections stay in their namespace, which lasts as long as they do.
      return { netlink: Rtnetlink.open(), other: Rtnetlink.open(), ifindex: one, peer: two };
    });
    try {
      for (const step of [() => {}, addClsact, deleteClsact, addClsact]) {
        step(netlink, ifindex);
        expect(hasIngressQdisc(netlink, ifindex)).toBe(step === addClsact);
      }
      expect(hasIngressQdisc(netlink, peer)).toBe(false);
      deleteClsact(other, ifindex);
      await turn();
      expect(hasIngressQdisc(netlink, ifindex)).toBe(false);
    } finally {
      netlink.close();
      other.close();
    }
  },
);
