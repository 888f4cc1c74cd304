// LACP in the state file: read back whole, refused where it is damaged, and not missed in the file of a version that knew none.
import { expect, test } from 'vitest';
import { Bond, type SavedBond } from '../../policy/index.js';
import { LacpBench } from '../../policy/lacp/testing.js';
import { parseState } from './state-schema.js';

const OURS = { version: 1, bootId: 'boot' };

/** A bond that has agreed with its partners. */
function agreed(): SavedBond {
  const bench = new LacpBench();
  bench.talk(4000);
  return bench.bond.save(bench.now);
}

/** A state file with this bond. */
function fileWith(policy: unknown): string {
  const runner = {
    name: 'bond0',
    bondIfindex: 7,
    lowerIfindex: 6,
    pins: 'bwl-00000000',
    policy,
    ending: false,
    members: [],
    taken: [],
    filters: [],
  };
  return JSON.stringify({ ...OURS, netns: '1', bonds: [runner] });
}

/** The same bond with other fields in its LACP state, or in its first port. */
function damaged(change: (lacp: Record<string, unknown>, port: Record<string, unknown>) => void): unknown {
  const policy = structuredClone(agreed()) as unknown as {
    state: { lacp: { ports: Record<string, unknown>[] } & Record<string, unknown> };
  };
  const { lacp } = policy.state;
  const [port = {}] = lacp.ports;
  change(lacp, port);
  return policy;
}

test('is read back, and goes on', () => {
  const saved = agreed();
  const parsed = parseState(fileWith(saved), OURS);
  if (!parsed.ok || !('bonds' in parsed.value)) throw new Error(JSON.stringify(parsed));
  const policy = parsed.value.bonds[0]?.policy;
  expect(policy).toEqual(JSON.parse(JSON.stringify(saved)));
  if (policy === undefined) return;
  const { lacp } = Bond.restore(policy, 1_000_000).snapshot();
  expect(lacp).toMatchObject({ active: { id: 1, ports: 2 } });
  expect(lacp?.ports.map(({ mux }) => mux)).toEqual(['collecting-distributing', 'collecting-distributing']);
});

type Fields = Record<string, unknown>;
type Damage = (lacp: Fields, port: Fields) => void;

test.each<[string, Damage]>([
  ['a state that the machine has not', (_, port) => Object.assign(port, { mux: 'asleep' })],
  ['a counter below zero', (_, port) => Object.assign(port, { counters: { receive: -1 } })],
  ['an end without an address', (_, port) => Object.assign(port, { partner: {} })],
  ['no ports', lacp => Object.assign(lacp, { ports: undefined })],
])('is refused with %s', (_what, change) => {
  const parsed = parseState(fileWith(damaged(change)), OURS);
  expect(parsed.ok).toBe(false);
  if (!parsed.ok) expect(parsed.error).toContain('lacp');
});

test('is not missed where a version wrote none', () => {
  const policy = structuredClone(agreed()) as unknown as {
    state: { lacp?: unknown; timers: { lacp?: unknown } };
  };
  delete policy.state.lacp;
  delete policy.state.timers.lacp;
  const parsed = parseState(fileWith(policy), OURS);
  if (!parsed.ok || !('bonds' in parsed.value)) throw new Error(JSON.stringify(parsed));
  const saved = parsed.value.bonds[0]?.policy;
  if (saved === undefined) throw new Error('no bond was read');
  const bond = Bond.restore(saved, 0);
  expect([bond.snapshot().lacp, bond.save(0).state.timers.lacp]).toEqual([undefined, null]);
});
