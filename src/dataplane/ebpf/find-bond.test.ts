// Of which kind a new bond's pair is, where its transmit program goes, and that its note is read again.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Rtnetlink } from '../../linux/index.js';
import type { IngressKind } from './attachment.js';
import { attachKindFor, type EbpfSurroundings, pairKindsFor, transmitWish } from './find-bond.js';
import { noted, readParts, writeParts } from './parts.js';
import { Pins } from './pins.js';
import type { Toolbox, ToolboxWishes } from './toolbox.js';

/** Kinds of a new pair, and how programs are attached, on a kernel that has everything. */
function choiceOf(wishes: ToolboxWishes, last: boolean) {
  const store = { reach: (pins: string) => pins, lasts: () => last };
  const toolbox = { attach: wishes.attach, pair: wishes.pair } as Toolbox;
  const by: EbpfSurroundings = { netlink: {} as Rtnetlink, toolbox, store };
  const pins = new Pins(store, { pins: '/nowhere', partsFile: '/nowhere' });
  return [pairKindsFor(by, pins), attachKindFor(by, pins)];
}

test('a pair is netkit where links may be used and last, and what the environment insists on', () => {
  const best = ['netkit', 'veth'];
  expect(choiceOf({}, true)).toEqual([best, undefined]);
  expect(choiceOf({ attach: 'tcx' }, true)).toEqual([best, 'tcx']);
  expect(choiceOf({ attach: 'tcx' }, false)).toEqual([best, 'tcx']);
  expect(choiceOf({}, false)).toEqual([['veth'], 'clsact']);
  expect(choiceOf({ attach: 'clsact' }, true)).toEqual([['veth'], 'clsact']);
  expect(choiceOf({ pair: 'veth' }, true)).toEqual([['veth'], undefined]);
  expect(choiceOf({ pair: 'netkit' }, false)).toEqual([['netkit'], 'clsact']);
});

test('what a netkit bond sends is taken at the bond by a link, at the lower end by a filter; of veth always there', () => {
  const place = (kind: 'netkit' | 'veth', attach: IngressKind | undefined) => {
    const { ifindex, kind: how } = transmitWish({ kind, bondIfindex: 5, lowerIfindex: 4 }, attach);
    return [ifindex, how];
  };
  expect(place('netkit', undefined)).toEqual([5, 'netkit']);
  expect(place('netkit', 'tcx')).toEqual([5, 'netkit']);
  expect(place('netkit', 'clsact')).toEqual([4, 'clsact']);
  expect(place('veth', undefined)).toEqual([4, undefined]);
  expect(place('veth', 'tcx')).toEqual([4, 'tcx']);
});

test('the note of a netkit bond is read as it was written', () => {
  const directory = mkdtempSync(join(tmpdir(), 'bw-note-'));
  try {
    const file = join(directory, 'bwl-00c0ffee.json');
    const pin = '/run/bondwire/bpf/bwl-00c0ffee/transmit';
    const parts = noted(
      {
        lowerName: 'bwl-00c0ffee',
        bondIfindex: 5,
        lowerIfindex: 4,
        transmit: { kind: 'netkit', pin, ifindex: 5, ownsQdisc: false },
        receive: {},
      },
      true,
    );
    writeParts(file, parts);
    expect(readParts(file)).toEqual(parts);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
