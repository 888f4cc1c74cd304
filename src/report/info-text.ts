// The information file as the driver of 2003 wrote it to /proc/net/BOND/info (bond_get_info of Linux 2.4; H40).
import type { BondSnapshot } from '../policy/index.js';
import { activeName, MODE_TEXT, usesActive } from './driver-words.js';

/**
 * The whole file, newline at its end. It knows up and down only: a link in updelay or downdelay is down. The active
 * member's line is there in modes that have one.
 */
export function infoText(bond: BondSnapshot): string {
  const { options } = bond;
  const active = usesActive(bond.mode) ? [`Currently Active Slave: ${activeName(bond) ?? 'None'}`] : [];
  const lines = [
    `Bonding Mode: ${MODE_TEXT[bond.mode]}`,
    ...active,
    `MII Status: ${bond.carrier ? 'up' : 'down'}`,
    `MII Polling Interval (ms): ${options.miimon}`,
    `Up Delay (ms): ${options.updelay}`,
    `Down Delay (ms): ${options.downdelay}`,
    ...bond.members.flatMap(member => [
      '',
      `Slave Interface: ${member.name}`,
      `MII Status: ${member.link === 'up' ? 'up' : 'down'}`,
      `Link Failure Count: ${member.linkFailureCount}`,
    ]),
  ];
  return `${lines.join('\n')}\n`;
}
