// Writing one option: the driver's checks in the driver's order, then its effects (__bond_opt_set, bond_options.c).
import {
  advice,
  encodeUtf8,
  err,
  formatMac,
  ok,
  parseMac,
  plain,
  refusal,
  type Refusal,
  type Result,
  shown,
} from '../../base/index.js';
import { selectActive } from '../modes/active-change.js';
import {
  aggregationActor,
  aggregationAddress,
  aggregationFallback,
  aggregationFlags,
  followSilence,
} from '../modes/aggregation.js';
import { moveTargetTimes } from '../monitors/arp-targets.js';
import { evaluateCarrier } from '../carrier.js';
import { activateByHand, reselectByHand } from '../monitors/link-inputs.js';
import { restartWatch } from '../monitors/link-watch.js';
import { valueGuess } from './habits.js';
import { warnOfFallback } from './monitor-warnings.js';
import { firstLine, parseOptionNumber, parsePerMember, parseTargets } from './option-parse.js';
import {
  findOption,
  nearestOption,
  type NumberOption,
  NUMBER_OPTIONS,
  type OptionSpec,
  optionSpec,
  type OtherOption,
} from './options.js';
import { MODE_NAMES } from './option-row.js';
import { type BondState, type Context, makeBackup, type MemberState, primaryMember } from '../state.js';
import { tell, tellOfOption } from '../tell.js';

type Applied = Result<undefined, Refusal>;
const DONE: Applied = ok(undefined);

/** Every refusal of an option: what was refused and why, with what to do. */
function refuse(
  code: Refusal['code'],
  errno: Refusal['errno'],
  name: string,
  text: string,
  why: string,
): Refusal {
  const end = why.endsWith('?') ? '' : '.';
  const message = `${shown(name)}=${shown(firstLine(text))} was refused: ${why}${end}`;
  return refusal(code, errno, message);
}

/** Writes an option at `context.now`. Refused: nothing changed, and the sentence says what to do. */
export function applyOption(context: Context, name: string, text: string): Applied {
  const spec = findOption(name);
  if (spec === undefined) {
    const near = nearestOption(name);
    const hint =
      near === undefined
        ? 'there is no option of that name'
        : `there is no such option; did you mean ${near}?`;
    return err(refuse('unknown-option', 'EINVAL', name, text, hint));
  }
  const guarded = checkGuards(context, spec, name, text);
  if (guarded !== null) return err(guarded);
  const option = spec.name;
  const wish = { context, spec, name, text };
  return isNumberOption(option) ? applyNumber(wish, option) : WRITERS[option](wish);
}

/** An option as it is to be written; `name` is the one that was used, which may be an alias. */
interface Wish {
  readonly context: Context;
  readonly spec: OptionSpec;
  readonly name: string;
  readonly text: string;
}

/** How each option that is no number is written: a row of the table without its way does not compile. */
const WRITERS: Readonly<Record<OtherOption, (wish: Wish) => Applied>> = {
  active_slave: applyActiveSlave,
  primary: applyPrimary,
  arp_ip_target: wish => applyTargets(wish, 4, 'arpTargets'),
  ns_ip6_target: wish => applyTargets(wish, 6, 'nsTargets'),
  ad_actor_system: applySystemAddress,
  slaves: refuseMembers,
  queue_id: wish => applyPerMember(wish, QUEUE_REFUSALS, applyQueue),
  prio: wish => applyPerMember(wish, MEMBER_REFUSALS, applyPrio),
  actor_port_prio: wish =>
    applyPerMember(wish, MEMBER_REFUSALS, ({ context }, member, value) => {
      member.actorPortPrio = value;
      aggregationActor(context);
      return DONE;
    }),
};

