// Ports that LACP keeps out of the bond's aggregate, each with what mends it at this end or at the other; and switches that speak LACP
// with bonds that do not.
import type { LacpEnd } from '../../frames/index.js';
import type { PortSnapshot } from '../../policy/index.js';
import type { ShowBond } from '../api/api.js';
import { warn } from './doctor-links.js';
import type { Finding } from './doctor.js';

type Code = NonNullable<PortSnapshot['explanation']>['code'];

/** What to do, by what is wrong. */
const MENDS: Readonly<Record<Code, (bond: ShowBond) => string>> = {
  'half-duplex': () => 'let both ends negotiate, or set both to full duplex',
  looped: () => 'put the cable into the switch; two members of one bond are not joined with each other',
  silent: bond =>
    bond.options.lacp_active === 'off'
      ? 'set the port of the switch to LACP in active mode: this end is passive, by lacp_active=off'
      : 'put the port of the switch into a channel group with LACP; with a static trunk use mode=balance-xor here, with plain ports active-backup',
  expired: () => 'look at the switch and at what is between: the link is up, and no LACPDUs come any more',
  individual: () =>
    'put the port of the switch into the same channel group as the others, and see that they are alike (speed, VLANs)',
  unanswered: () =>
    'look at the cable, the converter and the line card between: the link is up, and what is sent through it does not come back',
  unseen: () => 'look at the cable or the converter between: one direction of it is dead',
  'other-speed': () => 'use members of one speed',
  'other-system': () =>
    'put all ports into one switch, or set up MLAG (vPC) on both, with one LACP system address',
  'other-key': () => 'put the ports of the switch into one channel group',
  'on-hold': () => 'see the limit of active links (max-links) of the channel group at the switch',
};

/** Modes whose switch needs a channel group without LACP. */
const STATIC_TRUNKS: ReadonlySet<string> = new Set(['balance-rr', 'balance-xor', 'broadcast']);

/** Members of a bond in another mode whose switch speaks LACP, and so waits for an answer that never comes; by member, what it said of itself. */
export function speakerFindings(
  { name, mode }: Pick<ShowBond, 'name' | 'mode'>,
  speakers: Readonly<Record<string, LacpEnd | undefined>>,
): Finding[] {
  const heard = Object.entries(speakers).flatMap(([member, said]) =>
    said === undefined ? [] : [{ member, said }],
  );
  const [first] = heard;
  if (mode === '802.3ad' || first === undefined) return [];
  const who = heard.map(({ member, said }) => `${member} (port ${said.port}, key ${said.key})`).join(', ');
  const what = `the switch ${first.said.system} speaks LACP on ${who}, which mode=${mode} does not: it may suspend these ports, or send by one of them only`;
  const other = STATIC_TRUNKS.has(mode)
    ? 'set its channel group to static (mode on)'
    : 'take its ports out of the channel group';
  return [warn(name, what, `make the bond anew with mode=802.3ad, or ${other}`)];
}

/** Findings of one bond; none in other modes. */
export function lacpFindings(bond: ShowBond): Finding[] {
  return bond.members.flatMap(({ lacp }) => {
    const found = lacp?.explanation ?? null;
    return found === null ? [] : [warn(bond.name, found.text, MENDS[found.code](bond))];
  });
}
