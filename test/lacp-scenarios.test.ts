// 802.3ad in simulated networks: two bonds of ours that speak with each other, and partners that say what a script says.
import { describe, expect, test } from 'vitest';
import {
  checkScenario,
  type PolicyMaker,
  type Scenario,
  simulate,
  type Simulated,
  type TimedEvent,
  type Watch,
} from '../src/simulator/index.js';
import { Bond, createBond } from '../src/policy/index.js';

/** The mode is not offered to users yet. */
const policies: PolicyMaker = {
  create: createBond,
  restore: (saved, now) => Bond.restore(saved, now),
};

type Options = Readonly<Record<string, string>>;
const FAST: Options = { mode: '802.3ad', miimon: '100', lacp_rate: 'fast', xmit_hash_policy: 'layer3+4' };

function flow(
  name: string,
  from: string,
  to: string,
  address: string,
  lengthMs: number,
): Scenario['flows'][number] {
  return { name, from, to, address, packetsPerSecond: 100, bytes: 64, startMs: 0, endMs: lengthMs };
}

/** Two hosts, each with a bond over the same number of cables. */
function backToBack(given: {
  readonly events?: readonly TimedEvent[];
  readonly watch?: readonly Watch[];
  readonly a?: Options;
  readonly b?: Options;
  readonly links?: number;
  readonly lengthMs?: number;
}): Scenario {
  const { events = [], watch = [], a = {}, b = {}, links = 2, lengthMs = 10_000 } = given;
  const names = Array.from({ length: links }, (_, at) => `eth${at}`);
  const host = (name: string, address: string, options: Options): Scenario['hosts'][number] => ({
    name,
    interfaces: names.map(each => ({ name: each })),
    bonds: [{ name: 'bond0', options: { ...FAST, ...options }, members: names, addresses: [address] }],
  });
  return {
    version: 1,
    name: 'back-to-back',
    summary: 'Two bonds that speak LACP with each other.',
    hosts: [host('left', '192.0.2.1/24', a), host('right', '192.0.2.2/24', b)],
    switches: [],
    cables: names.map(each => ({ a: `left:${each}`, b: `right:${each}` })),
    flows: [1, 2, 3, 4].map(at => flow(`out-${at}`, 'left', 'right', '192.0.2.2', lengthMs)),
    events,
    observe: { atMs: [], watch },
    expect: [],
    lengthMs,
  };
}

/** One host on a partner that follows a script. */
function onPartner(given: {
  readonly events?: readonly TimedEvent[];
  readonly watch?: readonly Watch[];
  readonly options?: Options;
  readonly ports?: NonNullable<Scenario['partners']>[number]['ports'];
  readonly lengthMs?: number;
}): Scenario {
  const { events = [], watch = [], options = {}, lengthMs = 10_000 } = given;
  const { ports = [{ name: '1' }, { name: '2' }] } = given;
  return {
    version: 1,
    name: 'scripted-partner',
    summary: 'A bond on a switch that says what it is told to.',
    arms: ['simulated'],
    hosts: [
      {
        name: 'left',
        interfaces: [{ name: 'eth0' }, { name: 'eth1' }],
        bonds: [
          { name: 'bond0', options: { ...FAST, ...options }, members: ['eth0', 'eth1'], addresses: [] },
        ],
      },
    ],
    switches: [],
    partners: [{ name: 'sw', ports }],
    cables: ports.map(({ name }, at) => ({ a: `left:eth${at}`, b: `sw:${name}` })),
    flows: [],
    events,
    observe: { atMs: [], watch },
    expect: [],
    lengthMs,
  };
}

function run(scenario: Scenario): Simulated {
  const checked = checkScenario(structuredClone(scenario));
  if (!checked.ok) throw new Error(checked.error);
  const simulated = simulate(checked.value, { policies });
  if (!simulated.ok) throw new Error(simulated.error);
  expect(simulated.value.violations).toEqual([]);
  return simulated.value;
}

/** Times and values of a watch that was looked at all along. */
function changes({ timeline }: Simulated, of: string, property: string): [number, unknown][] {
  return timeline.observations
    .filter(each => each.how === 'change' && each.of === of && each.property === property)
    .map(({ atMs, value }) => [Math.round(atMs), value]);
}

const watchOf = (of: string, property: Watch['property']): Watch => ({ of, property, how: 'change' });
const lostOf = ({ flows }: Simulated): number => flows.reduce((sum, { lost }) => sum + lost, 0);
const messages = ({ told }: Simulated): string[] =>
  told.map(({ host, event }) => `${host}: ${event.message}`);

