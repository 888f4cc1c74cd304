// What hangs on interfaces is noted before it is hung there, so that the next daemon can undo what a death cut short. Needs root.
import { describe, expect, test } from 'vitest';
import { ERRNO } from '../base/index.js';
import {
  addBpfFilter,
  addClsact,
  addDropFilter,
  createVeth,
  listBpfFilters,
  listQdiscs,
  type Rtnetlink,
  SystemError,
} from '../linux/index.js';
import { inScratchNetns, isRoot } from '../linux/testing.js';
import { type Attachment, attachProgram, detach } from './ebpf/attachment.js';
import { Pins } from './ebpf/pins.js';
import { FILTER_PREFERENCE, isBondwireFilter } from './filter-place.js';
import { type Silence, silence, unsilence } from './userspace/silence.js';

class Died extends Error {}

function die(): never {
  throw new Died();
}

/** Has the nth call to the kernel from now on fail, once. Gives how to end that, which tells whether it came to it. */
function failing(netlink: Rtnetlink, nth: number): () => boolean {
  const request = netlink.request.bind(netlink);
  const dump = netlink.dump.bind(netlink);
  let calls = 0;
  const counted = <T>(call: () => T): T => {
    calls += 1;
    if (calls === nth) throw new SystemError('sendto', ERRNO.EPERM, 'nobody');
    return call();
  };
  netlink.request = (...args) => counted(() => request(...args));
  netlink.dump = (...args) => counted(() => dump(...args));
  return () => {
    Object.assign(netlink, { request, dump });
    return calls >= nth;
  };
}

/** What hangs on an interface: its qdiscs that somebody gave it, and our filters. */
function hanging(netlink: Rtnetlink, ifindex: number): string[] {
  const qdiscs = listQdiscs(netlink, ifindex).map(({ kind }) => kind ?? '');
  const filters = listBpfFilters(netlink, ifindex, 'ingress').filter(isBondwireFilter);
  return [...qdiscs.filter(kind => kind === 'clsact'), ...filters.map(() => 'filter')];
}

function onInterface(check: (netlink: Rtnetlink, ifindex: number) => void): void {
  inScratchNetns(netlink => {
    const link = createVeth(netlink, {
      name: 'bwnote0',
      peerName: 'bwnote1',
      mtu: 1500,
      numTxQueues: 1,
      peerNumTxQueues: 1,
    });
    if (link === undefined) throw new Error('No interface was made.');
    check(netlink, link.ifindex);
  });
}

const place = (ifindex: number) =>
  ({ ifindex, direction: 'ingress', preference: FILTER_PREFERENCE, handle: 1 }) as const;

describe.runIf(isRoot)('silence()', () => {
  test('has noted it before anything is done', () => {
    onInterface((netlink, ifindex) => {
      expect(() => silence(netlink, ifindex, die)).toThrow(Died);
      expect(hanging(netlink, ifindex)).toEqual([]);
    });
  });

  test.each(['nothing', 'the qdisc', 'the filter'] as const)(
    'can be undone by its note when %s was done',
    done => {
      onInterface((netlink, ifindex) => {
        let noted: Silence | undefined;
        expect(() =>
          silence(netlink, ifindex, note => {
            noted = note;
            die();
          }),
        ).toThrow(Died);
        if (done !== 'nothing') addClsact(netlink, ifindex);
        if (done === 'the filter') addDropFilter(netlink, place(ifindex));
        if (noted === undefined) throw new Error('Nothing was noted.');
        unsilence(netlink, noted);
        expect(hanging(netlink, ifindex)).toEqual([]);
      });
    },
  );

  test('is undone though any one call to the kernel fails', () => {
    onInterface((netlink, ifindex) => {
      for (let nth = 1, came = true; came; nth++) {
        const made = silence(netlink, ifindex, () => {});
        const ended = failing(netlink, nth);
        unsilence(netlink, made);
        came = ended();
        expect(hanging(netlink, ifindex), `call ${nth}`).toEqual([]);
        if (!came) expect(nth).toBeGreaterThan(5);
      }
    });
  });

  test("leaves somebody's qdisc, and the filters in it", () => {
    onInterface((netlink, ifindex) => {
      addClsact(netlink, ifindex);
      addDropFilter(netlink, { ...place(ifindex), preference: 7 });
      const made = silence(netlink, ifindex, () => {});
      expect(hanging(netlink, ifindex)).toEqual(['clsact', 'filter']);
      unsilence(netlink, made);
      expect(hanging(netlink, ifindex)).toEqual(['clsact']);
      expect(listBpfFilters(netlink, ifindex, 'ingress')).toHaveLength(1);
    });
  });
});

const pins = new Pins(
  { reach: () => undefined, lasts: () => false },
  { pins: '/nowhere', partsFile: '/nowhere' },
);

describe.runIf(isRoot)('attachProgram()', () => {
  test.each(['tcx', 'clsact'] as const)('by %s has noted it before anything is done', kind => {
    onInterface((netlink, ifindex) => {
      expect(() => attachProgram({ netlink, pins }, -1, { ifindex, pin: 'none', kind }, die)).toThrow(Died);
      expect(hanging(netlink, ifindex)).toEqual([]);
    });
  });

  test('by clsact can be undone by its note when the qdisc alone was made', () => {
    onInterface((netlink, ifindex) => {
      const notes: Attachment[] = [];
      // No program has this descriptor: the qdisc is made, and the filter refused.
      expect(() =>
        attachProgram({ netlink, pins }, -1, { ifindex, pin: 'none', kind: 'clsact' }, note =>
          notes.push(note),
        ),
      ).toThrow();
      expect(hanging(netlink, ifindex)).toEqual([]);
      addClsact(netlink, ifindex);
      expect(() => addBpfFilter(netlink, place(ifindex), -1, 'x')).toThrow();
      for (const note of notes) detach({ netlink, pins, mapId: undefined }, note);
      expect([notes.length, hanging(netlink, ifindex)]).toEqual([1, []]);
    });
  });
});
