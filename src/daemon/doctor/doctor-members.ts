// Whether a bond is what it is for: that something takes over when a member fails. One usable member, one that sends and hears
// nothing, one that waits and hears nothing, and devices on a member that the bond takes the frames from.
import { advice } from '../../base/index.js';
import { isUsable, type MemberDeafness, redundancyOf, type ShowBond, type ShowMember } from '../api/api.js';
import { joinAdvice, warn } from './doctor-links.js';
import type { Finding } from './doctor.js';
import { silenceText } from '../kernel/member-watch.js';

/** A device on a member that would have to hear its frames. */
export interface OnMember {
  readonly name: string;
  readonly kind: string;
}

/** Findings of one bond; `onMembers` by member, `watchFix` the command that has members watched by answers. */
export function memberFindings(
  bond: ShowBond,
  onMembers: Readonly<Record<string, readonly OnMember[]>>,
  watchFix: string,
): Finding[] {
  return [
    ...redundancy(bond),
    ...bond.members.flatMap(({ name, silence }) =>
      silence === null
        ? []
        : [
            warn(
              bond.name,
              `${silenceText(name, silence)}: its link is up, but what is behind it may be dead`,
              `look at its switch port; ${watchFix} has such a member left for another`,
            ),
          ],
    ),
    ...bond.members.flatMap(({ name, deafness }) =>
      deafness === undefined ? [] : [unheard(bond.name, name, deafness)],
    ),
    ...bond.members.flatMap(member =>
      (onMembers[member.name] ?? []).map(({ name, kind }) =>
        warn(
          bond.name,
          `${name} (${kind}) is on member ${member.name} and hears nothing, as ${bond.name} takes in all frames there`,
          advice('ip link del dev {upper}; ip link add link {bond} name {upper} type {kind}', {
            upper: name,
            bond: bond.name,
            kind,
          }),
        ),
      ),
    ),
  ];
}

/** Two hosts that are joined by two cables are so for ever, so it is told to who asks, and is neither a warning nor an event. */
function unheard(bond: string, member: string, { forMs, activeReceived }: MemberDeafness): Finding {
  const seconds = Math.round(forMs / 1000);
  const detail = `${member} waits, and heard nothing for ${seconds} s, while ${activeReceived} frames came in by the active member: right where no switch is behind it; behind a switch its port may be dead or in another VLAN`;
  return { name: bond, ok: true, level: 'ok', detail };
}

function outText({ miiStatus }: ShowMember): string {
  return miiStatus === 'up' ? 'not in the aggregate' : miiStatus;
}

/** The members that are out, with their states, and where it is told why. */
function unusable({ name, members, awaited }: ShowBond): string {
  const out = [
    ...members.filter(each => !isUsable(each)).map(each => `${each.name} (${outText(each)})`),
    ...awaited.map(each => `${each} (not there, or not joined)`),
  ];
  return `${out.join(', ')}; '${advice('bondwire events --bond {bond}', { bond: name })}' says why`;
}

function redundancy(bond: ShowBond): Finding[] {
  const { name, members } = bond;
  const usable = members.filter(isUsable).map(member => member.name);
  const problem = (detail: string, fix: string): Finding => ({
    name,
    ok: false,
    level: 'problem',
    detail,
    fix,
  });
  const redundancy = redundancyOf(bond);
  if (redundancy === 'none' && members.length > 0)
    return [problem('no member is usable: it carries nothing', `mend one of ${unusable(bond)}`)];
  if (redundancy === 'one')
    return [
      problem(
        `one member only is usable, ${usable.join()}: nothing takes over when it fails`,
        `mend ${unusable(bond)}`,
      ),
    ];
  if (redundancy !== 'never') return [];
  return [
    warn(
      name,
      `it has one member only, ${usable.join()}: nothing takes over when it fails`,
      joinAdvice(name),
    ),
  ];
}
