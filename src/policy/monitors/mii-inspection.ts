// One look of the MII monitor at all that it watches (bond_miimon_inspect): delays count, states are only proposed.
import type { LinkState, TimeMs } from '../contract.js';
import { tell } from '../tell.js';
import { type Finding, inspect } from './mii-monitor.js';
import type { WatchContext, Watched, Watching } from './watched.js';
import { hasLink, silenceReason } from './watched-link.js';

/** The state that a link is to have. */
export interface Proposal<M extends Watched> {
  readonly member: M;
  readonly link: LinkState;
}

/** Why a link counts as down, as a clause. */
export function lossReason(
  { state, now }: { readonly state: Watching; readonly now: TimeMs },
  member: Watched,
): string {
  const silence = silenceReason(state, member, now);
  if (silence !== null) return silence;
  return member.adminUp ? `${member.name} lost its carrier` : `${member.name} was set down`;
}

function tellFinding(context: WatchContext, member: Watched, finding: Finding, ignoreUpdelay: boolean): void {
  const { miimon, updelay, downdelay } = context.state.numbers;
  const who = { member: member.name };
  if (finding.proposed === 'fail') {
    const message = `${lossReason(context, member)}; it is given up in ${downdelay * miimon} ms unless that changes`;
    tell(context, 'warning', 'link', message, who);
  } else if (finding.proposed === 'back') {
    const wait = ignoreUpdelay ? 0 : updelay * miimon;
    tell(context, 'info', 'link', `${member.name} has its link back; it counts as up in ${wait} ms`, who);
  } else if (finding.proposed === 'up' && member.link === 'fail') {
    const after = (downdelay - member.delayTicks) * miimon;
    const message = `${member.name} has its link back after ${after} ms, before it was given up`;
    tell(context, 'info', 'link', message, who);
  } else if (finding.proposed === 'down' && member.link === 'back') {
    const after = (updelay - member.delayTicks) * miimon;
    tell(context, 'warning', 'link', `${member.name} lost its link again after ${after} ms`, who);
  }
}

/** Looks at each once. `allLost`: nothing can send, so the first link that is back need not wait for updelay (H23). */
export function inspectLinks<M extends Watched>(context: WatchContext<M>, allLost: boolean): Proposal<M>[] {
  const { state } = context;
  const proposals: Proposal<M>[] = [];
  let ignoreUpdelay = allLost;
  for (const member of state.members) {
    const finding = inspect({
      link: member.link,
      carrier: hasLink(state, member),
      delayTicks: member.delayTicks,
      updelayTicks: state.numbers.updelay,
      downdelayTicks: state.numbers.downdelay,
      ignoreUpdelay,
    });
    tellFinding(context, member, finding, ignoreUpdelay);
    member.delayTicks = finding.delayTicks;
    if (finding.usedPrivilege) ignoreUpdelay = false;
    if (finding.proposed !== null) proposals.push({ member, link: finding.proposed });
  }
  return proposals;
}
