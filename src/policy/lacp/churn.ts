// The churn machines: an end that is not in sync although it had a minute for it (IEEE 802.1AX-2008 §5.4.17, ad_churn_machine). Both
// look once, when the minute is over.
import { PORT_STATE } from '../../frames/index.js';
import { type ChurnState, countDown, hasFlag, type LacpPort } from './port.js';

const CHURN_TICKS = 600;

/** Every state × whether the end is in sync when its minute is over. */
export const CHURN_TABLE: Readonly<
  Record<ChurnState, Readonly<Record<'in-sync' | 'out-of-sync', ChurnState>>>
> = {
  monitoring: { 'in-sync': 'none', 'out-of-sync': 'churned' },
  churned: { 'in-sync': 'churned', 'out-of-sync': 'churned' },
  none: { 'in-sync': 'none', 'out-of-sync': 'none' },
};

/** One tick. */
export function churnMachine(port: LacpPort): void {
  const { counters } = port;
  if (port.churnBegins) {
    port.churnBegins = false;
    port.actorChurn = port.partnerChurn = 'monitoring';
    counters.actorChurn = counters.partnerChurn = CHURN_TICKS;
    return;
  }
  const syncOf = (end: 'actor' | 'partner'): 'in-sync' | 'out-of-sync' =>
    hasFlag(port[end], PORT_STATE.SYNCHRONIZATION) ? 'in-sync' : 'out-of-sync';
  if (countDown(counters, 'actorChurn')) {
    const next = CHURN_TABLE[port.actorChurn][syncOf('actor')];
    if (next === 'churned' && port.actorChurn !== next) port.actorChurned++;
    port.actorChurn = next;
  }
  if (countDown(counters, 'partnerChurn')) {
    const next = CHURN_TABLE[port.partnerChurn][syncOf('partner')];
    if (next === 'churned' && port.partnerChurn !== next) port.partnerChurned++;
    port.partnerChurn = next;
  }
}
