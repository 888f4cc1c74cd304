// The network of a scenario on real interfaces: namespaces for hosts and switches, veth pairs for cables, bridges for
// switches, and what can happen to them without anybody's bond.
import { Assembler, BPF_PROG_TYPES, link, R0, R1 } from '../ebpf/index.js';
import {
  addAddress,
  addBpfFilter,
  addClsact,
  addressFromText,
  closeFd,
  createBridge,
  deleteBpfFilter,
  getLink,
  loadProgram,
  requireLink,
  setLink,
  writeSysctl,
} from '../linux/index.js';
import { createCable, namespaceName, Place } from '../lab/index.js';
import { endParts, type HostSpec, interfaceMac, type Scenario } from '../simulator/index.js';

/** Every network of a process has a number of its own, so that the names of its namespaces are unique. */
let made = 100;
/** Interface indexes of ports: none that a host's interface has, so that the kernel tells carriers at once. */
const FIRST_PORT = 1000;
const LOSS_PREFERENCE = 77;

/** One host: its namespace, with its interfaces in it. */
export class RealHost {
  readonly spec: HostSpec;
  readonly place: Place;

  constructor(spec: HostSpec, place: Place) {
    this.spec = spec;
    this.place = place;
  }

  setUp(name: string, up: boolean): void {
    const { netlink } = this.place;
    setLink(netlink, requireLink(netlink, name).ifindex, { up });
  }
}

/** Something that has cables: a host's or a switch's namespace, and the name of an end there. */
interface End {
  readonly place: Place;
  readonly name: string;
  readonly isPort: boolean;
}

interface Wire {
  readonly ends: readonly [string, string];
  /** The end that is set down to cut the cable: a switch's where there is one. */
  readonly handle: End;
  isCut: boolean;
}

/** A scenario's network. */
export class RealNetwork {
  readonly hosts: readonly RealHost[];
  readonly #places = new Map<string, Place>();
  readonly #ends = new Map<string, End>();
  readonly #wires: Wire[] = [];
  readonly #bridges = new Map<string, number>();
  readonly #dead = new Set<string>();

  private constructor(scenario: Scenario) {
    const number = made++;
    const nodes = [...scenario.hosts.map(({ name }) => name), ...scenario.switches.map(({ name }) => name)];
    for (const [at, node] of nodes.entries()) {
      this.#places.set(node, Place.create(namespaceName(process.pid, number, `n${at}x`)));
    }
    this.hosts = scenario.hosts.map(spec => new RealHost(spec, this.#place(spec.name)));
  }

  /** Builds it; nothing is left when that fails. */
  static build(scenario: Scenario): RealNetwork {
    const network = new RealNetwork(scenario);
    try {
      network.#build(scenario);
      return network;
    } catch (error) {
      network.close();
      throw error;
    }
  }

  #place(node: string): Place {
    const place = this.#places.get(node);
    if (place === undefined) throw new Error(`The scenario has no ${node}`);
    return place;
  }

  #build(scenario: Scenario): void {
    for (const { name } of scenario.switches) {
      const place = this.#place(name);
      place.inside(() => {
        writeSysctl('ipv6', 'default', 'disable_ipv6', '1');
        writeSysctl('ipv6', 'all', 'disable_ipv6', '1');
      });
      const bridge = createBridge(
        place.netlink,
        { name: 'br0', up: true },
        { stp: false, forwardDelaySeconds: 0, multicastSnooping: false },
      );
      this.#bridges.set(name, bridge.ifindex);
    }
    for (const { place, spec } of this.hosts) {
      const addresses = [...spec.interfaces, ...(spec.bonds ?? [])].flatMap(each => each.addresses ?? []);
      place.inside(() => {
        writeSysctl('ipv6', 'default', 'accept_dad', '0');
        if (!addresses.some(each => each.includes(':'))) writeSysctl('ipv6', 'default', 'disable_ipv6', '1');
      });
    }
    this.#lay(scenario);
    for (const { place, spec } of this.hosts) {
      setLink(place.netlink, 1, { up: true });
      for (const { name, addresses = [] } of spec.interfaces) {
        if (addresses.length > 0) this.giveAddresses(place, name, addresses);
      }
    }
  }

  /** Addresses for an interface, which is up then. */
  giveAddresses(place: Place, name: string, addresses: readonly string[]): void {
    const { ifindex } = requireLink(place.netlink, name);
    setLink(place.netlink, ifindex, { up: true });
    for (const address of addresses) addAddress(place.netlink, addressFromText(ifindex, address));
  }

