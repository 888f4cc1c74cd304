// What LACP hears on a member: frames of the slow protocols with the tag that they came with, and no others. Needs root.
import { describe, expect, test } from 'vitest';
import { lacpduFrame, parseSlowFrame, tagFrame } from '../../frames/index.js';
import { createVeth, PacketSocket, requireLink } from '../../linux/index.js';
import { inScratchNetns, isRoot } from '../../linux/testing.js';
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
});
