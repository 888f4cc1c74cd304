// The difference between what is and what a file says, as steps; what undoes them; what could not be undone.
import { describe, expect, test } from 'vitest';
import { createBond, type OptionValues } from '../../policy/index.js';
import {
  difference,
  type ApplyWishes,
  type DesiredBond,
  leftOver,
  type PresentBond,
  strangers,
} from './difference.js';
import { type Step, type StepKind, undoOf } from './steps.js';

const STRICT: ApplyWishes = { takeDown: false, takeAddresses: false, isLenient: false };
const LENIENT: ApplyWishes = { ...STRICT, isLenient: true };
const everywhere = (): boolean => true;

function options(
  given: Readonly<Record<string, string>>,
  lists: Readonly<Record<string, string | readonly string[]>> = {},
): OptionValues {
  const made = createBond({
    name: 'b0',
    address: '02:00:00:00:00:01',
    addressIsRandom: true,
    mtu: 1500,
    options: Object.entries(given),
  });
  if (!made.ok) throw new Error(made.error.message);
  return { ...made.value.snapshot().options, ...lists };
}

const member = (name: string, own: Readonly<Record<string, string>> = {}) => ({
  name,
  asked: name,
  options: own,
});

const FILE: DesiredBond = {
  name: 'b0',
  options: { mode: 'active-backup', miimon: '50' },
  members: [member('e0'), member('e1')],
  takeDown: true,
  addresses: ['192.0.2.1/24'],
  routes: [{ to: 'default', via: '192.0.2.254' }],
  mtu: 9000,
  mac: '02:00:00:00:00:42',
  up: true,
};

/** As FILE says, and by it. */
const AS_SAID: PresentBond = {
  options: options(FILE.options, {
    active_slave: 'e0',
    slaves: ['e0', 'e1'],
    prio: ['e0:0', 'e1:0'],
    queue_id: ['e0:0', 'e1:0'],
  }),
  adminUp: true,
  mtu: 9000,
  address: '02:00:00:00:00:42',
  members: [
    { name: 'e0', forget: false },
    { name: 'e1', forget: false },
  ],
  wanted: [],
  awaited: [],
  addresses: ['192.0.2.1/24', 'fe80::1/64'],
  routes: FILE.routes,
  described: {
    addresses: FILE.addresses,
    routes: FILE.routes,
    members: ['e0', 'e1'],
    options: ['mode', 'miimon'],
  },
  had: { addresses: ['aa'], routes: ['bb'] },
};

const kinds = (steps: readonly Step[]): StepKind[] => steps.map(({ kind }) => kind);
const of = <Kind extends StepKind>(steps: readonly Step[], kind: Kind): Extract<Step, { kind: Kind }>[] =>
  steps.filter((step): step is Extract<Step, { kind: Kind }> => step.kind === kind);

