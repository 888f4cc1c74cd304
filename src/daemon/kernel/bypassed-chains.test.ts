// Which chains of nftables do not see the frames of a bond, read from a kernel that has them. Needs root and nft.
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { createVeth, deviceChains } from '../../linux/index.js';
import { inScratchNetns, isRoot } from '../../linux/testing.js';
import { bypassedChains } from './bypassed-chains.js';

const RULES = `
table netdev t {
  chain in { type filter hook ingress device "bwnft0" priority 0; }
  chain out { type filter hook egress device "bwnft0" priority 0; }
}
table inet u {
  chain early { type filter hook ingress device "bwnft1" priority 0; }
}
table inet w {
  chain forward { type filter hook forward priority 0; }
}
`;

const HAS_NFT = isRoot && spawnSync('nft', ['--version']).status === 0;

describe.runIf(HAS_NFT)('bypassedChains()', () => {
  test('names those at the ingress and at the egress of members', () => {
    inScratchNetns(netlink => {
      createVeth(netlink, {
        name: 'bwnft0',
        peerName: 'bwnft1',
        mtu: 1500,
        numTxQueues: 1,
        peerNumTxQueues: 1,
      });
      expect(deviceChains()).toEqual([]);
      const made = spawnSync('nft', ['-f', '-'], { input: RULES, encoding: 'utf8' });
      expect([made.status, made.stderr]).toEqual([0, '']);
      const chains = deviceChains();
      expect(chains.map(({ chain, hook }) => `${chain} ${hook}`).toSorted()).toEqual([
        'early ingress',
        'in ingress',
        'out egress',
      ]);
      const told = (...members: string[]): (string | undefined)[] =>
        bypassedChains(chains, 'bond0', members)
          .map(clause => /chain (\S+)/.exec(clause)?.[1])
          .toSorted((a = '', b = '') => a.localeCompare(b));
      expect(told('bwnft0')).toEqual(['in', 'out']);
      expect(told('bwnft0', 'bwnft1')).toEqual(['early', 'in', 'out']);
      expect(told('eth9')).toEqual([]);
    });
  });
});
