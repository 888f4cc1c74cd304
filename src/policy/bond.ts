// The bond: the sans-IO object that the daemon, the simulator and the tests drive. It gets no time from the operating
// system, contains no networking code and no randomness; the rules are in the files beside it.
import { err, type MacText, ok, type Refusal, type Result, unreachable } from '../base/index.js';
import { type Due, earliest, nextTick, runDue, shiftTimers, type TimerSet } from '../base/index.js';
import { activeBackupArpTick } from './monitors/arp-active-backup.js';
import { hear, hearAnswer } from './monitors/arp-hearing.js';
import { loadBalanceArpTick } from './monitors/arp-load-balance.js';
import { setRoutes } from './monitors/arp-probes.js';
import { learningTick } from './addresses/balanced-addresses.js';
import type {
  BondFacts,
  BondPolicy,
  BondSnapshot,
  Handled,
  Input,
  MemberSnapshot,
  Output,
  TimeMs,
} from './contract.js';
import type { ForwardingPlan } from './forwarding-plan.js';
import {
  aggregationAwake,
  aggregationHeard,
  aggregationHears,
  aggregationKept,
  aggregationTick,
  silenceLook,
} from './modes/aggregation.js';
import { forwardingPlan, giveForwardingPlan } from './modes/forwarding.js';
import {
  hearsNothingNew,
  receiversArp,
  receiversAwake,
  receiversSettle,
  receiversStack,
  receiversTick,
} from './modes/receive-balancing.js';
import { bondLink, diverted, memberLink } from './monitors/link-inputs.js';
import { bondWatchAnswer, bondWatchTick } from './monitors/bond-watch.js';
import { lacpSeen } from './lacp/lacp-snapshot.js';
import { type Lease, leaseOf } from './lacp/lease.js';
import { restartSilence } from './lacp/receive.js';
import { restoreSilence, shiftSilence } from './lacp/silence-state.js';
import { forgiveWatch, watchHeard, watchPeriod } from './monitors/link-watch.js';
import { isOfLacp, passesQuietly, Rest } from './quiet-ticks.js';
import { join, leave } from './members.js';
import { monitorTick } from './monitors/mii-pass.js';
import { isActiveBackup } from './modes/modes.js';
import { resendReports } from './addresses/notifications.js';
import { checkTogether } from './options/check-together.js';
import { applyOption } from './options/option-apply.js';
import { idleWatch, warnOfNoMonitor, watchesNothing } from './options/monitor-warnings.js';
import {
  findOption,
  inApplyOrder,
  type NumberOption,
  NUMBER_OPTIONS,
  optionSpec,
} from './options/options.js';
import { optionValues } from './options/option-values.js';
import { factsOf, snapshotOf } from './snapshot.js';
import { addressesFor, type MemberAddress } from './addresses/mac-rules.js';
import { type BondState, type BondTimer, type Context } from './state.js';
import { tell, tellOfOption } from './tell.js';
import { newWatch } from './monitors/watch-times.js';
import { isWatching } from './monitors/watched-link.js';

/** Of `SavedBond`. */
export const SAVED_BOND_VERSION = 5;

/** A bond on paper, as JSON. Timers are relative to the moment of saving. */
export interface SavedBond {
  readonly version: number;
  readonly state: SavedState;
}

/** `lastPlan` is empty: versions that kept the plan there want the field, and give their plan out once more. */
type SavedState = BondState & { readonly lastPlan: string };

/** What is known of a new bond. Its interface exists, is down and has no members. */
export interface NewBond {
  readonly name: string;
  readonly address: string;
  /** True when the address was chosen by chance: then the first member's is taken (H30). */
  readonly addressIsRandom: boolean;
  readonly mtu: number;
  /** Names (or aliases) and values as text, in any order. */
  readonly options: readonly (readonly [name: string, value: string])[];
}

/** The numbers of all options at creation. */
function initialNumbers(): Record<NumberOption, number> {
  const entries = NUMBER_OPTIONS.map(name => [name, optionSpec(name).initial ?? 0] as const);
  return Object.fromEntries(entries) as Record<NumberOption, number>;
}