describe('difference()', () => {
  test('of a bond that is not there: made, noted, its link, up, members, addresses, routes, in this order', () => {
    const steps = difference(FILE, undefined, STRICT, everywhere);
    expect(steps).toEqual([
      { kind: 'create', bond: 'b0', options: { mode: 'active-backup', miimon: '50' } },
      {
        kind: 'describe',
        bond: 'b0',
        from: { addresses: [], routes: [], members: [], options: [] },
        to: AS_SAID.described,
      },
      {
        kind: 'link',
        bond: 'b0',
        to: { mtu: 9000, address: '02:00:00:00:00:42' },
        from: { mtu: 1500, address: '' },
      },
      { kind: 'up', bond: 'b0' },
      { kind: 'join', bond: 'b0', members: ['e0', 'e1'], takeDown: true, takeAddresses: false, isUp: true },
      { kind: 'add-addresses', bond: 'b0', addresses: ['192.0.2.1/24'] },
      { kind: 'add-routes', bond: 'b0', routes: FILE.routes, added: FILE.routes, eachAlone: false },
    ]);
  });

  test('of a bond that is as described: nothing', () => {
    expect(difference(FILE, AS_SAID, STRICT, everywhere)).toEqual([]);
  });

  test('what an earlier file made goes: routes and options first, addresses and members when the new ones are there', () => {
    const file: DesiredBond = {
      ...FILE,
      options: { mode: 'active-backup' },
      members: [member('e1')],
      addresses: ['192.0.2.2/24'],
      routes: [{ to: '198.51.100.0/24', via: '192.0.2.254' }],
    };
    const steps = difference(file, AS_SAID, STRICT, everywhere);
    expect(kinds(steps)).toEqual([
      'keep',
      'describe',
      'remove-routes',
      'options',
      'options',
      'add-addresses',
      'remove-addresses',
      'leave',
      'describe',
      'add-routes',
    ]);
    expect(of(steps, 'options')[0]).toMatchObject({ to: { miimon: '0' }, isReset: true });
    expect(of(steps, 'leave')[0]).toMatchObject({ members: [{ name: 'e0', forget: false, options: {} }] });
    const [early, late] = of(steps, 'describe');
    expect(early?.to.addresses).toEqual(['192.0.2.1/24', '192.0.2.2/24']);
    expect(late?.to).toEqual({
      addresses: ['192.0.2.2/24'],
      routes: file.routes,
      members: ['e1'],
      options: ['mode'],
    });
  });

  test('what somebody else made stays, and is not noted as of a file', () => {
    const others: PresentBond = {
      ...AS_SAID,
      described: { addresses: [], routes: [], members: [], options: [] },
    };
    const file: DesiredBond = { ...FILE, members: [member('e1')], addresses: [], routes: [] };
    const steps = difference(file, others, STRICT, everywhere);
    expect(kinds(steps)).toEqual(['keep', 'describe']);
    expect(of(steps, 'describe')[0]?.to).toMatchObject({ members: [], options: ['mode', 'miimon'] });
    expect(strangers(file, { members: ['e0', 'e1'], awaited: ['e7'] })).toEqual([
      'e0 is a member of b0, but not in the file; it was left where it is.',
      "e7 is awaited by b0, but not in the file; 'bondwire release b0 e7' ends that.",
    ]);
  });

  test('two members exchange their queues by way of none, and a queue of one that the file does not move is left to be refused', () => {
    const tied = { ...AS_SAID, options: { ...AS_SAID.options, queue_id: ['e0:1', 'e1:2'] } };
    const file = (first: string, second: string): DesiredBond => ({
      ...FILE,
      members: [member('e0', { queue_id: first }), member('e1', { queue_id: second })],
    });
    const texts = (steps: readonly Step[]): string[] => of(steps, 'member-option').map(({ to }) => to);
    const exchange = difference(file('2', '1'), tied, STRICT, everywhere);
    expect(texts(exchange)).toEqual(['e0:0', 'e1:0', 'e0:2', 'e1:1']);
    // Each state of the way back was one of the way there.
    expect(texts(undoOf(exchange))).toEqual(['e1:0', 'e0:0', 'e1:2', 'e0:1']);
    const held = { ...FILE, members: [member('e0', { queue_id: '2' })] };
    expect(texts(difference(held, tied, STRICT, everywhere))).toEqual(['e0:2']);
  });

  test('queue 0 is no queue: any number of members have it, and one that leaves its own for it does so first', () => {
    const tied = { ...AS_SAID, options: { ...AS_SAID.options, queue_id: ['e0:3', 'e1:0', 'e2:0'] } };
    const file = { ...FILE, members: [member('e1', { queue_id: '3' }), member('e0', { queue_id: '0' })] };
    const steps = of(difference(file, tied, STRICT, everywhere), 'member-option');
    expect(steps.map(({ to }) => to)).toEqual(['e0:0', 'e1:3']);
  });

  test('one that is awaited as the file says is left so; one that is awaited otherwise is awaited anew', () => {
    const wish = { name: 'e0', takeDown: true, takeAddresses: false, options: { prio: '3' } };
    const file: DesiredBond = { ...FILE, members: [member('e0', { prio: '3' })] };
    const members = AS_SAID.members.filter(({ name }) => name === 'e0');
    const awaits = (known: typeof wish): number =>
      of(difference(file, { ...AS_SAID, members, wanted: [known] }, LENIENT, everywhere), 'await').length;
    expect(awaits(wish)).toBe(0);
    expect(awaits({ ...wish, takeDown: false })).toBe(1);
    expect(awaits({ ...wish, takeAddresses: true })).toBe(1);
    expect(awaits({ ...wish, options: { prio: '4' } })).toBe(1);
  });

  test('at the start of a daemon members are awaited one by one, each route is for itself, and a missing one has no options yet', () => {
    const file: DesiredBond = {
      ...FILE,
      options: { ...FILE.options, active_slave: 'e1' },
      members: [member('e0', { prio: '3' }), member('e1', { prio: '4' })],
    };
    const steps = difference(file, undefined, LENIENT, name => name !== 'e1');
    expect(of(steps, 'await').map(({ member: name, joins }) => [name, joins])).toEqual([
      ['e0', true],
      ['e1', true],
    ]);
    expect(of(steps, 'member-option').map(({ to, mayMiss }) => [to, mayMiss])).toEqual([
      ['e0:3', undefined],
      ['e1', true],
    ]);
    expect(of(steps, 'add-routes')[0]?.eachAlone).toBe(true);
  });

  test('routes of a bond that is not brought up are not made', () => {
    expect(kinds(difference({ ...FILE, up: false }, undefined, STRICT, everywhere))).toEqual([
      'create',
      'describe',
      'link',
      'join',
      'add-addresses',
    ]);
  });
});

