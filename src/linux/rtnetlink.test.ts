import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  addrGenModeOf,
  promotesSecondaries,
  IFA_F,
  IFF,
  type NetlinkMessage,
  parseLink,
  parseNews,
  RTNLGRP,
  routeDestination,
  routeInterface,
  withInterface,
} from '../netlink/index.js';
import {
  addAddress,
  addAddresses,
  addressFromText,
  deleteAddress,
  deleteAddresses,
  listAddresses,
} from './addresses.js';
import { SystemError } from './errors.js';
import {
  createBridge,
  createMacvlan,
  createVeth,
  deleteLink,
  getLink,
  listLinks,
  requireLink,
  setLink,
} from './links.js';
import { addDeviceAddress, deleteDeviceAddress, listDeviceAddresses } from './neighbours.js';
import { createNamedNetns, deleteNamedNetns, openNetns, withNetns } from './netns.js';
import { addRoute, deleteRoute, listRoutes } from './routes.js';
import { Rtnetlink } from './rtnetlink.js';
import { closeFd } from './ffi.js';
import { inScratchNetns, isRoot, scratchName } from './testing.js';

function openFds(): number {
  return readdirSync('/proc/self/fd').length;
}

async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 5000;
  while (!condition() && Date.now() < end) {
    await new Promise(resolve => {
      setTimeout(resolve, 5);
    });
  }
  expect(condition()).toBe(true);
}

describe.skipIf(!isRoot)('many requests, which needs root', () => {
  test('requestAll() gives each its own outcome, over several datagrams, and goes on after a refusal', () => {
    inScratchNetns(netlink => {
      const { ifindex } = requireLink(netlink, 'lo');
      setLink(netlink, ifindex, { up: true });
      const addresses = Array.from({ length: 700 }, (_, nth) =>
        addressFromText(ifindex, `10.1.${nth >> 8}.${nth & 255}/32`),
      );
      for (const one of addresses.slice(300, 301)) addAddress(netlink, one);
      const nobody = addressFromText(9999, '10.9.9.9/32');
      const outcomes = addAddresses(netlink, [...addresses, nobody]);
      expect(outcomes).toHaveLength(701);
      const failed = [...outcomes.entries()].flatMap(([at, error]) =>
        error === undefined ? [] : [[at, error.code, error.target]],
      );
      expect(failed).toEqual([
        [300, 'EEXIST', '10.1.1.44'],
        [700, 'ENODEV', '10.9.9.9'],
      ]);
      expect(
        listAddresses(netlink, { ifindex }).filter(({ local }) => local?.startsWith('10.1.')),
      ).toHaveLength(700);
      // What comes after it gets its own answer.
      expect(getLink(netlink, 'lo')?.ifindex).toBe(ifindex);
      expect(
        deleteAddresses(netlink, [...addresses, nobody]).filter(error => error !== undefined),
      ).toHaveLength(1);
      expect(netlink.requestAll([])).toEqual([]);
    });
  });
});

