// A scenario's network, standing and running: nodes, cables, traffic, and what happens to them. (simulator)
import { err, ok, type Refusal, type Result, refusal, unreachable } from '../base/index.js';
import { Cable, type Port } from './cable.js';
import { FlowRun } from './flow.js';
import { Host, type HostWorld } from './host.js';
import { LacpPartner } from './lacp-partner.js';
import { ChannelGroup, type GroupIdentity } from './channel-group.js';
import { LearningSwitch, switchSystem } from './learning-switch.js';
import { SwitchPair } from './switch-pair.js';
import type { SwitchPort } from './switch-port.js';
import { canonical } from './ip-stack.js';
import type { NetworkInterface } from './network-interface.js';
import type { SimulatedBond } from './simulated-bond.js';
import {
  DEFAULT_AGEING_MS,
  DEFAULT_CABLE_DELAY_MS,
  endParts,
  type GroupSpec,
  type Happening,
  type PairSpec,
  type Scenario,
  type SwitchSpec,
} from './scenario.js';

export interface NetworkWorld extends HostWorld {
  looped(end: string): void;
  /** The LACP of a channel group of a switch did something. */
  grouped(owner: LearningSwitch, group: ChannelGroup): void;
}

const DONE: Result<undefined, Refusal> = ok(undefined);

export class Network {
  readonly hosts: readonly Host[];
  readonly switches: readonly LearningSwitch[];
  readonly flows: readonly FlowRun[];
  readonly #partners: readonly LacpPartner[];
  readonly #cables: readonly Cable[];
  readonly #world: NetworkWorld;

  constructor(world: NetworkWorld, scenario: Scenario) {
    this.#world = world;
    const { clock } = world;
    this.hosts = scenario.hosts.map((spec, nth) => new Host(world, spec, nth));
    const switchWorld = {
      clock,
      stepped: (owner: LearningSwitch, group: ChannelGroup): void => world.grouped(owner, group),
    };
    this.switches = scenario.switches.map(
      (spec, nth) =>
        new LearningSwitch(spec.name, spec.ageingMs ?? DEFAULT_AGEING_MS, switchWorld, nth, {
          specs: spec.groups ?? [],
          identity: group => groupIdentity(scenario, spec, group),
        }),
    );
    this.#partners = (scenario.partners ?? []).map((spec, nth) => new LacpPartner(spec, nth, clock));
    this.#cables = scenario.cables.map(
      spec =>
        new Cable([this.#port(spec.a), this.#port(spec.b)], spec.delayMs ?? DEFAULT_CABLE_DELAY_MS, world),
    );
    for (const each of this.switches) each.boot();
    for (const spec of scenario.pairs ?? []) this.#makePair(spec);
    this.flows = scenario.flows.map((spec, nth) => new FlowRun(spec, nth));
  }

  #makePair({ primary, secondary }: PairSpec): void {
    const [one, other] = [primary, secondary].map(name => this.switches.find(each => each.name === name));
    const between = this.#cables
      .map(({ a, b }) => [endParts(a.end), endParts(b.end)] as const)
      .find(ends => [primary, secondary].every(name => ends.some(({ node }) => node === name)));
    if (one === undefined || other === undefined || between === undefined)
      throw new RangeError(`${primary} and ${secondary} are no pair`);
    const portAt = (owner: LearningSwitch): SwitchPort =>
      owner.port(between.find(({ node }) => node === owner.name)?.port ?? '');
    const pair = new SwitchPair({ primary: one, secondary: other }, [portAt(one), portAt(other)]);
    one.pair = pair;
    other.pair = pair;
  }