describe('two bonds of ours', () => {
  test('agree, and nothing is lost', () => {
    const simulated = run(
      backToBack({ watch: [watchOf('left/eth0', 'actor-flags'), watchOf('left/eth1', 'aggregator')] }),
    );
    expect(changes(simulated, 'left/eth0', 'actor-flags')).toEqual([[0, 'ATGSCD']]);
    expect(changes(simulated, 'left/eth1', 'aggregator')).toEqual([[0, 1]]);
    expect(lostOf(simulated)).toBe(0);
  });

  test('carry again within 2.6 s after a cut cable is whole; the other one carries everything meanwhile', () => {
    const simulated = run(
      backToBack({
        events: [
          { do: 'cut', end: 'left:eth0', atMs: 2000 },
          { do: 'restore', end: 'left:eth0', atMs: 5000 },
        ],
        watch: [watchOf('left/eth0', 'state'), watchOf('right/eth0', 'state')],
      }),
    );
    for (const host of ['left', 'right']) {
      const [, down, up] = changes(simulated, `${host}/eth0`, 'state');
      expect(down?.[1]).toBe('backup');
      expect(down?.[0]).toBeLessThan(2005);
      expect(up?.[1]).toBe('active');
      expect(up?.[0]).toBeLessThan(7600);
    }
    // What is under way in the cable, and in the programs' sight of it.
    expect(lostOf(simulated)).toBeLessThanOrEqual(2);
  });

  test('leave a link that falls silent within 3.2 s, and have it back within 4 s after it speaks again', () => {
    const silence = (atMs: number, percent: number): TimedEvent[] => [
      { do: 'lose', end: 'left:eth0', percent, atMs },
      { do: 'lose', end: 'right:eth0', percent, atMs },
    ];
    const simulated = run(
      backToBack({
        events: [...silence(2000, 100), ...silence(12_000, 0)],
        watch: [watchOf('left/eth0', 'state')],
        lengthMs: 20_000,
      }),
    );
    const [, down, up] = changes(simulated, 'left/eth0', 'state');
    expect([down?.[1], up?.[1]]).toEqual(['backup', 'active']);
    expect(down?.[0]).toBeLessThan(5200);
    expect(up?.[0]).toBeLessThan(16_000);
    expect(messages(simulated)).toContainEqual(
      expect.stringMatching(/^left: (?:eth0 hears no LACPDUs|The partner of eth0 fell silent)/),
    );
  });

  test('with the driver’s quirks need longer than 10 s for that', () => {
    const silence = (atMs: number, percent: number): TimedEvent[] => [
      { do: 'lose', end: 'left:eth0', percent, atMs },
      { do: 'lose', end: 'right:eth0', percent, atMs },
    ];
    const quirks = { lacp_quirks: '1' };
    const simulated = run(
      backToBack({
        a: quirks,
        b: quirks,
        events: [...silence(2000, 100), ...silence(12_000, 0)],
        watch: [watchOf('left/eth0', 'state')],
        lengthMs: 22_000,
      }),
    );
    expect(changes(simulated, 'left/eth0', 'state').map(([, value]) => value)).toEqual(['active', 'backup']);
  });

  test('that are both passive never flap', () => {
    const passive = { lacp_active: 'off' };
    const simulated = run(
      backToBack({
        a: passive,
        b: passive,
        watch: [watchOf('left/eth0', 'actor-flags'), watchOf('left/eth1', 'state')],
        lengthMs: 30_000,
      }),
    );
    // Each gives the other up once, and leaves it at that.
    for (const [of, property] of [
      ['left/eth1', 'state'],
      ['left/eth0', 'actor-flags'],
    ] as const)
      for (const [atMs] of changes(simulated, of, property)) expect(atMs).toBeLessThan(6000);
  });

  test('go on after a daemon was killed for two seconds', () => {
    const simulated = run(
      backToBack({
        events: [
          { do: 'daemon-kill', host: 'left', atMs: 2000 },
          { do: 'daemon-start', host: 'left', atMs: 4000 },
        ],
        watch: [watchOf('left/eth0', 'state'), watchOf('right/eth0', 'state')],
      }),
    );
    expect(changes(simulated, 'left/eth0', 'state')).toEqual([[0, 'active']]);
    expect(changes(simulated, 'right/eth0', 'state')).toEqual([[0, 'active']]);
    expect(lostOf(simulated)).toBe(0);
  });

  test('have no carrier with fewer links than min_links', () => {
    const simulated = run(
      backToBack({
        a: { min_links: '2' },
        events: [{ do: 'cut', end: 'left:eth0', atMs: 2000 }],
        watch: [watchOf('left/bond0', 'carrier')],
      }),
    );
    expect(changes(simulated, 'left/bond0', 'carrier').map(([, value]) => value)).toEqual([true, false]);
  });

  test('of which one still is a static trunk (migration): static carries on all ports, and on all of LACP once both speak it', () => {
    // What a trunk without LACP says is nothing: a passive end that waits for the other one is the same on the wire.
    const trunk = { mode: 'balance-xor', miimon: '100', xmit_hash_policy: 'layer3+4' };
    const scenario = backToBack({ a: { lacp_fallback: 'static' }, watch: [watchOf('left/eth1', 'state')] });
    const [left, right] = scenario.hosts;
    if (left === undefined || right === undefined) throw new Error('Two hosts');
    const bonds = [{ name: 'bond0', options: trunk, members: ['eth0', 'eth1'], addresses: ['192.0.2.2/24'] }];
    const simulated = run({ ...scenario, hosts: [left, { ...right, bonds }] });
    expect(changes(simulated, 'left/eth1', 'state')).toEqual([[0, 'active']]);
    expect(lostOf(simulated)).toBe(0);
    const both = run(backToBack({ a: { lacp_fallback: 'static' }, b: { lacp_fallback: 'static' } }));
    expect(lostOf(both)).toBe(0);
    expect(both.bonds[0]?.bond.lacp?.active).toMatchObject({ ports: 2 });
  });

  test('tell each other a new system address', () => {
    const simulated = run(
      backToBack({
        events: [{ do: 'bond-mac', host: 'left', bond: 'bond0', mac: '02:aa:00:00:00:77', atMs: 2000 }],
      }),
    );
    const right = simulated.bonds.find(({ host }) => host === 'right')?.bond.lacp;
    expect(right?.active?.partnerSystem).toBe('02:aa:00:00:00:77');
    expect(right?.active?.ports).toBe(2);
  });
});