function initialState(wish: NewBond): BondState {
  return {
    name: wish.name,
    address: wish.address,
    staleAddresses: [],
    addressIsRandom: wish.addressIsRandom,
    awaitsRandomAddress: false,
    mtu: wish.mtu,
    adminUp: false,
    carrier: false,
    promiscuous: false,
    allMulticast: false,
    numbers: initialNumbers(),
    arpTargets: [],
    nsTargets: [],
    adActorSystem: '00:00:00:00:00:00',
    primary: null,
    forcePrimary: false,
    active: null,
    usable: null,
    probing: null,
    routes: [],
    members: [],
    stack: [],
    peerNotifLeft: 0,
    igmpLeft: 0,
    rebalance: 0,
    timers: { mii: null, igmp: null, arp: null, lacp: null, silence: null, alb: null, learning: null },
    lacp: null,
    alb: null,
    silence: null,
    toldSenders: '',
  };
}

const DONE: Handled = ok(undefined);

/** Bonding as a deterministic object: inputs and time in, outputs out. */
export class Bond implements BondPolicy {
  readonly #state: BondState;
  #outputs: Output[] = [];
  #now: TimeMs;
  readonly #given: Context['given'];
  readonly #rest = new Rest();
  #revision = 0;

  private constructor({ state, out, now, given }: Context) {
    this.#state = state;
    this.#outputs = out;
    this.#now = now;
    this.#given = given;
  }

  /** A new bond with all its options, or why it cannot be: then there is none. See `createBond`. */
  static create(wish: NewBond): Result<Bond, Refusal> {
    const state = initialState(wish);
    const outputs: Output[] = [];
    const context: Context = { state, out: outputs, now: 0, given: { plan: null } };
    for (const [name, value] of ordered(wish.options)) {
      const conflict = checkTogether(wish.name, wish.options, findOption(name)?.name ?? 'mode');
      if (conflict !== null) return err(conflict);
      const applied = applyOption(context, name, value);
      if (!applied.ok) return applied;
    }
    if (watchesNothing(state)) warnOfNoMonitor(context);
    const values = optionValues(state);
    if (values.arp_interval > 0 && values.arp_ip_target.length === 0 && values.ns_ip6_target.length === 0) {
      // The module does not load with such parameters; by sysfs the driver takes them, and its monitor asks nobody.
      const message = `${state.name} has an ARP monitor that asks nobody; set arp_ip_target (for example arp_ip_target=192.0.2.1)`;
      tell(context, 'warning', 'option', message);
    }
    const idle = idleWatch(state.name, values);
    if (idle !== undefined) tellOfOption(context, idle.option, idle.message);
    giveForwardingPlan(context);
    return ok(new Bond(context));
  }

  /** Continues a saved bond at `now`: it goes on as if nothing had been between. Throws on JSON of another version. */
  static restore(saved: SavedBond, now: TimeMs): Bond {
    if (saved.version !== SAVED_BOND_VERSION) {
      throw new Error(
        `Saved bond has version ${saved.version}, this program reads version ${SAVED_BOND_VERSION}`,
      );
    }
    const { lastPlan: _plan, ...state } = structuredCopy(saved.state);
    // Options that the version which saved it did not have; those that only a later one has are kept for it, without effect.
    state.numbers = { ...initialNumbers(), ...state.numbers };
    state.lacp ??= null;
    state.timers.lacp ??= null;
    state.alb ??= null;
    state.timers.alb ??= null;
    state.silence ??= null;
    state.timers.silence ??= null;
    shiftTimes(state, now);
    // Nobody asked while no policy ran: silence until now is no evidence against anybody.
    for (const { arp, link } of state.members) if (link === 'up') arp.linkUpMs = arp.rxMs = now;
    restartSilence(state.lacp);
    state.silence = restoreSilence(state.silence, now);
    if (isWatching(state))
      for (const member of state.members) member.watch = newWatch(now, member.watch.silent);
    // Whoever restores a bond makes its plan true (`plan()`).
    const given = { plan: forwardingPlan(state) };
    return new Bond({ state, out: [], now, given });
  }

