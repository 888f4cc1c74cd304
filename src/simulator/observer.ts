// Looks at what a scenario watches and writes it down: samples, changes, totals. (simulator)
import { procText, sysfsMemberText, sysfsText } from '../report/index.js';
import type { BondSnapshot } from '../policy/index.js';
import type { FlowRun } from './flow.js';
import type { Host } from './host.js';
import type { LearningSwitch } from './learning-switch.js';
import { flagLetters } from './lacp-partner.js';
import type { Network } from './network.js';
import type { Observation, Property, Value } from './observations.js';
import { endParts, type Scenario, type Watch } from './scenario.js';
import type { SimulatedBond } from './simulated-bond.js';

/** What stands for the kernel's release in the texts of every arm. */
const RELEASE = '*';

/** Properties of a flow. */
const OF_FLOW: Readonly<Partial<Record<Property, (flow: FlowRun, now: number) => Value>>> = {
  sent: flow => flow.sent,
  received: flow => flow.received,
  lost: flow => flow.lost,
  duplicated: flow => flow.duplicated,
  'longest-gap': (flow, now) => flow.longestGap(now),
  'carried-by': flow => flow.takeCarriers(),
};

/** Properties of a bond. */
const OF_BOND: Readonly<Partial<Record<Property, (bond: SimulatedBond, known: BondSnapshot) => Value>>> = {
  active: (_, known) => known.options.active_slave,
  carrier: bond => bond.plane.carrier,
  mac: bond => bond.mac,
  mtu: bond => bond.mtu,
  'mii-status': (_, known) => (known.carrier ? 'up' : 'down'),
  aggregator: (_, known) => known.lacp?.active?.id ?? null,
  members: (_, known) => known.members.map(member => member.name).join(' '),
  'admin-up': bond => bond.adminUp,
  proc: (_, known) => procText(known, { kernelRelease: RELEASE }),
};

export class Observer {
  readonly observations: Observation[] = [];
  readonly #network: Network;
  readonly #watches: readonly Watch[];
  readonly #changing: readonly { readonly watch: Watch; last: Value | undefined }[];

  constructor(network: Network, scenario: Scenario) {
    this.#network = network;
    this.#watches = scenario.observe.watch;
    this.#changing = this.#watches
      .filter(each => each.how === 'change')
      .map(watch => ({ watch, last: undefined }));
  }

  event(index: number, atMs: number, value: string): void {
    this.observations.push({ atMs, of: `event ${index}`, property: 'errno', how: 'event', value });
  }

  /** Writes down what changed since the last look. */
  changes(now: number): void {
    for (const each of this.#changing) {
      const value = this.#value(each.watch, now);
      if (value === each.last) continue;
      each.last = value;
      const { of, property } = each.watch;
      this.observations.push({ atMs: now, of, property, how: 'change', value });
    }
  }

  sample(now: number): void {
    this.#look('sample', now);
  }

  totals(now: number): void {
    this.#look('total', now);
  }

  #look(how: 'sample' | 'total', now: number): void {
    for (const watch of this.#watches) {
      if (watch.how !== how) continue;
      const { of, property } = watch;
      this.observations.push({ atMs: now, of, property, how, value: this.#value(watch, now) });
    }
  }

  #value({ of, property }: Watch, now: number): Value {
    if (of.startsWith('flow ')) return this.#ofFlow(of.slice(5), property, now);
    const { node, port } = endParts(of);
    const owner = this.#network.switches.find(({ name }) => name === node);
    if (owner !== undefined && port !== of) return ofSwitchPort(owner, port, property);
    const [hostName = '', part] = of.split('/');
    const host = this.#network.host(hostName);
    if (host === undefined) return null;
    if (part === undefined) return ofHost(host, property);
    const bond = host.bond(part);
    return bond === undefined ? ofMember(host, part, property) : ofBond(bond, property);
  }

  #ofFlow(name: string, property: Property, now: number): Value {
    const flow = this.#network.flow(name);
    if (flow === undefined) return null;
    return OF_FLOW[property]?.(flow, now) ?? null;
  }
}

function ofHost(host: Host, property: Property): Value {
  if (property === 'garps') return host.ip.garpCount();
  if (property === 'nas') return host.ip.nas;
  return property.startsWith('garps-from:') ? host.ip.garpCount(property.slice(11)) : null;
}

function ofBond(bond: SimulatedBond, property: Property): Value {
  const snapshot = bond.snapshot();
  if (property.startsWith('sysfs:')) return sysfsText(snapshot, property.slice(6))?.trimEnd() ?? null;
  return OF_BOND[property]?.(bond, snapshot) ?? null;
}

function ofSwitchPort(owner: LearningSwitch, name: string, property: Property): Value {
  const port = owner.ports.find(each => each.name === name);
  if (port === undefined) return null;
  const { group } = port;
  if (property === 'carrier') return port.isUp;
  if (property === 'state') {
    if (group === null || group.isOnItsOwn(port)) return 'none';
    return group.carries(port) ? 'active' : 'backup';
  }
  const lacp = group?.snapshot()?.ports.find(({ member }) => member === port.number);
  if (property === 'actor-flags') return lacp === undefined ? null : flagLetters(lacp.actor.state);
  return property === 'partner-flags' && lacp !== undefined ? flagLetters(lacp.partner.state) : null;
}

function ofMember(host: Host, name: string, property: Property): Value {
  const nic = host.interface(name);
  if (nic === undefined) return null;
  if (property.startsWith('hears:')) return host.bondOf(nic)?.hears(nic.ifindex, property.slice(6)) ?? false;
  if (property === 'mac') return nic.mac;
  if (property === 'mtu') return nic.mtu;
  if (property === 'admin-up') return nic.adminUp;
  if (property === 'carrier') return nic.carrier;
  if (property === 'lacpdus') return nic.lacpdus;
  const snapshot = host.bondOf(nic)?.snapshot();
  const member = snapshot?.members.find(each => each.member === nic.ifindex);
  // As /proc has it: a port that has no aggregator yet is none.
  const port = snapshot?.lacp?.ports.find(each => each.member === nic.ifindex && each.aggregator !== null);
  if (property === 'aggregator') return port?.aggregator ?? null;
  if (property === 'in-active-aggregator') return port?.isInActive ?? null;
  if (property === 'port-priority') return port?.actor.portPriority ?? null;
  if (property === 'actor-flags') return port === undefined ? null : flagLetters(port.actor.state);
  if (property === 'partner-flags') return port === undefined ? null : flagLetters(port.partner.state);
  if (property === 'state') return member?.state ?? 'none';
  if (property === 'link')
    return member === undefined ? null : (sysfsMemberText(member, 'mii_status')?.trimEnd() ?? null);
  return property === 'failures' ? (member?.linkFailureCount ?? null) : null;
}
