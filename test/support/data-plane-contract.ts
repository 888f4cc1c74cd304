// What every data plane must do, whatever moves its packets: a suite that is run for each of them.
import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BondDataPlane, Diversion, Loss } from '../../src/dataplane/index.js';
import { deleteLink, requireLink, setLink } from '../../src/linux/index.js';
import type { DataPlaneStage } from './data-plane-stage.js';
import { planFor } from './data-plane-stage.js';

/** A data plane under test. */
export interface Subject {
  readonly stage: () => Promise<DataPlaneStage>;
  /** Makes bond0 in the host, up, without members. */
  readonly create: (stage: DataPlaneStage) => BondDataPlane;
  /** Takes over what `close()` left; undefined when there is nothing to take. */
  readonly adopt: (stage: DataPlaneStage) => BondDataPlane | undefined;
  /** False where packets stop while nobody has the bond. */
  readonly worksOnWhenClosed: boolean;
}

const MEMBERS = ['eth0', 'eth1', 'eth2'] as const;

const openFiles = (): number => readdirSync('/proc/self/fd').length;

export function dataPlaneContract(name: string, subject: Subject): void {
  describe(`data plane contract: ${name}`, () => {
    let stage: DataPlaneStage;
    let plane: BondDataPlane;
    let traces: string[];
    const index = (member: string): number => stage.ifindex(member);
    const all = (): number[] => MEMBERS.map(index);
    const add = (...members: string[]): void => {
      for (const member of members) stage.host(() => plane.addMember(index(member)));
    };

    const copies = (): number => stage.arrivals('in', 20, 40).length;
    const up = (): boolean => stage.lab.link('host', 'bond0')?.carrier === true;
    const life = (): void => {
      add(...MEMBERS);
      plane.apply(planFor(all()));
      for (const member of all()) stage.host(() => plane.removeMember(member));
      expect(() => stage.host(() => plane.addMember(4321))).toThrow();
      stage.host(() => plane.destroy());
      plane = subject.create(stage);
    };

    beforeEach(async () => {
      stage = await subject.stage();
      traces = stage.traces();
      plane = subject.create(stage);
    });
    afterEach(() => {
      plane.close();
      stage.close();
    });

    it('members come and go; their frames go nowhere until a plan names one', () => {
      expect(plane.members()).toEqual([]);
      add('eth0', 'eth1');
      expect(plane.members()).toEqual([index('eth0'), index('eth1')]);
      expect(plane.current()).toBeNull();
      expect([stage.passed('out'), stage.passed('in')]).toEqual([0, 0]);
      expect(plane.droppedTotal()).toBe(20);
      plane.removeMember(index('eth0'));
      plane.removeMember(index('eth0'));
      expect(plane.members()).toEqual([index('eth1')]);
    });

    it('refuses an interface that is a member already, or that there is none of', () => {
      add('eth0');
      expect(() => add('eth0')).toThrow();
      expect(() => stage.host(() => plane.addMember(4321))).toThrow();
      expect(plane.members()).toEqual([index('eth0')]);
    });

    it('what fails half-way leaves nothing', async () => {
      const before = stage.traces();
      for (let i = 0; i < 3; i++) expect(() => stage.host(() => plane.addMember(4321))).toThrow();
      await expect.poll(() => stage.traces()).toEqual(before);
      expect(plane.members()).toEqual([]);
      add('eth0');
      plane.apply(planFor([index('eth0')]));
      expect(stage.passed('out')).toBe(20);
    });

    it('sends and receives through the active member alone', () => {
      add(...MEMBERS);
      for (const active of MEMBERS) {
        const order = [index(active), ...all().filter(member => member !== index(active))];
        plane.apply(planFor(order));
        expect(plane.current()).toBe(index(active));
        const before = MEMBERS.map(member => stage.counted(member).sent);
        expect([stage.passed('out'), stage.passed('in')]).toEqual([20, 20]);
        const sent = MEMBERS.map((member, i) => stage.counted(member).sent - (before[i] ?? 0));
        expect(sent).toEqual(MEMBERS.map(member => (member === active ? 20 : 0)));
      }
    });

    it('a plan without active member lets nothing through, one with it does', () => {
      add(...MEMBERS);
      plane.apply(planFor([], { inlineFailover: false }));
      expect([stage.passed('out'), stage.passed('in')]).toEqual([0, 0]);
      expect(plane.takeLoss().packets).toBe(20);
      plane.apply(planFor(all()));
      expect([stage.passed('out'), stage.passed('in')]).toEqual([20, 20]);
    });

    it('a backup that is not inactive is heard too (all_slaves_active)', async () => {
      add('eth0', 'eth1');
      plane.apply(planFor([index('eth0'), index('eth1')], { allHeard: true }));
      // Broadcast by the switch, each frame comes in by both cables; a port of the switch may forward a moment after its
      // cable has a carrier.
      await expect.poll(() => copies()).toBe(40);
      plane.apply(planFor([index('eth0'), index('eth1')]));
      expect(copies()).toBe(20);
    });

    it('frames with the tags of VLAN devices on a member are not the bond’s, and all others are', () => {
      const tags = [
        { id: 20, protocol: 0x8100 },
        { id: 21, protocol: 0x8100 },
        { id: 20, protocol: 0x88a8 },
        { id: 0, protocol: 0x8100 },
        { id: 4094, protocol: 0x88a8 },
      ];
      const came = (): number[] => [undefined, ...tags].map(tag => stage.arrivals('in', 5, 5, tag).length);
      add('eth0', 'eth1');
      plane.apply(planFor([index('eth0'), index('eth1')]));
      expect(came()).toEqual([5, 5, 5, 5, 5, 5]);
      stage.host(() => plane.leaveTagged(index('eth0'), [0, 20, 0x1000 | 4094]));
      expect(came()).toEqual([5, 0, 5, 5, 0, 0]);
      // Those of one member say nothing of another.
      plane.apply(planFor([index('eth1'), index('eth0')]));
      expect(came()).toEqual([5, 5, 5, 5, 5, 5]);
      plane.apply(planFor([index('eth0'), index('eth1')]));
      stage.host(() => plane.leaveTagged(index('eth0'), [0x1000 | 20]));
      expect(came()).toEqual([5, 5, 5, 0, 5, 5]);
      plane.close();
      const next = subject.adopt(stage);
      if (next === undefined) throw new Error('There is nothing to adopt');
      plane = next;
      stage.host(() => plane.leaveTagged(index('eth0'), []));
      expect(came()).toEqual([5, 5, 5, 5, 5, 5]);
    });

    it('a member that joins anew leaves no tags to anybody', () => {
      add('eth0');
      stage.host(() => plane.leaveTagged(index('eth0'), [20]));
      plane.removeMember(index('eth0'));
      add('eth0');
      plane.apply(planFor([index('eth0')]));
      expect(stage.arrivals('in', 5, 5, { id: 20, protocol: 0x8100 })).toHaveLength(5);
    });

    it('its carrier is what others see', () => {
      expect(up()).toBe(true);
      plane.setCarrier(false);
      plane.setCarrier(false);
      expect(up()).toBe(false);
      plane.setCarrier(true);
      expect(up()).toBe(true);
    });

    it('goes to the next member by itself when the active one cannot send, tells of it, and loses nothing', async () => {
      if (!plane.checksCarrier) return;
      const told: Diversion[] = [];
      plane.onDiverted(diversion => told.push(diversion));
      add(...MEMBERS);
      plane.apply(planFor([index('eth0'), index('eth2'), index('eth1')]));
      stage.lab.cut('eth0');
      expect(stage.passed('out')).toBe(20);
      expect(plane.current()).toBe(index('eth2'));
      expect(stage.passed('in')).toBe(20);
      stage.lab.cut('eth2');
      // A frame that comes in finds out as well.
      expect(stage.passed('in')).toBe(20);
      expect(plane.current()).toBe(index('eth1'));
      await expect.poll(() => told.length).toBe(2);
      expect(told.map(({ from, to }) => [from, to])).toEqual([
        [index('eth0'), index('eth2')],
        [index('eth2'), index('eth1')],
      ]);
      expect(plane.takeLoss()).toEqual<Loss>({ packets: 0, sinceNs: null });
    });

    it('stays with a dead member when the plan says so, and counts what that costs', () => {
      add('eth0', 'eth1');
      plane.apply(planFor([index('eth0'), index('eth1')], { inlineFailover: false }));
      stage.lab.cut('eth0');
      expect(stage.passed('out')).toBe(0);
      expect(plane.current()).toBe(index('eth0'));
      const { packets, sinceNs } = plane.takeLoss();
      if (plane.checksCarrier) {
        expect(packets).toBe(20);
        expect(sinceNs).not.toBeNull();
      }
      expect(plane.takeLoss()).toEqual<Loss>({ packets: 0, sinceNs: null });
      plane.apply(planFor([index('eth1'), index('eth0')], { inlineFailover: false }));
      expect(stage.passed('out')).toBe(20);
    });

    it('counts what finds no member at all', async () => {
      if (!plane.checksCarrier) return;
      add('eth0', 'eth1');
      plane.apply(planFor([index('eth0'), index('eth1')]));
      stage.lab.cut('eth0');
      stage.lab.cut('eth1');
      expect(stage.passed('out')).toBe(0);
      expect(plane.droppedTotal()).toBe(20);
      expect(plane.takeLoss().packets).toBe(20);
      stage.lab.restore('eth1');
      // The kernel gives a device its queue back a moment after its carrier.
      await expect.poll(() => stage.passed('out')).toBe(20);
      expect(plane.droppedTotal()).toBe(20);
    });

    it('the active member may leave before a plan says who follows', () => {
      add(...MEMBERS);
      plane.apply(planFor(all()));
      stage.host(() => plane.removeMember(index('eth0')));
      expect([stage.passed('out'), stage.passed('in')]).toEqual([20, 20]);
      expect(plane.current()).toBe(index('eth1'));
    });

    it('lets go of a member whose interface has vanished; others are not taken for it', () => {
      add('eth0', 'eth1');
      const vanished = index('eth0');
      plane.apply(planFor([vanished, index('eth1')]));
      deleteLink(stage.lab.netlink('host'), vanished);
      if (plane.checksCarrier) expect(stage.passed('out')).toBe(20);
      stage.host(() => plane.removeMember(vanished));
      expect(plane.members()).toEqual([index('eth1')]);
      plane.apply(planFor([index('eth1')]));
      expect([stage.passed('out'), stage.passed('in')]).toEqual([20, 20]);
      add('eth2');
      plane.apply(planFor([index('eth2'), index('eth1')]));
      expect([stage.passed('out'), stage.passed('in')]).toEqual([20, 20]);
    });

    it('a member that leaves gets its own frames again', () => {
      add('eth0');
      plane.apply(planFor([index('eth0')]));
      stage.host(() => plane.removeMember(index('eth0')));
      stage.lab.addAddress('host', 'eth0', '10.9.0.77/24');
      return expect(stage.lab.exec('peer', ['ping', '-c1', '-W2', '10.9.0.77'])).resolves.toMatchObject({
        status: 0,
      });
    });

    it('works on when it is closed, if it can; is taken over with nothing lost and nothing counted twice', () => {
      add('eth0', 'eth1');
      plane.apply(planFor([]));
      stage.passed('out', 3);
      expect(plane.takeLoss().packets).toBe(3);
      plane.apply(planFor([index('eth0'), index('eth1')]));
      plane.close();
      plane.close();
      const through = subject.worksOnWhenClosed ? 20 : 0;
      expect([stage.passed('out'), stage.passed('in')]).toEqual([through, through]);
      stage.lab.cut('eth0');
      const diverts = subject.adopt(stage);
      expect(diverts).toBeDefined();
      if (diverts === undefined) return;
      plane = diverts;
      if (plane.checksCarrier) {
        expect([stage.passed('out'), stage.passed('in')]).toEqual([20, 20]);
        expect(plane.current()).toBe(index('eth1'));
      }
      expect(plane.members()).toEqual([index('eth0'), index('eth1')]);
      expect(plane.droppedTotal()).toBe(3);
      expect(plane.takeLoss()).toEqual<Loss>({ packets: 0, sinceNs: null });
      add('eth2');
      plane.apply(planFor([index('eth2'), index('eth1'), index('eth0')]));
      expect([stage.passed('out'), stage.passed('in')]).toEqual([20, 20]);
    });

    it('tells after it was taken over of what it did meanwhile', async () => {
      if (!plane.checksCarrier || !subject.worksOnWhenClosed) return;
      add('eth0', 'eth1');
      plane.apply(planFor([index('eth0'), index('eth1')]));
      plane.close();
      stage.lab.cut('eth0');
      expect(stage.passed('out')).toBe(20);
      plane = subject.adopt(stage) ?? plane;
      const told: Diversion[] = [];
      plane.onDiverted(diversion => told.push(diversion));
      await expect.poll(() => told.length).toBe(1);
      expect(told[0]).toMatchObject({ from: index('eth0'), to: index('eth1') });
    });

    it('leaves nothing when it is destroyed, with members or without, and is not taken over then', async () => {
      stage.host(() => plane.destroy());
      await expect.poll(() => stage.traces()).toEqual(traces);
      plane = subject.create(stage);
      expect(stage.traces().length).toBeGreaterThan(traces.length + 3);
      add(...MEMBERS);
      plane.apply(planFor(all()));
      deleteLink(stage.lab.netlink('host'), 'eth1');
      stage.host(() => plane.destroy());
      await expect.poll(() => stage.traces()).toEqual(traces);
      expect(subject.adopt(stage)).toBeUndefined();
      const { master, qdisc } = requireLink(stage.lab.netlink('host'), 'eth0') as {
        master?: number;
        qdisc?: string;
      };
      expect([master, qdisc]).toEqual([undefined, 'noqueue']);
    });

    it('leaves nothing either when somebody else deleted its interface', async () => {
      add('eth0', 'eth1');
      deleteLink(stage.lab.netlink('host'), 'bond0');
      stage.host(() => plane.destroy());
      await expect.poll(() => stage.traces()).toEqual(traces);
    });

    it('keeps no file open for what came and went', async () => {
      life();
      const before = openFiles();
      for (let i = 0; i < 5; i++) life();
      // A worker gives back its last file when it has ended, which is told by the event loop.
      await expect.poll(openFiles).toBeLessThanOrEqual(before);
    });

    it('a member may be set down and up, and the switch too', () => {
      if (!plane.checksCarrier) return;
      add('eth0', 'eth1');
      plane.apply(planFor([index('eth0'), index('eth1')]));
      setLink(stage.lab.netlink('host'), index('eth0'), { up: false });
      expect([stage.passed('out'), stage.passed('in')]).toEqual([20, 20]);
      setLink(stage.lab.netlink('host'), index('eth0'), { up: true });
      expect([stage.passed('out'), stage.passed('in')]).toEqual([20, 20]);
      expect(plane.current()).toBe(index('eth1'));
    });
  });
}
