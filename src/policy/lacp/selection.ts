// Selection: which aggregator a port uses, and which of them carries the bond's traffic (ad_port_selection_logic,
// ad_agg_selection_logic).
import type { MemberIndex } from '../contract.js';
import { PORT_STATE } from '../../frames/index.js';
import { fallBack } from './fallback.js';
import { countedSpeed, isFullDuplex } from './keys.js';
import {
  activeAggregator,
  type Aggregator,
  aggregatorOf,
  clearAggregator,
  disable,
  hasPartner,
  isDeviceUp,
  type LacpPort,
  type LacpRun,
  memberOfPort,
  NO_SYSTEM,
  portsOf,
  setFlags,
} from './port.js';

/** Values of ad_select. */
const AD_SELECT = { STABLE: 0, BANDWIDTH: 1, COUNT: 2, ACTOR_PORT_PRIO: 3 } as const;

/** Ports of an aggregator whose link is up, in sync or not. */
export function enabledPorts({ lacp }: Pick<LacpRun, 'lacp'>, aggregator: Aggregator): LacpPort[] {
  return portsOf(lacp, aggregator).filter(({ enabled }) => enabled);
}

/** Mbit/s: as many as are enabled, each as fast as the one that joined last. */
function bandwidth(run: LacpRun, aggregator: Aggregator): number {
  const [head] = portsOf(run.lacp, aggregator);
  if (head === undefined) return 0;
  return enabledPorts(run, aggregator).length * countedSpeed(memberOfPort(run, head));
}

function priority(run: LacpRun, aggregator: Aggregator): number {
  return enabledPorts(run, aggregator).reduce((sum, { actor }) => sum + actor.portPriority, 0);
}

/** How ad_select compares two of which both have a partner, or none has: the first that differs decides. */
function measures(run: LacpRun, aggregator: Aggregator): readonly number[] {
  const count = enabledPorts(run, aggregator).length;
  switch (run.bond.numbers.ad_select) {
    case AD_SELECT.ACTOR_PORT_PRIO:
      return [priority(run, aggregator), count, bandwidth(run, aggregator)];
    case AD_SELECT.COUNT:
      return [count, bandwidth(run, aggregator)];
    default:
      return [bandwidth(run, aggregator)];
  }
}

/** ad_agg_selection_test: the challenger must be better, not as good. */
function isBetter(run: LacpRun, challenger: Aggregator, best: Aggregator): boolean {
  const ranks = (aggregator: Aggregator): number[] => [
    Number(!aggregator.individual),
    Number(hasPartner(aggregator)),
    ...measures(run, aggregator),
  ];
  const [theirs, its] = [ranks(challenger), ranks(best)];
  const at = theirs.findIndex((rank, index) => rank !== its[index]);
  return at !== -1 && (theirs[at] ?? 0) > (its[at] ?? 0);
}

/** A port of it could carry frames. */
function isUp(run: LacpRun, aggregator: Aggregator): boolean {
  return portsOf(run.lacp, aggregator).some(port => isDeviceUp(memberOfPort(run, port)));
}

function findBest(run: LacpRun, active: Aggregator | null): Aggregator | null {
  let best = active !== null && isUp(run, active) ? active : null;
  for (const { own } of run.lacp.ports) {
    if (enabledPorts(run, own).length === 0 || !isUp(run, own)) continue;
    if (best === null || isBetter(run, own, best)) best = own;
  }
  return best;
}

/** ad_select=stable: the one that is in use stays, while it can, unless it has nobody and the other has somebody. */
function stays(run: LacpRun, active: Aggregator, best: Aggregator): boolean {
  if (run.bond.numbers.ad_select !== AD_SELECT.STABLE || enabledPorts(run, active).length === 0) return false;
  const isWorse = !hasPartner(active) && hasPartner(best);
  return !isWorse && !(active.actorKey === 0 && best.actorKey !== 0);
}

/** Chooses the active aggregator anew. One that nobody answers carries traffic at once, without LACP, as lacp_fallback says. */
export function chooseActive(run: LacpRun): void {
  const former = activeAggregator(run.lacp);
  const best = findBest(run, former);
  const keeps = former !== null && best !== null && (best === former || stays(run, former, best));
  const next = keeps ? former : best;
  for (const { own } of run.lacp.ports) own.active = own === next;
  if (next === null) return;
  if (former !== null && !keeps)
    for (const port of portsOf(run.lacp, former)) disable(run, memberOfPort(run, port));
  fallBack(run);
}