/** Checks 1 to 3 of every option: mode, members, up. */
function checkGuards(context: Context, spec: OptionSpec, name: string, text: string): Refusal | null {
  const { state } = context;
  const mode = MODE_NAMES[state.numbers.mode] ?? 'balance-rr';
  if (spec.modes !== 'all' && !spec.modes.includes(mode) && !isLifted(state, spec)) {
    const where = spec.modes.length === 1 ? `mode ${spec.modes[0] ?? ''}` : `modes ${spec.modes.join(', ')}`;
    const why = `${spec.name} belongs to ${where}, and ${state.name} is in mode ${mode}; leave it out`;
    return refuse('wrong-mode', 'EACCES', name, text, why);
  }
  if (spec.withoutMembers && state.members.length > 0) {
    return refuse('has-members', 'ENOTEMPTY', name, text, `${state.name} has members; release them first`);
  }
  if (spec.whileDown && state.adminUp) {
    // In one line: over the bond itself, nobody could type the second one.
    const line = advice(
      'd=$(mktemp -d); ip addr save dev {bond} >$d/a; ip route save dev {bond} >$d/4; ip -6 route save dev {bond} >$d/6; ip link set dev {bond} down; bondwire set {bond} {option}={value}; ip link set dev {bond} up; (ip addr restore <$d/a; ip route restore <$d/4; ip -6 route restore <$d/6) 2>/dev/null; rm -r $d',
      { bond: state.name, option: name, value: firstLine(text) },
    );
    const why = `${state.name} is up; it has to be down for that, which one line can do and bring back addresses and routes: '${line}'`;
    return refuse('bond-up', 'EBUSY', name, text, why);
  }
  return null;
}

function isNumberOption(name: string): name is NumberOption {
  return NUMBER_OPTIONS.some(each => each === name);
}

function applyNumber({ context, spec, name, text }: Wish, option: NumberOption): Applied {
  const parsed = parseOptionNumber(spec, text);
  if (!parsed.ok) {
    const guess = valueGuess(spec, firstLine(text));
    const why = guess === undefined ? parsed.error : `${parsed.error}; ${guess}`;
    return err(refuse('invalid-value', 'EINVAL', name, text, why));
  }
  const { value } = parsed;
  if (option === 'updelay' || option === 'downdelay' || option === 'peer_notif_delay') {
    return applyDelay(context, option, name, value);
  }
  context.state.numbers[option] = value;
  EFFECTS[option]?.(context, value);
  return DONE;
}

/** Delays are kept as ticks (_bond_option_delay_set, H22). */
function applyDelay(
  context: Context,
  option: 'updelay' | 'downdelay' | 'peer_notif_delay',
  name: string,
  value: number,
): Applied {
  const { numbers, name: bond } = context.state;
  const { miimon } = numbers;
  if (miimon === 0) {
    const why = 'link monitoring is off; set miimon first (for example miimon=100)';
    return err(refuse('needs-monitor', 'EPERM', name, String(value), why));
  }
  numbers[option] = Math.floor(value / miimon);
  if (value % miimon !== 0) {
    const rounded = numbers[option] * miimon;
    const message = `${name}=${value} of ${bond} is not a multiple of miimon=${miimon} and was rounded to ${rounded} ms`;
    tellOfOption(context, option, message);
  }
  return DONE;
}

/** Effects of a number beyond being stored; options that are not here have none in active-backup. */
const EFFECTS: Readonly<Partial<Record<NumberOption, (context: Context, value: number) => void>>> = {
  mode: modeChanged,
  miimon: monitorChanged,
  arp_interval: arpChanged,
  link_watch: watchChanged,
  primary_reselect: context => selectActive(context, 'primary_reselect was changed'),
  all_slaves_active({ state }) {
    for (const member of state.members.filter(each => each.state === 'backup')) makeBackup(state, member);
  },
  min_links: evaluateAgain,
  lacp_strict: evaluateAgain,
  lacp_fallback(context) {
    aggregationFallback(context);
    evaluateAgain(context);
  },
  lacp_fast_silence: followSilence,
  lacp_rate: aggregationFlags,
  lacp_active: aggregationFlags,
  lacp_quirks: aggregationAddress,
  ad_actor_sys_prio: aggregationActor,
};

function evaluateAgain(context: Context): void {
  warnOfFallback(context);
  evaluateCarrier(context);
}

/** Miimon of the modes that have no ARP monitor, where none was set (BOND_DEFAULT_MIIMON). */
const DEFAULT_MIIMON = 100;

/** bond_option_mode_set. */
function modeChanged(context: Context, mode: number): void {
  const { numbers, name } = context.state;
  if (!usesArp(mode) && numbers.link_watch === 0) {
    if (numbers.arp_interval > 0) {
      const message = `${name} has the MII monitor alone now: mode=${MODE_NAMES[mode]} has no ARP monitor without link_watch`;
      tell(context, 'warning', 'option', message);
    }
    numbers.arp_interval = 0;
    if (numbers.miimon === 0) numbers.miimon = DEFAULT_MIIMON;
  }
  if (MODE_NAMES[mode] === 'balance-alb') numbers.tlb_dynamic_lb = 1;
  numbers.arp_validate = 0;
  numbers.broadcast_neighbor = 0;
}

