// The state as others may see it: a copy, plain data. (policy)
import type { BondFacts, BondSnapshot, MemberSnapshot } from './contract.js';
import { lacpSnapshot } from './lacp/lacp-snapshot.js';
import { FAIL_OVER_MAC } from './addresses/mac-rules.js';
import { MODE_NAMES } from './options/option-row.js';
import { optionValues } from './options/option-values.js';
import { failOverMacOf, usesPrimary } from './modes/modes.js';
import type { BondState, MemberState } from './state.js';

/** Field by field: what the policy keeps for itself is not to get out. */
function memberSnapshot(member: MemberState): MemberSnapshot {
  return {
    member: member.member,
    name: member.name,
    state: member.state,
    inactive: member.inactive,
    link: member.link,
    linkFailureCount: member.linkFailureCount,
    permanentAddress: member.permanentAddress,
    address: member.address,
    speedMbps: member.speedMbps,
    duplex: member.duplex,
    adminUp: member.adminUp,
    carrier: member.carrier,
    delayTicks: member.delayTicks,
    prio: member.prio,
    queueId: member.queueId,
    actorPortPrio: member.actorPortPrio,
    canSetAddress: member.canSetAddress,
  };
}

/** A snapshot of the state. */
export function snapshotOf(state: BondState): BondSnapshot {
  const options = optionValues(state);
  const lacp = lacpSnapshot(state);
  return {
    name: state.name,
    mode: options.mode,
    options,
    adminUp: state.adminUp,
    carrier: state.carrier,
    address: state.address,
    addressIsRandom: state.addressIsRandom,
    mtu: state.mtu,
    active: usesPrimary(state) ? state.active : null,
    members: state.members.map(memberSnapshot),
    ...(lacp !== null && { lacp }),
  };
}

/** The few fields that are asked for at every step. */
export function factsOf(state: BondState): BondFacts {
  const { numbers } = state;
  return {
    name: state.name,
    mode: MODE_NAMES[numbers.mode] ?? 'balance-rr',
    adminUp: state.adminUp,
    carrier: state.carrier,
    address: state.address,
    mtu: state.mtu,
    active: usesPrimary(state) ? state.active : null,
    miimonMs: numbers.miimon,
    arpIntervalMs: numbers.arp_interval,
    watchesSilence: state.silence !== null,
    targets: [...state.arpTargets, ...state.nsTargets],
    readsCarrierFlag: numbers.use_carrier === 1,
    keepsAddresses: failOverMacOf(state) === FAIL_OVER_MAC.ACTIVE,
  };
}
