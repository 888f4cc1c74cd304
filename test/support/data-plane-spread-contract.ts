// What every data plane must do in the modes in which several members send: balance-rr, balance-xor, broadcast, 802.3ad.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BondDataPlane, Diversion } from '../../src/dataplane/index.js';
import { PacketSocket, requireLink } from '../../src/linux/index.js';
import { HASH_POLICIES, transmitHash } from '../../src/policy/index.js';
import type { Subject } from './data-plane-contract.js';
import { type DataPlaneStage, NEVER, type PlanChanges, planFor } from './data-plane-stage.js';

const MEMBERS = ['eth0', 'eth1', 'eth2'] as const;
const ETH_P_IP = 0x0800;

/** UDP over IPv4 from a port, as a broadcast; of another protocol where that is asked for. */
function ipFrame(port: number, protocol = 17): Uint8Array {
  const frame = new Uint8Array(60).fill(0xff, 0, 6);
  frame.set([2, 0, 0, 0, 0, port & 0xff], 6);
  const view = new DataView(frame.buffer);
  view.setUint16(12, ETH_P_IP);
  frame.set([0x45, 0, 0, 46, 0, 0, 0x40, 0, 1, protocol, 0, 0, 10, 9, 0, 1, 10, 9, 0, 2 + (port >> 4)], 14);
  view.setUint16(34, port);
  view.setUint16(36, 5000);
  return frame;
}

/** The same with an 802.1Q tag. */
function tagged(frame: Uint8Array, tci: number): Uint8Array {
  const bytes = new Uint8Array(frame.length + 4);
  bytes.set(frame.subarray(0, 12));
  new DataView(bytes.buffer).setUint32(12, 0x81000000 + tci);
  bytes.set(frame.subarray(12), 16);
  return bytes;
}

/** Frames that are told apart by their source port, source MAC and destination address. */
function flows(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => ipFrame(1000 + i));
}

