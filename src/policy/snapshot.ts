// The state as others may see it: a copy, plain data. (policy)
import type { BondFacts, BondSnapshot, MemberSnapshot } from './contract.js';
import { FAIL_OVER_MAC } from './addresses/mac-rules.js';
import { optionValues } from './options/option-values.js';
import { failOverMacOf, usesPrimary } from './modes/modes.js';
import type { BondState, MemberState } from './state.js';

function memberSnapshot(member: MemberState): MemberSnapshot {
  const {
    staleAddresses: _addresses,
    staleMtus: _mtus,
    mtu: _mtu,
    settling: _settling,
    arp: _arp,
    ...seen
  } = member;
  return seen;
}

/** A snapshot of the state. */
export function snapshotOf(state: BondState): BondSnapshot {
  const options = optionValues(state);
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
  };
}

/** The few fields that are asked for at every step. */
export function factsOf(state: BondState): BondFacts {
  const { numbers } = state;
  return {
    name: state.name,
    adminUp: state.adminUp,
    carrier: state.carrier,
    address: state.address,
    mtu: state.mtu,
    active: usesPrimary(state) ? state.active : null,
    miimonMs: numbers.miimon,
    arpIntervalMs: numbers.arp_interval,
    targets: [...state.arpTargets, ...state.nsTargets],
    readsCarrierFlag: numbers.use_carrier === 1,
    keepsAddresses: failOverMacOf(state) === FAIL_OVER_MAC.ACTIVE,
  };
}