  /** Everything is set up and the cables are plugged in. The refusal of what cannot be. */
  boot(): Result<undefined, Refusal> {
    for (const cable of this.#cables) cable.refresh();
    for (const host of this.hosts) {
      const booted = host.boot();
      if (!booted.ok) return booted;
    }
    return DONE;
  }

  host(name: string): Host | undefined {
    return this.hosts.find(each => each.name === name);
  }

  flow(name: string): FlowRun | undefined {
    return this.flows.find(each => each.spec.name === name);
  }

  /** Traffic from the time of the flow's start. */
  startFlow(flow: FlowRun): void {
    const { clock } = this.#world;
    const host = this.host(flow.spec.from);
    const ip = canonical(flow.spec.address);
    const next = (): void => {
      const sequence = flow.sent++;
      if (host?.isPowered === true) host.ip.send(ip, { kind: 'packet', flow, sequence });
      if (flow.sent < flow.planned) clock.at(flow.spec.startMs + flow.sent * flow.intervalMs, next);
    };
    if (flow.planned > 0) clock.at(flow.spec.startMs, next);
  }

  /**
   * By how many ways switches reach the members that a bond hears: more than one where they do not take them for one, so that what they
   * flood comes by each.
   */
  waysTo(bond: SimulatedBond): number {
    const heard = new Set([...bond.plane.acceptingAlways(), bond.plane.current]);
    const ways = bond.members.flatMap(nic => (heard.has(nic.ifindex) ? [this.#wayTo(nic)] : []));
    return new Set(ways.filter(way => way !== null)).size;
  }

  #wayTo({ cable, end }: NetworkInterface): string | null {
    const far = cable?.a.end === end ? cable.b : cable?.a;
    const { node = '', port = '' } = far === undefined ? {} : endParts(far.end);
    const owner = this.#switch(node);
    const way = owner?.wayOf(owner.port(port));
    if (way instanceof ChannelGroup) return owner?.pair === null ? `${node} ${way.name}` : `pair ${way.name}`;
    return way === null || way === undefined ? null : (far?.end ?? null);
  }

  /** Makes something happen. */
  happen(event: Happening): Result<undefined, Refusal> {
    if ('host' in event) return this.#onHost(event);
    switch (event.do) {
      case 'cut':
      case 'restore':
        this.#cable(event.end)?.setCut(event.do === 'cut');
        return DONE;
      case 'lose':
        this.#cable(event.end)?.setLoss(this.#port(event.end), event.percent);
        return DONE;
      case 'silence':
      case 'unsilence':
        this.#switch(event.switch)?.setSilent(event.do === 'silence', event.port);
        return DONE;
      case 'group-move':
        this.#switch(event.switch)?.moveToGroup(event.port, event.group);
        return DONE;
      case 'group-set':
        this.#switch(event.switch)?.setGroup(event.group, event.to);
        return DONE;
      case 'group-remove':
        this.#switch(event.switch)?.removeGroup(event.group);
        return DONE;
      case 'reboot':
        this.#switch(event.switch)?.reboot(event.downMs, event.readyMs ?? 0);
        return DONE;
      case 'partner-says': {
        const { partner: name, port, says } = event;
        const partner = this.#partners.find(each => each.name === name);
        partner?.port(port)?.change({ ...says, name: port });
        return DONE;
      }
      case 'kill':
      case 'revive':
        this.#power(event.node, event.do === 'revive');
        return DONE;
      case 'flap':
        throw new Error('Flaps are taken apart before they happen');
      default:
        return unreachable(event);
    }
  }

  #onHost(event: Extract<Happening, { host: string }>): Result<undefined, Refusal> {
    const host = this.host(event.host);
    if (host === undefined || !host.isPowered) return err(refusal('system', 'EHOSTUNREACH', 'It is off'));
    if (!('bond' in event)) {
      onHost(host, event);
      return DONE;
    }
    const bond = host.bond(event.bond);
    if (bond === undefined) return err(refusal('unknown-bond', 'ENODEV', `There is no ${event.bond}`));
    switch (event.do) {
      case 'set':
        return bond.set(event.option, event.value);
      case 'enslave':
        return bond.enslave(event.interface);
      case 'release':
        return bond.release(event.interface);
      case 'bond-up':
      case 'bond-down':
        bond.setUp(event.do === 'bond-up');
        return DONE;
      case 'bond-mac':
        bond.setMac(event.mac);
        return DONE;
      case 'listen':
      case 'unlisten':
        bond.listen(event.mac, event.do === 'listen');
        return DONE;
      case 'bond-mtu':
        bond.setMtu(event.mtu);
        return DONE;
      default:
        return unreachable(event);
    }
  }

  #power(node: string, on: boolean): void {
    this.#switch(node)?.setPowered(on);
    this.#partners.find(each => each.name === node)?.setPowered(on);
    const host = this.host(node);
    if (on) host?.revive();
    else host?.kill();
  }

  #port(end: string): Port {
    const { node, port } = endParts(end);
    const found =
      this.#switch(node)?.port(port) ??
      this.#partners.find(each => each.name === node)?.port(port) ??
      this.host(node)?.interface(port);
    if (found === undefined) throw new RangeError(`There is no ${end}`);
    return found;
  }

  #switch(name: string): LearningSwitch | undefined {
    return this.switches.find(each => each.name === name);
  }

  #cable(end: string): Cable | undefined {
    return this.#cables.find(cable => cable.a.end === end || cable.b.end === end);
  }
}

const SYSTEM_PRIORITY = 32_768;
/** Port numbers of the second switch of a pair begin here. */
const SECOND_PORTS = 0x4000;

/** As whom a group of a switch speaks LACP; the groups of a pair as one. */
function groupIdentity(
  { switches, pairs = [] }: Scenario,
  spec: SwitchSpec,
  group: GroupSpec,
): GroupIdentity {
  const nth = pairs.findIndex(each => [each.primary, each.secondary].includes(spec.name));
  const pair = pairs[nth];
  const of = (name: string | undefined): readonly GroupSpec[] =>
    switches.find(each => each.name === name)?.groups ?? [];
  const [first, second] = [of(pair?.primary ?? spec.name), of(pair?.secondary)];
  const twins = [...first, ...second].filter(({ name }) => name === group.name);
  const known = first.findIndex(({ name }) => name === group.name);
  const place = known === -1 ? first.length + second.findIndex(({ name }) => name === group.name) : known;
  const owner = switches.findIndex(({ name }) => name === (pair?.primary ?? spec.name));
  return {
    system: pair?.system ?? switches[owner]?.system ?? switchSystem(owner),
    systemPriority: switches[owner]?.systemPriority ?? SYSTEM_PRIORITY,
    key: twins.find(({ key }) => key !== undefined)?.key ?? place + 1,
    firstPort: pair?.secondary === spec.name ? SECOND_PORTS : 0,
  };
}

function onHost(host: Host, event: Exclude<Extract<Happening, { host: string }>, { bond: string }>): void {
  switch (event.do) {
    case 'link-up':
    case 'link-down':
      host.interface(event.interface)?.setUp(event.do === 'link-up');
      return;
    case 'daemon-kill':
      for (const bond of host.bonds) bond.kill();
      return;
    case 'daemon-start':
      for (const bond of host.bonds) bond.start();
      return;
    default:
      unreachable(event);
  }
}
