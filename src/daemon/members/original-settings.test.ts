// An interface is given back exactly as it was found, whatever it was. Needs root.
import { describe, expect, test } from 'vitest';
import {
  createVeth,
  deleteLink,
  readSysctl,
  requireLink,
  type Rtnetlink,
  setLink,
  writeSysctl,
} from '../../linux/index.js';
import { inScratchNetns, isRoot } from '../../linux/testing.js';
import { captureSettings, restoreSettings, silenceIpv6 } from './original-settings.js';
import type { OriginalSettings } from '../../keeper/index.js';

const MAC = '02:00:00:00:00:77';

interface Found {
  readonly name: string;
  readonly prepare: (netlink: Rtnetlink, ifindex: number) => void;
  readonly is: Partial<OriginalSettings>;
}

/** Between them each setting is this and that. */
const FOUND: readonly Found[] = [
  {
    name: 'as it was made, and up',
    prepare: (netlink, ifindex) => setLink(netlink, ifindex, { up: true }),
    is: { up: true, mtu: 1500, promiscuous: false, allMulticast: false, disableIpv6: '0' },
  },
  {
    name: 'promiscuous alone',
    prepare: (netlink, ifindex) => setLink(netlink, ifindex, { promiscuous: true }),
    is: { up: false, promiscuous: true, allMulticast: false },
  },
  {
    name: 'down, without IPv6, deaf to nothing',
    prepare: (netlink, ifindex) => {
      setLink(netlink, ifindex, { mtu: 1400, promiscuous: true, allMulticast: true, addrGenMode: 'random' });
      writeSysctl('ipv6', 'bwset', 'disable_ipv6', '1');
    },
    is: { mtu: 1400, promiscuous: true, allMulticast: true, addrGenMode: 'random', disableIpv6: '1' },
  },
];

function settingsOf(netlink: Rtnetlink): OriginalSettings {
  return captureSettings(requireLink(netlink, 'bwset'));
}

/** An interface in a namespace that ends with the test. */
function withInterface(work: (netlink: Rtnetlink, ifindex: number) => void): void {
  inScratchNetns(netlink => {
    createVeth(netlink, { name: 'bwset', peerName: 'bwset-p', peerUp: true });
    work(netlink, requireLink(netlink, 'bwset').ifindex);
  });
}

/** What a membership makes of it. */
function spoil(netlink: Rtnetlink, original: OriginalSettings): void {
  const { ifindex, promiscuous, allMulticast } = original;
  setLink(netlink, ifindex, { up: false });
  silenceIpv6(netlink, original);
  setLink(netlink, ifindex, { address: MAC });
  setLink(netlink, ifindex, { mtu: 9000, promiscuous: !promiscuous, allMulticast: !allMulticast, up: true });
}

describe.runIf(isRoot)('restoreSettings()', () => {
  test.each(FOUND)('gives back one that was found $name', ({ prepare, is }) =>
    withInterface((netlink, ifindex) => {
      prepare(netlink, ifindex);
      const original = settingsOf(netlink);
      expect(original).toMatchObject(is);
      spoil(netlink, original);
      expect(settingsOf(netlink)).toMatchObject({
        disableIpv6: '1',
        addrGenMode: 'none',
        address: MAC,
        mtu: 9000,
      });
      expect(restoreSettings(netlink, original, { address: true })).toEqual([]);
      expect(settingsOf(netlink)).toEqual(original);
    }),
  );

  test('one without IPv6 to which somebody gave it meanwhile is without it again', () =>
    withInterface(netlink => {
      writeSysctl('ipv6', 'bwset', 'disable_ipv6', '1');
      const original = settingsOf(netlink);
      spoil(netlink, original);
      writeSysctl('ipv6', 'bwset', 'disable_ipv6', '0');
      expect(restoreSettings(netlink, original, { address: true })).toEqual([]);
      expect(settingsOf(netlink)).toEqual(original);
    }));

  test('leaves the MAC address where that was never changed by us', () =>
    withInterface(netlink => {
      const original = settingsOf(netlink);
      spoil(netlink, original);
      expect(restoreSettings(netlink, original, { address: false })).toEqual([]);
      expect(settingsOf(netlink)).toEqual({ ...original, address: MAC });
    }));

  test('what cannot be restored is told, with what it is, and all else is restored', () =>
    withInterface(netlink => {
      const original = settingsOf(netlink);
      spoil(netlink, original);
      const wrong = { ...original, mtu: 1_000_000, address: '01:00:00:00:00:01', up: true };
      const problems = restoreSettings(netlink, wrong, { address: true });
      expect(problems).toEqual([
        expect.stringMatching(/^bwset: its MAC address could not be restored: .*EADDRNOTAVAIL/),
        expect.stringMatching(/^bwset: its MTU could not be restored: .*EINVAL/),
      ]);
      expect(settingsOf(netlink)).toEqual({ ...original, mtu: 9000, address: MAC, up: true });
    }));

  test('one that was renamed is given back under its new name; of one that is gone nothing is told', () =>
    withInterface((netlink, ifindex) => {
      const original = settingsOf(netlink);
      spoil(netlink, original);
      setLink(netlink, ifindex, { up: false });
      setLink(netlink, ifindex, { name: 'bwother' });
      expect(restoreSettings(netlink, original, { address: true })).toEqual([]);
      expect(readSysctl('ipv6', 'bwother', 'disable_ipv6')).toBe('0');
      deleteLink(netlink, 'bwother');
      expect(restoreSettings(netlink, original, { address: true })).toEqual([]);
    }));
});
