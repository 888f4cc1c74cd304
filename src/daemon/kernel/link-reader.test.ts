// use_carrier=0: which ioctl is asked, and what counts when none answers.
import { describe, expect, it } from 'vitest';
import type { Rtnetlink } from '../../linux/index.js';
import { IFF, linkWith } from '../../netlink/index.js';
import type { MemberSnapshot } from '../../policy/index.js';
import { type Asked, linkByIoctl, LinkReader, tellsAtOnce } from './link-reader.js';

/** A device: what ETHTOOL_GLINK says, and the readings of the status register of its PHY, one after the other. */
function device(
  glink: boolean | undefined,
  phy: number | undefined,
  readings: readonly number[] = [],
): Asked {
  const left = [...readings];
  return {
    linkDetected: () => glink,
    linkSettings: () => undefined,
    miiPhy: () => phy,
    miiRegister: (_, asked, register) => (asked === phy && register === 1 ? left.shift() : undefined),
  };
}

describe('use_carrier=0 (H21)', () => {
  it.each([
    ['ethtool says yes', device(true, undefined), true],
    ['ethtool says no, and the PHY is not asked', device(false, 1, [4, 4]), false],
    ['no ethtool, the PHY has a link', device(undefined, 3, [4, 4]), true],
    ['no ethtool, the PHY has none', device(undefined, 3, [0, 0]), false],
    ['the bit latches: a loss that is over', device(undefined, 3, [0x7809, 0x780d]), true],
    ['a PHY that cannot be read', device(undefined, 3, []), undefined],
    ['neither', device(undefined, undefined), undefined],
  ])('%s', (_, asked, expected) => {
    expect(linkByIoctl(asked, 'eth0')).toBe(expected);
  });
});

describe('asked before a tick', () => {
  const ETH0 = 3;
  /** How often the device is asked in 10 s at ticks of 100 ms, which find nothing new. */
  function askedAt100Ticks(link: number | undefined, readsCarrierFlag: boolean): number {
    let [asked, nowMs] = [0, 55_050];
    const ethtool: Asked = { ...device(true, undefined), linkDetected: () => ++asked > 0 };
    const reader = new LinkReader({ ethtool, netlink: {} as Rtnetlink, now: () => nowMs }, () => {});
    reader.follow({ readsCarrierFlag, miimonMs: 100 });
    reader.linkOf(
      linkWith({ ifindex: ETH0, name: 'eth0', flags: IFF.IFF_UP, ...(link !== undefined && { link }) }),
    );
    asked = 0;
    const member = { member: ETH0, name: 'eth0', adminUp: true, carrier: true } as MemberSnapshot;
    for (let i = 0; i < 100; i++) {
      nowMs += 100;
      reader.news(member);
    }
    return asked;
  }

  it('a NIC is asked every time, as its news may be held back; one that tells at once now and then', () => {
    expect(askedAt100Ticks(undefined, true)).toBe(100);
    expect(askedAt100Ticks(ETH0 + 1, true)).toBe(2);
  });

  it('with use_carrier=0 each is asked every time: nobody tells what an ioctl would say', () => {
    expect(askedAt100Ticks(ETH0 + 1, false)).toBe(100);
  });

  /** Until when members that were read at 55,050 ms need not be asked; each is given by the interface that it stands on. */
  function restsUntil(below: readonly (number | undefined)[], readsCarrierFlag = true): number | null {
    let nowMs = 55_050;
    const reader = new LinkReader(
      { ethtool: device(true, undefined), netlink: {} as Rtnetlink, now: () => nowMs },
      () => {},
    );
    reader.follow({ readsCarrierFlag, miimonMs: 100 });
    const members = below.map((link, member) => {
      reader.linkOf(linkWith({ ifindex: member, name: `eth${member}`, ...(link !== undefined && { link }) }));
      return { member, name: `eth${member}`, adminUp: member > 0, carrier: true } as MemberSnapshot;
    });
    nowMs = 60_050;
    for (const member of members) reader.news(member);
    return reader.restUntil(members);
  }

  it('nobody need be asked for a while where all tell at once, up or down', () => {
    expect(restsUntil([7, 8])).toBe(65_000);
    expect(restsUntil([])).toBe(65_000);
    expect(restsUntil([7, undefined])).toBeNull();
    expect(restsUntil([7, 8], false)).toBeNull();
  });

  it('one whose other end has the same index elsewhere is no such device to the kernel', () => {
    expect(tellsAtOnce({ ifindex: ETH0, link: ETH0 })).toBe(false);
    expect(tellsAtOnce({ ifindex: ETH0, link: 0 })).toBe(false);
  });
});
