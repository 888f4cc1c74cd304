// A member whose interface went away is awaited under its name, whoever made it a member and how: a card that was pulled out and put
// in again is a member again. `release` ends that. The driver leaves it to udev and scripts.
import { advice } from '../base/index.js';
import type { BondEvent, BondSnapshot } from '../policy/index.js';
import type { WantedMember } from './state-file.js';

/** What is known of the member that went. */
export interface Vanished {
  readonly ifindex: number;
  readonly name: string;
  /** It was up when it joined, so whoever brings it up will do it again. */
  readonly wasUp: boolean;
}

/** Values of `prio` and `queue_id` that a member has of its own. */
function ownOptions(name: string, { options }: BondSnapshot): Record<string, string> {
  const own: Record<string, string> = {};
  for (const option of ['prio', 'queue_id'] as const) {
    const said = options[option].find(text => text.startsWith(`${name}:`))?.slice(name.length + 1);
    if (said !== undefined && said !== '0') own[option] = said;
  }
  return own;
}

/** The wish to have it again, and how that is told; undefined where somebody wished for it already. */
export function awaitedAgain(
  { ifindex, name, wasUp }: Vanished,
  bond: BondSnapshot,
  wanted: readonly WantedMember[],
): { readonly wish: WantedMember; readonly event: BondEvent } | undefined {
  if (wanted.some(other => other.ifindex === ifindex || other.name === name)) return undefined;
  const end = advice('bondwire release {bond} {iface}', { bond: bond.name, iface: name });
  return {
    wish: { name, ifindex, takeDown: wasUp, takeAddresses: false, options: ownOptions(name, bond) },
    event: {
      severity: 'warning',
      type: 'awaited',
      message: `${name} is gone; ${bond.name} takes it again when it comes back under this name ('${end}' ends that)`,
      member: name,
    },
  };
}
