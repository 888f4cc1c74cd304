// What an uplink puts in the kernel, on real lines: packets go where the plan says, what was there before is there again afterwards, and
// what an earlier process left is taken over as it is. Needs root, ip and nft.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { KernelKeeper, type NotedSetting } from '../src/gateway/index.js';
import { readSysctl, Rtnetlink } from '../src/linux/index.js';
import { RTNLGRP } from '../src/netlink/index.js';
import {
  FAMILIES,
  type KernelPlan,
  kernelPlan,
  type Steering,
  type UplinkSettings,
} from '../src/uplinks/index.js';
import { testLine, testSettings, testSteering } from '../src/uplinks/plan-testing.js';
import { SERVERS, UplinkStage } from './support/uplink-stage.js';

const SETTINGS = testSettings({ lines: [testLine('fibre', 'wan1'), testLine('dsl', 'wan2')] });

let stage: UplinkStage;
let noted: readonly NotedSetting[];
const keepers: KernelKeeper[] = [];

beforeAll(async () => {
  stage = await UplinkStage.open();
});

afterAll(() => stage.close());

beforeEach(() => {
  noted = [];
});

afterEach(() => {
  keeper().remove();
  for (const one of keepers.splice(0)) one.close();
});

function keeper(): KernelKeeper {
  const news = { note: (all: readonly NotedSetting[]) => (noted = all) };
  const opened = stage.within(() => new KernelKeeper(news, noted));
  keepers.push(opened);
  return opened;
}

function plan(steering: Steering, settings: UplinkSettings = SETTINGS, nftables = false): KernelPlan {
  return kernelPlan(settings, stage.wayOf(settings), steering, { nftables });
}

/** News of routes and rules in the gateway that came while `act` ran. */
function newsDuring(act: () => void): number {
  const groups = [
    RTNLGRP.RTNLGRP_IPV4_ROUTE,
    RTNLGRP.RTNLGRP_IPV6_ROUTE,
    RTNLGRP.RTNLGRP_IPV4_RULE,
    RTNLGRP.RTNLGRP_IPV6_RULE,
    RTNLGRP.RTNLGRP_IPV4_NETCONF,
    RTNLGRP.RTNLGRP_IPV6_NETCONF,
  ];
  const netlink = stage.within(() => Rtnetlink.open({ groups }));
  try {
    act();
    let news = 0;
    netlink.takeNews(() => news++);
    return news;
  } finally {
    netlink.close();
  }
}

