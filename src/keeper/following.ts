// The bond's new MTU, or its new MAC address, goes to all its members, or the bond has its old one back (bond_change_mtu,
// bond_set_mac_address).
import { isErrno, type MacText } from '../base/index.js';
import type { BondEvent, MemberAddress, MemberIndex } from '../policy/index.js';
import type { Host } from './ports.js';

/** Gives the MTU to all; when one refuses, all get `before` back, as far as they take it, and what is to be told is returned. */
export function giveMtu(
  { links, packets }: Pick<Host, 'links' | 'packets'>,
  bond: { readonly name: string; readonly records: ReadonlyMap<MemberIndex, unknown> },
  mtu: number,
  before: number,
): BondEvent | undefined {
  const done: MemberIndex[] = [];
  try {
    packets.setMtu(mtu);
    for (const member of Array.from(bond.records.keys())) {
      try {
        links.set(member, { mtu });
        done.push(member);
      } catch (error) {
        // One that is gone is no reason: the kernel's news of it come next.
        if (!isErrno(error, 'ENODEV')) throw error;
      }
    }
    return undefined;
  } catch (error) {
    const back = [
      ...done.map(member => () => links.set(member, { mtu: before })),
      () => packets.setMtu(before),
      () => links.set(packets.bondIfindex, { mtu: before }),
    ];
    for (const step of back) attempt(step);
    const message = `The MTU ${mtu} of ${bond.name} was taken back to ${before}: ${textOf(error)}`;
    return { severity: 'error', type: 'mtu', message };
  }
}

/** Gives each its address; when one refuses, all and the bond get back what they had, and what is to be told is returned. */
export function giveAddresses(
  { links, packets }: Pick<Host, 'links' | 'packets'>,
  bond: { readonly name: string; readonly before: MacText; readonly told: MacText },
  wishes: readonly MemberAddress[],
): BondEvent | undefined {
  const back: (() => void)[] = [() => links.set(packets.bondIfindex, { address: bond.before })];
  for (const { member, address } of wishes) {
    const link = links.read(member);
    // One that is gone is no reason: the kernel's news of it come next.
    if (link === undefined || link.address === address) continue;
    const { name, address: before } = link;
    try {
      links.set(member, { address });
      back.push(() => links.set(member, { address: before }));
    } catch (error) {
      if (isErrno(error, 'ENODEV')) continue;
      for (const step of back.toReversed()) attempt(step);
      const why = `${name} refuses it (${textOf(error)})`;
      const message = `The MAC address ${bond.told} of ${bond.name} was taken back to ${bond.before}: ${why}`;
      return { severity: 'error', type: 'address', message };
    }
  }
  return undefined;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** It is gone, or takes no such value at all: the first error says what was wrong. */
function attempt(step: () => void): void {
  try {
    step();
  } catch {}
}
