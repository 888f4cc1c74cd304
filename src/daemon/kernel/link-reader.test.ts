// use_carrier=0: which ioctl is asked, and what counts when none answers.
import { describe, expect, it } from 'vitest';
import { type Asked, linkByIoctl } from './link-reader.js';

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
