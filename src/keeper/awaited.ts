// A member whose interface went away is awaited under its name, whoever made it a member and how: a card that was pulled out and put
// in again is a member again. `release` ends that. The driver leaves it to udev and scripts.
import { advice } from '../base/index.js';
import type { BondEvent, BondSnapshot, MemberIndex } from '../policy/index.js';
import { lifeOf, MEMBERSHIP } from './membership.js';
import type { MemberRecord, WantedMember } from './records.js';

/** Values of `prio` and `queue_id` that a member has of its own. */
function ownOptions(name: string, { options }: BondSnapshot): Record<string, string> {
  const own: Record<string, string> = {};
  for (const option of ['prio', 'queue_id'] as const) {
    const said = options[option].find(text => text.startsWith(`${name}:`))?.slice(name.length + 1);
    if (said !== undefined && said !== '0') own[option] = said;
  }
  return own;
}

/** The wishes with the one to have it again, and how that is told; undefined where nobody is to wish for it, or somebody does already. */
export function awaitedAgain(
  {
    records,
    wanted,
  }: {
    readonly records: ReadonlyMap<MemberIndex, MemberRecord>;
    readonly wanted: readonly WantedMember[];
  },
  ifindex: MemberIndex,
  bond: BondSnapshot,
): { readonly wanted: readonly WantedMember[]; readonly event: BondEvent } | undefined {
  const record = records.get(ifindex);
  const name = bond.members.find(({ member }) => member === ifindex)?.name;
  if (record === undefined || name === undefined) return undefined;
  const { does } = MEMBERSHIP[lifeOf(record, { inPlane: true })].vanished;
  if (does !== 'wait' || record.forget === true) return undefined;
  if (wanted.some(other => other.ifindex === ifindex || other.name === name)) return undefined;
  const end = advice('bondwire release {bond} {iface}', { bond: bond.name, iface: name });
  // It was up when it joined, so whoever brings it up will do it again.
  const takeDown = record.original.up;
  return {
    wanted: [...wanted, { name, ifindex, takeDown, takeAddresses: false, options: ownOptions(name, bond) }],
    event: {
      severity: 'warning',
      type: 'awaited',
      message: `${name} is gone; ${bond.name} takes it again when it comes back under this name ('${end}' ends that)`,
      member: name,
    },
  };
}