/** bond_mode_uses_arp. */
function usesArp(mode: number): boolean {
  const { modes } = optionSpec('arp_interval');
  return modes === 'all' || modes.includes(MODE_NAMES[mode] ?? 'balance-rr');
}

/** bond_option_miimon_set: the ARP monitor ends. */
function monitorChanged(context: Context, miimon: number): void {
  const { state } = context;
  const { numbers } = state;
  if (miimon > 0 && numbers.arp_interval > 0 && numbers.link_watch === 0) {
    const message = `${state.name} has the MII monitor alone now: miimon ended the ARP monitor; for both, set link_watch=any and then arp_interval`;
    tell(context, 'warning', 'option', message);
    numbers.arp_interval = 0;
    numbers.arp_validate = 0;
    state.timers.arp = null;
  }
  // What was silent when both monitors last ran may be answered by now.
  if (state.timers.mii === null) restartWatch(context);
  state.timers.mii = miimon > 0 && state.adminUp ? context.now : null;
}

/** The ARP monitor's options, which with link_watch every mode has. */
const ARP_OPTIONS: ReadonlySet<string> = new Set(['arp_interval', 'arp_missed_max']);

function isLifted({ numbers }: BondState, { name }: OptionSpec): boolean {
  return numbers.link_watch !== 0 && ARP_OPTIONS.has(name);
}

/** link_watch: with `driver` one monitor is left, the MII monitor where both ran, and none that the mode has not. */
function watchChanged(context: Context, word: number): void {
  const { state, now } = context;
  const { numbers, timers } = state;
  restartWatch(context);
  const isTooMuch = numbers.miimon > 0 || !usesArp(numbers.mode);
  if (word === 0 && numbers.arp_interval > 0 && isTooMuch) {
    numbers.arp_interval = 0;
    const message = `${state.name} has the MII monitor alone now: with link_watch=driver both cannot run together`;
    tell(context, 'warning', 'option', message);
  }
  timers.arp = numbers.arp_interval > 0 && state.adminUp ? now : null;
}

/** bond_option_arp_interval_set: the MII monitor ends; delays keep their ticks. */
function arpChanged(context: Context, interval: number): void {
  const { state, now } = context;
  state.timers.arp = interval > 0 && state.adminUp ? now : null;
  restartWatch(context);
  if (interval === 0 || state.numbers.link_watch !== 0) return;
  if (state.numbers.miimon > 0) {
    const message = `${state.name} has the ARP monitor alone now: arp_interval ended the MII monitor; for both, set link_watch=any and then miimon`;
    tell(context, 'warning', 'option', message);
  }
  state.numbers.miimon = 0;
  state.timers.mii = null;
}

/** dev_valid_name, and what could not be shown. */
function isInterfaceName(name: string): boolean {
  const isWord = !/[\s/:]/.test(name) && plain(name) === name;
  return isWord && encodeUtf8(name).length <= 15 && name !== '.' && name !== '..';
}

/** bond_option_primary_set: an interface that is no member yet is remembered. */
function applyPrimary({ context, text }: Wish): Applied {
  const { state } = context;
  const name = firstLine(text).trim();
  const former = primaryMember(state);
  if (name === '') {
    state.primary = null;
    selectActive(context, 'the primary was cleared');
    return DONE;
  }
  if (!isInterfaceName(name)) {
    const why = 'this cannot be the name of an interface; name a member such as eth0';
    return err(refuse('invalid-value', 'EINVAL', 'primary', text, why));
  }
  state.primary = name;
  if (primaryMember(state) !== null) {
    state.forcePrimary = true;
    selectActive(context, `${name} was made the primary`);
  } else if (former !== null) {
    selectActive(context, `${former.name} is no longer the primary`);
  }
  return DONE;
}

/** bond_option_active_slave_set. Whether a name that is no member exists at all is not known here: EINVAL for both, which the daemon makes ENODEV. */
function applyActiveSlave({ context, text }: Wish): Applied {
  const { state } = context;
  const name = firstLine(text).trim();
  if (name === '') {
    reselectByHand(context);
    return DONE;
  }
  const member = state.members.find(each => each.name === name);
  if (member === undefined) {
    const why = `${shown(name)} is not a member of ${state.name}; enslave it first`;
    return err(refuse('unknown-interface', 'EINVAL', 'active_slave', text, why));
  }
  const reason = activateByHand(context, member);
  if (reason === null) return DONE;
  const why = `${reason}; choose a member whose link is up`;
  return err(refuse('invalid-request', 'EINVAL', 'active_slave', text, why));
}