describe('routes and rules', () => {
  test.each(FAMILIES)('packets go by the selected line, and by another one at once: %s', async family => {
    const kernel = keeper();
    kernel.apply(plan(testSteering([1, 2])));
    const flow = stage.flow(family);
    expect(await flow.ask()).toMatch(/^line1 /);
    kernel.apply(plan(testSteering([2, 1])));
    expect(await flow.ask()).toMatch(/^line2 /);
    const own = stage.flowFrom(stage.gateway, family === 'ipv4' ? '0.0.0.0' : '::', SERVERS[family]);
    expect(await own.ask()).toBe(`line2 ${family === 'ipv4' ? '192.0.2.2' : '2001:db8:2::2'}`);
  });

  test('what is nearer than the internet is reached as before', async () => {
    keeper().apply(plan(testSteering([1, 2])));
    const inside = stage.flowFrom(stage.gateway, '192.168.9.1', '192.168.9.2');
    expect(await inside.ask()).toBe('inside 192.168.9.1');
  });

  test('a second apply changes nothing, nor does one of another process', () => {
    const wanted = plan(testSteering([1, 2]));
    const first = keeper();
    expect(first.apply(wanted).changed.length).toBeGreaterThan(20);
    const picture = stage.picture();
    expect(newsDuring(() => expect(first.apply(wanted)).toEqual({ changed: [], missing: [] }))).toBe(0);
    first.close();
    expect(newsDuring(() => expect(keeper().apply(wanted)).toEqual({ changed: [], missing: [] }))).toBe(0);
    expect(stage.picture()).toBe(picture);
  });

  test('only what differs is changed, what decides first', () => {
    const kernel = keeper();
    kernel.apply(plan(testSteering([1, 2])));
    const flows = FAMILIES.map(family => ({ line: 1, family, by: { tcp: 1, others: 2 } }) as const);
    expect(kernel.apply(plan(testSteering([2, 1], { flows }))).changed).toEqual([
      'route default via 192.0.2.1 in table 8700',
      'route default via 192.0.1.1 in table 8700',
      'route default via 2001:db8:2::1 in table 8700',
      'route default via 2001:db8:1::1 in table 8700',
      'route default via 192.0.2.1 in table 8801',
      'route default via 2001:db8:2::1 in table 8801',
    ]);
  });

  test('a gateway gives way to a neighbour without one, and the other way round', () => {
    const kernel = keeper();
    const ways = stage.wayOf(SETTINGS);
    const bare = kernelPlan(
      SETTINGS,
      (line, family) => {
        const way = ways(line, family);
        return way && { ...way, path: { ...way.path, gateway: null } };
      },
      testSteering([1, 2]),
      { nftables: false },
    );
    for (const wanted of [plan(testSteering([1, 2])), bare, plan(testSteering([2, 1]))]) {
      expect(kernel.apply(wanted).missing).toEqual([]);
      expect(kernel.apply(wanted).changed).toEqual([]);
    }
    expect(stage.ip(stage.gateway, '-6 route show table 8700').trim().split('\n')).toHaveLength(2);
  });

  test('remove() leaves rules, routes and settings byte for byte as they were', () => {
    stage.run('ip', 'rule', 'add', 'pref', '32010', 'fwmark', '7', 'lookup', '77');
    stage.run('ip', 'route', 'add', 'default', 'via', '192.0.2.1', 'table', '77');
    const before = stage.picture();
    const kernel = keeper();
    kernel.apply(plan(testSteering([1, 2])));
    expect(stage.picture()).not.toBe(before);
    expect(noted).not.toEqual([]);
    kernel.remove();
    expect(stage.picture()).toBe(before);
    expect(noted).toEqual([]);
    expect(kernel.remove()).toEqual({ changed: [], missing: [] });
  });

  test('what a setting was is noted before it is changed', () => {
    const seen: string[] = [];
    const note = (all: readonly NotedSetting[]): void => {
      noted = all;
      for (const { family, device, setting, was, value } of all) {
        const now = readSysctl(family, device, setting);
        seen.push(`${device} ${setting} ${now === was && now !== value}`);
      }
    };
    const kernel = stage.within(() => new KernelKeeper({ note }));
    keepers.push(kernel);
    kernel.apply(plan(testSteering([1, 2])));
    expect(seen.filter(line => line.endsWith(' rp_filter true'))).toHaveLength(2);
    expect(seen.filter(line => line.endsWith('false'))).toEqual([]);
  });

  test('who may not change routes is told so, and changes nothing', () => {
    const picture = stage.picture();
    const text = JSON.stringify(plan(testSteering([1, 2])));
    const gateway = new URL('../dist/gateway/index.js', import.meta.url).href;
    const script = `import(process.argv[1]).then(({ KernelKeeper }) => {
      try { new KernelKeeper({ note: () => {} }).apply(JSON.parse(process.argv[2])); }
      catch (error) { console.log(error.refusal.code + ': ' + error.message); }
    })`;
    // Without CAP_NET_ADMIN, but still able to read where this is built.
    const said = stage.run(
      'setpriv',
      '--bounding-set',
      '-net_admin',
      '--inh-caps',
      '-net_admin',
      process.execPath,
      '-e',
      script,
      gateway,
      text,
    );
    expect(said).toMatch(
      /^permission: The route default via 192\.0\.1\.1 in table 8700 was refused: this needs root, or CAP_NET_ADMIN/,
    );
    expect(stage.picture()).toBe(picture);
  });

  test('another process puts back what the first one changed', () => {
    const before = stage.picture();
    const first = keeper();
    first.apply(plan(testSteering([1, 2])));
    first.close();
    keeper().remove();
    expect(stage.picture()).toBe(before);
  });

  test('what cannot be yet is said, and done when it can be', () => {
    stage.ip(stage.gateway, 'link set wan2 down');
    const kernel = keeper();
    const { missing } = kernel.apply(plan(testSteering([1, 2])));
    expect(missing).toHaveLength(8);
    expect(missing[0]).toMatch(
      /^The route default via 192\.0\.2\.1 in table 8700 cannot be yet: .*ENETUNREACH/,
    );
    stage.ip(stage.gateway, 'link set wan2 up');
    stage.ip(stage.gateway, 'addr add 2001:db8:2::2/64 dev wan2 nodad');
    expect(kernel.apply(plan(testSteering([1, 2]))).missing).toEqual([]);
  });

  test('a cut cable fails over by the kernel alone, back and forth', async () => {
    const kernel = keeper();
    kernel.apply(plan(testSteering([1, 2])));
    kernel.close();
    for (const family of FAMILIES) {
      const flow = stage.flow(family);
      expect(await flow.ask()).toMatch(/^line1 /);
      stage.cut(1);
      await expect.poll(() => flow.ask(100), { timeout: 5000 }).toMatch(/^line2 /);
      stage.mend(1);
      await expect.poll(() => flow.ask(100), { timeout: 15_000 }).toMatch(/^line1 /);
    }
  });
});