describe('lacp_fast_silence', () => {
  const fast = { lacp_fast_silence: '240' };
  const cutAt = (name: string, atMs: number): TimedEvent[] =>
    [`left:${name}`, `right:${name}`].map(end => ({ do: 'lose', end, percent: 100, atMs }));
  const leftAt = (simulated: Simulated, name: string): number => {
    const isIt = (message: string): boolean =>
      message.startsWith(`The partner of ${name} fell silent although`);
    return simulated.told.find(({ host, event }) => host === 'left' && isIt(event.message))?.atMs ?? Infinity;
  };

  // All flows have one hash: eth1 has them, and eth0 is quiet.
  test.each([
    ['hellos, where both ends have it, on a busy port', fast, 'eth1', 300],
    ['hellos on a quiet port', fast, 'eth0', 300],
    ['markers, where the other end has it not, on a busy port', {}, 'eth1', 300],
  ])('finds a silent link by %s', (_, b, name, withinMs) => {
    for (const atMs of [9000, 9037, 9071, 9113]) {
      const scenario = backToBack({ a: fast, b, events: cutAt(name, atMs), lengthMs: 14_000 });
      const back = flow('in', 'right', 'left', '192.0.2.1', 14_000);
      const simulated = run({ ...scenario, flows: [...scenario.flows, back] });
      expect(leftAt(simulated, name) - atMs).toBeLessThan(withinMs);
      const out = simulated.flows.filter(each => each.name.startsWith('out'));
      // A hundred a second.
      for (const { lost } of out) expect(lost).toBeLessThanOrEqual(name === 'eth1' ? withinMs / 10 : 0);
    }
  });

  test('says the same for ever of a link that is whole, with a busy and a quiet cable, and a partner that limits answers', () => {
    for (const answers of [0, 1, 3, 5, 1000]) {
      const ports = [
        { name: '1', answers },
        { name: '2', answers },
      ];
      const simulated = run(onPartner({ options: fast, ports, lengthMs: 60_000 }));
      expect(messages(simulated).filter(message => message.includes('fell silent'))).toEqual([]);
    }
    const two = run(backToBack({ a: fast, b: fast, links: 3, lengthMs: 30_000 }));
    expect(messages(two).filter(message => message.includes('fell silent'))).toEqual([]);
    expect(lostOf(two)).toBe(0);
  });

  test('goes on over a daemon that was killed: its hellos that are missing mean nothing', () => {
    const simulated = run(
      backToBack({
        a: fast,
        b: fast,
        events: [
          { do: 'daemon-kill', host: 'right', atMs: 9000 },
          { do: 'daemon-start', host: 'right', atMs: 11_000 },
        ],
        lengthMs: 20_000,
      }),
    );
    expect(messages(simulated).filter(message => message.includes('fell silent'))).toEqual([]);
    expect(lostOf(simulated)).toBe(0);
  });
});

