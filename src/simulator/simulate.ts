// Runs a scenario in virtual time: same scenario, seed and pace, same timeline, always.
import { ok, type Result, err } from '../base/index.js';
import { Bond, type BondEvent, type BondSnapshot, createBond } from '../policy/index.js';
import { CHECK_EVERY_MS, Checkers } from './checkers.js';
import { isSpread } from './mode-kinds.js';
import type { Violation } from './rules.js';
import { Clock } from './clock.js';
import type { ChannelGroup } from './channel-group.js';
import type { Host } from './host.js';
import type { LearningSwitch } from './learning-switch.js';
import { Network } from './network.js';
import type { Timeline } from './observations.js';
import { Observer } from './observer.js';
import { Random } from './random.js';
import { happenings, type Scenario } from './scenario.js';
import type { Pace, PolicyMaker } from './bond-world.js';
import type { SimulatedBond } from './simulated-bond.js';

export interface SimulateOptions {
  /** Decides all that is left to chance. Absent: 1. */
  readonly seed?: number;
  readonly pace?: Partial<Pace>;
  /** Absent: the policy as it is. */
  readonly policies?: PolicyMaker;
}

/** Something that a bond told a person. */
export interface Told {
  readonly atMs: number;
  readonly host: string;
  readonly bond: string;
  readonly event: BondEvent;
}

/** What became of a flow. */
export interface FlowTotals {
  readonly name: string;
  readonly sent: number;
  readonly received: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly longestGapMs: number;
}

/** A channel group of a switch, at the end. */
export interface GroupEnd {
  readonly owner: string;
  readonly name: string;
  /** Whether each of its ports sends and receives for the group. */
  readonly ports: readonly { readonly port: string; readonly carries: boolean }[];
}

export interface Simulated {
  readonly timeline: Timeline;
  readonly flows: readonly FlowTotals[];
  readonly told: readonly Told[];
  readonly violations: readonly Violation[];
  /** The bonds at the end, as their daemons know them. */
  readonly bonds: readonly { readonly host: string; readonly bond: BondSnapshot }[];
  readonly groups: readonly GroupEnd[];
  /** Simulated, the time before 0 included. */
  readonly simulatedMs: number;
  /** Things that happened on the virtual clock. */
  readonly steps: number;
}

/** A fast machine: the daemon hears of links at once and ticks in time. */
export const DEFAULT_PACE: Pace = { linkWatchMs: 0.5, newsMs: 0.2, timerLateMs: 0 };

/** Machines from quick to slow: a rule must hold on each. The second is one whose kernel holds carrier news back, the last one whose kernel need not be asked. */
export const PACES: readonly [Pace, ...Pace[]] = [
  DEFAULT_PACE,
  { linkWatchMs: 900, newsMs: 0.1, timerLateMs: 0 },
  { linkWatchMs: 20, newsMs: 5, timerLateMs: 8 },
  { linkWatchMs: 1, newsMs: 30, timerLateMs: 30 },
  { linkWatchMs: 0.5, newsMs: 0.2, timerLateMs: 3, askedEveryMs: 1000 },
];

const REAL_POLICY: PolicyMaker = { create: createBond, restore: (saved, now) => Bond.restore(saved, now) };

/** LACP agrees in 2.5 s where both ends begin at once. */
const NEGOTIATION_MS = 4000;

function number(text: string | undefined): number {
  return Number(text) || 0;
}

/** How long before time 0 everything is set up, so that delays and notifications are over by then. */
export function settleMs(scenario: Scenario): number {
  const waits = scenario.hosts.flatMap(host =>
    (host.bonds ?? []).map(({ options }) => {
      const miimon = number(options['miimon']);
      const notifications =
        number(options['num_grat_arp'] ?? options['num_unsol_na'] ?? '1') *
        Math.max(miimon, number(options['peer_notif_delay']));
      const negotiation = options['mode'] === '802.3ad' || options['mode'] === '4' ? NEGOTIATION_MS : 0;
      return 3 * miimon + number(options['updelay']) + notifications + negotiation;
    }),
  );
  if (scenario.switches.some(({ groups = [] }) => groups.length > 0)) waits.push(NEGOTIATION_MS);
  return 1000 + Math.max(0, ...waits);
}