describe.skipIf(!isRoot)('links, which needs root', () => {
  test('createVeth() makes both ends as asked', () => {
    inScratchNetns(netlink => {
      const near = createVeth(netlink, {
        name: 'bwa',
        peerName: 'bwb',
        mtu: 1400,
        address: '02:00:00:00:00:01',
        peerAddress: '02:00:00:00:00:02',
        numTxQueues: 2,
        alias: 'near end',
        up: true,
        peerUp: true,
      });
      const far = requireLink(netlink, 'bwb');
      expect(near).toMatchObject({
        mtu: 1400,
        address: '02:00:00:00:00:01',
        alias: 'near end',
        numTxQueues: 2,
      });
      expect(far).toMatchObject({
        mtu: 1400,
        address: '02:00:00:00:00:02',
        link: near?.ifindex,
        carrier: true,
        numTxQueues: 2,
      });
      createVeth(netlink, { name: 'bwc', peerName: 'bwd', numTxQueues: 4, peerNumTxQueues: 1 });
      expect(['bwc', 'bwd'].map(name => requireLink(netlink, name).numTxQueues)).toEqual([4, 1]);
      deleteLink(netlink, 'bwc');
      expect(listLinks(netlink).map(link => link.name)).toEqual(['lo', 'bwb', 'bwa']);
    });
  });

  test('setLink() changes what is asked and nothing else', () => {
    inScratchNetns(netlink => {
      const { ifindex } = createVeth(netlink, { name: 'bwa', peerName: 'bwb' }) ?? { ifindex: 0 };
      setLink(netlink, ifindex, {
        name: 'bw.x',
        mtu: 1300,
        address: '02:00:00:00:00:07',
        alias: 'ключ',
        promiscuous: true,
        allMulticast: true,
        noArp: true,
        addrGenMode: 'none',
        promotesSecondaries: true,
        up: true,
      });
      const changed = requireLink(netlink, ifindex);
      expect(changed).toMatchObject({ name: 'bw.x', mtu: 1300, address: '02:00:00:00:00:07', alias: 'ключ' });
      expect([addrGenModeOf(changed), promotesSecondaries(changed)]).toEqual(['none', true]);
      const flags = IFF.IFF_UP | IFF.IFF_PROMISC | IFF.IFF_ALLMULTI | IFF.IFF_NOARP;
      expect(changed.flags & flags).toBe(flags);
      setLink(netlink, ifindex, { promiscuous: false, alias: '', promotesSecondaries: false });
      const back = requireLink(netlink, 'bw.x');
      expect(back.flags & flags).toBe(flags & ~IFF.IFF_PROMISC);
      expect([back.alias, back.mtu, promotesSecondaries(back)]).toEqual([undefined, 1300, false]);
    });
  });

  test('a bridge takes a port and a macvlan sits on a device', () => {
    inScratchNetns(netlink => {
      createVeth(netlink, { name: 'bwa', peerName: 'bwb' });
      const bridge = createBridge(
        netlink,
        { name: 'bwbr', up: true },
        { stp: false, multicastSnooping: false },
      );
      const port = requireLink(netlink, 'bwa').ifindex;
      setLink(netlink, port, { master: bridge.ifindex });
      expect(getLink(netlink, port)).toMatchObject({ master: bridge.ifindex, info: { slaveKind: 'bridge' } });
      setLink(netlink, port, { master: 0 });
      expect(getLink(netlink, port)?.master).toBeUndefined();
      const macvlan = createMacvlan(netlink, { name: 'bwm' }, port, 'bridge');
      expect(macvlan).toMatchObject({ link: port, info: { kind: 'macvlan' } });
    });
  });

  test('a link moves to another namespace', () => {
    const other = scratchName();
    createNamedNetns(other);
    const netnsFd = openNetns(other);
    try {
      inScratchNetns(netlink => {
        createVeth(netlink, { name: 'bwa', peerName: 'bwb', peerNetnsFd: netnsFd });
        expect(getLink(netlink, 'bwb')).toBeUndefined();
        expect(getLink(netlink, 'bwa')?.linkNetnsId).toBeTypeOf('number');
        setLink(netlink, requireLink(netlink, 'bwa').ifindex, { netnsFd });
        expect(getLink(netlink, 'bwa')).toBeUndefined();
      });
    } finally {
      closeFd(netnsFd);
      deleteNamedNetns(other);
    }
  });

  test('getLink() gives undefined, deleteLink() false for what is not there', () => {
    inScratchNetns(netlink => {
      for (const which of ['bwnone', '', 'a-name-that-is-too-long', 0, 99999]) {
        expect(getLink(netlink, which)).toBeUndefined();
      }
      expect(deleteLink(netlink, 'bwnone')).toBe(false);
      createVeth(netlink, { name: 'bwa', peerName: 'bwb' });
      expect(deleteLink(netlink, 'bwa')).toBe(true);
      expect(() => requireLink(netlink, 'bwb')).toThrow(
        'RTM_GETLINK for bwb failed: no such device (ENODEV)',
      );
    });
  });

  test("a refused request throws with the kernel's own sentence", () => {
    inScratchNetns(netlink => {
      const { ifindex } = createVeth(netlink, { name: 'bwa', peerName: 'bwb' }) ?? { ifindex: 0 };
      let caught: unknown;
      try {
        setLink(netlink, ifindex, { mtu: 1 });
      } catch (error) {
        caught = error;
      }
      expect(caught).toBeInstanceOf(SystemError);
      expect(caught).toMatchObject({
        code: 'EINVAL',
        call: 'RTM_NEWLINK',
        detail: 'mtu less than device minimum',
      });
    });
  });
});

