// The nftables table of an uplink on real lines: flows stay with their line, what comes in by a line is answered by it, addresses are
// changed, nothing leaves where it may not; and nft(8) reads it as the text of the plan. Needs root, ip
// and nft; part of test:all.
import { execFileSync } from 'node:child_process';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { KernelKeeper } from '../src/gateway/index.js';
import { createNamedNetns, deleteNamedNetns, openNetfilter, withNetns } from '../src/linux/index.js';
import {
  type Family,
  FAMILIES,
  heardOrder,
  kernelPlan,
  type Nat,
  planText,
  type Steering,
  type UplinkRule,
  type UplinkSettings,
} from '../src/uplinks/index.js';
import { testLine, testSettings, testSteering } from '../src/uplinks/plan-testing.js';
import { SERVERS, UplinkStage } from './support/uplink-stage.js';

let stage: UplinkStage;
let kernel: KernelKeeper;

beforeAll(async () => {
  stage = await UplinkStage.open();
});

afterAll(() => stage.close());

beforeEach(() => {
  kernel = stage.within(() => new KernelKeeper({ note: () => {} }));
});

afterEach(() => {
  kernel.remove();
  kernel.close();
});

function settingsWith(
  nat: Readonly<Record<Family, Nat>>,
  given: Partial<UplinkSettings> = {},
): UplinkSettings {
  const lines = [testLine('fibre', 'wan1', { nat }), testLine('dsl', 'wan2', { nat })];
  return testSettings({ lines, ...given });
}

const MASQUERADE: Readonly<Record<Family, Nat>> = {
  ipv4: { kind: 'masquerade' },
  ipv6: { kind: 'masquerade' },
};
const NONE: Readonly<Record<Family, Nat>> = { ipv4: { kind: 'none' }, ipv6: { kind: 'none' } };
/** The gateway's own address by a line. */
const OUTSIDE: Readonly<Record<Family, (line: number) => string>> = {
  ipv4: line => `192.0.${line}.2`,
  ipv6: line => `2001:db8:${line}::2`,
};

function apply(settings: UplinkSettings, steering: Steering): readonly string[] {
  const done = kernel.apply(kernelPlan(settings, stage.wayOf(settings), steering, { nftables: true }));
  expect(done.missing).toEqual([]);
  return done.changed;
}

/** Flows of line 1 go by line 2. */
const MOVED: Steering['flows'] = FAMILIES.map(family => ({ line: 1, family, by: { tcp: 2, others: 2 } }));

