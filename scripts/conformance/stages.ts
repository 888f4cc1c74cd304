// The situations in which every write of the option comparison is tried: mode × (members, up) × monitor, as the steps that lead
// there. The recorder takes them with the kernel's driver, the replay with our policy.
import { findOption, MODE_NAMES, type ModeName } from '#policy';

/** One step on the way. */
export type Step =
  | { readonly kind: 'set'; readonly option: string; readonly value: string }
  | { readonly kind: 'join'; readonly member: string }
  | { readonly kind: 'up' };

/** A situation. */
export interface Stage {
  /** `mode/members/monitor`. */
  readonly name: string;
  readonly mode: ModeName;
  readonly hasMembers: boolean;
  readonly isUp: boolean;
  readonly monitor: Monitor;
  readonly steps: readonly Step[];
}

/** What watches the links. */
type Monitor = 'none' | 'mii' | 'arp';

/** The members: the first two have carrier, the third has none. `STRANGER` exists and is no member. */
export const MEMBERS: readonly string[] = ['eth0', 'eth1', 'eth2'];
export const CARRIER: Readonly<Record<string, boolean>> = { eth0: true, eth1: true, eth2: false };
export const STRANGER = 'eth3';
/** The name of no interface. */
export const NOBODY = 'eth9';

/** So long that the ARP monitor has no second turn while a stage stands. */
const CALM_MS = 600_000;
/** An ARP target that stands in stages with ARP monitoring. */
export const TARGET = '10.0.0.1';

const STATES = [
  { word: 'empty', hasMembers: false, isUp: false },
  { word: 'members', hasMembers: true, isUp: false },
  { word: 'up', hasMembers: false, isUp: true },
  { word: 'members-up', hasMembers: true, isUp: true },
] as const;

function set(option: string, value: string | number): Step {
  return { kind: 'set', option, value: String(value) };
}

/** Values other than the default, so that what is set back is seen; only what may be set in the mode. */
const SPECIAL: Readonly<Record<ModeName, readonly Step[]>> = {
  'balance-rr': [set('packets_per_slave', 3)],
  'active-backup': [],
  'balance-xor': [],
  broadcast: [],
  '802.3ad': [set('ad_user_port_key', 5), set('ad_actor_system', '02:00:00:00:00:77')],
  'balance-tlb': [set('tlb_dynamic_lb', 0)],
  'balance-alb': [],
};

const DELAYS: readonly Step[] = [set('updelay', 200), set('downdelay', 300), set('peer_notif_delay', 100)];

/** Delays are set before an ARP monitor switches the MII monitor off (their ticks stay), else after joining. */
function stepsTo(mode: ModeName, { hasMembers, isUp }: (typeof STATES)[number], monitor: Monitor): Step[] {
  const steps: Step[] = [set('mode', mode), ...SPECIAL[mode]];
  if (monitor !== 'none') steps.push(set('miimon', 100));
  else if (!usesArp(mode)) steps.push(set('miimon', 0));
  if (monitor === 'arp') {
    const arp = [
      set('arp_ip_target', `+${TARGET}`),
      set('arp_interval', CALM_MS),
      set('arp_validate', 'active'),
    ];
    steps.push(...DELAYS, ...arp);
  }
  if (hasMembers) {
    for (const member of MEMBERS) steps.push({ kind: 'join', member });
    steps.push(set('queue_id', 'eth1:3'));
  }
  if (monitor === 'mii') {
    steps.push(...DELAYS);
    if (usesPrimary(mode) && hasMembers) steps.push(set('primary', 'eth1'));
  }
  if (isUp) steps.push({ kind: 'up' });
  return steps;
}

function usesArp(mode: ModeName): boolean {
  return isAllowed('arp_interval', mode);
}

function usesPrimary(mode: ModeName): boolean {
  return isAllowed('primary', mode);
}

function isAllowed(option: string, mode: ModeName): boolean {
  const modes = findOption(option)?.modes ?? 'all';
  return modes === 'all' || modes.includes(mode);
}

/** All situations, in the order of the record. */
export const STAGES: readonly Stage[] = MODE_NAMES.flatMap(mode =>
  STATES.flatMap(state =>
    (['none', 'mii', 'arp'] as const)
      .filter(monitor => monitor !== 'arp' || usesArp(mode))
      .map(monitor => ({
        name: `${mode}/${state.word}/${monitor}`,
        mode,
        hasMembers: state.hasMembers,
        isUp: state.isUp,
        monitor,
        steps: stepsTo(mode, state, monitor),
      })),
  ),
);

/** What the LACP machine decides, at its own time, not a write. */
export function isOwnWork(name: string, { mode, hasMembers }: Stage): boolean {
  const isStatus = /^ad_(?:aggregator|num_ports|actor_key|partner_.*)$/.test(name);
  return isStatus || (name === 'mii_status' && mode === '802.3ad' && hasMembers);
}
