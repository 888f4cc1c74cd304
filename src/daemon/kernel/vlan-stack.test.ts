import { describe, expect, it } from 'vitest';
import { IFF, type Link, linkWith, vlanInfo } from '../../netlink/index.js';
import { filterName, filterWork, MOST_FILTERED, seeLinks, tagsOn, vlansOf } from './vlan-stack.js';

const BOND = 10;
const MEMBER = 3;
const AD = 0x1000;

const vlan = (
  ifindex: number,
  link: number,
  id: number,
  changes: Partial<Link> = {},
  protocol = 0x8100,
): Link => linkWith({ ifindex, link, name: `v${ifindex}`, info: vlanInfo({ id, protocol }), ...changes });
const kind = (ifindex: number, link: number, what: string): Link =>
  linkWith({ ifindex, link, name: `k${ifindex}`, info: { kind: what } });

describe('tagsOn()', () => {
  const tags = (links: readonly Link[], elsewhere: Parameters<typeof seeLinks>[1] = []): number[] =>
    [...tagsOn(seeLinks(links, elsewhere), BOND)].toSorted((a, b) => a - b);

  it('gives the outer tags alone, of both protocols, priority tags too', () => {
    expect(
      tags([vlan(20, BOND, 7), vlan(21, 20, 8), vlan(22, BOND, 7, {}, 0x88a8), vlan(23, BOND, 0)]),
    ).toEqual([0, 7, AD | 7]);
  });

  it('looks through what adds no tag, at any height', () => {
    expect(tags([kind(20, BOND, 'macvlan'), kind(21, 20, 'macvtap'), vlan(22, 21, 9)])).toEqual([9]);
    expect(tags([kind(20, BOND, 'veth'), vlan(22, 20, 9)])).toEqual([]);
  });

  it('sees devices in other namespaces, and takes none for one of the bond’s that stands on its namesake', () => {
    const there = [
      vlan(20, BOND, 30, { linkNetnsId: 4 }),
      vlan(21, BOND, 31, { linkNetnsId: 5 }),
      vlan(22, BOND, 32),
      { ...kind(23, BOND, 'macvlan'), linkNetnsId: 4 },
      vlan(24, 23, 33),
    ];
    expect(tags([], [{ netns: 77, ourId: 4, links: there }])).toEqual([30, 33]);
    expect(tags([vlan(20, BOND, 30, { linkNetnsId: 1 })])).toEqual([]);
  });
});

describe('vlansOf()', () => {
  it('tells ours from others, and those that take frames', () => {
    const ours = vlan(30, MEMBER, 20, { name: filterName(MEMBER, 20) });
    const links = [
      ours,
      vlan(31, MEMBER, 21, { flags: IFF.IFF_UP }),
      vlan(32, MEMBER, 22),
      vlan(33, MEMBER + 1, 23, { flags: IFF.IFF_UP }),
      // Another member's name: somebody renamed a device of his own so.
      vlan(34, MEMBER, 24, { name: filterName(MEMBER + 1, 24), flags: IFF.IFF_UP }),
    ];
    const elsewhere = [{ netns: 9, ourId: 2, links: [vlan(30, MEMBER, 25, { linkNetnsId: 2 }, 0x88a8)] }];
    const { theirs, taking, ours: own } = vlansOf(seeLinks(links, elsewhere), MEMBER);
    expect([...own]).toEqual([[20, 30]]);
    expect(theirs).toEqual(new Set([21, 22, 24, AD | 25]));
    expect(taking).toEqual([21, 24, AD | 25]);
  });
});

describe('filterWork()', () => {
  const nobody = { theirs: new Set<number>(), taking: [], ours: new Map<number, number>() };

  it('makes what is missing, and removes what nobody needs', () => {
    const vlans = {
      theirs: new Set([20]),
      taking: [],
      ours: new Map([
        [21, 31],
        [99, 32],
      ]),
    };
    expect(filterWork(new Set([20, 21, 22]), vlans)).toEqual({ make: [22], remove: [32], everything: false });
    expect(filterWork(new Set(), vlans)).toEqual({ make: [], remove: [31, 32], everything: false });
  });

  it('has a member receive everything when there are very many', () => {
    const many = (count: number) => new Set(Array.from({ length: count }, (_, i) => i + 1));
    expect(filterWork(many(MOST_FILTERED), nobody).make).toHaveLength(MOST_FILTERED);
    const vlans = { ...nobody, ours: new Map([[1, 31]]) };
    expect(filterWork(many(MOST_FILTERED + 1), vlans)).toEqual({ make: [], remove: [31], everything: true });
  });
});

it('filterName() fits into the name of an interface whatever the indexes', () => {
  expect(filterName(0x7fff_ffff, AD | 4094).length).toBeLessThan(16);
  expect(filterName(12, 20)).toMatch(/^bwv-/);
});
