// The driver's balance-alb, recorded (test/golden/alb): our policy is given the same frames, links and commands, and the same frames leave,
// by the same members and in the same order, within one tick. With inline_failover=1 clients of a member that was lost are told at once.
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parseMac } from '../src/base/index.js';
import { arpWay, type Bond, flowPlace, LoadTable, readdressed } from '../src/policy/index.js';
import { readRecording, recordingsOf, type Shown } from './support/lacp-recording.js';
import { differences, replay, type ReplayStyle } from './support/lacp-replay.js';

const FOLDER = fileURLToPath(new URL('golden/alb/linux-6.12', import.meta.url));

function shown(bond: Bond): Shown {
  const { active, members, address, carrier, adminUp } = bond.snapshot();
  const { receivers } = bond.plan();
  const fields = new Map<string, string>([
    ['active', members.find(({ member }) => member === active)?.name ?? '-'],
    // Of a bond that is down it cannot be read.
    ['carrier', adminUp ? String(Number(carrier)) : '-'],
    // One by chance, before the first member.
    ['mac', members.length === 0 ? '-' : address],
  ]);
  for (const { member, name, link, state, address: mac } of members) {
    fields.set(`${name}.mac`, mac);
    fields.set(`${name}.role`, state);
    fields.set(`${name}.mii`, link);
    fields.set(`${name}.promiscuous`, String(Number(receivers?.hearsAll === true && member === active)));
  }
  return fields;
}

/** The packets of a bond, as the data planes move them. */
function style(): ReplayStyle {
  const loads = new LoadTable();
  return {
    shown,
    armedLast: 'mii',
    heard: (member, frame) => ({ kind: 'arp-frame', member, frame }),
    sent(bond, frame, atMs) {
      const { members, active, rebalance, receivers } = bond.plan();
      if (active === null || receivers === null) throw new Error('No member is active');
      loads.rebalance(rebalance, atMs);
      const sourceOf = (member: number): string =>
        members.find(each => each.member === member)?.balance?.source ?? '';
      const way = arpWay(receivers, frame);
      const place = flowPlace(frame);
      const able = members.map(({ member, balance }) => ({ member, speedMbps: balance?.speedMbps ?? 0 }));
      const joined = able.toSorted((a, b) => a.member - b.member);
      const flow = place === null ? null : loads.choose(place, frame.length, joined, active, atMs);
      const member = way?.member ?? flow ?? active;
      const mac = parseMac(sourceOf(member));
      if (!mac.ok) throw new Error(mac.error);
      const what = { isActive: member === active, isReply: way?.isReply === true };
      return { member, frame: readdressed(frame, mac.value, what) };
    },
  };
}

/** An ARP reply, in hexadecimal. */
function isReply(frame: string): boolean {
  return frame.slice(24, 28) === '0806' && frame.slice(40, 44) === '0002';
}

function differing(file: string, inline: '0' | '1'): string[] {
  const recording = readRecording(FOLDER, file);
  const replayed = replay(recording, 'bonda', [['inline_failover', inline]], style());
  return differences(recording, 'bonda', replayed);
}

describe('balance-alb', () => {
  const files = recordingsOf(FOLDER);

  test.each(files)('inline_failover=0 is the driver: %s', file => {
    expect(differing(file, '0')).toEqual([]);
  });

  test('where no member is lost inline_failover=1 is the driver too', () => {
    expect(differing('purge-and-collision.txt', '1')).toEqual([]);
  });

  test('inline_failover=1: each death is told to its clients in the moment of the death', () => {
    const recording = readRecording(FOLDER, 'traffic-and-failover.txt');
    const { sent } = replay(recording, 'bonda', [['inline_failover', '1']], style());
    const deaths = recording.lines.flatMap(line => (line.kind === 'carrier' && !line.on ? [line.atMs] : []));
    const toldAt = (atMs: number): string[] =>
      sent
        .filter(each => each.atMs === atMs && isReply(each.frame))
        .map(({ port }) => port)
        .toSorted();
    // Two had the first that died, two the second, and one more its address.
    expect(deaths.map(toldAt)).toEqual([
      ['a1', 'a1', 'a3', 'a3'],
      ['a2', 'a2', 'a2', 'a2', 'a2', 'a2', 'a3', 'a3'],
    ]);
  });
});
