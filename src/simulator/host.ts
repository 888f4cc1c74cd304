// A simulated host: its interfaces, the bonds that a daemon runs on it, and its IP stack. (simulator)
import { err, ok, refusal, type Refusal, type Result } from '../base/index.js';
import type { Frame } from './frame.js';
import type { FlowRun } from './flow.js';
import { type IpDevice, IpStack } from './ip-stack.js';
import { type InterfaceOwner, NetworkInterface } from './network-interface.js';
import { type HostSpec, interfaceMac } from './scenario.js';
import type { BondWorld } from './bond-world.js';
import { SimulatedBond } from './simulated-bond.js';

/** What a host needs of the network around it. */
export interface HostWorld
  extends Omit<BondWorld, 'hostName' | 'findInterface' | 'interfaceAt' | 'bonds' | 'bondOf' | 'deliver'> {
  /** Something of a host changed that a watch may look at. */
  changed(): void;
  /** An interface of a host went up or down in any way. */
  linkChanged(host: Host): void;
  duplicate(host: string, flow: FlowRun, sequence: number): void;
}

class PlainDevice implements IpDevice {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly #nic: NetworkInterface;

  constructor(nic: NetworkInterface) {
    this.#nic = nic;
    this.name = nic.name;
    this.addresses = nic.spec.addresses ?? [];
  }

  get mac(): string {
    return this.#nic.mac;
  }

  get carrier(): boolean {
    return this.#nic.carrier;
  }

  canTransmit(): boolean {
    return this.#nic.adminUp;
  }

  transmit(frame: Frame): void {
    this.#nic.transmit(frame);
  }
}

export class Host implements InterfaceOwner {
  readonly name: string;
  readonly spec: HostSpec;
  isPowered: boolean = true;
  readonly interfaces: readonly NetworkInterface[];
  bonds: readonly SimulatedBond[] = [];
  readonly ip: IpStack;
  readonly #world: HostWorld;
  #plain = new Map<NetworkInterface, PlainDevice>();

  constructor(world: HostWorld, spec: HostSpec, nth: number) {
    this.#world = world;
    this.name = spec.name;
    this.spec = spec;
    this.interfaces = spec.interfaces.map(
      (each, at) => new NetworkInterface(this, each, at + 2, each.mac ?? interfaceMac(nth, at)),
    );
    this.ip = new IpStack(world.clock, (flow, sequence) => world.duplicate(spec.name, flow, sequence));
  }

  /** Sets everything up as the scenario says. The refusal of the first thing that cannot be. */
  boot(): Result<undefined, Refusal> {
    const plain = this.interfaces.filter(nic => (nic.spec.addresses ?? []).length > 0);
    this.#plain = new Map(plain.map(nic => [nic, new PlainDevice(nic)]));
    for (const nic of plain) nic.setUp(true);
    const bonds: SimulatedBond[] = [];
    this.bonds = bonds;
    const world: BondWorld = {
      ...this.#world,
      hostName: this.name,
      findInterface: wanted => this.interfaces.find(nic => nic.name === wanted),
      interfaceAt: ifindex => this.interfaces.find(nic => nic.ifindex === ifindex),
      bonds: () => this.bonds,
      bondOf: nic => this.bonds.find(bond => bond.has(nic)),
      deliver: (device, frame) => this.ip.receive(device, frame),
    };
    for (const [at, spec] of (this.spec.bonds ?? []).entries()) {
      const made = SimulatedBond.create(world, spec, 100 + at);
      if (!made.ok) return refused(this.name, spec.name, made.error);
      bonds.push(made.value);
      const begun = made.value.begin(spec);
      if (!begun.ok) return refused(this.name, spec.name, begun.error);
    }
    this.ip.setDevices([...this.#plain.values(), ...bonds]);
    return ok(undefined);
  }

  /** Off: nothing runs any more, and all its cables lose their carrier. */
  kill(): void {
    if (!this.isPowered) return;
    this.isPowered = false;
    for (const bond of this.bonds) bond.kill();
    this.bonds = [];
    this.ip.setDevices([]);
    for (const nic of this.interfaces) {
      nic.reset();
      nic.cable?.refresh();
    }
    this.#world.changed();
  }

  revive(): void {
    if (this.isPowered) return;
    this.isPowered = true;
    this.boot();
    this.#world.changed();
  }

  /** What was counted so far does not count. */
  resetCounters(): void {
    this.ip.resetCounters();
    for (const nic of this.interfaces) nic.lacpdus = 0;
  }

  bond(name: string): SimulatedBond | undefined {
    return this.bonds.find(each => each.name === name);
  }

  interface(name: string): NetworkInterface | undefined {
    return this.interfaces.find(each => each.name === name);
  }

  bondOf(nic: NetworkInterface): SimulatedBond | undefined {
    return this.bonds.find(bond => bond.has(nic));
  }

  received(nic: NetworkInterface, frame: Frame): void {
    if (!this.isPowered) return;
    const bond = this.bondOf(nic);
    if (bond !== undefined) {
      bond.received(nic, frame);
      return;
    }
    const device = this.#plain.get(nic);
    if (device !== undefined) this.ip.receive(device, frame);
  }

  news(nic: NetworkInterface, what: 'carrier' | 'settings'): void {
    this.#world.changed();
    this.#world.linkChanged(this);
    if (!this.isPowered) return;
    const { pace } = this.#world;
    this.bondOf(nic)?.memberNews(nic, what === 'carrier' ? pace.linkWatchMs : pace.newsMs);
  }
}

function refused(host: string, bond: string, { code, errno, message }: Refusal): Result<undefined, Refusal> {
  return err(refusal(code, errno, `${host}/${bond}: ${message}`));
}
