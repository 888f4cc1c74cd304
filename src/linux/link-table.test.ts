// A table of links says at each look what asking for all of them says, whatever happened in between. Needs root.
import { expect, test } from 'vitest';
import type { Link } from '../netlink/index.js';
import { LinkTable, followLinks, knownLinks } from './link-table.js';
import {
  createBridge,
  createMacvlan,
  createVeth,
  deleteLink,
  listLinks,
  requireLink,
  setLink,
} from './links.js';
import { currentNetnsId, openNetns, withNetns } from './netns.js';
import { closeFd } from './ffi.js';
import { Rtnetlink } from './rtnetlink.js';
import { inScratchNetns, isRoot } from './testing.js';

/** What has news: neither counters nor what link-watch may hold back. */
function told(links: readonly Link[]): unknown[] {
  return links
    .map(({ ifindex, name, flags, address, mtu, link, linkNetnsId, master, info, alias }) => ({
      ifindex,
      name,
      up: (flags & 1) !== 0,
      address,
      mtu,
      link,
      linkNetnsId,
      master,
      kind: info?.kind,
      alias,
    }))
    .toSorted((one, other) => one.ifindex - other.ifindex);
}

/** Each step is looked at; at the end all at once by a table that did not look in between. */
function follow(netlink: Rtnetlink, steps: readonly (() => unknown)[]): void {
  const [table, late] = [LinkTable.open(), LinkTable.open()];
  try {
    expect(told(late.all())).toEqual(told(listLinks(netlink)));
    for (const step of steps) {
      step();
      expect(told(table.all())).toEqual(told(listLinks(netlink)));
      expect(table.all()).toBe(table.all());
      const kinds = ['macvlan', 'bridge'];
      expect(table.ofKinds(kinds)).toEqual(
        table.all().filter(({ info }) => kinds.includes(info?.kind ?? '')),
      );
    }
    expect(told(late.all())).toEqual(told(listLinks(netlink)));
  } finally {
    table.close();
    late.close();
  }
}

const veth = { mtu: 1500, numTxQueues: 1, peerNumTxQueues: 1 };

test.runIf(isRoot)('LinkTable sees every change of a link at once, and whatever stands on it', () => {
  inScratchNetns(netlink => {
    const index = (name: string): number => requireLink(netlink, name).ifindex;
    follow(netlink, [
      () => createVeth(netlink, { name: 'bwt0', peerName: 'bwt1', ...veth }),
      () => createBridge(netlink, { name: 'bwbr' }),
      () => setLink(netlink, index('bwt0'), { up: true, mtu: 1400 }),
      () => setLink(netlink, index('bwt0'), { address: '02:00:00:00:00:07', alias: 'somebody' }),
      () => setLink(netlink, index('bwt1'), { master: index('bwbr') }),
      // A bridge tells that it is no port any more by RTM_DELLINK of its own family.
      () => setLink(netlink, index('bwt1'), { master: 0 }),
      () => setLink(netlink, index('bwt1'), { name: 'bwt2' }),
      () => createMacvlan(netlink, { name: 'bwm0' }, index('bwt0'), 'bridge'),
      () => createMacvlan(netlink, { name: 'bwmv' }, index('bwt2'), 'bridge'),
      () => setLink(netlink, index('bwt0'), { up: false }),
      () => deleteLink(netlink, 'bwbr'),
      () => deleteLink(netlink, 'bwt0'),
    ]);
  });
});

test.runIf(isRoot)(
  'LinkTable knows what stands on an interface that went to another namespace and came back',
  () => {
    inScratchNetns((other, path) =>
      inScratchNetns((netlink, home) => {
        const index = (name: string): number => requireLink(netlink, name).ifindex;
        const [away, back] = [openNetns(path), openNetns(home)];
        try {
          follow(netlink, [
            () => createVeth(netlink, { name: 'bwd0', peerName: 'bwd1', ...veth }),
            () => createMacvlan(netlink, { name: 'bwm0' }, index('bwd0'), 'bridge'),
            () => setLink(netlink, index('bwd0'), { netnsFd: away }),
            () => setLink(other, requireLink(other, 'bwd0').ifindex, { netnsFd: back }),
          ]);
        } finally {
          closeFd(away);
          closeFd(back);
        }
      }),
    );
  },
);

test.runIf(isRoot)('LinkTable asks for all when news were lost', () => {
  inScratchNetns(netlink => {
    const table = LinkTable.open();
    try {
      createVeth(netlink, { name: 'bwd0', peerName: 'bwd1', ...veth });
      expect(told(table.all())).toEqual(told(listLinks(netlink)));
      const { ifindex } = requireLink(netlink, 'bwd0');
      // More than the 8 MiB that a socket may hold.
      for (let i = 0; i < 6000; i++) setLink(netlink, ifindex, { mtu: 1000 + (i % 2) });
      deleteLink(netlink, 'bwd0');
      expect(told(table.all())).toEqual(told(listLinks(netlink)));
    } finally {
      table.close();
    }
  });
});

test.runIf(isRoot)('knownLinks() goes by the table of its connection, and asks where there is none', () => {
  inScratchNetns((netlink, path) => {
    const stop = followLinks(netlink);
    const here = currentNetnsId();
    const first = knownLinks(netlink);
    expect(knownLinks(netlink)).toBe(first);
    const others = Rtnetlink.open();
    expect(told(knownLinks(others))).toEqual(told(first));
    expect(knownLinks(others)).not.toBe(knownLinks(others));
    others.close();
    stop();
    expect(knownLinks(netlink)).not.toBe(first);
    expect(withNetns(path, currentNetnsId)).toBe(here);
  });
});
