import { mkdtempSync, rmdirSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BPF_TCX_INGRESS, createTcxLink, detachLink, updateLink } from './bpf-link.js';
import {
  BPF_F_MMAPABLE,
  BPF_MAP_TYPES,
  createMap,
  deleteMapKey,
  listMapKeys,
  lookupMap,
  mmapArray,
  updateMap,
} from './bpf-map.js';
import {
  getPinned,
  linkInfo,
  listLinkIds,
  listMapIds,
  listProgramIds,
  mapFdById,
  mapInfo,
  pinObject,
  programInfo,
} from './bpf-object.js';
import {
  BPF_PROG_TYPE_SCHED_CLS,
  loadProgram,
  loadProgramWithLog,
  ProgramRefused,
  progTestRun,
} from './bpf-program.js';
import { monotonicNs } from './clock.js';
import { closeFd } from './ffi.js';
import { createVeth } from './links.js';
import { isBpffs, mountBpffs, unmountFileSystem } from './mounts.js';
import { RingBuffer } from './ring-buffer.js';
import { inScratchNetns, isRoot } from './testing.js';
import {
  addBpfFilter,
  addClsact,
  deleteBpfFilter,
  deleteClsact,
  listBpfFilters,
  listQdiscs,
} from './traffic-control.js';

type Instruction = readonly [code: number, dst: number, src: number, offset: number, immediate: number];

function assemble(instructions: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(8 * instructions.length);
  const view = new DataView(bytes.buffer);
  for (const [i, [code, dst, src, offset, immediate]] of instructions.entries()) {
    view.setUint8(8 * i, code);
    view.setUint8(8 * i + 1, dst | (src << 4));
    view.setInt16(8 * i + 2, offset, true);
    view.setInt32(8 * i + 4, immediate, true);
  }
  return bytes;
}

const EXIT: Instruction = [0x95, 0, 0, 0, 0];

function returning(value: number): Uint8Array {
  return assemble([[0xb7, 0, 0, 0, value], EXIT]);
}

/** r1 = map; then a store of the time at r10-8. */
function loadMap(register: number, fd: number): Instruction[] {
  return [
    [0x18, register, 1, 0, fd],
    [0, 0, 0, 0, 0],
  ];
}

/** bpf_ringbuf_output(map, &bpf_ktime_get_ns(), 8, 0). */
function timeReporter(mapFd: number): Uint8Array {
  return assemble([
    [0x85, 0, 0, 0, 5],
    [0x7b, 10, 0, -8, 0],
    ...loadMap(1, mapFd),
    [0xbf, 2, 10, 0, 0],
    [0x07, 2, 0, 0, -8],
    [0xb7, 3, 0, 0, 8],
    [0xb7, 4, 0, 0, 0],
    [0x85, 0, 0, 0, 130],
    [0xb7, 0, 0, 0, 0],
    EXIT,
  ]);
}

function program(name: string, instructions: Uint8Array): number {
  return loadProgram({ type: BPF_PROG_TYPE_SCHED_CLS, name, license: 'GPL', instructions });
}

function u32(value: number): Uint8Array {
  return Uint8Array.of(value & 255, (value >> 8) & 255, (value >> 16) & 255, (value >> 24) & 255);
}

