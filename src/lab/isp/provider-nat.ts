// A provider's own translation of addresses, as with carrier-grade NAT.
import type { PlaceGroup } from '../place-group.js';
import { type IspPlace, type LabLine, TRANSIT } from './plan.js';

const RULES = `table ip provider {
  chain nat {
    type nat hook postrouting priority srcnat
    oifname "${TRANSIT}" masquerade
  }
}
`;

/** Sets it up in the provider's router, by the program nft. */
export async function addProviderNat(places: PlaceGroup<IspPlace>, line: LabLine): Promise<void> {
  let why: string;
  try {
    const { status, stderr } = await places.exec(line.provider, ['nft', RULES]);
    if (status === 0) return;
    why = stderr.trim();
  } catch (error) {
    why = error instanceof Error ? error.message : String(error);
  }
  throw new Error(`A provider with a NAT of its own is made by the program nft, which said: ${why}`);
}
