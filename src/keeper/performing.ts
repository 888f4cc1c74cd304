// How answers of the policy are carried out that concern the world alone. Each throws when that refuses.
import { unreachable } from '../base/index.js';
import type { MemberIndex, Output } from '../policy/index.js';
import type { Host } from './ports.js';
import { isGone } from './trying.js';

type OfTheWorld = Exclude<Output, { readonly kind: 'event' | 'detach-member' | 'forward' }>;

export function perform(host: Host, output: OfTheWorld): void {
  const { links, packets, frames } = host;
  switch (output.kind) {
    case 'set-member-address':
      giveAddress(host, output.member, output.address);
      return;
    case 'set-member-mtu':
      links.set(output.member, { mtu: output.mtu });
      return;
    case 'open-member':
      links.set(output.member, { up: true });
      return;
    case 'set-bond-address':
      links.set(packets.bondIfindex, { address: output.address });
      return;
    case 'random-bond-address':
      links.set(packets.bondIfindex, { address: links.randomAddress() });
      return;
    case 'set-bond-mtu':
      links.set(packets.bondIfindex, { mtu: output.mtu });
      return;
    case 'carrier':
      packets.setCarrier(output.on);
      return;
    case 'send':
      frames.send(output);
      return;
    case 'probe':
    case 'send-through':
      frames.sendThrough(output);
      return;
    default:
      unreachable(output);
  }
}

/** One that does not take it would not hear what is sent to the bond. (EBUSY while it is up: pcnet, USB; EADDRINUSE: macvlan.) */
function giveAddress({ links, intake }: Host, member: MemberIndex, address: string): void {
  try {
    links.giveAddress(member, address);
  } catch (error) {
    if (!isGone(error)) intake.addressTaken(member, true);
    throw error;
  }
  intake.addressTaken(member, false);
}