  /** Everything that `restore` needs, as plain JSON; `now` defaults to the time of the last input. Drain outputs first. */
  save(now: TimeMs = this.#now): SavedBond {
    const state = structuredCopy(this.#state);
    state.timers.mii = this.#rest.dueMs(this.#state, now);
    shiftTimes(state, -now);
    return { version: SAVED_BOND_VERSION, state: { ...state, lastPlan: '' } };
  }

  handle(input: Input, now: TimeMs): Handled {
    this.#now = now;
    // What stands on the bond is only kept.
    if (input.kind !== 'stack') this.#rest.end(this.#state, now);
    if (input.kind === 'arp-frame' && hearsNothingNew(this.#state, input.member, input.frame)) return DONE;
    if (input.kind === 'time' && this.#outputs.length === 0 && passesQuietly(this.#state, now)) return DONE;
    const state = this.#state;
    // LACP hears and ticks all the time, and mostly finds what it knew.
    const lacp = isOfLacp(state, input, now) ? state.lacp : null;
    const before = lacp === null ? '' : lacpSeen(state, lacp);
    const context: Context = {
      state,
      out: this.#outputs,
      now,
      given: this.#given,
    };
    const handled = dispatch(context, input);
    receiversSettle(context);
    const isTold = this.#outputs.some(({ kind }) => kind !== 'send-through');
    if (lacp === null || isTold || before !== lacpSeen(state, lacp)) this.#revision++;
    if (!handled.ok) tell(context, 'warning', 'refused', handled.error.message);
    // A tick that found nothing new says nothing, and changes no plan: most of them, so they are not to cost anything. What a LACPDU
    // changes is found by the tick after it.
    const isFrequent = input.kind === 'time' || input.kind === 'slow-frame' || input.kind === 'heard';
    if (!isFrequent || this.#outputs.length > 0) giveForwardingPlan(context);
    return handled;
  }

  outputs(): Output[] {
    const drained = this.#outputs;
    this.#outputs = [];
    return drained;
  }

  deadline(): TimeMs | null {
    return earliest(timersOf(this.#state))?.dueMs ?? null;
  }

  rest(untilMs: TimeMs): void {
    this.#rest.begin(this.#state, untilMs);
  }

  revision(): number {
    return this.#revision;
  }

  snapshot(): BondSnapshot {
    return snapshotOf(this.#state);
  }

  get name(): string {
    return this.#state.name;
  }

  facts(): BondFacts {
    return factsOf(this.#state);
  }

  lease(): Lease | null {
    return leaseOf(this.#state, this.#state.numbers.lacp_lease);
  }

  members(): readonly MemberSnapshot[] {
    return this.#state.members;
  }

  /** What members are to be given before the bond may have this address; see `addressesFor`. */
  addressesFor(address: MacText): readonly MemberAddress[] {
    return addressesFor(this.#state, address);
  }

  /** The forwarding plan as it is now, for a data plane that is set up anew. */
  plan(): ForwardingPlan {
    return forwardingPlan(this.#state);
  }
}

/** Builds a bond with its options; all or nothing. Without a mode it is balance-rr, as the driver's. */
export function createBond(wish: NewBond): Result<Bond, Refusal> {
  return Bond.create(wish);
}

function ordered(options: NewBond['options']): (readonly [string, string])[] {
  const rank = new Map(inApplyOrder(options.map(([name]) => name)).map((name, i) => [name, i]));
  return options.toSorted(([a], [b]) => (rank.get(a) ?? 0) - (rank.get(b) ?? 0));
}

function dispatch(context: Context, input: Input): Handled {
  switch (input.kind) {
    case 'set-option':
      return setOption(context, input.option, input.value);
    case 'join':
      return join(context, input);
    case 'leave':
      return leave(context, input);
    case 'opened':
    case 'member-link':
      memberLink(context, input.member, input.link);
      return ok(undefined);
    case 'bond-link':
      bondLink(context, input);
      return ok(undefined);
    case 'diverted':
      diverted(context, input.from, input.to);
      return ok(undefined);
    case 'stack':
      context.state.stack = input.devices.map(device => ({ ...device }));
      receiversStack(context);
      return ok(undefined);
    case 'heard':
      hear(context.state, input.heard);
      watchHeard(context.state, input.heard);
      aggregationHeard(context, input.heard);
      return ok(undefined);
    case 'answer':
      hearAnswer(context.state, input.answer);
      bondWatchAnswer(context, input.answer);
      return ok(undefined);
    case 'slow-frame':
      aggregationHears(context, input.member, input.frame);
      return ok(undefined);
    case 'lacp-kept':
      aggregationKept(context, input.kept);
      return ok(undefined);
    case 'arp-frame':
      receiversArp(context, input.member, input.frame);
      return ok(undefined);
    case 'routes':
      setRoutes(context, input.routes);
      return ok(undefined);
    case 'time':
      runDue(
        () => timersOf(context.state),
        context.now,
        due => runTimer(context, due),
      );
      return ok(undefined);
    default:
      return unreachable(input);
  }
}

function setOption(context: Context, name: string, value: string): Handled {
  const before = context.out.length;
  const applied = applyOption(context, name, value);
  if (!applied.ok) return applied;
  aggregationAwake(context);
  receiversAwake(context);
  const event = {
    severity: 'info',
    type: 'option',
    message: `${context.state.name}: ${name} was set to ${value.trim() || 'nothing'}`,
  } as const;
  context.out.splice(before, 0, { kind: 'event', event });
  if (findOption(name)?.name === 'miimon' && watchesNothing(context.state)) warnOfNoMonitor(context);
  return applied;
}

/** Of timers that are due at the same moment, the first runs first. */
const TIMERS: readonly BondTimer[] = ['mii', 'arp', 'lacp', 'silence', 'alb', 'learning', 'igmp'];

function timersOf({ timers }: BondState): TimerSet<BondTimer, null>[] {
  return [{ owner: null, timers, order: TIMERS }];
}

/** Starts a timer that was due again, where it is periodic, and does what it is for. */
function runTimer(context: Context, { name, dueMs }: Due<BondTimer, null>): void {
  const { state, now } = context;
  const { timers, numbers } = state;
  switch (name) {
    case 'mii':
      timers.mii = nextTick(dueMs, numbers.miimon, now);
      monitorTick(context);
      break;
    case 'arp':
      timers.arp = nextTick(dueMs, isWatching(state) ? watchPeriod(state) : numbers.arp_interval, now);
      forgiveLateness(context, now - dueMs);
      if (isWatching(state)) bondWatchTick(context);
      else if (isActiveBackup(state)) activeBackupArpTick(context);
      else loadBalanceArpTick(context);
      break;
    case 'lacp':
      aggregationTick(context, dueMs);
      break;
    case 'alb':
      receiversTick(context, dueMs);
      break;
    case 'silence':
      silenceLook(context, dueMs);
      break;
    case 'learning':
      timers.learning = nextTick(dueMs, numbers.lp_interval * 1000, now);
      learningTick(context);
      break;
    case 'igmp':
      resendReports(context);
      break;
    default:
      unreachable(name);
  }
}

/**
 * A tick that is late by more than half an interval: nothing was asked in that time, so that nothing came is no evidence
 * against anybody. (The driver's ticks are the kernel's own and come in time.)
 */
function forgiveLateness(context: Context, lateMs: TimeMs): void {
  const { state, now } = context;
  if (isWatching(state)) forgiveWatch(context, lateMs);
  if (lateMs <= state.numbers.arp_interval / 2) return;
  const later = (at: TimeMs): TimeMs => Math.min(now, at + lateMs);
  for (const { arp } of state.members) {
    arp.txMs = later(arp.txMs);
    arp.rxMs = later(arp.rxMs);
    arp.linkUpMs = later(arp.linkUpMs);
    arp.targetRxMs = arp.targetRxMs.map(later);
  }
}

/** Moves every time that the state holds, so that a saved bond goes on as if nothing had been between. */
function shiftTimes(state: BondState, by: TimeMs): void {
  shiftTimers(state.timers, by);
  for (const port of state.lacp?.ports ?? []) port.markersUntilMs += by;
  shiftSilence(state.silence, by);
  for (const { arp } of state.members) {
    arp.txMs += by;
    arp.rxMs += by;
    arp.linkUpMs += by;
    arp.targetRxMs = arp.targetRxMs.map(at => at + by);
  }
}

function structuredCopy<T extends BondState>(state: T): T {
  return JSON.parse(JSON.stringify(state)) as T;
}
