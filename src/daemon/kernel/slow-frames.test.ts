// What LACP hears on a member: frames of the slow protocols with the tag that they came with, and no others. Needs root.
import { describe, expect, test } from 'vitest';
import { lacpduFrame, parseSlowFrame, tagFrame } from '../../frames/index.js';
import { createVeth, deleteLink, Ethtool, PacketSocket, requireLink } from '../../linux/index.js';
import { inScratchNetns, isRoot } from '../../linux/testing.js';
import { FrameSender } from './frame-sender.js';
import { SlowFrames } from './slow-frames.js';

const END = {
  systemPriority: 1,
  system: '02:bb:00:00:00:01',
  key: 9,
  portPriority: 255,
  port: 1,
  state: 0x3f,
};

describe.skipIf(!isRoot)('SlowFrames', () => {
  test('hears LACPDUs, tagged or not, on the members that it follows', () => {
    inScratchNetns(netlink => {
      createVeth(netlink, { name: 'bwslow0', peerName: 'bwslow1', up: true, peerUp: true });
      const [near, far] = ['bwslow0', 'bwslow1'].map(name => requireLink(netlink, name).ifindex);
      if (near === undefined || far === undefined) throw new Error('no pair');
      const heard: [member: number, tags: number[]][] = [];
      const ears = new SlowFrames((member, frame) => {
        const read = parseSlowFrame(frame);
        if (read.ok) heard.push([member, read.value.vlanTags.map(({ tci }) => tci)]);
      });
      const mouth = PacketSocket.open({ ifindex: far, protocol: 0 });
      try {
        const pdu = lacpduFrame(END.system, { actor: END, partner: END });
        if (!pdu.ok) throw new Error(pdu.error);
        const other = pdu.value.slice();
        other[13] = 0x08;
        const say = (): void => {
          for (const frame of [pdu.value, other, tagFrame(pdu.value, [{ tpid: 0x8100, tci: 5 }])])
            mouth.send(frame);
          ears.poll();
        };
        say();
        expect(heard).toEqual([]);

        ears.follow([near, 999_999]);
        say();
        expect(heard).toEqual([
          [near, []],
          [near, [5]],
        ]);

        ears.follow([]);
        say();
        expect(heard).toHaveLength(2);
      } finally {
        mouth.close();
        ears.close();
      }
    });
  });

  test('of a flood so many are heard as are looked at at once, and on another member all', () => {
    inScratchNetns(netlink => {
      const index = (name: string): number => requireLink(netlink, name).ifindex;
      for (const name of ['bwflood', 'bwcalm'])
        createVeth(netlink, { name: `${name}0`, peerName: `${name}1`, up: true, peerUp: true });
      const heard: number[] = [];
      const ears = new SlowFrames(member => heard.push(member));
      const mouths = ['bwflood1', 'bwcalm1'].map(name =>
        PacketSocket.open({ ifindex: index(name), protocol: 0 }),
      );
      try {
        const pdu = lacpduFrame(END.system, { actor: END, partner: END });
        if (!pdu.ok) throw new Error(pdu.error);
        ears.follow([index('bwflood0'), index('bwcalm0')]);
        const beganMs = performance.now();
        for (let round = 0; round < 20; round++) {
          for (let at = 0; at < 30; at++) mouths[0]?.send(pdu.value);
          ears.poll();
        }
        for (let at = 0; at < 10; at++) mouths[1]?.send(pdu.value);
        ears.poll();
        // On a slow machine fifty a second come to it.
        const most = 20 + Math.ceil((performance.now() - beganMs) / 20);
        const flooded = heard.filter(member => member === index('bwflood0')).length;
        expect(flooded).toBeGreaterThanOrEqual(20);
        expect(flooded).toBeLessThanOrEqual(Math.min(most, 599));
        expect(heard.filter(member => member === index('bwcalm0'))).toHaveLength(10);
      } finally {
        for (const mouth of mouths) mouth.close();
        ears.close();
      }
    });
  });

  test('a frame through a member that is gone, before or after one was sent, is lost without a word', () => {
    inScratchNetns(netlink => {
      createVeth(netlink, { name: 'bwgone0', peerName: 'bwgone1', up: true, peerUp: true });
      const member = requireLink(netlink, 'bwgone0').ifindex;
      const ethtool = Ethtool.open();
      const sender = new FrameSender({ netlink, ethtool });
      const pdu = lacpduFrame(END.system, { actor: END, partner: END });
      if (!pdu.ok) throw new Error(pdu.error);
      const say = (to: number): void =>
        sender.sendThrough({ kind: 'send-through', what: 'lacp', member: to, frame: pdu.value });
      try {
        say(999_999);
        say(member);
        expect(requireLink(netlink, 'bwgone1').statistics?.rxPackets).toBe(1);
        deleteLink(netlink, member);
        say(member);
        say(member);
      } finally {
        sender.close();
        ethtool.close();
      }
    });
  });
});
