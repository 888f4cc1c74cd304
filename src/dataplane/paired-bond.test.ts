// In which order a bond that is a pair is let go of, whatever fails, and what it says of its slots.
import { describe, expect, test } from 'vitest';
import type { MemberIndex } from '../policy/index.js';
import type { Pair } from './pair.js';
import { PairedBond, type Slots } from './paired-bond.js';

/** Members 10 and 11 in slots 0 and 2. */
class HandmadeSlots implements Slots {
  current = 0;
  drops = 7;
  readonly at = new Map([
    [0, 10],
    [2, 11],
  ]);

  slotOf(member: MemberIndex): number | undefined {
    return Array.from(this.at).find(([, other]) => other === member)?.[0];
  }

  memberAt(slot: number): MemberIndex {
    return this.at.get(slot) ?? 0;
  }

  members(): readonly MemberIndex[] {
    return Array.from(this.at.values());
  }

  receivedNs(slot: number): bigint {
    return slot === 2 ? 5n : 0n;
  }

  takeLoss() {
    return { packets: 3, sinceNs: 4n };
  }
}

class WrittenBond extends PairedBond {
  readonly acts: string[] = [];
  readonly failing = new Set<string>();

  readonly slots: HandmadeSlots;

  constructor() {
    const slots = new HandmadeSlots();
    const acted = (act: string): void => this.act(act);
    const pair = {
      bondIfindex: 4,
      lowerIfindex: 5,
      setCarrier: (on: boolean) => acted(`carrier ${on}`),
      setMtu: (mtu: number) => acted(`mtu ${mtu}`),
      renamed: (name: string) => acted(`named ${name}`),
    };
    super(pair as unknown as Pair, slots);
    this.slots = slots;
  }

  removeMember(member: MemberIndex): void {
    this.act(`remove ${member}`);
  }

  protected outlive(): void {
    this.act('outlive');
  }

  protected giveBack(): readonly (() => unknown)[] {
    return [() => this.act('sockets'), () => this.act('memory')];
  }

  protected remains(): readonly (() => unknown)[] {
    return [() => this.act('pair'), () => this.act('note')];
  }

  act(text: string): void {
    this.acts.push(text);
    if (this.failing.has(text)) throw new Error(`${text} failed`);
  }
}

const ALL = ['remove 10', 'remove 11', 'sockets', 'memory', 'pair', 'note'];

describe('PairedBond', () => {
  test('destroyed, its members are out before it is let go of, and its note goes last', () => {
    const bond = new WrittenBond();
    bond.destroy();
    expect(bond.acts).toEqual(ALL);
  });

  test.each(ALL)('as much as can be is taken down where "%s" fails, which is told', act => {
    const bond = new WrittenBond();
    bond.failing.add(act);
    expect(() => bond.destroy()).toThrow(`${act} failed`);
    expect(new Set(bond.acts)).toEqual(new Set(ALL));
    // What is given back once may be somebody else's the second time.
    const given = bond.acts.filter(each => each === 'sockets' || each === 'memory');
    expect(given).toEqual(['sockets', 'memory']);
  });

  test('closed, what cannot be given back keeps nothing else, and is told', () => {
    const bond = new WrittenBond();
    bond.failing.add('sockets');
    expect(() => bond.close()).toThrow('sockets failed');
    expect(bond.acts).toEqual(['outlive', 'sockets', 'memory']);
  });

  test('closed, what carries its packets on is seen to first, and it is let go of once', () => {
    const bond = new WrittenBond();
    bond.failing.add('outlive');
    bond.close();
    bond.close();
    expect(bond.acts).toEqual(['outlive', 'sockets', 'memory']);
  });

  test('destroyed after it was closed, its members, which are not known any more, are left to its remains', () => {
    const bond = new WrittenBond();
    bond.close();
    bond.destroy();
    expect(bond.acts).toEqual(['outlive', 'sockets', 'memory', 'pair', 'note']);
  });

  test('says who is in which slot, and when each last received', () => {
    const bond = new WrittenBond();
    expect([bond.bondIfindex, bond.lowerIfindex, bond.current()]).toEqual([4, 5, 10]);
    bond.slots.current = 1;
    expect(bond.current()).toBeNull();
    expect([bond.lastReceivedNs(11), bond.lastReceivedNs(10), bond.lastReceivedNs(99)]).toEqual([
      5n,
      null,
      null,
    ]);
    expect([bond.members(), bond.droppedTotal(), bond.takeLoss()]).toEqual([
      [10, 11],
      7,
      { packets: 3, sinceNs: 4n },
    ]);
  });

  test('carrier, MTU and name are those of the pair', () => {
    const bond = new WrittenBond();
    bond.setCarrier(true);
    bond.setMtu(1400);
    bond.renamed('uplink0');
    expect(bond.acts).toEqual(['carrier true', 'mtu 1400', 'named uplink0']);
  });
});
