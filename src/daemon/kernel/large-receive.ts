// Large receive offload: the card makes one packet of many, which cannot be forwarded as it is. The driver switches it off on members
// when the bond forwards or is in a bridge (dev_disable_lro); here it is off for as long as an interface is a member.
import type { Ethtool } from '../../linux/index.js';

/** The kernel's name of it. */
const LRO = 'rx-lro';

/** True when it is on and can be switched off. */
export function hasLargeReceive(ethtool: Pick<Ethtool, 'features'>, name: string): boolean {
  const feature = ethtool.features(name)?.get(LRO);
  return feature?.active === true && !feature.fixed;
}

/** Switches it; quiet where the device has none. Throws SystemError. */
export function setLargeReceive(ethtool: Pick<Ethtool, 'setFeatures'>, name: string, on: boolean): void {
  ethtool.setFeatures(name, { [LRO]: on });
}