describe.skipIf(!isRoot)('addresses, routes, device addresses, which needs root', () => {
  test('an address is added, listed and deleted', () => {
    inScratchNetns(netlink => {
      const { ifindex } = createVeth(netlink, { name: 'bwa', peerName: 'bwb', up: true }) ?? { ifindex: 0 };
      addAddress(netlink, addressFromText(ifindex, '192.0.2.1/24'));
      addAddress(netlink, addressFromText(ifindex, '2001:db8::1/64', IFA_F.IFA_F_NODAD));
      const listed = listAddresses(netlink, { ifindex }).filter(address => address.scope === 0);
      expect(listed.map(address => address.address)).toEqual(['192.0.2.1', '2001:db8::1']);
      for (const address of listed) deleteAddress(netlink, address);
      expect(listAddresses(netlink, { ifindex }).filter(address => address.scope === 0)).toEqual([]);
      // What was listed can be given back.
      for (const address of listed) addAddress(netlink, address);
      expect(() => addAddress(netlink, addressFromText(ifindex, '192.0.2.1/24'))).toThrow('EEXIST');
    });
  });

  test('a listed route can be given to another interface and back', () => {
    inScratchNetns(netlink => {
      const near =
        createVeth(netlink, { name: 'bwa', peerName: 'bwb', up: true, peerUp: true })?.ifindex ?? 0;
      const far = requireLink(netlink, 'bwb').ifindex;
      addAddress(netlink, addressFromText(near, '192.0.2.1/24'));
      const [route] = listRoutes(netlink, { ifindex: near, table: 254, family: 2 });
      expect(route && routeDestination(route)).toBe('192.0.2.0/24');
      if (route === undefined) return;
      addRoute(netlink, withInterface(route, near, far), true);
      const [moved] = listRoutes(netlink, { table: 254, family: 2 });
      expect(moved && routeInterface(moved)).toBe(far);
      deleteRoute(netlink, withInterface(route, near, far));
      expect(listRoutes(netlink, { table: 254, family: 2 })).toEqual([]);
      addRoute(netlink, route);
      expect(listRoutes(netlink, { table: 254, family: 2 })).toEqual([route]);
    });
  });

  test('device addresses, unicast and multicast, are let in and taken back', () => {
    inScratchNetns(netlink => {
      const ifindex = createVeth(netlink, { name: 'bwa', peerName: 'bwb' })?.ifindex ?? 0;
      for (const mac of ['02:00:00:00:00:09', '01:80:c2:00:00:02']) {
        expect(addDeviceAddress(netlink, ifindex, mac)).toBe(true);
        expect(addDeviceAddress(netlink, ifindex, mac)).toBe(false);
        expect(listDeviceAddresses(netlink, ifindex)).toContain(mac);
        expect(deleteDeviceAddress(netlink, ifindex, mac)).toBe(true);
        expect(deleteDeviceAddress(netlink, ifindex, mac)).toBe(false);
      }
    });
  });
});

describe.skipIf(!isRoot)('Rtnetlink, which needs root', () => {
  test('onMessage() tells of changes, and each close() gives back its file descriptors', async () => {
    const before = openFds();
    const name = scratchName();
    const path = createNamedNetns(name);
    const names: (string | undefined)[] = [];
    try {
      const netlink = withNetns(path, () => Rtnetlink.open({ groups: [RTNLGRP.RTNLGRP_LINK] }));
      createVeth(netlink, { name: 'bwa', peerName: 'bwb' });
      netlink.onMessage(
        message => {
          const news = parseNews(message);
          if (news.ok && news.value.kind === 'link') names.push(news.value.link.name);
        },
        () => expect.fail('overrun'),
      );
      await until(() => names.includes('bwa') && names.includes('bwb'));
      netlink.close();
      netlink.close();
      expect(() => listLinks(netlink)).toThrow('closed');
    } finally {
      deleteNamedNetns(name);
    }
    // libuv opens its own descriptors for the first watch only.
    expect(openFds() - before).toBeLessThanOrEqual(4);
    const after = openFds();
    for (let i = 0; i < 50; i++) Rtnetlink.open({ groups: [RTNLGRP.RTNLGRP_LINK] }).close();
    expect(openFds()).toBe(after);
  });

  test('lost news call onOverrun, and news go on after it', async () => {
    const name = scratchName();
    const path = createNamedNetns(name);
    let overruns = 0;
    const messages: NetlinkMessage[] = [];
    try {
      const netlink = withNetns(path, () => Rtnetlink.open({ groups: [RTNLGRP.RTNLGRP_LINK] }));
      const ifindex = createVeth(netlink, { name: 'bwa', peerName: 'bwb' })?.ifindex ?? 0;
      // Nothing is read meanwhile; the buffer of 8 MiB holds some thousands of messages.
      for (let i = 0; i < 12_000; i++) setLink(netlink, ifindex, { mtu: 1400 + (i & 1) });
      netlink.onMessage(
        message => messages.push(message),
        () => overruns++,
      );
      await until(() => overruns > 0);
      setLink(netlink, ifindex, { mtu: 1234 });
      await until(() => {
        const last = messages.at(-1);
        const link = last && parseLink(last.payload);
        return link?.ok === true && link.value.mtu === 1234;
      });
      netlink.close();
    } finally {
      deleteNamedNetns(name);
    }
  });
});
