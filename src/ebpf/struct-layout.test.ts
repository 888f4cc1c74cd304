import { describe, expect, test } from 'vitest';
import { over, overArray, read, toBytes, fromBytes, write } from './struct-access.js';
import { array, bytes, layout } from './struct-layout.js';

const member = layout({ ifindex: 'u32', up: 'u8', mac: bytes(6), lastRxNs: 'u64' });
const shared = layout({
  current: 'u32',
  count: 'u8',
  port: 'be16',
  members: array(4, member),
  slots: array(3, 'u16'),
});

describe('layout()', () => {
  test('places fields as a C compiler does', () => {
    expect(member.fields.ifindex.offset).toBe(0);
    expect(member.fields.up.offset).toBe(4);
    expect(member.fields.mac.offset).toBe(5);
    expect(member.fields.lastRxNs.offset).toBe(16);
    expect([member.size, member.align, member.padding]).toEqual([24, 8, 5]);
    expect(shared.fields.port.offset).toBe(6);
    expect(shared.fields.members).toMatchObject({ offset: 8, size: 96 });
    expect(shared.fields.slots.offset).toBe(104);
    expect([shared.size, shared.align]).toEqual([112, 8]);
  });

  test('finds nested offsets by path', () => {
    expect(shared.offset('current')).toBe(0);
    expect(shared.offset('members', 2)).toBe(56);
    expect(shared.offset('members', 2, 'lastRxNs')).toBe(72);
    expect(shared.offset('slots', 2)).toBe(108);
  });

  test('refuses paths that are wrong, by type and at run time', () => {
    // @ts-expect-error no such field
    expect(() => shared.offset('nothing')).toThrow('The layout has no "nothing".');
    // @ts-expect-error no such field
    expect(() => shared.offset('members', 1, 'nothing')).toThrow('The layout has no "members.1.nothing".');
    expect(() => shared.offset('members', 4)).toThrow('The layout has no "members.4".');
  });

  test('an empty struct has no size', () => {
    expect(layout({})).toMatchObject({ size: 0, align: 1, padding: 0 });
  });
});

const VALUE = {
  current: 0xdead_beef,
  count: 4,
  port: 0x1234,
  members: Array.from({ length: 4 }, (_, i) => ({
    ifindex: i + 1,
    up: i % 2,
    mac: new Uint8Array([2, 0, 0, 0, 0, i]),
    lastRxNs: 2n ** 63n + BigInt(i),
  })),
  slots: [1, 2, 65535],
};

describe('whole values', () => {
  test('go out and come back the same, with padding zeroed', () => {
    const out = toBytes(shared, VALUE);
    expect(fromBytes(shared, out)).toEqual(VALUE);
    expect([...out.subarray(0, 8)]).toEqual([0xef, 0xbe, 0xad, 0xde, 4, 0, 0x12, 0x34]);
    expect([...out.subarray(8 + 11, 8 + 16)]).toEqual([0, 0, 0, 0, 0]);
  });

  test('are read at an offset, and write touches nothing beside the fields', () => {
    const memory = new Uint8Array(40).fill(0xa5);
    const view = new DataView(memory.buffer, 4);
    write(member, view, { ifindex: 1, up: 1, mac: new Uint8Array(6), lastRxNs: 5n }, 4);
    expect(read(member, view, 4).lastRxNs).toBe(5n);
    expect([...memory.subarray(0, 8)]).toEqual(Array.from({ length: 8 }, () => 0xa5));
    expect(memory[8 + 11]).toBe(0xa5);
    expect([...memory.subarray(32)]).toEqual(Array.from({ length: 8 }, () => 0xa5));
  });

  test('every scalar keeps its extremes', () => {
    const all = layout({
      a: 'u8',
      b: 's8',
      c: 'u16',
      d: 's16',
      e: 'u32',
      f: 's32',
      g: 'u64',
      h: 's64',
      i: 'be32',
      j: 'be64',
    });
    const value = {
      a: 255,
      b: -128,
      c: 65535,
      d: -32768,
      e: 2 ** 32 - 1,
      f: -(2 ** 31),
      g: 2n ** 64n - 1n,
      h: -(2n ** 63n),
      i: 0x7f00_0001,
      j: 1n,
    };
    expect(fromBytes(all, toBytes(all, value))).toEqual(value);
    expect([...toBytes('be32', 0x7f00_0001)]).toEqual([0x7f, 0, 0, 1]);
  });

  test('refuse the wrong number of bytes or elements and too little room', () => {
    expect(() => toBytes(bytes(6), new Uint8Array(5))).toThrow('The field has 6 bytes, the value 5.');
    expect(() => toBytes(array(2, 'u8'), [1])).toThrow('The field has 2 elements, the value 1.');
    expect(() => over(shared, new DataView(new ArrayBuffer(8)))).toThrow(
      '112 bytes at offset 0 do not fit a view of 8 bytes.',
    );
  });
});

describe('accessors', () => {
  test('read and write the memory itself', () => {
    const view = new DataView(new ArrayBuffer(shared.size + 8));
    const live = over(shared, view, 8);
    live.current = 7;
    live.members.at(3).lastRxNs = 9n;
    live.members.at(3).mac = new Uint8Array([1, 2, 3, 4, 5, 6]);
    live.slots.set(1, 0xffff);
    live.members.set(0, { ifindex: 5, up: 1, mac: new Uint8Array(6), lastRxNs: 1n });
    const value = read(shared, view, 8);
    expect(value.current).toBe(7);
    expect(value.members[3]).toMatchObject({ lastRxNs: 9n, mac: new Uint8Array([1, 2, 3, 4, 5, 6]) });
    expect(value.members[0]?.ifindex).toBe(5);
    expect(live.slots.at(1)).toBe(0xffff);
    view.setUint32(8, 42, true);
    expect(live.current).toBe(42);
    expect(live.members.at(3)).toBe(live.members.at(3));
  });

  test('stay inside the array', () => {
    const live = overArray(array(2, 'u32'), new DataView(new ArrayBuffer(8)));
    expect(live.length).toBe(2);
    expect(() => live.at(2)).toThrow('Index 2 is outside the array of 2 elements.');
    expect(() => live.set(-1, 0)).toThrow(RangeError);
  });

  test('have no fields that were not declared', () => {
    const live = over(member, new DataView(new ArrayBuffer(member.size)));
    // @ts-expect-error not declared
    expect(() => (live.nothing = 1)).toThrow(TypeError);
  });
});
