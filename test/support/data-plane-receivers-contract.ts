// What every data plane must do in balance-alb: ARP by the table of clients, and unicast to the address of each member for the bond.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatMac, parseMac } from '../../src/base/index.js';
import type { BondDataPlane } from '../../src/dataplane/index.js';
import { PacketSocket, requireLink } from '../../src/linux/index.js';
import { arpWay, readdressed, type ReceiversPlan } from '../../src/policy/index.js';
import { arpFrame } from '../../src/policy/alb/testing.js';
import type { Subject } from './data-plane-contract.js';
import { type DataPlaneStage, NEVER, type PlanChanges, planFor } from './data-plane-stage.js';

const MEMBERS = ['eth0', 'eth1', 'eth2'] as const;
type Member = (typeof MEMBERS)[number];
const OURS = '10.0.0.1';
const CLIENT_MAC = '02:cc:00:00:00:0b';
const ARP = 0x0806;
/** IEEE 802 local experimental, the other one than the stage's. */
const EXPERIMENTAL = 0x88b6;

function bytes(mac: string): Uint8Array {
  const parsed = parseMac(mac);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

function five(mac: string): string[] {
  return Array.from({ length: 5 }, () => mac);
}

export function dataPlaneReceiversContract(name: string, subject: Subject): void {
  describe(`data plane contract, balance-alb: ${name}`, () => {
    let stage: DataPlaneStage;
    let plane: BondDataPlane;
    const index = (member: string): number => stage.ifindex(member);
    const macOf = (device: string): string => stage.lab.link('host', device)?.address ?? '';

    /** Clients 10.0.0.11 and .12 at eth1 and eth2; the next one gets eth1. The active member has the bond's address. */
    const receivers = (change: Partial<ReceiversPlan> = {}): ReceiversPlan => ({
      bondAddress: macOf('bond0'),
      next: index('eth1'),
      clients: [
        { place: 1, ourIp: OURS, ip: '10.0.0.11', member: index('eth1') },
        { place: 6, ourIp: OURS, ip: '10.0.0.12', member: index('eth2') },
      ],
      hearsAll: false,
      ...change,
    });
    const source = (member: Member): string => (member === 'eth0' ? macOf('bond0') : macOf(member));
    const plan = (changes: PlanChanges = {}): void => {
      const base = planFor(MEMBERS.map(index), { mode: 'balance-alb', receivers: receivers(), ...changes });
      const members = base.members.map((each, rank) => ({
        ...each,
        balance: { rank, source: source(MEMBERS[rank] ?? 'eth0'), speedMbps: 1000 },
      }));
      plane.apply({ ...base, members });
    };

    /** Sends a frame by way of the bond; gives the member that sent it, and how it arrived. */
    function sent(frame: Uint8Array): { by: string | undefined; frame: Uint8Array | undefined } {
      const before = MEMBERS.map(member => stage.counted(member).sent);
      const ear = stage.lab.inside('peer', () =>
        PacketSocket.open({ ifindex: requireLink(stage.lab.netlink('peer'), 'eth0').ifindex, protocol: ARP }),
      );
      const mouth = stage.host(() => PacketSocket.open({ ifindex: index('bond0'), protocol: 0 }));
      try {
        mouth.send(frame);
        // A frame may be there before whoever sent it has counted it.
        let came: { readonly data: Uint8Array } | undefined;
        for (let tries = 0; tries < 2000; tries++) {
          came ??= ear.receive();
          const by = MEMBERS.find((member, nth) => stage.counted(member).sent > (before[nth] ?? 0));
          if (came !== undefined && by !== undefined) return { by, frame: came.data };
          Atomics.wait(NEVER, 0, 0, 2);
        }
        return { by: undefined, frame: came?.data };
      } finally {
        mouth.close();
        ear.close();
      }
    }

    /** Frames to this address, from the peer, that arrive at the bond as its own. */
    function received(to: string, count = 5): string[] {
      const ear = stage.host(() => PacketSocket.open({ ifindex: index('bond0'), protocol: EXPERIMENTAL }));
      const frame = new Uint8Array(60);
      frame.set(bytes(to));
      frame.set(bytes(CLIENT_MAC), 6);
      frame.set([0x88, 0xb6], 12);
      stage.lab.inside('peer', () => {
        const mouth = requireLink(stage.lab.netlink('peer'), 'eth0').ifindex;
        const socket = PacketSocket.open({ ifindex: mouth, protocol: 0 });
        for (let nth = 0; nth < count; nth++) socket.send(frame);
        socket.close();
      });
      // The active one takes in what a switch sends to all ports, as the driver's does; the host knows that it is not its own.
      const came: string[] = [];
      const hear = (): void => {
        for (let each = ear.receive(); each !== undefined; each = ear.receive()) {
          const mac = formatMac(each.data);
          if (mac === macOf('bond0')) came.push(mac);
        }
      };
      // What comes by one member may be later than what was sent after it and comes by another: none is missed that is waited for, and
      // those that are too many came before twenty more frames did.
      for (let tries = 0; tries < 2000 && came.length < count; tries++) {
        hear();
        Atomics.wait(NEVER, 0, 0, 2);
      }
      expect(stage.passed('in')).toBe(20);
      hear();
      ear.close();
      return came;
    }

    beforeEach(async () => {
      stage = await subject.stage();
      plane = subject.create(stage);
      for (const member of MEMBERS) stage.host(() => plane.addMember(index(member)));
    });
    afterEach(() => {
      plane.close();
      stage.close();
    });

    it('requests and replies leave by the member of their client, or of the next; replies name its address', () => {
      plan();
      const ours = [macOf('bond0'), OURS] as const;
      for (const ip of ['10.0.0.11', '10.0.0.12', '10.0.0.13']) {
        for (const operation of ['REQUEST', 'REPLY'] as const) {
          const frame = arpFrame(operation, ours, [CLIENT_MAC, ip]);
          // Unknown to the switch, so it is heard by the peer.
          const way = arpWay(receivers(), frame);
          const by = MEMBERS.find(member => index(member) === way?.member) ?? 'eth0';
          const expected = readdressed(frame, bytes(source(by)), {
            isActive: by === 'eth0',
            isReply: operation === 'REPLY',
          });
          const seen = sent(frame);
          expect([ip, operation, seen.by]).toEqual([ip, operation, by]);
          expect(seen.frame?.subarray(0, 42)).toEqual(expected);
        }
      }
    });

    it('ARP that is not the bond’s own, or that nobody is given out for, goes by the active member as it is', () => {
      plan();
      const foreign = arpFrame('REPLY', ['02:dd:00:00:00:01', OURS], [CLIENT_MAC, '10.0.0.11']);
      expect(sent(foreign)).toMatchObject({ by: 'eth0' });
      expect(sent(foreign).frame?.subarray(0, 42)).toEqual(foreign);
      plan({ receivers: receivers({ next: null, clients: [] }) });
      const own = arpFrame('REPLY', [macOf('bond0'), OURS], [CLIENT_MAC, '10.0.0.11']);
      expect(sent(own).frame?.subarray(0, 42)).toEqual(own);
    });

    it('a client whose member cannot send is told the bond’s address, by the active one', () => {
      plan();
      stage.lab.cut('eth1');
      const reply = arpFrame('REPLY', [macOf('bond0'), OURS], [CLIENT_MAC, '10.0.0.11']);
      const seen = sent(reply);
      expect(seen.by).toBe('eth0');
      expect(seen.frame?.subarray(0, 42)).toEqual(reply);
      expect(plane.takeLoss().packets).toBe(0);
    });

    it('what is for the address of a member comes in once, for the bond; broadcasts by the active one alone', () => {
      plan();
      const bond = macOf('bond0');
      // The switch knows none of them yet, and sends to all ports.
      expect(received(macOf('eth1'))).toEqual(five(bond));
      expect(received(macOf('eth2'))).toEqual(five(bond));
      expect(received(bond)).toEqual(five(bond));
      expect(stage.arrivals('in', 20, 60)).toHaveLength(20);
    });

    it('the active one takes in what is for a member that was lost', () => {
      const usable = ['eth0', 'eth2'].map(index);
      plan({ usable });
      stage.lab.cut('eth1');
      expect(received(macOf('eth1'))).toEqual(five(macOf('bond0')));
    });
  });
}