export function dataPlaneSpreadContract(name: string, subject: Subject): void {
  describe(`data plane contract, several members send: ${name}`, () => {
    let stage: DataPlaneStage;
    let plane: BondDataPlane;
    const index = (member: string): number => stage.ifindex(member);
    const plan = (changes: PlanChanges): void => {
      plane.apply(planFor(MEMBERS.map(index), { allHeard: true, ...changes }));
    };
    const counts = (): number[] => MEMBERS.map(member => stage.counted(member).sent);

    /** How many frames each member sent, once as many as expected have gone or nothing more comes. */
    function sentOf(frames: readonly Uint8Array[], expected = frames.length): number[] {
      const before = counts();
      const socket = stage.host(() => PacketSocket.open({ ifindex: index('bond0'), protocol: 0 }));
      for (const frame of frames) socket.send(frame);
      socket.close();
      let sent: number[] = [];
      for (let tries = 0; tries < 200; tries++) {
        sent = counts().map((count, i) => count - (before[i] ?? 0));
        if (sent.reduce((sum, count) => sum + count, 0) >= expected) break;
        Atomics.wait(NEVER, 0, 0, 2);
      }
      return sent;
    }

    /** What is lost is counted a moment after it was sent. */
    const loses = async (packets: number): Promise<void> => {
      let lost = 0;
      await expect.poll(() => (lost += plane.takeLoss().packets), { timeout: 5000 }).toBe(packets);
    };

    beforeEach(async () => {
      stage = await subject.stage();
      plane = subject.create(stage);
      for (const member of MEMBERS)
        stage.host(() => plane.addMember(requireLink(stage.lab.netlink('host'), member).ifindex));
    });
    afterEach(() => {
      plane.close();
      stage.close();
    });

    it('balance-rr gives each its turn, or so many frames, or goes by chance; a member that is not usable has none', () => {
      plan({ mode: 'balance-rr' });
      // eBPF counts for each processor by itself, and the sender may change it.
      for (const sent of sentOf(flows(90))) expect(Math.abs(sent - 30)).toBeLessThanOrEqual(3);
      plan({ mode: 'balance-rr', packetsPerSlave: 10 });
      for (const sent of sentOf(flows(90))) expect(Math.abs(sent - 30)).toBeLessThanOrEqual(20);
      plan({ mode: 'balance-rr', packetsPerSlave: 0 });
      for (const sent of sentOf(flows(600))) expect(Math.abs(sent - 200)).toBeLessThan(100);
      plan({ mode: 'balance-rr', usable: [index('eth0'), index('eth2')] });
      const [first = 0, second, third = 0] = sentOf(flows(60));
      expect([second, first + third]).toEqual([0, 60]);
      expect(plane.takeLoss().packets).toBe(0);
    });

    it('balance-rr sends IGMP through the member that is active in name, tagged or not', async () => {
      plan({ mode: 'balance-rr', active: index('eth1') });
      const reports = Array.from({ length: 20 }, () => ipFrame(1, 2));
      expect(sentOf(reports)).toEqual([0, 20, 0]);
      expect(sentOf(reports.map(frame => tagged(frame, 5)))).toEqual([0, 20, 0]);
      stage.lab.cut('eth1');
      expect(sentOf(reports)).toEqual([20, 0, 0]);
      plan({ mode: 'balance-rr', active: index('eth1'), inlineFailover: false });
      expect(sentOf(reports, 0)[1]).toBe(0);
      await loses(20);
      expect(stage.passed('out')).toBe(20);
    });

    it('balance-xor sends each flow as the hash says, by every policy, tagged or not', () => {
      for (const hashPolicy of HASH_POLICIES) {
        plan({ mode: 'balance-xor', hashPolicy });
        const expected = [0, 0, 0];
        const note = (frame: Uint8Array, tci: number): void => {
          const number = transmitHash(hashPolicy, frame, tci) % 3;
          expected[number] = (expected[number] ?? 0) + 1;
        };
        const frames = flows(40);
        for (const frame of frames) note(frame, 0);
        const tags = frames.map((_, i) => 0x2000 + 3 * i);
        for (const [i, frame] of frames.entries()) note(frame, tags[i] ?? 0);
        const all = [...frames, ...frames.map((frame, i) => tagged(frame, tags[i] ?? 0))];
        expect([hashPolicy, sentOf(all)]).toEqual([hashPolicy, expected]);
      }
    });

    it('broadcast sends a copy through every usable member that can send', () => {
      plan({ mode: 'broadcast' });
      expect(sentOf(flows(20), 60)).toEqual([20, 20, 20]);
      plan({ mode: 'broadcast', usable: [index('eth0'), index('eth2')] });
      expect(sentOf(flows(20), 40)).toEqual([20, 0, 20]);
      stage.lab.cut('eth0');
      expect(sentOf(flows(20))).toEqual([0, 0, 20]);
      expect(plane.takeLoss().packets).toBe(0);
    });

    it.each(['balance-rr', 'balance-xor'] as const)(
      '%s goes past members that cannot send, tells of each once, and loses nothing',
      async mode => {
        const told: Diversion[] = [];
        plane.onDiverted(diversion => told.push(diversion));
        plan({ mode, hashPolicy: 'layer3+4' });
        stage.lab.cut('eth1');
        const sent = sentOf(flows(60));
        expect([sent[1], (sent[0] ?? 0) + (sent[2] ?? 0)]).toEqual([0, 60]);
        expect(stage.passed('out')).toBe(20);
        stage.lab.cut('eth2');
        expect(sentOf(flows(60))).toEqual([60, 0, 0]);
        await expect.poll(() => told.length).toBe(2);
        expect(told.map(({ from }) => from)).toEqual([index('eth1'), index('eth2')]);
        // Nothing usable can send: any other does.
        plan({ mode, usable: [index('eth1'), index('eth2')] });
        expect(stage.passed('out')).toBe(20);
        expect(plane.takeLoss().packets).toBe(0);
        stage.lab.cut('eth0');
        expect(stage.passed('out')).toBe(0);
        await loses(20);
      },
    );

    it('802.3ad sends as balance-xor does, past ports that cannot send, and never through one that it may not', async () => {
      const told: Diversion[] = [];
      plane.onDiverted(diversion => told.push(diversion));
      const frames = flows(60);
      const [first, second] = [index('eth0'), index('eth1')];
      plan({ mode: '802.3ad', hashPolicy: 'layer3+4', usable: [first, second] });
      const odd = frames.filter(frame => transmitHash('layer3+4', frame) % 2 === 1).length;
      expect(sentOf(frames)).toEqual([60 - odd, odd, 0]);
      stage.lab.cut('eth1');
      expect(sentOf(frames)).toEqual([60, 0, 0]);
      await expect.poll(() => told.length).toBe(1);
      expect(told[0]).toMatchObject({ from: second, to: first });
      expect(plane.takeLoss().packets).toBe(0);
      stage.lab.cut('eth0');
      expect(sentOf(frames, 0)).toEqual([0, 0, 0]);
      await loses(60);
      plan({ mode: '802.3ad', hashPolicy: 'layer3+4', usable: [], active: null });
      expect(sentOf(frames, 0)).toEqual([0, 0, 0]);
      await loses(60);
    });

    it('802.3ad leaves frames of the slow protocols with the member, and other modes give them to the bond', () => {
      const slow = Uint8Array.from({ length: 60 }, (_, at) => (at < 6 ? 0xff : at < 12 ? 2 : 0));
      slow.set([0x88, 0x09, 10], 12);
      const heard = (): number => {
        const ear = stage.host(() => PacketSocket.open({ ifindex: index('bond0'), protocol: 0x8809 }));
        stage.lab.inside('peer', () => {
          const mouth = requireLink(stage.lab.netlink('peer'), 'eth0').ifindex;
          const socket = PacketSocket.open({ ifindex: mouth, protocol: 0 });
          for (let nth = 0; nth < 5; nth++) socket.send(slow);
          socket.close();
        });
        // What comes after them has arrived when they have.
        expect(stage.passed('in')).toBe(20);
        let count = 0;
        for (let frame = ear.receive(); frame !== undefined; frame = ear.receive()) count++;
        ear.close();
        return count;
      };
      plan({ mode: '802.3ad', active: index('eth0'), allHeard: false });
      expect(heard()).toBe(0);
      plan({ mode: 'balance-xor', active: index('eth0'), allHeard: false });
      expect(heard()).toBe(5);
    });

    it('802.3ad hears what the plan says, though its ports cannot send', async () => {
      const [first, second] = [index('eth0'), index('eth1')];
      plan({ mode: '802.3ad', active: first, usable: [first, second], allHeard: false });
      expect(stage.passed('in')).toBe(20);
      stage.lab.cut('eth0');
      expect(stage.passed('in')).toBe(0);
      expect(plane.current()).toBe(first);
      plan({ mode: '802.3ad', active: null, usable: [], allHeard: false });
      expect(stage.passed('in')).toBe(0);
      expect(plane.current()).toBeNull();
    });

    it('where the plan may not be left, balance-xor loses what hits a dead member and counts it; the others go past it', async () => {
      plan({ mode: 'balance-xor', hashPolicy: 'layer3+4', inlineFailover: false });
      const hits = flows(60).filter(frame => transmitHash('layer3+4', frame) % 3 === 1).length;
      stage.lab.cut('eth1');
      expect(sentOf(flows(60), 60 - hits)[1]).toBe(0);
      await loses(hits);
      plan({ mode: 'balance-rr', inlineFailover: false });
      expect(stage.passed('out')).toBe(20);
      plan({ mode: 'broadcast', inlineFailover: false, usable: [index('eth0'), index('eth1')] });
      expect(stage.passed('out')).toBe(20);
      expect(plane.takeLoss().packets).toBe(0);
    });
  });
}
