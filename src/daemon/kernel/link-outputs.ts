// Carries out those answers of a policy that change an interface and nothing else: MAC addresses, MTUs, up.
import { unreachable } from '../../base/index.js';
import { isErrno, type Rtnetlink, setLink } from '../../linux/index.js';
import type { Output } from '../../policy/index.js';
import { giveMacAddress } from '../members/fixed-address.js';
import { randomMac } from './random-mac.js';

const KINDS = [
  'set-member-address',
  'set-member-mtu',
  'open-member',
  'set-bond-address',
  'random-bond-address',
  'set-bond-mtu',
] as const;

export type LinkOutput = Extract<Output, { readonly kind: (typeof KINDS)[number] }>;

export function isLinkOutput(output: Output): output is LinkOutput {
  return KINDS.some(kind => kind === output.kind);
}

/**
 * Throws a SystemError when the kernel refuses. Of an address that a member takes or does not take (EBUSY while it is up: pcnet, USB;
 * EADDRINUSE: macvlan) `answered` is told: without it the member would not hear what is sent to the bond.
 */
export function changeLink(
  netlink: Rtnetlink,
  bondIfindex: number,
  output: LinkOutput,
  answered: (member: number, isRefused: boolean) => void,
): void {
  switch (output.kind) {
    case 'set-member-address':
      try {
        giveMacAddress(netlink, output.member, output.address);
      } catch (error) {
        if (!isErrno(error, 'ENODEV', 'ENXIO')) answered(output.member, true);
        throw error;
      }
      answered(output.member, false);
      return;
    case 'set-member-mtu':
      setLink(netlink, output.member, { mtu: output.mtu });
      return;
    case 'open-member':
      setLink(netlink, output.member, { up: true });
      return;
    case 'set-bond-address':
      setLink(netlink, bondIfindex, { address: output.address });
      return;
    case 'random-bond-address':
      setLink(netlink, bondIfindex, { address: randomMac() });
      return;
    case 'set-bond-mtu':
      setLink(netlink, bondIfindex, { mtu: output.mtu });
      return;
    default:
      unreachable(output);
  }
}