function leaveAggregator(run: LacpRun, port: LacpPort): void {
  const left = aggregatorOf(run.lacp, port);
  port.uses = null;
  if (left === null) return;
  left.ports = left.ports.filter(member => member !== port.member);
  if (left.ports.length === 0) clearAggregator(left);
}

/** Ports of one key that speak with one key of one system belong together; those that hear nobody, or are half duplex, do not. */
function suits(port: LacpPort, aggregator: Aggregator): boolean {
  return (
    aggregator.ports.length > 0 &&
    aggregator.actorKey === port.actor.key &&
    aggregator.partnerSystem === port.partner.system &&
    aggregator.partnerSystemPriority === port.partner.systemPriority &&
    aggregator.partnerKey === port.partner.key &&
    port.partner.system !== NO_SYSTEM &&
    !aggregator.individual
  );
}

function joinAggregator(run: LacpRun, port: LacpPort): void {
  const all = run.lacp.ports.map(({ own }) => own);
  const found = all.find(aggregator => suits(port, aggregator));
  // There are as many as ports, and this port is in none.
  const joined = found ?? all.find(({ ports }) => ports.length === 0);
  if (joined === undefined) throw new Error(`No aggregator is left for interface ${port.member}`);
  if (found === undefined) {
    joined.individual = !isFullDuplex(port.actor.key);
    joined.actorKey = port.actor.key;
    joined.partnerSystem = port.partner.system;
    joined.partnerSystemPriority = port.partner.systemPriority;
    joined.partnerKey = port.partner.key;
  }
  joined.ports = [port.member, ...joined.ports];
  port.uses = joined.owner;
  port.selected = true;
}

/** READY of every port of an aggregator: all have waited long enough. */
export function updateReady({ lacp }: Pick<LacpRun, 'lacp'>, aggregator: Aggregator): void {
  const ports = portsOf(lacp, aggregator);
  const ready = ports.every(({ readyN }) => readyN);
  for (const port of ports) port.ready = ready;
}

/** One tick: a port without an aggregator that suits it gets one. */
export function selectionLogic(run: LacpRun, port: LacpPort): void {
  if (port.selected) return;
  leaveAggregator(run, port);
  joinAggregator(run, port);
  const aggregator = aggregatorOf(run.lacp, port);
  if (aggregator !== null) updateReady(run, aggregator);
  chooseActive(run);
  if (aggregator?.active !== true) setFlags(port.actor, PORT_STATE.SYNCHRONIZATION, false);
}

/**
 * A port leaves with its aggregator: other ports that use that one get another, all that it knows with it
 * (bond_3ad_unbind_slave). The port is still among the others.
 */
export function releaseAggregators(run: LacpRun, port: LacpPort): void {
  const { own } = port;
  const onlyPort = ({ ports }: Aggregator): boolean => ports.length === 1 && ports[0] === port.member;
  if (own.ports.length > 0 && !onlyPort(own)) handOver(run, port, onlyPort);
  else if (own.ports.length > 0) {
    const wasActive = own.active;
    clearAggregator(own);
    if (wasActive) chooseActive(run);
  }
  for (const { own: other } of run.lacp.ports) {
    if (!other.ports.includes(port.member)) continue;
    other.ports = other.ports.filter(member => member !== port.member);
    if (enabledPorts(run, other).length > 0) continue;
    const wasActive = other.active;
    if (other.ports.length === 0) clearAggregator(other);
    if (wasActive) chooseActive(run);
  }
}

function handOver(run: LacpRun, { own }: LacpPort, onlyPort: (aggregator: Aggregator) => boolean): void {
  const heir = run.lacp.ports
    .map(({ own: each }) => each)
    .find(each => each.ports.length === 0 || onlyPort(each));
  if (heir === undefined) throw new Error(`No aggregator is left for the ports of interface ${own.owner}`);
  const losesActive = onlyPort(heir) && heir.active;
  const { id: _id, owner: _owner, ...values } = own;
  Object.assign(heir, values);
  for (const other of portsOf(run.lacp, heir)) other.uses = heir.owner satisfies MemberIndex;
  clearAggregator(own);
  if (losesActive) chooseActive(run);
}