describe('undoOf()', () => {
  test('a bond that was made goes whole; of one that was there each step is undone, last first', () => {
    const made = difference({ ...FILE, name: 'b1' }, undefined, STRICT, everywhere);
    const file: DesiredBond = {
      ...FILE,
      options: { mode: 'active-backup', miimon: '100' },
      members: [member('e1'), member('e2')],
      addresses: ['192.0.2.2/24'],
      mtu: 1400,
    };
    const changed = difference(file, AS_SAID, STRICT, everywhere);
    expect(undoOf([...changed, ...made])).toEqual([
      { kind: 'destroy', bond: 'b1' },
      { kind: 'describe', bond: 'b0', to: expect.anything(), from: expect.anything() },
      { kind: 'rejoin', bond: 'b0', members: [{ name: 'e0', forget: false, options: {} }] },
      { kind: 'want', bond: 'b0', wanted: [] },
      { kind: 'add-addresses', bond: 'b0', addresses: ['192.0.2.1/24'] },
      { kind: 'remove-addresses', bond: 'b0', addresses: ['192.0.2.2/24'] },
      { kind: 'unjoin', bond: 'b0', members: ['e2'], isUp: true },
      { kind: 'link', bond: 'b0', to: { mtu: 9000 }, from: { mtu: 1400 } },
      { kind: 'options', bond: 'b0', to: expect.objectContaining({ miimon: '50' }), from: file.options },
      { kind: 'describe', bond: 'b0', to: AS_SAID.described, from: expect.anything() },
      { kind: 'activate', bond: 'b0', member: 'e0' },
      { kind: 'give-back', bond: 'b0', had: AS_SAID.had },
    ]);
  });

  test('what was there before a step stays when that is undone: routes, and members that are awaited', () => {
    const [old, made] = [
      { to: 'default', via: '192.0.2.254' },
      { to: '198.51.100.0/24', via: '192.0.2.254' },
    ];
    const routes = { kind: 'add-routes', bond: 'b0', routes: [old, made], eachAlone: false } as const;
    expect(undoOf([{ ...routes, added: [made] }])).toEqual([
      { kind: 'remove-routes', bond: 'b0', routes: [made] },
    ]);
    expect(undoOf([{ ...routes, added: [] }])).toEqual([]);
    const wanted = [{ name: 'e0', takeDown: false, takeAddresses: false, options: {} }];
    const wish = { member: 'e0', takeDown: true, takeAddresses: false, options: {}, isUp: false, wanted };
    const want = { kind: 'want', bond: 'b0', wanted };
    expect(undoOf([{ kind: 'await', bond: 'b0', ...wish, joins: false }])).toEqual([want]);
    // It leaves before it is wished for as it was: a release ends wishes.
    expect(undoOf([{ kind: 'await', bond: 'b0', ...wish, joins: true }])).toEqual([
      { kind: 'unjoin', bond: 'b0', members: ['e0'], isUp: false },
      want,
    ]);
  });

  test('what is undone is undone for good: the steps that undo have no way back of their own that is needed', () => {
    expect(undoOf([])).toEqual([]);
    expect(undoOf([{ kind: 'unjoin', bond: 'b0', members: ['e0'], isUp: true }])).toEqual([]);
  });
});

test('leftOver() says in what a bond is not as before', () => {
  expect(leftOver(AS_SAID, AS_SAID)).toEqual([]);
  const after: PresentBond = {
    ...AS_SAID,
    mtu: 1500,
    options: options(
      { mode: 'active-backup', miimon: '100' },
      { prio: ['e1:0', 'e0:0'], queue_id: ['e1:0', 'e0:0'] },
    ),
    members: AS_SAID.members.toReversed(),
  };
  expect(leftOver(AS_SAID, after)).toEqual([
    'miimon: 100, before 50',
    'MTU: 1500, before 9000',
    'members: e1, e0, before e0, e1',
    'active member: none, before e0',
  ]);
});
