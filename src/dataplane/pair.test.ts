// The pair of interfaces that a bond is, from its making to its end. Needs root.
import { describe, expect, test } from 'vitest';
import {
  createVeth,
  getLink,
  netkitAvailable,
  requireLink,
  type Rtnetlink,
  setLink,
} from '../linux/index.js';
import { inScratchNetns, isRoot } from '../linux/testing.js';
import { isLowerEnd, markedRunDir, Pair, pairAt, type PairKind } from './pair.js';

const BOND = {
  name: 'bond0',
  lowerName: 'bwl-00c0ffee',
  address: '02:00:00:00:00:01',
  mtu: 1400,
  partsFile: '/run/bw-pair/bond0.json',
};

/** What this kernel can make. */
const KINDS: readonly PairKind[] = isRoot && netkitAvailable() === true ? ['netkit', 'veth'] : ['veth'];

describe.runIf(isRoot).each(KINDS)('Pair (%s)', kind => {
  const inLab = (work: (netlink: Rtnetlink) => void) => () => inScratchNetns(work);

  test(
    'has two ends of one MTU, the lower one marked and silent',
    inLab(netlink => {
      const pair = Pair.create(netlink, BOND, kind, 4);
      const [bond, lower] = [requireLink(netlink, 'bond0'), requireLink(netlink, BOND.lowerName)];
      expect([bond.ifindex, lower.ifindex]).toEqual([pair.bondIfindex, pair.lowerIfindex]);
      expect([bond.mtu, bond.address, bond.numTxQueues]).toEqual([1400, BOND.address, 4]);
      expect([lower.mtu, lower.numTxQueues]).toEqual([1400, 1]);
      expect([isLowerEnd(lower), markedRunDir(lower), markedRunDir(bond)]).toEqual([
        true,
        '/run/bw-pair',
        undefined,
      ]);
    }),
  );

  test(
    'gives the bond its carrier, follows its MTU and its name',
    inLab(netlink => {
      const pair = Pair.create(netlink, BOND, kind);
      setLink(netlink, pair.bondIfindex, { up: true });
      const carrier = (): boolean | undefined => getLink(netlink, 'bond0')?.carrier;
      pair.setCarrier(true);
      expect(carrier()).toBe(true);
      pair.setCarrier(false);
      expect(carrier()).toBe(false);
      pair.setMtu(9000);
      expect(getLink(netlink, pair.lowerIfindex)?.mtu).toBe(9000);
      pair.renamed('uplink0');
      expect(getLink(netlink, pair.lowerIfindex)?.alias).toContain('lower end of uplink0 at /run/bw-pair;');
    }),
  );

  test(
    'leaves nothing where the name is taken, and what has it alone',
    inLab(netlink => {
      createVeth(netlink, { name: 'x0', peerName: BOND.lowerName });
      expect(() => Pair.create(netlink, BOND, kind)).toThrow('EEXIST');
      expect(getLink(netlink, 'bond0')).toBeUndefined();
      expect(getLink(netlink, 'x0')).toBeDefined();
    }),
  );

  test(
    'is taken over by its indexes, also with a lower end of another name, and destroyed then',
    inLab(netlink => {
      const { bondIfindex, lowerIfindex, lowerName } = Pair.create(netlink, BOND, kind);
      const known = { bondIfindex, lowerIfindex, lowerName };
      const wrong = [{ bondIfindex: 4321 }, { lowerIfindex: 1 }, { lowerIfindex: 4321 }];
      for (const part of wrong) expect(Pair.takeOver(netlink, BOND, { ...known, ...part })).toBeUndefined();
      setLink(netlink, lowerIfindex, { name: 'mine' });
      expect(pairAt(netlink, known)).toBe(kind);
      Pair.takeOver(netlink, BOND, known)?.destroy();
      expect([getLink(netlink, 'mine'), getLink(netlink, 'bond0')]).toEqual([undefined, undefined]);
      expect(pairAt(netlink, known)).toBeUndefined();
    }),
  );

  test(
    'that is gone already is destroyed without a word, and whatever has its name is left alone',
    inLab(netlink => {
      const pair = Pair.create(netlink, BOND, kind);
      pair.destroy();
      createVeth(netlink, { name: BOND.lowerName, peerName: 'x0', alias: 'mine' });
      pair.destroy();
      Pair.sweep(netlink, BOND.lowerName);
      expect(getLink(netlink, BOND.lowerName)?.alias).toBe('mine');
    }),
  );
});
