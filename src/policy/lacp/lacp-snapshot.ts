// LACP as others may see it: a copy, plain data.
import type { LacpSnapshot, MemberIndex, PortSnapshot } from '../contract.js';
import { explain } from './explain.js';
import { aggregatorOf, type LacpBond, type LacpPort, type LacpState, portsOf } from './port.js';
import { type WatchedBond } from './silence-state.js';

/** What of a bond is shown. */
type ShownBond = Pick<WatchedBond, 'name' | 'members' | 'lacp' | 'silence'> & {
  readonly usable: readonly MemberIndex[] | null;
};

function portSnapshot(bond: ShownBond, lacp: LacpState, port: LacpPort): PortSnapshot {
  const aggregator = aggregatorOf(lacp, port);
  return {
    member: port.member,
    aggregator: aggregator?.id ?? null,
    isInActive: aggregator?.active === true,
    carries: bond.usable?.includes(port.member) === true,
    actor: { ...port.actor },
    partner: { ...port.partner },
    receive: port.receive,
    mux: port.mux,
    actorChurn: port.actorChurn,
    partnerChurn: port.partnerChurn,
    actorChurnedCount: port.actorChurned,
    partnerChurnedCount: port.partnerChurned,
    counts: { ...port.counts },
    explanation: explain(bond, port),
  };
}

/** What of LACP may be seen and is not counted, as text: the same twice, and nobody need look again. */
export function lacpSeen({ members }: Pick<LacpBond, 'members'>, { ports }: LacpState): string {
  return JSON.stringify([
    ports.map(({ counters: _counters, counts: _counts, ntt: _ntt, periodic: _periodic, ...port }) => port),
    members.map(({ state, inactive }) => [state, inactive]),
  ]);
}

/**
 * The active aggregator as the driver shows it: that of the first port whose aggregator is active, with how many of its ports have
 * their link up (bond_3ad_get_active_agg_info).
 */
export function lacpSnapshot(bond: ShownBond): LacpSnapshot | null {
  const { lacp } = bond;
  if (lacp === null) return null;
  const active = lacp.ports.map(port => aggregatorOf(lacp, port)).find(each => each?.active === true);
  return {
    system: lacp.system,
    systemPriority: lacp.systemPriority,
    active:
      active === null || active === undefined
        ? null
        : {
            id: active.id,
            ports: portsOf(lacp, active).filter(({ enabled }) => enabled).length,
            actorKey: active.actorKey,
            partnerKey: active.partnerKey,
            partnerSystem: active.partnerSystem,
          },
    ports: lacp.ports.map(port => portSnapshot(bond, lacp, port)),
  };
}
