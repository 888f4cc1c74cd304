// What keeps a bond or a member from carrying frames, each finding with the command that mends it: nobody joined, set down,
// no carrier, no answers, another MTU or MAC address than the bond's, a bridge that has the member too.
import { advice } from '../../base/index.js';
import type { ShowBond, ShowMember } from '../api/api.js';
import type { Finding } from './doctor.js';

/** What the kernel says of a member's interface. */
export interface MemberLinkFacts {
  readonly adminUp: boolean;
  readonly carrier: boolean;
  readonly mtu: number;
  readonly address: string;
  /** Of another program's making; bonds of ours are nobody's master. */
  readonly master: string | null;
  /** False when nothing takes in the bond's frames there any more. */
  readonly isHeard: boolean;
}

export function warn(bond: string, detail: string, fix: string): Finding {
  return { name: bond, ok: false, level: 'warning', detail, fix };
}

/** The way in, whatever an interface carries. */
export function joinAdvice(bond: string): string {
  return advice('bondwire enslave --take-down --take-addresses {bond} IFACE', { bond });
}

/** Findings of one bond; `links` by member. `isSent` is false when nothing sends its frames any more. */
export function linkFindings(
  bond: ShowBond,
  links: Readonly<Record<string, MemberLinkFacts | undefined>>,
  isSent: boolean,
): Finding[] {
  const found = bond.members.flatMap(member => {
    const link = links[member.name];
    return link === undefined ? [] : [...stateOf(bond, member, link), ...alikeness(bond, member, link)];
  });
  return [...bondItself(bond), ...programs(bond, links, isSent), ...found];
}

/** Programs that somebody took off: `tc qdisc del … clsact`, `tc filter del … ingress`, `umount RUN_DIR/bpf`. */
function programs(
  { name, members }: ShowBond,
  links: Readonly<Record<string, MemberLinkFacts | undefined>>,
  isSent: boolean,
): Finding[] {
  if (!isSent)
    return [
      warn(
        name,
        'somebody took off the program that sends its frames: nothing leaves',
        `end the daemon and start it again, which takes down what is left of ${name}; then make it anew`,
      ),
    ];
  return members
    .filter(member => links[member.name]?.isHeard === false)
    .map(member =>
      warn(
        name,
        `somebody took off the program that takes in the frames of member ${member.name}: the bond does not hear them`,
        advice('bondwire release {bond} {iface}; bondwire enslave --take-down {bond} {iface}', {
          bond: name,
          iface: member.name,
        }),
      ),
    );
}

function bondItself({ name, adminUp, members, awaited }: ShowBond): Finding[] {
  if (members.length === 0)
    // Those that are awaited are told of by themselves.
    return awaited.length > 0 ? [] : [warn(name, 'it has no members', joinAdvice(name))];
  return adminUp ? [] : [warn(name, 'it is set down', advice('ip link set dev {bond} up', { bond: name }))];
}

function stateOf({ name, options }: ShowBond, member: ShowMember, link: MemberLinkFacts): Finding[] {
  const found: Finding[] = [];
  if (link.master !== null)
    found.push(
      warn(
        name,
        `member ${member.name} belongs to ${link.master} too, which takes its frames or sends by it`,
        advice('ip link set dev {iface} nomaster', { iface: member.name }),
      ),
    );
  if (!link.adminUp)
    return [
      ...found,
      warn(
        name,
        `member ${member.name} is set down`,
        advice('ip link set dev {iface} up', { iface: member.name }),
      ),
    ];
  if (member.miiStatus !== 'down') return found;
  if (!link.carrier)
    return [
      ...found,
      warn(
        name,
        `member ${member.name} has no carrier`,
        `look at its cable and switch port; '${advice('bondwire events --bond {bond}', { bond: name })}' says since when`,
      ),
    ];
  if (options.arp_interval > 0)
    found.push(
      warn(
        name,
        `member ${member.name} has carrier, but nothing that the ARP monitor asks for is heard through it`,
        `look at its switch port (VLAN, trunk), and whether the targets answer: ${advice('ping -c 3 -I {bond} ADDRESS', { bond: name })}`,
      ),
    );
  return found;
}

/** What all members have of the bond, or the active one alone. */
function alikeness(bond: ShowBond, member: ShowMember, link: MemberLinkFacts): Finding[] {
  const { name, mode, mtu, address, active, options } = bond;
  const found: Finding[] = [];
  if (link.mtu < mtu)
    found.push(
      warn(
        name,
        `member ${member.name} has MTU ${link.mtu} where the bond has ${mtu}: larger frames are lost there`,
        advice('ip link set dev {iface} mtu {mtu}', { iface: member.name, mtu }),
      ),
    );
  const isEachItsOwn =
    mode === 'balance-tlb' || (mode === 'active-backup' && options.fail_over_mac !== 'none');
  if ((!isEachItsOwn || member.name === active) && link.address !== address)
    found.push(
      warn(
        name,
        `member ${member.name} has MAC address ${link.address} where the bond has ${address}: its card may drop what is sent to the bond`,
        advice('ip link set dev {iface} address {address}', { iface: member.name, address }),
      ),
    );
  return found;
}
