// The values of all options as reports, the API and `show --json` give them. (policy)
import {
  MODE_NAMES,
  NUMBER_OPTIONS,
  type OptionName,
  type OptionValue,
  type OptionValues,
  wordOf,
} from './options.js';
import { usesPrimary } from '../modes/modes.js';
import { type BondState } from '../state.js';
import { memberOf } from '../monitors/watched.js';

const IN_TICKS: ReadonlySet<OptionName> = new Set(['updelay', 'downdelay', 'peer_notif_delay']);

/** All values: words as words, delays in ms (ticks × miimon, so 0 while miimon is 0, as in the driver), names or null. */
export function optionValues(state: BondState): OptionValues {
  const values: Record<string, OptionValue> = {};
  for (const name of NUMBER_OPTIONS) {
    const number = state.numbers[name];
    if (IN_TICKS.has(name)) values[name] = number * state.numbers.miimon;
    else values[name] = wordOf(name, number) ?? number;
  }
  values['num_unsol_na'] = state.numbers.num_grat_arp;
  const { members } = state;
  Object.assign(values, {
    mode: MODE_NAMES[state.numbers.mode] ?? 'balance-rr',
    // The driver shows none where it means nothing (bond_option_active_slave_get_rcu).
    active_slave: usesPrimary(state) ? (memberOf(state, state.active)?.name ?? null) : null,
    primary: state.primary,
    slaves: members.map(member => member.name),
    arp_ip_target: [...state.arpTargets],
    ns_ip6_target: [...state.nsTargets],
    ad_actor_system: state.adActorSystem,
    prio: members.map(member => `${member.name}:${member.prio}`),
    actor_port_prio: members.map(member => `${member.name}:${member.actorPortPrio}`),
    queue_id: members.map(member => `${member.name}:${member.queueId}`),
  });
  return values as OptionValues;
}
