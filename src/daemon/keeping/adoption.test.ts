// Which bonds of the state file are taken over, with which members, and what becomes of the others. Needs root.
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import type { KnownBond } from '../../dataplane/index.js';
import type { OriginalSettings, SavedMember } from '../../keeper/index.js';
import {
  addDeviceAddress,
  createVeth,
  createVlanFilter,
  Ethtool,
  getLink,
  listDeviceAddresses,
  requireLink,
  type Rtnetlink,
  setLink,
} from '../../linux/index.js';
import { inScratchNetns, isRoot } from '../../linux/testing.js';
import { type BondEvent, createBond } from '../../policy/index.js';
import type { Machine } from '../kernel/machine.js';
import { filterName } from '../kernel/vlan-stack.js';
import { tagSettings } from '../../netlink/index.js';
import { captureSettings } from '../members/original-settings.js';
import { Registry } from '../registry.js';
import { HAS_VLAN } from '../../../test/support/vlan.js';
import { adoptBond } from './adoption.js';
import type { SavedRunner } from './state-file.js';

const PINS = 'bwl-00c0ffee';

class Adopter {
  readonly registry: Registry = new Registry();
  readonly acts: string[] = [];
  readonly told: BondEvent[] = [];
  known: KnownBond | undefined;
  /** What the data plane says when it is to be taken over. */
  answer: 'gone' | 'throws' = 'gone';
  readonly #netlink: Rtnetlink;

  constructor(netlink: Rtnetlink) {
    this.#netlink = netlink;
  }

  adopt(saved: SavedRunner): boolean {
    const ethtool = Ethtool.open();
    try {
      return adoptBond(this.#machine(ethtool), this.registry, saved);
    } finally {
      ethtool.close();
    }
  }

  #machine(ethtool: Ethtool): Machine {
    const planes = {
      adopt: (_netlink: Rtnetlink, _places: unknown, known: KnownBond) => {
        this.known = known;
        if (this.answer === 'throws') throw new Error('its maps are of a later version');
        return undefined;
      },
      sweep: (_netlink: Rtnetlink, { pins }: { pins: string }) => this.acts.push(`sweep ${pins}`),
    };
    return {
      runDir: '/nowhere',
      netlink: this.#netlink,
      ethtool,
      planes,
      journal: { add: (_bond: string, event: BondEvent) => this.told.push(event) },
      log: pino({ level: 'silent' }),
      now: () => 0,
      save: () => {},
      saveSoon: () => {},
      note: () => undefined,
      hold: () => () => {},
    } as unknown as Machine;
  }
}

/** As the state file has a bond with these members; its interface is `bwbond`. */
function savedBond(netlink: Rtnetlink, members: readonly SavedMember[]): SavedRunner {
  const made = createBond({
    name: 'bwbond',
    address: '02:00:00:00:00:aa',
    addressIsRandom: true,
    mtu: 1500,
    options: [['mode', 'active-backup']],
  });
  if (!made.ok) throw new Error(made.error.message);
  return {
    name: 'bwbond',
    policy: made.value.save(0),
    ending: false,
    members,
    taken: [],
    bondIfindex: requireLink(netlink, 'bwbond').ifindex,
    lowerIfindex: requireLink(netlink, 'bwlower').ifindex,
    pins: PINS,
    filters: [],
  };
}

/** A bond's interface, and three others, as they were before a bond had them. */
function withInterfaces(work: (netlink: Rtnetlink, originals: readonly OriginalSettings[]) => void): void {
  inScratchNetns(netlink => {
    createVeth(netlink, { name: 'bwbond', peerName: 'bwlower' });
    const originals = ['bweth1', 'bweth2', 'bweth3'].map(name => {
      createVeth(netlink, { name, peerName: `${name}-p` });
      return captureSettings(requireLink(netlink, name));
    });
    work(netlink, originals);
  });
}

const member = (original: OriginalSettings, change: Partial<SavedMember> = {}): SavedMember => ({
  original,
  joining: false,
  ...change,
});

describe.runIf(isRoot)('adoptBond()', () => {
  test('members are those that have joined and do not leave: the data plane knows of no others', () =>
    withInterfaces((netlink, [one, two, three]) => {
      if (one === undefined || two === undefined || three === undefined) throw new Error('no interfaces');
      const adopter = new Adopter(netlink);
      const saved = savedBond(netlink, [
        member(one),
        member(two, { joining: true }),
        member(three, { leaving: { restoreAddress: true } }),
      ]);
      adopter.adopt(saved);
      expect(adopter.known).toMatchObject({
        members: [one.ifindex],
        bondIfindex: saved.bondIfindex,
        lowerName: PINS,
      });
    }));

  test.each(['its interface', 'its lower end'])(
    '%s is gone: the rest is swept away, and its members are as they were',
    what =>
      withInterfaces((netlink, [one]) => {
        if (one === undefined) throw new Error('no interfaces');
        const adopter = new Adopter(netlink);
        const saved = savedBond(netlink, [member(one)]);
        const gone = what === 'its interface' ? { ...saved, bondIfindex: 4321 } : saved;
        setLink(netlink, one.ifindex, { address: '02:00:00:00:00:aa', mtu: 9000 });
        expect(adopter.adopt(gone)).toBe(false);
        expect(captureSettings(requireLink(netlink, 'bweth1'))).toEqual(one);
        expect(adopter.acts).toEqual([`sweep /nowhere/bpf/${PINS}`]);
        expect(adopter.registry.all()).toEqual([]);
        expect(adopter.told.at(-1)?.message).toBe(
          'bwbond was gone when the daemon started; its members are as they were before',
        );
        expect(adopter.known === undefined).toBe(what === 'its interface');
      }),
  );

  test('members of one that is gone let nothing in any more that it had them let in', () =>
    withInterfaces((netlink, [one]) => {
      if (one === undefined) throw new Error('no interfaces');
      const group = '01:00:5e:00:00:4d';
      addDeviceAddress(netlink, one.ifindex, group);
      const name = filterName(one.ifindex, 7);
      if (HAS_VLAN) createVlanFilter(netlink, { name, alias: 'ours' }, one.ifindex, tagSettings(7));
      const saved = { ...savedBond(netlink, [member(one)]), filters: [[one.ifindex, [group]]] as const };
      new Adopter(netlink).adopt(saved);
      expect(listDeviceAddresses(netlink, one.ifindex)).not.toContain(group);
      expect(getLink(netlink, name)).toBeUndefined();
    }));

  test('one that is at work and cannot be taken over is left as it is, and its members too', () =>
    withInterfaces((netlink, [one]) => {
      if (one === undefined) throw new Error('no interfaces');
      const adopter = new Adopter(netlink);
      adopter.answer = 'throws';
      setLink(netlink, one.ifindex, { mtu: 9000 });
      expect(() => adopter.adopt(savedBond(netlink, [member(one)]))).toThrow(
        /^bwbond is at work and cannot be taken over: its maps are of a later version\. It was left as it is/,
      );
      expect(requireLink(netlink, 'bweth1').mtu).toBe(9000);
      expect(adopter.acts).toEqual([]);
    }));
});
