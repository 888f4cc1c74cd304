// A scenario's network, standing and running: nodes, cables, traffic, and what happens to them. (simulator)
import { err, ok, type Refusal, type Result, refusal, unreachable } from '../base/index.js';
import { Cable, type Port } from './cable.js';
import { FlowRun } from './flow.js';
import { Host, type HostWorld } from './host.js';
import { LacpPartner } from './lacp-partner.js';
import { LearningSwitch } from './learning-switch.js';
import { canonical } from './ip-stack.js';
import {
  DEFAULT_AGEING_MS,
  DEFAULT_CABLE_DELAY_MS,
  endParts,
  type Happening,
  type Scenario,
} from './scenario.js';

export interface NetworkWorld extends HostWorld {
  looped(end: string): void;
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
    this.switches = scenario.switches.map(
      spec => new LearningSwitch(spec.name, spec.ageingMs ?? DEFAULT_AGEING_MS, clock),
    );
    this.#partners = (scenario.partners ?? []).map((spec, nth) => new LacpPartner(spec, nth, clock));
    this.#cables = scenario.cables.map(
      spec =>
        new Cable([this.#port(spec.a), this.#port(spec.b)], spec.delayMs ?? DEFAULT_CABLE_DELAY_MS, world),
    );
    this.flows = scenario.flows.map((spec, nth) => new FlowRun(spec, nth));
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
        this.switches.find(each => each.name === event.switch)?.setSilent(event.do === 'silence', event.port);
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
    this.switches.find(each => each.name === node)?.setPowered(on);
    this.#partners.find(each => each.name === node)?.setPowered(on);
    const host = this.host(node);
    if (on) host?.revive();
    else host?.kill();
  }

  #port(end: string): Port {
    const { node, port } = endParts(end);
    const found =
      this.switches.find(each => each.name === node)?.port(port) ??
      this.#partners.find(each => each.name === node)?.port(port) ??
      this.host(node)?.interface(port);
    if (found === undefined) throw new RangeError(`There is no ${end}`);
    return found;
  }

  #cable(end: string): Cable | undefined {
    return this.#cables.find(cable => cable.a.end === end || cable.b.end === end);
  }
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