describe.skipIf(!isRoot)('maps, which needs root', () => {
  test('a hash map keeps what is written', () => {
    const fd = createMap({
      type: BPF_MAP_TYPES.BPF_MAP_TYPE_HASH,
      keySize: 4,
      valueSize: 2,
      maxEntries: 8,
      name: 'bw-h',
    });
    try {
      expect(lookupMap(fd, u32(1), 2)).toBeUndefined();
      updateMap(fd, u32(1), Uint8Array.of(5, 6));
      updateMap(fd, u32(2), Uint8Array.of(7, 8), 'create');
      expect(() => updateMap(fd, u32(2), Uint8Array.of(7, 8), 'create')).toThrow('EEXIST');
      expect(() => updateMap(fd, u32(3), Uint8Array.of(7, 8), 'replace')).toThrow('ENOENT');
      expect(lookupMap(fd, u32(1), 2)).toEqual(Uint8Array.of(5, 6));
      expect(listMapKeys(fd, 4).length).toBe(2);
      expect([deleteMapKey(fd, u32(1)), deleteMapKey(fd, u32(1))]).toEqual([true, false]);
      const info = mapInfo(fd);
      expect(info).toMatchObject({ type: 1, keySize: 4, valueSize: 2, maxEntries: 8, name: 'bw_h' });
      expect(listMapIds()).toContain(info.id);
      const second = mapFdById(info.id) ?? -1;
      expect(lookupMap(second, u32(2), 2)).toEqual(Uint8Array.of(7, 8));
      closeFd(second);
      expect(mapFdById(0x7fffffff)).toBeUndefined();
    } finally {
      closeFd(fd);
    }
  });

  test('mmapArray() is live memory both ways', () => {
    const fd = createMap({
      type: BPF_MAP_TYPES.BPF_MAP_TYPE_ARRAY,
      keySize: 4,
      valueSize: 8,
      maxEntries: 4,
      flags: BPF_F_MMAPABLE,
    });
    const memory = mmapArray(fd, 32);
    try {
      const bytes = new Uint8Array(memory.buffer);
      updateMap(fd, u32(1), Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
      expect(bytes.slice(8, 16)).toEqual(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
      bytes[0] = 9;
      expect(lookupMap(fd, u32(0), 8)?.[0]).toBe(9);
    } finally {
      memory.unmap();
      memory.unmap();
      closeFd(fd);
    }
  });
});

describe.skipIf(!isRoot)('programs, which needs root', () => {
  test('progTestRun() runs a program on a packet', () => {
    const fd = program('bw_two', returning(2));
    try {
      const data = Uint8Array.from({ length: 64 }, (_, i) => i);
      const result = progTestRun(fd, { data, ctx: new Uint8Array(192), repeat: 10 });
      expect(result.retval).toBe(2);
      expect(result.dataOut).toEqual(data);
      expect(result.ctxOut.length).toBe(192);
      expect(programInfo(fd)).toMatchObject({ type: 3, name: 'bw_two', mapIds: [] });
      expect(listProgramIds()).toContain(programInfo(fd).id);
    } finally {
      closeFd(fd);
    }
  });

  test('a refused program throws with the whole log of the verifier and a summary', () => {
    let caught: unknown;
    try {
      program('bw_bad', assemble([EXIT]));
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(ProgramRefused);
    expect(caught).toMatchObject({ code: 'EACCES', target: 'bw_bad' });
    expect((caught as ProgramRefused).log).toContain('R0 !read_ok');
    expect((caught as ProgramRefused).message).toContain('R0 !read_ok');
  });

  test('a log beyond the first buffer is asked for again', () => {
    const many: Instruction[] = Array.from({ length: 8000 }, () => [0xb7, 0, 0, 0, 0]);
    const { fd, log } = loadProgramWithLog({
      type: BPF_PROG_TYPE_SCHED_CLS,
      name: 'bw_long',
      license: 'GPL',
      instructions: assemble([...many, EXIT]),
      logLevel: 2,
    });
    closeFd(fd);
    expect(log.length).toBeGreaterThan(256 * 1024);
    expect(log).toContain('processed 8001 insns');
  });
});

describe.skipIf(!isRoot)('the clock and the ring buffer, which needs root', () => {
  test('records arrive in order, across the end of the ring, stamped with our clock', () => {
    const size = 4096;
    const map = createMap({
      type: BPF_MAP_TYPES.BPF_MAP_TYPE_RINGBUF,
      keySize: 0,
      valueSize: 0,
      maxEntries: size,
    });
    const fd = program('bw_ring', timeReporter(map));
    const ring = new RingBuffer(map, size);
    try {
      expect(programInfo(fd).mapIds).toEqual([mapInfo(map).id]);
      let last = monotonicNs();
      for (let round = 0; round < 40; round++) {
        progTestRun(fd, { data: new Uint8Array(14), repeat: 50 });
        const count = ring.consume(record => {
          const time = new DataView(record.buffer, record.byteOffset, record.length).getBigUint64(0, true);
          expect(time >= last).toBe(true);
          last = time;
        });
        expect(count).toBe(50);
      }
      expect(last <= monotonicNs()).toBe(true);
      progTestRun(fd, { data: new Uint8Array(14), repeat: 3 });
      expect([ring.consume(() => {}, 2), ring.consume(() => {}, 2), ring.consume(() => {}, 2)]).toEqual([
        2, 1, 0,
      ]);
    } finally {
      ring.close();
      ring.close();
      closeFd(fd);
      closeFd(map);
    }
  });

  test('watch() calls from the event loop', async () => {
    const map = createMap({
      type: BPF_MAP_TYPES.BPF_MAP_TYPE_RINGBUF,
      keySize: 0,
      valueSize: 0,
      maxEntries: 4096,
    });
    const fd = program('bw_ring', timeReporter(map));
    const ring = new RingBuffer(map, 4096);
    try {
      const first = await new Promise(resolve => {
        ring.watch(record => resolve(record.length));
        progTestRun(fd, { data: new Uint8Array(14) });
      });
      expect(first).toBe(8);
    } finally {
      ring.close();
      closeFd(fd);
      closeFd(map);
    }
  });
});

describe.skipIf(!isRoot)('attaching, which needs root', () => {
  test('a TCX link is made, swapped, told, detached', () => {
    inScratchNetns(netlink => {
      const ifindex = createVeth(netlink, { name: 'bwa', peerName: 'bwb' })?.ifindex ?? 0;
      const [one, two] = [program('bw_one', returning(0)), program('bw_two', returning(0))];
      const link = createTcxLink(one, ifindex, BPF_TCX_INGRESS);
      try {
        const info = linkInfo(link);
        expect(info).toMatchObject({
          programId: programInfo(one).id,
          hook: { ifindex, attachType: BPF_TCX_INGRESS },
        });
        expect(listLinkIds()).toContain(info.id);
        updateLink(link, two);
        expect(linkInfo(link).programId).toBe(programInfo(two).id);
        detachLink(link);
        detachLink(link);
        expect(linkInfo(link).hook?.ifindex).toBe(0);
      } finally {
        for (const fd of [link, one, two]) closeFd(fd);
      }
    });
  });

  test('a clsact filter is added, swapped, listed, deleted', () => {
    inScratchNetns(netlink => {
      const ifindex = createVeth(netlink, { name: 'bwa', peerName: 'bwb' })?.ifindex ?? 0;
      const [one, two] = [program('bw_one', returning(0)), program('bw_two', returning(0))];
      const place = { ifindex, direction: 'egress', preference: 1, handle: 1 } as const;
      try {
        expect(listBpfFilters(netlink, ifindex, 'egress')).toEqual([]);
        expect([addClsact(netlink, ifindex), addClsact(netlink, ifindex)]).toEqual([true, false]);
        expect(listQdiscs(netlink, ifindex).map(({ kind }) => kind)).toContain('clsact');
        addBpfFilter(netlink, place, one, 'bw_one');
        expect(() => addBpfFilter(netlink, place, two, 'bw_two')).toThrow('EEXIST');
        addBpfFilter(netlink, place, two, 'bw_two', true);
        expect(listBpfFilters(netlink, ifindex, 'egress')).toMatchObject([
          { name: 'bw_two', programId: programInfo(two).id, preference: 1, handle: 1, flags: 1 },
        ]);
        expect(listBpfFilters(netlink, ifindex, 'ingress')).toEqual([]);
        expect([deleteBpfFilter(netlink, place), deleteBpfFilter(netlink, place)]).toEqual([true, false]);
        expect([deleteClsact(netlink, ifindex), deleteClsact(netlink, ifindex)]).toEqual([true, false]);
      } finally {
        for (const fd of [one, two]) closeFd(fd);
      }
    });
  });

  test('a pin keeps a map', () => {
    const directory = mkdtempSync(join(tmpdir(), 'bw-bpffs-'));
    try {
      expect([isBpffs(directory), mountBpffs(directory), mountBpffs(directory), isBpffs(directory)]).toEqual([
        false,
        true,
        false,
        true,
      ]);
      const path = join(directory, 'map');
      const fd = createMap({
        type: BPF_MAP_TYPES.BPF_MAP_TYPE_ARRAY,
        keySize: 4,
        valueSize: 4,
        maxEntries: 1,
      });
      expect(getPinned(path)).toBeUndefined();
      pinObject(fd, path);
      expect(() => pinObject(fd, path)).toThrow('EEXIST');
      updateMap(fd, u32(0), u32(77));
      closeFd(fd);
      const again = getPinned(path) ?? -1;
      expect(lookupMap(again, u32(0), 4)).toEqual(u32(77));
      closeFd(again);
      unlinkSync(path);
    } finally {
      unmountFileSystem(directory);
      rmdirSync(directory);
    }
    expect(unmountFileSystem('/proc/bw-nothing')).toBe(false);
  });
});
