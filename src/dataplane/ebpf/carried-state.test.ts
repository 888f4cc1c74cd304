// What is carried over between layouts: the places that are noted, and the reading of maps that have them elsewhere. Needs root.
import { afterEach, expect, test } from 'vitest';
import { BPF_MAP_TYPES, closeFd, createMap, updateMap } from '../../linux/index.js';
import {
  EARLIER_FIELDS,
  type FieldPlaces,
  FIELDS,
  isFieldPlaces,
  readCarried,
  versionOf,
} from './carried-state.js';
import { LEASE_STATE, TERMS } from './lease-state.js';
import { LAYOUT_VERSION } from './shared-state.js';

const fds: number[] = [];
afterEach(() => {
  for (const fd of fds.splice(0)) closeFd(fd);
});

/** A map whose value is these bytes. */
function mapOf(value: Uint8Array): number {
  const fd = createMap({
    type: BPF_MAP_TYPES.BPF_MAP_TYPE_ARRAY,
    keySize: 4,
    valueSize: value.length,
    maxEntries: 1,
  });
  fds.push(fd);
  updateMap(fd, new Uint8Array(4), value);
  return fd;
}

/** Two slots of 64 bytes behind 100 bytes. */
const ELSEWHERE: FieldPlaces = {
  layout: 99,
  current: 12,
  switches: 16,
  drops: 24,
  members: 100,
  slots: 2,
  stride: 64,
  ifindex: 4,
  dead: 8,
  receivedNs: 40,
  count: 16,
  taken: 8,
  firstNs: 0,
};

test('An earlier layout that is this one has its places', () => {
  expect(EARLIER_FIELDS[LAYOUT_VERSION] ?? FIELDS).toEqual(FIELDS);
  expect(isFieldPlaces(JSON.parse(JSON.stringify(FIELDS)))).toBe(true);
  const { stride: _, ...damaged } = FIELDS;
  expect([damaged, { ...FIELDS, count: -1 }, { ...FIELDS, count: '8' }, null, 5].map(isFieldPlaces)).toEqual([
    false,
    false,
    false,
    false,
    false,
  ]);
});

test('A map of another layout is read by the places that were noted with it', () => {
  const value = new Uint8Array(100 + 2 * 64);
  const view = new DataView(value.buffer);
  view.setUint32(0, 99, true);
  view.setUint32(12, 1, true);
  view.setBigUint64(16, 3n, true);
  view.setBigUint64(24 + 16, 7n, true);
  view.setBigUint64(24 + 8, 5n, true);
  view.setBigUint64(24, 1234n, true);
  view.setUint32(100 + 64 + 4, 42, true);
  view.setBigUint64(100 + 64 + 8 + 16, 2n, true);
  view.setBigUint64(100 + 64 + 40, 777n, true);
  const fd = mapOf(value);
  expect(versionOf(fd)).toBe(99);
  expect(readCarried(fd, ELSEWHERE)).toEqual({
    version: 99,
    current: 42,
    switches: 3n,
    drops: { count: 7n, taken: 5n, firstNs: 1234n },
    members: new Map([[42, { slot: 1, dead: { count: 2n, taken: 0n, firstNs: 0n }, receivedNs: 777n }]]),
  });
  // Places of another layout, none, and such as lie beyond the end.
  expect(readCarried(fd, FIELDS)).toBeUndefined();
  expect(readCarried(fd, undefined)).toBeUndefined();
  expect(readCarried(fd, { ...ELSEWHERE, slots: 1_000_000_000, stride: 1 })).toBeUndefined();
  expect(readCarried(fd, { ...ELSEWHERE, drops: 4_000_000_000 })).toBeUndefined();
});

test('Leases are read where they were noted, and where their terms have the form of today only', () => {
  const LEASES = {
    daemonNs: 0,
    untilNs: 8,
    leases: 300,
    stride: 400,
    state: 4,
    heardNs: 8,
    saidNs: 16,
    answers: 24,
    beats: 32,
    cutNs: 40,
    terms: 48,
  };
  const lease = { ...LEASES, daemonNs: 240, untilNs: 248, termsSize: TERMS.size };
  const value = new Uint8Array(300 + 2 * 400);
  const view = new DataView(value.buffer);
  view.setUint32(0, 99, true);
  view.setUint32(12, 7, true);
  view.setUint32(100 + 64 + 4, 42, true);
  view.setBigUint64(240, 11n, true);
  view.setBigUint64(248, 12n, true);
  const at = 300 + 400;
  view.setUint32(at + 4, LEASE_STATE.holds, true);
  for (const [nth, field] of (['heardNs', 'saidNs', 'answers', 'beats', 'cutNs'] as const).entries())
    view.setBigUint64(at + LEASES[field], BigInt(100 + nth), true);
  value.fill(9, at + 48, at + 48 + TERMS.size);
  const fd = mapOf(value);
  const found = readCarried(fd, ELSEWHERE, lease);
  expect(found?.leasing).toEqual({ daemonNs: 11n, untilNs: 12n });
  expect(found?.members.get(42)?.lease).toEqual({
    state: LEASE_STATE.holds,
    heardNs: 100n,
    saidNs: 101n,
    answers: 102n,
    beats: 103n,
    cutNs: 104n,
    terms: new Uint8Array(TERMS.size).fill(9),
  });
  const other = readCarried(fd, ELSEWHERE, { ...lease, termsSize: TERMS.size - 8 });
  expect(other?.members.get(42)).not.toHaveProperty('lease');
  expect(readCarried(fd, ELSEWHERE)).not.toHaveProperty('leasing');
  // Beyond the end.
  expect(readCarried(fd, ELSEWHERE, { ...lease, stride: 9000 })).toBeUndefined();
});
