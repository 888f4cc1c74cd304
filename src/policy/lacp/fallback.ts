// lacp_fallback: who carries while no port hears a partner. The driver lets one port carry then, and has no other way.
import {
  activeAggregator,
  enable,
  hasPartner,
  type LacpBond,
  type LacpRun,
  memberOfPort,
  portsOf,
  disable,
  aggregatorOf,
  hasFlag,
} from './port.js';
import { PORT_STATE } from '../../frames/index.js';

/** Values of lacp_fallback: nobody, the port of the active aggregator (the driver), all. */
export const FALLBACK = { OFF: 0, ONE: 1, STATIC: 2 } as const;

/** True while every port may carry, since none of them hears a partner. */
export function carriesStatically({ lacp, numbers }: Pick<LacpBond, 'lacp' | 'numbers'>): boolean {
  if (lacp === null || numbers.lacp_fallback !== FALLBACK.STATIC) return false;
  const active = activeAggregator(lacp);
  return active !== null && !hasPartner(active);
}

/** The active aggregator was chosen: ports begin to carry without LACP where nobody answers, and end it once somebody does. */
export function fallBack(run: LacpRun): void {
  const { bond, lacp } = run;
  const active = activeAggregator(lacp);
  if (active === null) return;
  switch (bond.numbers.lacp_fallback) {
    case FALLBACK.OFF:
      return;
    case FALLBACK.STATIC:
      if (!hasPartner(active)) for (const port of lacp.ports) enable(memberOfPort(run, port));
      else endStatic(run);
      return;
    default:
      if (!hasPartner(active)) for (const port of portsOf(lacp, active)) enable(memberOfPort(run, port));
  }
}

function endStatic(run: LacpRun): void {
  for (const port of run.lacp.ports)
    if (aggregatorOf(run.lacp, port)?.active !== true) disable(run, memberOfPort(run, port));
}

/** lacp_fallback has another value: ports that carried by the former one end it. Who carries now is to be chosen anew. */
export function leaveFallback(run: LacpRun): void {
  for (const port of run.lacp.ports) {
    const aggregator = aggregatorOf(run.lacp, port);
    const hasOne = aggregator !== null && hasPartner(aggregator);
    if (!hasOne && !hasFlag(port.actor, PORT_STATE.DISTRIBUTING)) disable(run, memberOfPort(run, port));
  }
}