describe.each(FAMILIES)('%s', family => {
  test('flows stay with their line when another one is selected, and new ones go there', async () => {
    const settings = settingsWith(MASQUERADE);
    apply(settings, testSteering([1, 2]));
    const flow = stage.flow(family);
    expect(await flow.ask()).toBe(`line1 ${OUTSIDE[family](1)}`);
    apply(settings, testSteering([2, 1]));
    expect(await flow.ask()).toBe(`line1 ${OUTSIDE[family](1)}`);
    expect(await stage.flow(family).ask()).toBe(`line2 ${OUTSIDE[family](2)}`);
  });

  test('flows of a dead line move with its table', async () => {
    const settings = settingsWith(NONE);
    apply(settings, testSteering([1, 2]));
    const flow = stage.flow(family);
    expect(await flow.ask()).toMatch(/^line1 /);
    apply(settings, testSteering([2, 1], { flows: MOVED }));
    expect(await flow.ask()).toMatch(/^line2 /);
  });

  test('TCP of a line may stay while the rest of it moves', () => {
    const others = { line: 1, family, by: { tcp: 1, others: 2 } } as const;
    apply(settingsWith(MASQUERADE), testSteering([2, 1], { flows: [others] }));
    const wayOf = (protocol: string): string =>
      stage.ip(stage.gateway, `route get ${SERVERS[family]} mark 0x1000007 ipproto ${protocol}`);
    expect([wayOf('tcp'), wayOf('udp')].map(way => / dev (\S+)/.exec(way)?.[1])).toEqual(['wan1', 'wan2']);
  });

  test('a cut cable takes running flows to the other line by the kernel alone', async () => {
    apply(settingsWith(MASQUERADE), testSteering([1, 2]));
    const flow = stage.flow(family);
    expect(await flow.ask()).toBe(`line1 ${OUTSIDE[family](1)}`);
    stage.cut(1);
    try {
      await expect.poll(() => flow.ask(100)).toBe(`line2 ${OUTSIDE[family](2)}`);
    } finally {
      stage.mend(1);
    }
  });

  test('a masqueraded flow that is moved has another address after one lost packet', async () => {
    const settings = settingsWith(MASQUERADE);
    apply(settings, testSteering([1, 2]));
    const flow = stage.flow(family);
    await flow.ask();
    apply(settings, testSteering([2, 1], { flows: MOVED }));
    await flow.ask(100);
    expect(await flow.ask()).toBe(`line2 ${OUTSIDE[family](2)}`);
  });

  test('answers to flows are counted, by line and family; what strangers send is not', async () => {
    const settings = settingsWith(MASQUERADE);
    apply(settings, testSteering([1, 2]));
    const order = heardOrder(settings);
    await stage.flow(family).ask();
    const client = family === 'ipv4' ? '192.168.9.2' : 'fd00:9::2';
    await stage.flowFrom(stage.providers[1] ?? '', SERVERS[family], client).ask(200);
    const counted = kernel.heard().flatMap((packets, at) => (packets > 0 ? [order[at]] : []));
    expect(counted).toEqual([{ line: 1, family }]);
  });

  test('what comes in by a line is answered by it, whichever is selected', async () => {
    apply(settingsWith(NONE), testSteering([1, 2]));
    const client = family === 'ipv4' ? '192.168.9.2' : 'fd00:9::2';
    for (const provider of stage.providers)
      expect(await stage.flowFrom(provider, SERVERS[family], client).ask()).toBe(`inside ${SERVERS[family]}`);
  });

  test('a prefix is mapped address for address, and answers find back', async () => {
    const outside = family === 'ipv4' ? '192.168.77.0/24' : '2001:db8:11::/64';
    const inside = family === 'ipv4' ? '192.168.9.0/24' : 'fd00:9::/64';
    const mapped = family === 'ipv4' ? '192.168.77.2' : '2001:db8:11::2';
    stage.ip(stage.providers[0] ?? '', 'route replace 192.168.77.0/24 via 192.0.1.2');
    apply(settingsWith({ ...NONE, [family]: { kind: 'prefix', inside, outside } }), testSteering([1, 2]));
    expect(await stage.flow(family).ask()).toBe(`line1 ${mapped}`);
  });

  test('what may leave by one line only does not by another, also when its flows were moved', async () => {
    const from = family === 'ipv4' ? '192.168.9.2/32' : 'fd00:9::/64';
    const rules: UplinkRule[] = [{ match: { from }, use: ['fibre'], otherwise: 'drop' }];
    const settings = settingsWith(NONE, { rules });
    apply(settings, testSteering([1, 2], { policies: [{ rule: 0, family, lines: [1] }] }));
    const flow = stage.flow(family);
    expect(await flow.ask()).toMatch(/^line1 /);
    apply(settings, testSteering([2, 1], { flows: MOVED, policies: [{ rule: 0, family, lines: [] }] }));
    expect([await flow.ask(200), await stage.flow(family).ask(200)]).toEqual([undefined, undefined]);
    const own = stage.flowFrom(stage.gateway, family === 'ipv4' ? '0.0.0.0' : '::', SERVERS[family]);
    expect(await own.ask()).toMatch(/^line2 /);
  });
});

test('new flows are shared by weight; a client stays with its line', async () => {
  const ipv4 = [
    { line: 1, weight: 3 },
    { line: 2, weight: 1 },
  ];
  const shares = { ipv4, ipv6: [] };
  for (const client of Array.from({ length: 24 }, (_, place) => 10 + place))
    stage.ip(stage.inside, `addr add 192.168.9.${client}/24 dev eth0`);
  apply(settingsWith(NONE, { mode: 'share' }), testSteering([2, 1], { shares }));
  const lineOf = async (address: string): Promise<string> =>
    String(await stage.flowFrom(stage.inside, address, SERVERS.ipv4).ask()).slice(0, 5);
  const taken: string[] = [];
  for (const client of Array.from({ length: 24 }, (_, place) => 10 + place)) {
    const lines = [await lineOf(`192.168.9.${client}`), await lineOf(`192.168.9.${client}`)];
    expect(lines[1]).toBe(lines[0]);
    taken.push(lines[0] ?? '');
  }
  // The seed is fixed, so these clients always have these lines.
  expect(taken.filter(line => line === 'line1')).toHaveLength(19);
  expect(taken.filter(line => line === 'line2')).toHaveLength(5);
});