describe('a partner that follows a script', () => {
  test('and is ready carries on both ports', () => {
    const simulated = run(
      onPartner({ watch: [watchOf('left/eth0', 'state'), watchOf('left/eth1', 'state')] }),
    );
    for (const port of ['left/eth0', 'left/eth1'])
      expect(changes(simulated, port, 'state')).toEqual([[0, 'active']]);
  });

  test('whose ports have two keys carries on one, and it is told why', () => {
    const simulated = run(
      onPartner({
        events: [{ do: 'partner-says', partner: 'sw', port: '2', says: { key: 7 }, atMs: 2000 }],
        watch: [watchOf('left/eth1', 'state')],
      }),
    );
    expect(changes(simulated, 'left/eth1', 'state').map(([, value]) => value)).toEqual(['active', 'backup']);
    expect(messages(simulated)).toContainEqual(
      expect.stringContaining("the switch's ports are not in one channel group"),
    );
  });

  test('that is two switches carries on one, and it is told why', () => {
    const simulated = run(
      onPartner({
        events: [
          { do: 'partner-says', partner: 'sw', port: '2', says: { system: '02:b1:00:09:00:00' }, atMs: 2000 },
        ],
      }),
    );
    expect(messages(simulated)).toContainEqual(expect.stringContaining('two switches need MLAG or vPC'));
  });

  test('that drops Sync is left at the next tick', () => {
    const simulated = run(
      onPartner({
        events: [{ do: 'partner-says', partner: 'sw', port: '1', says: { flags: 'ATG' }, atMs: 2000 }],
        watch: [watchOf('left/eth0', 'state')],
      }),
    );
    const [, down] = changes(simulated, 'left/eth0', 'state');
    expect(down?.[1]).toBe('backup');
    expect(down?.[0]).toBeLessThan(2110);
  });

  test('that hears nothing of us never gets traffic, and it is told why', () => {
    const simulated = run(
      onPartner({
        ports: [{ name: '1', names: false }, { name: '2' }],
        watch: [watchOf('left/eth0', 'state'), watchOf('left/eth1', 'state')],
        lengthMs: 12_000,
      }),
    );
    expect(changes(simulated, 'left/eth0', 'state')).toEqual([[0, 'backup']]);
    expect(changes(simulated, 'left/eth1', 'state')).toEqual([[0, 'active']]);
    expect(simulated.bonds[0]?.bond.lacp?.ports[0]?.explanation?.code).toBe('unseen');
  });

  test('that says nothing leaves one port carrying, as the driver does', () => {
    const silent = { everyMs: 0 };
    const simulated = run(
      onPartner({
        ports: [
          { name: '1', ...silent },
          { name: '2', ...silent },
        ],
        watch: [
          watchOf('left/bond0', 'carrier'),
          watchOf('left/eth0', 'state'),
          watchOf('left/eth1', 'state'),
        ],
      }),
    );
    expect(changes(simulated, 'left/bond0', 'carrier')).toEqual([[0, true]]);
    expect(changes(simulated, 'left/eth0', 'state')).toEqual([[0, 'active']]);
    expect(changes(simulated, 'left/eth1', 'state')).toEqual([[0, 'backup']]);
  });

  test('that speaks after the host has booted over it (PXE): lacp_fallback says who carries until then', () => {
    const later: TimedEvent[] = ['1', '2'].map(port => ({
      do: 'partner-says',
      partner: 'sw',
      port,
      says: { everyMs: 1000 },
      atMs: 6000,
    }));
    const watch = [
      watchOf('left/bond0', 'carrier'),
      watchOf('left/eth0', 'state'),
      watchOf('left/eth1', 'state'),
    ];
    const outcome = (lacp_fallback: string): [boolean[], unknown[], unknown[]] => {
      const ports = ['1', '2'].map(name => ({ name, everyMs: 0 }));
      const simulated = run(onPartner({ options: { lacp_fallback }, ports, events: later, watch }));
      const values = (of: string, property: string): unknown[] =>
        changes(simulated, of, property).map(([, value]) => value);
      const carriers = changes(simulated, 'left/bond0', 'carrier');
      if (lacp_fallback === 'off')
        for (const [atMs] of carriers.slice(1)) {
          expect(atMs).toBeGreaterThan(6000);
          expect(atMs).toBeLessThan(7000);
        }
      return [
        carriers.map(([, value]) => value === true),
        values('left/eth0', 'state'),
        values('left/eth1', 'state'),
      ];
    };
    expect(outcome('off')).toEqual([
      [false, true],
      ['backup', 'active'],
      ['backup', 'active'],
    ]);
    expect(outcome('one')).toEqual([[true], ['active'], ['backup', 'active']]);
    // Both are in sync at once.
    expect(outcome('static')).toEqual([[true], ['active'], ['active']]);
  });

  test('is there in the simulation alone', () => {
    const { arms: _arms, ...everywhere } = onPartner({});
    expect(checkScenario(everywhere)).toEqual({
      ok: false,
      error: 'partners are there in the simulation alone: arms must be ["simulated"]',
    });
  });
});
