// What comes before a deadline of the policy, and when the next one is.
import type { BondPolicy, Input, MemberIndex, MemberLink, TimeMs } from '../policy/index.js';
import type { Host } from './ports.js';
import { noteFailure } from './trying.js';

interface TickingBond {
  readonly host: Pick<Host, 'book' | 'links'>;
  readonly policy: Pick<BondPolicy, 'deadline' | 'members' | 'rest'>;
}

/** The same for all bonds: most ticks find nothing, and are to cost nothing. */
export const TIME: Input = { kind: 'time' };

/** The members' carriers, asked for before a tick as the driver's monitor does: events may be held back by 1 s. */
export function askMembers(
  { host, policy }: TickingBond,
  hears: (member: MemberIndex, link: MemberLink) => void,
): void {
  for (const member of policy.members()) {
    // One that cannot be asked now is asked at the next tick: the others, and the next tick, are not to wait for it.
    try {
      const news = host.links.news(member);
      if (news !== undefined) hears(member.member, news);
    } catch (error) {
      noteFailure(host.book, error);
    }
  }
}

/** The policy's next deadline, without ticks at which nobody need be asked and nothing would be found. */
export function nextDeadline({ host, policy }: TickingBond): TimeMs | null {
  const untilMs = host.links.restUntil(policy.members());
  if (untilMs !== null) policy.rest(untilMs);
  return policy.deadline();
}