/** Everything that a table can hold. */
function full(): { settings: UplinkSettings; steering: Steering } {
  const rules: UplinkRule[] = [
    {
      match: {
        from: '192.168.9.40/29',
        dscp: 46,
        incoming: 'lan0',
        protocol: 'udp',
        sourcePorts: [5060, 5060],
        destinationPorts: [5060, 5070],
      },
      use: ['fibre'],
      otherwise: 'drop',
    },
    { match: { to: '2001:db8:5::/45', dscp: 10 }, use: ['dsl'], otherwise: 'drop' },
    { match: { uids: [1000, 2000], destinationPorts: [25, 25] }, use: ['dsl'], otherwise: 'selected' },
    { match: { uids: [7, 7] }, use: ['dsl'], otherwise: 'drop' },
  ];
  const nat: Readonly<Record<Family, Nat>> = {
    ipv4: { kind: 'masquerade' },
    ipv6: { kind: 'prefix', inside: 'fd00:9::/64', outside: '2001:db8:11::/64' },
  };
  const share = [1, 2].map(line => ({ line, weight: line }));
  return {
    settings: settingsWith(nat, { rules, mode: 'share', clampMss: true }),
    steering: testSteering([1, 2], {
      shares: { ipv4: share, ipv6: share },
      policies: rules.flatMap((_, rule) => FAMILIES.map(family => ({ rule, family, lines: [1] }))),
    }),
  };
}

test('nft reads the table as the text of the plan, and shows both alike', () => {
  const { settings, steering } = full();
  apply(settings, steering);
  const plan = kernelPlan(settings, stage.wayOf(settings), steering, { nftables: true });
  const text = planText(plan, String);
  const list = (netns: string): string =>
    execFileSync('ip', ['netns', 'exec', netns, 'nft', 'list', 'table', 'inet', 'bondwire'], {
      encoding: 'utf8',
    });
  const twin = `bw${process.pid}t`;
  createNamedNetns(twin);
  try {
    execFileSync('ip', ['netns', 'exec', twin, 'nft', '-f', '-'], {
      input: text.slice(text.indexOf('table inet')),
    });
    // Comments are ours, and the seed of the hash, which keeps clients with their lines.
    const ours = list(stage.gateway).replaceAll(/ comment "[^"]*"|^\tcomment "[^"]*"\n| seed 0xb0de/gm, '');
    expect(ours).toBe(list(twin));
  } finally {
    deleteNamedNetns(twin);
  }
});

test('a table that is as planned is not sent again; one that somebody changed is', () => {
  const { settings, steering } = full();
  expect(apply(settings, steering)).toContain('table inet bondwire');
  const news = withNetns(`/run/netns/${stage.gateway}`, () => openNetfilter({ groups: [7] }));
  try {
    expect(apply(settings, steering)).toEqual([]);
    let messages = 0;
    news.takeNews(() => messages++);
    expect(messages).toBe(0);
    for (const change of [
      'flush chain inet bondwire pre',
      'add rule inet bondwire post drop',
      'insert rule inet bondwire pre accept',
      'add chain inet bondwire other',
      'delete table inet bondwire',
      'add table inet bondwire { flags dormant ; }',
    ]) {
      stage.run('nft', change);
      expect(apply(settings, steering), change).toEqual(['table inet bondwire']);
      expect(apply(settings, steering), change).toEqual([]);
    }
  } finally {
    news.close();
  }
});

test("remove() leaves others' tables as they were, and no table of ours", () => {
  stage.run(
    'nft',
    'add table inet bondwire2; add chain inet bondwire2 c { type filter hook input priority 0; }; add rule inet bondwire2 c accept',
  );
  const before = stage.picture();
  const { settings, steering } = full();
  apply(settings, steering);
  expect(stage.picture()).toContain('table inet bondwire {');
  kernel.remove();
  expect(stage.picture()).toBe(before);
});
