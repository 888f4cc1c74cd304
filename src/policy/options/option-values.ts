// The values of all options as reports, the API and `show --json` give them. (policy)
import { NUMBER_OPTIONS, type NumberOption, type OptionName, type OptionValues, wordOf } from './options.js';
import { MODE_NAMES } from './option-row.js';
import { usesPrimary } from '../modes/modes.js';
import { type BondState } from '../state.js';
import { memberOf } from '../monitors/watched.js';

const IN_TICKS: ReadonlySet<OptionName> = new Set(['updelay', 'downdelay', 'peer_notif_delay']);

/** All values: words as words, delays in ms (ticks × miimon, so 0 while miimon is 0, as in the driver), names or null. */
export function optionValues(state: BondState): OptionValues {
  const { members, numbers } = state;
  const entries = NUMBER_OPTIONS.map((name): [NumberOption, string | number] => {
    const number = numbers[name];
    return [name, IN_TICKS.has(name) ? number * numbers.miimon : (wordOf(name, number) ?? number)];
  });
  return {
    ...(Object.fromEntries(entries) as Pick<OptionValues, NumberOption>),
    num_unsol_na: numbers.num_grat_arp,
    mode: MODE_NAMES[numbers.mode] ?? 'balance-rr',
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
  };
}