/** Runs a scenario to its end, or says why its network cannot be built. */
export function simulate(scenario: Scenario, options: SimulateOptions = {}): Result<Simulated, string> {
  const settle = settleMs(scenario);
  const clock = new Clock(-settle);
  const random = new Random(options.seed ?? 1);
  const pace: Pace = { ...DEFAULT_PACE, ...options.pace };
  const checkers = new Checkers(clock, pace);
  const told: Told[] = [];
  let dirty = true;
  const hostOf = (bond: SimulatedBond): string =>
    network.hosts.find(host => host.bonds.includes(bond))?.name ?? '';
  const world = {
    clock,
    random,
    pace,
    policies: options.policies ?? REAL_POLICY,
    keepState: scenario.events.some(event => event.do === 'daemon-kill'),
    changed: (): void => {
      dirty = true;
    },
    linkChanged: (host: Host): void => checkers.linkChanged(host),
    stepped: (bond: SimulatedBond): void => {
      dirty = true;
      checkers.stepped(hostOf(bond), bond);
    },
    told: (bond: SimulatedBond, event: BondEvent): void => {
      told.push({ atMs: clock.now, host: hostOf(bond), bond: bond.name, event });
    },
    duplicate: (host: string, flow: { spec: { name: string; from: string } }, sequence: number): void => {
      // A bond that hears all members gets what a switch floods once from each, and broadcast sends copies.
      const [to, from] = [host, flow.spec.from].map(name =>
        (network.host(name)?.bonds ?? []).map(bond => bond.snapshot()),
      );
      const hearsAll = to?.some(bond => bond.options.all_slaves_active === 1 || isSpread(bond.mode)) === true;
      // One that no longer is a group at the switch, and still is one for the bond, gets what the switch floods by each port.
      const isApart = network.host(host)?.bonds.some(bond => network.waysTo(bond) > 1) === true;
      const allowed = hearsAll || isApart || from?.some(bond => bond.mode === 'broadcast') === true;
      if (!allowed)
        checkers.report('no-duplicates', host, `packet ${sequence} of flow ${flow.spec.name} came twice`);
    },
    grouped: (owner: LearningSwitch, group: ChannelGroup): void => {
      dirty = true;
      checkers.grouped(owner.name, group);
    },
    looped: (end: string): void => checkers.report('no-loops', end, 'a frame went round in a loop'),
  };
  const network = new Network(world, scenario);
  const observer = new Observer(network, scenario);
  const booted = network.boot();
  if (!booted.ok) return err(booted.error.message);

  for (const event of happenings(scenario)) {
    clock.at(event.atMs, () => {
      const happened = network.happen(event);
      const bond = 'bond' in event ? network.host(event.host)?.bond(event.bond) : undefined;
      if (event.do === 'set' && bond !== undefined && ['active_slave', 'prio'].includes(event.option))
        checkers.byHand(bond);
      const isFirst = event.do !== 'restore' || scenario.events[event.index]?.do !== 'flap';
      if (isFirst) observer.event(event.index, clock.now, happened.ok ? 'ok' : happened.error.errno);
      dirty = true;
    });
  }
  for (const flow of network.flows) network.startFlow(flow);
  const look = (): void => {
    for (const host of network.hosts) checkers.look(host);
    clock.after(CHECK_EVERY_MS, look);
  };
  clock.after(CHECK_EVERY_MS, look);

  clock.run(-1e-9, () => {});
  told.length = 0;
  for (const host of network.hosts) host.resetCounters();
  observer.changes(0);
  const between = (): void => {
    if (!dirty) return;
    dirty = false;
    observer.changes(clock.now);
  };
  dirty = false;
  for (const atMs of scenario.observe.atMs.toSorted((a, b) => a - b)) {
    clock.run(Math.min(atMs, scenario.lengthMs), between);
    observer.sample(clock.now);
  }
  clock.run(scenario.lengthMs, between);
  observer.totals(clock.now);
  const lastMs = Math.max(0, ...happenings(scenario).map(event => event.atMs));
  for (const host of network.hosts) checkers.atEnd(host, clock.now - lastMs);
  return ok({
    timeline: {
      scenario: scenario.name,
      arm: 'simulated',
      ranBy: `seed ${options.seed ?? 1}`,
      observations: observer.observations,
    },
    flows: network.flows.map(flow => ({
      name: flow.spec.name,
      sent: flow.sent,
      received: flow.received,
      lost: flow.lost,
      duplicated: flow.duplicated,
      longestGapMs: flow.longestGap(clock.now),
    })),
    told,
    violations: checkers.violations,
    bonds: network.hosts.flatMap(host =>
      host.bonds.map(bond => ({ host: host.name, bond: bond.snapshot() })),
    ),
    groups: network.switches.flatMap(each =>
      each.groups.map(group => ({
        owner: each.name,
        name: group.name,
        ports: group.ports.map(port => ({ port: port.name, carries: group.carries(port) })),
      })),
    ),
    simulatedMs: clock.now + settle,
    steps: clock.steps,
  });
}
