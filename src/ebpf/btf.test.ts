import { existsSync, readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseBtf } from './btf.js';
import { BTF_KINDS, type BtfKind } from './btf-index.js';

/** Writes BTF by hand: types in order, names collected on the way. */
class BtfBuilder {
  readonly #types: number[] = [];
  readonly #strings = [0];

  name(text: string): number {
    if (text === '') return 0;
    const offset = this.#strings.length;
    this.#strings.push(...Array.from(text, c => c.charCodeAt(0)), 0);
    return offset;
  }

  add(
    kind: BtfKind,
    name: string,
    sizeOrType: number,
    vlen = 0,
    words: readonly number[] = [],
    flag = 0,
  ): this {
    const info = ((flag << 31) | (BTF_KINDS[kind] << 24) | vlen) >>> 0;
    this.#types.push(this.name(name), info, sizeOrType, ...words);
    return this;
  }

  bytes(): Uint8Array {
    const typeLength = this.#types.length * 4;
    const out = new Uint8Array(24 + typeLength + this.#strings.length);
    const view = new DataView(out.buffer);
    view.setUint16(0, 0xeb9f, true);
    view.setUint8(2, 1);
    [24, 0, typeLength, typeLength, this.#strings.length].forEach((word, i) =>
      view.setUint32(4 + i * 4, word, true),
    );
    this.#types.forEach((word, i) => view.setUint32(24 + i * 4, word, true));
    out.set(this.#strings, 24 + typeLength);
    return out;
  }
}

/**
 * int 1; struct 2 possible_net_t { int net (0) }; typedef 3 net_t = 2; const 4 = 3;
 * union 5 { int a; struct 6 }; struct 6 { int x; int y };
 * struct 7 net_device { int state; const net_t nd_net (32); anonymous union 5 (64); int *ptr (128); int up:1 (192); int mode:3 (193) };
 * ptr 8 = 1; func_proto 9; func 10; enum 11; enum64 12; typedef 13 = 12
 */
function example(): Uint8Array {
  const b = new BtfBuilder();
  b.add('INT', 'int', 4, 0, [0x0100_0020]);
  b.add('STRUCT', 'possible_net_t', 4, 1, [b.name('net'), 1, 0]);
  b.add('TYPEDEF', 'net_t', 2);
  b.add('CONST', '', 3);
  b.add('UNION', '', 8, 2, [b.name('a'), 1, 0, 0, 6, 0]);
  b.add('STRUCT', '', 8, 2, [b.name('x'), 1, 0, b.name('y'), 1, 32]);
  b.add(
    'STRUCT',
    'net_device',
    32,
    6,
    [
      [b.name('state'), 1, 0],
      [b.name('nd_net'), 4, 32],
      [0, 5, 64],
      [b.name('ptr'), 8, 128],
      [b.name('up'), 1, (1 << 24) | 192],
      [b.name('mode'), 1, (3 << 24) | 193],
    ].flat(),
    1,
  );
  b.add('PTR', '', 1);
  b.add('FUNC_PROTO', '', 1, 1, [b.name('ctx'), 8]);
  b.add('FUNC', 'bpf_cast_to_kern_ctx', 9);
  b.add('ENUM', 'state_t', 4, 2, [b.name('FIRST'), 0, b.name('MINUS'), 0xffff_fffb], 1);
  b.add('ENUM64', '', 8, 2, [b.name('WIDE'), 0, 1, b.name('HUGE'), 0xffff_ffff, 0xffff_ffff]);
  b.add('TYPEDEF', 'wide_t', 12);
  return b.bytes();
}

function btfOf(bytes: Uint8Array) {
  const parsed = parseBtf(bytes);
  if (!parsed.ok) throw new Error(parsed.error.message);
  return parsed.value;
}

function message(answer: { ok: boolean; error?: { message: string } }): string | undefined {
  return answer.error?.message;
}

describe('a small BTF made by hand', () => {
  const btf = btfOf(example());

  test('has its types', () => {
    expect(btf.typeCount).toBe(14);
    expect(btf.type(0)?.kind).toBe('VOID');
    expect(btf.type(3)).toEqual({ id: 3, kind: 'TYPEDEF', name: 'net_t', count: 0, sizeOrType: 2 });
    expect(btf.type(14)).toBeUndefined();
    expect(btf.find('int', 'INT')).toEqual({ ok: true, value: 1 });
    expect(btf.funcId('bpf_cast_to_kern_ctx')).toEqual({ ok: true, value: 10 });
    expect(btf.structSize('net_device')).toEqual({ ok: true, value: 32 });
    expect(btf.structSize('net_t')).toEqual({ ok: true, value: 4 });
    expect(btf.resolve(4)).toBe(2);
  });

  test.each([
    ['state', 0],
    ['nd_net', 4],
    ['nd_net.net', 4],
    ['a', 8],
    ['x', 8],
    ['y', 12],
    ['ptr', 16],
  ])('memberOffset() of %s is %i', (path, value) => {
    expect(btf.memberOffset('net_device', path)).toEqual({ ok: true, value });
  });

  test('reports bitfields', () => {
    expect(btf.locate('net_device', 'mode')).toEqual({
      ok: true,
      value: { bitOffset: 193, bitfieldSize: 3, type: 1 },
    });
    expect(btf.memberOffset('net_device', 'up')).toMatchObject({
      error: {
        code: 'unsupported',
        message: '"up" of "net_device" is a bitfield of 1 bits at bit 192 and has no byte offset.',
      },
    });
    expect(btf.members(7).map(m => [m.name, m.bitfieldSize])).toEqual([
      ['state', 0],
      ['nd_net', 0],
      ['', 0],
      ['ptr', 0],
      ['up', 1],
      ['mode', 3],
    ]);
    expect(btf.members(1)).toEqual([]);
  });

  test('reads enumerators', () => {
    expect(btf.enumValue('state_t', 'FIRST')).toEqual({ ok: true, value: 0 });
    expect(btf.enumValue('state_t', 'MINUS')).toEqual({ ok: true, value: -5 });
    expect(btf.enumValue('wide_t', 'WIDE')).toEqual({ ok: true, value: 2 ** 32 });
    expect(btf.enumValue('wide_t', 'HUGE')).toMatchObject({ error: { code: 'unsupported' } });
    expect(btf.enumValue('state_t', 'NONE')).toMatchObject({
      error: { code: 'not-found', message: `This kernel's BTF has no enum "state_t" with "NONE".` },
    });
  });

  test('says what is missing', () => {
    expect(message(btf.funcId('nothing'))).toBe('This kernel has no FUNC named "nothing" in its BTF.');
    expect(message(btf.memberOffset('nothing', 'a'))).toBe(
      'This kernel has no struct or union named "nothing" in its BTF.',
    );
    expect(message(btf.memberOffset('net_device', 'nd_net.b'))).toBe(
      '"net_device" has no member "nd_net.b" in this kernel\'s BTF.',
    );
    expect(message(btf.memberOffset('net_device', 'ptr.b'))).toBe(
      '"ptr.b" of "net_device": what should have "b" is a PTR, not a struct.',
    );
    expect(btf.memberOffset('net_device', '')).toMatchObject({ ok: false });
    expect(btf.find('', 'UNION')).toMatchObject({ ok: false });
  });
});

describe('bad BTF is a value', () => {
  test.each([
    ['nothing', new Uint8Array(0), 'This is not valid BTF: 0 bytes are too few for a header.'],
    ['zeros', new Uint8Array(64), 'This is not valid BTF: it does not start with the magic number 0xeb9f.'],
    [
      'big-endian',
      Uint8Array.of(0xeb, 0x9f, ...new Uint8Array(40)),
      'This BTF is big-endian; only little-endian BTF is read.',
    ],
    [
      'version 2',
      Uint8Array.of(0x9f, 0xeb, 2, ...new Uint8Array(40)),
      'This BTF has version 2; only version 1 is read.',
    ],
    ['cut off', example().subarray(0, 100), 'This is not valid BTF: its sections lie outside the data.'],
  ])('%s', (_, bytes, message) => {
    expect(parseBtf(bytes)).toMatchObject({ ok: false, error: { message } });
  });

  test('nothing throws on damaged bytes, neither parsing nor asking', () => {
    const good = example();
    const damage = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(damage, changes => {
        const bytes = good.slice();
        for (const [at, value] of changes) bytes[at] = value;
        const parsed = parseBtf(bytes);
        if (!parsed.ok) return;
        const btf = parsed.value;
        for (let id = 0; id < btf.typeCount; id += 1) {
          btf.type(id);
          btf.members(id);
          btf.resolve(id);
        }
        for (const path of ['state', 'nd_net.net', 'y', 'up', 'nothing']) btf.locate('net_device', path);
        btf.structSize('net_t');
        btf.enumValue('wide_t', 'WIDE');
        btf.enumValue('state_t', 'NONE');
      }),
      { numRuns: 3000 },
    );
  });

  test('structs that contain themselves, and typedefs in a circle, end', () => {
    const b = new BtfBuilder();
    b.add('STRUCT', 'self', 4, 2, [0, 1, 0, 0, 2, 0]).add('TYPEDEF', 'round', 3).add('TYPEDEF', 'again', 2);
    const btf = btfOf(b.bytes());
    expect(btf.memberOffset('self', 'x')).toMatchObject({ ok: false });
    expect(btf.structSize('round')).toMatchObject({ ok: false });
  });

  test('anonymous structs nested without end do not exhaust the stack', () => {
    const b = new BtfBuilder();
    for (let id = 1; id <= 50_000; id += 1) b.add('STRUCT', id === 1 ? 'deep' : '', 4, 1, [0, id + 1, 0]);
    expect(btfOf(b.bytes()).memberOffset('deep', 'x')).toMatchObject({ ok: false });
  });
});

const VMLINUX = '/sys/kernel/btf/vmlinux';

describe.runIf(existsSync(VMLINUX))("this machine's kernel", () => {
  const bytes = existsSync(VMLINUX) ? new Uint8Array(readFileSync(VMLINUX)) : new Uint8Array(0);

  test('is parsed', () => {
    expect(btfOf(bytes).typeCount).toBeGreaterThan(10_000);
  });

  test('answers what the data plane asks', () => {
    const btf = btfOf(bytes);
    expect(btf.memberOffset('sk_buff', 'next')).toEqual({ ok: true, value: 0 });
    expect(btf.memberOffset('sk_buff', 'dev').ok).toBe(true);
    expect(btf.memberOffset('net_device', 'state').ok).toBe(true);
    expect(btf.memberOffset('net_device', 'nd_net.net')).toEqual(btf.memberOffset('net_device', 'nd_net'));
    expect(btf.structSize('net_device').ok).toBe(true);
    expect(btf.locate('sk_buff', 'pkt_type')).toMatchObject({ value: { bitfieldSize: 3 } });
    expect(btf.enumValue('netdev_state_t', '__LINK_STATE_NOCARRIER')).toEqual({ ok: true, value: 2 });
  });
});