  #lay(scenario: Scenario): void {
    let port = FIRST_PORT;
    const end = (text: string): End & { ifindex: number; address?: string } => {
      const { node, port: name } = endParts(text);
      const host = scenario.hosts.findIndex(each => each.name === node);
      const place = this.#place(node);
      if (host < 0) return { place, name: `p-${name}`.slice(0, 15), isPort: true, ifindex: port++ };
      const nth = scenario.hosts[host]?.interfaces.findIndex(each => each.name === name) ?? -1;
      const address = scenario.hosts[host]?.interfaces[nth]?.mac ?? interfaceMac(host, nth);
      return { place, name, isPort: false, ifindex: nth + 2, address };
    };
    const lay = (a: string, b: string): void => {
      const [near, far] = [end(a), end(b)];
      createCable(
        {
          ...near.place.end(near.name, near.ifindex),
          ...(near.address !== undefined && { address: near.address }),
        },
        {
          ...far.place.end(far.name, far.ifindex),
          ...(far.address !== undefined && { address: far.address }),
        },
      );
      this.#ends.set(a, near).set(b, far);
      this.#wires.push({ ends: [a, b], handle: near.isPort ? near : far, isCut: false });
      for (const [text, one] of [
        [a, near],
        [b, far],
      ] as const) {
        const bridge = this.#bridges.get(endParts(text).node);
        if (bridge !== undefined) setLink(one.place.netlink, one.ifindex, { master: bridge, up: true });
      }
    };
    for (const { a, b } of scenario.cables) lay(a, b);
    // An interface without a cable has one that leads nowhere: it exists, and never has a carrier.
    for (const { name, interfaces } of scenario.hosts) {
      for (const [nth, { name: nic }] of interfaces.entries()) {
        if (this.#ends.has(`${name}:${nic}`)) continue;
        const near = end(`${name}:${nic}`);
        createCable(
          {
            ...near.place.end(nic, near.ifindex),
            ...(near.address !== undefined && { address: near.address }),
          },
          near.place.end(`nowhere${nth}`, FIRST_PORT + nth),
        );
      }
    }
  }

  #wire(end: string): Wire {
    const wire = this.#wires.find(each => each.ends.includes(end));
    if (wire === undefined) throw new Error(`No cable ends at ${end}`);
    return wire;
  }

  #show(wire: Wire): void {
    const powered = wire.ends.every(end => !this.#dead.has(endParts(end).node));
    const { place, name } = wire.handle;
    setLink(place.netlink, requireLink(place.netlink, name).ifindex, { up: powered && !wire.isCut });
  }

  setCut(end: string, cut: boolean): void {
    const wire = this.#wire(end);
    wire.isCut = cut;
    this.#show(wire);
  }

  /** Power of a node: all its cables lose their carrier, or those that are whole get it back. */
  setPowered(node: string, on: boolean): void {
    if (on) this.#dead.delete(node);
    else this.#dead.add(node);
    for (const wire of this.#wires) if (wire.ends.some(end => endParts(end).node === node)) this.#show(wire);
  }

  /** A switch, or one port of it, forwards nothing although its carriers stay. */
  setSilent(node: string, silent: boolean, port?: string): void {
    const bridge = this.#bridges.get(node) ?? 0;
    for (const [text, end] of this.#ends) {
      const parts = endParts(text);
      if (parts.node !== node || (port !== undefined && parts.port !== port)) continue;
      const { netlink } = end.place;
      setLink(netlink, requireLink(netlink, end.name).ifindex, { master: silent ? 0 : bridge });
    }
  }

  /** So many per cent of what this end sends are lost: where it arrives, if that is a switch, else where it leaves. */
  setLoss(text: string, percent: number): void {
    const wire = this.#wire(text);
    const other = this.#ends.get(wire.ends[0] === text ? wire.ends[1] : wire.ends[0]);
    const own = this.#ends.get(text);
    if (own === undefined || other === undefined) throw new Error(`No cable ends at ${text}`);
    const [at, direction] = other.isPort ? ([other, 'ingress'] as const) : ([own, 'egress'] as const);
    const { netlink } = at.place;
    const { ifindex } = requireLink(netlink, at.name);
    addClsact(netlink, ifindex);
    const place = { ifindex, direction, preference: LOSS_PREFERENCE };
    deleteBpfFilter(netlink, place);
    if (percent === 0) return;
    const program = new Assembler('bw_lose')
      .call('get_prandom_u32')
      .lsh(R0, 32)
      .rsh(R0, 32)
      .mov32(R1, Math.min(0xffff_ffff, Math.floor((percent / 100) * 2 ** 32)))
      .jlt(R0, R1, 'lose')
      .exitWith(0)
      .label('lose')
      .exitWith(2)
      .build();
    const fd = loadProgram({
      type: BPF_PROG_TYPES.BPF_PROG_TYPE_SCHED_CLS,
      name: 'bw_lose',
      license: 'GPL',
      instructions: link(program),
    });
    try {
      addBpfFilter(netlink, place, fd, 'bw_lose');
    } finally {
      closeFd(fd);
    }
  }

  /** Where the cable of a host's interface ends. */
  farEnd(host: RealHost, name: string): { readonly place: Place; readonly name: string } | undefined {
    const own = `${host.spec.name}:${name}`;
    const wire = this.#wires.find(({ ends }) => ends.includes(own));
    return wire === undefined
      ? undefined
      : this.#ends.get(wire.ends[0] === own ? wire.ends[1] : wire.ends[0]);
  }

  /** The link of that name on a host, or undefined. */
  link(host: RealHost, name: string): ReturnType<typeof getLink> {
    return getLink(host.place.netlink, name);
  }

  close(): void {
    for (const place of this.#places.values()) place.remove();
  }
}