/** bond_option_arp_ip_targets_set, bond_option_ns_ip6_targets_set. */
function applyTargets(
  { context, name, text }: Wish,
  family: 4 | 6,
  kept: 'arpTargets' | 'nsTargets',
): Applied {
  const { state } = context;
  const before = state[kept];
  const targets = parseTargets(family, before, text);
  if (!targets.ok) {
    const { errno, reason } = targets.error;
    return err(refuse('invalid-value', errno, name, text, reason));
  }
  if (before.length > 0 && targets.value.length === 0 && state.numbers.arp_interval > 0) {
    const message = `the last target of ${state.name} in ${name} was taken away while arp_interval is on; give another, or set arp_interval=0`;
    tell(context, 'warning', 'option', message);
  }
  moveTargetTimes(state, before, targets.value, context.now);
  state[kept] = targets.value;
  return DONE;
}

/** bond_option_ad_actor_system_set. */
function applySystemAddress({ context, name, text }: Wish): Applied {
  const parsed = parseMac(firstLine(text).trim());
  if (!parsed.ok) return err(refuse('invalid-value', 'EINVAL', name, text, parsed.error));
  if (((parsed.value[0] ?? 0) & 1) === 1) {
    const why = 'a group address cannot be the address of a system; use one whose first byte is even';
    return err(refuse('invalid-value', 'EINVAL', name, text, why));
  }
  context.state.adActorSystem = formatMac(parsed.value);
  aggregationActor(context);
  return DONE;
}

function refuseMembers({ context, name, text }: Wish): Applied {
  const { name: bond } = context.state;
  const why = `members join by '${advice('bondwire enslave --take-down --take-addresses {bond} IFACE', { bond })}' and leave by '${advice('bondwire release {bond} IFACE', { bond })}'`;
  return err(refuse('invalid-request', 'EPERM', name, text, why));
}

/** What the driver answers where the text is wrong, and where its interface is no member; a number for the example. */
interface PerMemberRefusals {
  readonly form: Refusal['errno'];
  readonly absent: Refusal['errno'];
  readonly example: number;
}
const MEMBER_REFUSALS: PerMemberRefusals = { form: 'EINVAL', absent: 'ENODEV', example: 10 };
const QUEUE_REFUSALS: PerMemberRefusals = { form: 'EPERM', absent: 'EPERM', example: 1 };

/** `INTERFACE:N`: `apply` is given the member and the number. */
function applyPerMember(
  wish: Wish,
  refusals: PerMemberRefusals,
  apply: (wish: Wish, member: MemberState, value: number) => Applied,
): Applied {
  const { context, spec, name, text } = wish;
  const { state } = context;
  const wanted = parsePerMember(spec, text);
  if (wanted === null) {
    const form = `write it as INTERFACE:N with N from ${spec.min} to ${spec.max ?? 0}, for example eth0:${refusals.example}`;
    return err(refuse('invalid-value', refusals.form, name, text, form));
  }
  const member = state.members.find(each => each.name === wanted.name);
  if (member === undefined) {
    const why = `${shown(wanted.name)} is not a member of ${state.name}; enslave it first`;
    return err(refuse('unknown-interface', refusals.absent, name, text, why));
  }
  return apply(wish, member, wanted.value);
}

/** bond_option_prio_set. */
function applyPrio({ context }: Wish, member: MemberState, value: number): Applied {
  member.prio = value;
  const primary = primaryMember(context.state);
  if (primary === null) selectActive(context, `prio of ${member.name} was set to ${value}`);
  else {
    const message = `prio of ${member.name} was set to ${value}, but does not matter while ${primary.name} is the primary and up`;
    tell(context, 'warning', 'option', message, { member: member.name });
  }
  return DONE;
}

/** bond_option_queue_id_set: a queue belongs to one member. */
function applyQueue({ context, name, text }: Wish, member: MemberState, queue: number): Applied {
  const { members } = context.state;
  const owner = members.find(other => other !== member && other.queueId === queue);
  if (queue !== 0 && owner !== undefined) {
    const why = `queue ${queue} belongs to ${owner.name}; set ${owner.name}:0 first`;
    return err(refuse('invalid-value', 'EPERM', name, text, why));
  }
  member.queueId = queue;
  return DONE;
}
