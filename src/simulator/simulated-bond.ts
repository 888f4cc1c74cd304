// A bond of a simulated host: its own interface, and the daemon that keeps it. The keeper is the one that ships; only its ports are
// those of the network.
import { err, ok, refusal, type MacText, type Refusal, type Result } from '../base/index.js';
import { BondKeeper, type Candidate, giveUp, recordsOf, type SavedKeeping } from '../keeper/index.js';
import type { BondSnapshot, Input } from '../policy/index.js';
import { AddressLists } from './address-lists.js';
import type { BondWorld, SimulatedPolicy } from './bond-world.js';
import { Carried } from './carried.js';
import { SimulatedDataPlane } from './data-plane.js';
import { type Frame, isGroup } from './frame.js';
import type { IpDevice } from './ip-stack.js';
import { DEFAULT_MTU, type NetworkInterface } from './network-interface.js';
import type { BondSpec } from './scenario.js';
import { type BondDevice, SimulatedHost } from './simulated-host.js';

type Done = Result<undefined, Refusal>;
const DONE: Done = ok(undefined);

/** Options that name members, which must have joined first. */
const AFTER_JOINING: ReadonlySet<string> = new Set(['active_slave', 'prio', 'queue_id', 'actor_port_prio']);

export class SimulatedBond implements IpDevice, BondDevice {
  readonly name: string;
  readonly ifindex: number;
  readonly addresses: readonly string[];
  readonly carried: Carried = new Carried();
  readonly plane: SimulatedDataPlane;
  mac: MacText;
  mtu: number = DEFAULT_MTU;
  adminUp: boolean = false;
  /** False once it was destroyed. */
  exists: boolean = true;
  /** Null while no daemon runs. */
  keeper: BondKeeper<SimulatedHost> | null = null;
  /** News on the way: device and policy may differ until it is told. */
  newsPending: number = 0;
  /** Gratuitous ARP requests that it sent. */
  garpsSent: number = 0;
  readonly #world: BondWorld;
  /** What the daemon wrote down last. */
  #saved: SavedKeeping | null = null;
  /** It was destroyed, and all is given back. */
  #isForgotten = false;
  /** What the programs did while no daemon ran: it stands in the ring buffer. */
  readonly #unheard: (readonly [from: number, to: number])[] = [];
  /** The snapshot since the last input, when somebody asked for it. */
  #seen: BondSnapshot | null = null;
  readonly #blank: BondSnapshot;
  /** The last input was a tick that found nothing new. */
  #isQuiet = false;
  readonly #lists = new AddressLists();

  private constructor(
    world: BondWorld,
    spec: BondSpec,
    ifindex: number,
    policy: SimulatedPolicy,
    mac: MacText,
  ) {
    this.#world = world;
    this.name = spec.name;
    this.addresses = spec.addresses;
    this.ifindex = ifindex;
    this.mac = mac;
    this.#blank = policy.snapshot();
    this.plane = new SimulatedDataPlane(
      (from, to) => {
        if (from === null) return;
        world.clock.after(world.pace.newsMs, () => {
          if (this.keeper === null) this.#unheard.push([from, to]);
          else this.keeper.host.packets.diverted(from, to);
        });
      },
      () => world.random.integer(0, 0xffff_ffff),
      () => world.clock.now,
    );
    this.keeper = this.#keep(policy, null);
  }

  /** The interface of a bond, and a daemon that keeps it; nothing is done yet. */
  static create(world: BondWorld, spec: BondSpec, ifindex: number): Result<SimulatedBond, Refusal> {
    const address = world.random.mac();
    const entries = Object.entries(spec.options);
    const made = world.policies.create({
      name: spec.name,
      address,
      addressIsRandom: true,
      mtu: DEFAULT_MTU,
      options: entries.filter(([name]) => !AFTER_JOINING.has(name)),
    });
    if (!made.ok) return made;
    return ok(new SimulatedBond(world, spec, ifindex, made.value, address));
  }

  /** As a scenario says it stands at time 0; written down before anything is done. */
  begin(spec: BondSpec): Done {
    const unwritten = this.keeper?.host.book.note('');
    if (unwritten !== undefined) return err(unwritten);
    this.keeper?.start();
    this.keeper?.save();
    for (const member of spec.members) {
      const joined = this.enslave(member);
      if (!joined.ok) return joined;
    }
    for (const [option, text] of Object.entries(spec.options)) {
      if (!AFTER_JOINING.has(option)) continue;
      for (const value of text.split(/[\s,]+/)) {
        const set = this.set(option, value);
        if (!set.ok) return set;
      }
    }
    if (spec.up !== false) this.setUp(true);
    return DONE;
  }

  get policy(): SimulatedPolicy | null {
    return this.keeper?.policy ?? null;
  }

  get members(): readonly NetworkInterface[] {
    return this.plane.members().flatMap(member => this.#world.interfaceAt(member) ?? []);
  }

  has(nic: NetworkInterface): boolean {
    return this.plane.members().includes(nic.ifindex);
  }

  get carrier(): boolean {
    return this.plane.carrier;
  }

  canTransmit(): boolean {
    return this.adminUp;
  }

  transmit(frame: Frame): void {
    if (!this.adminUp) return;
    this.plane.transmit(frame);
    this.keeper?.host.frames.hearOwn(frame);
  }

  /** A frame that a member took in. */
  received(nic: NetworkInterface, frame: Frame): void {
    this.keeper?.host.frames.hear(nic.ifindex, frame);
    if (this.plane.receive(nic, frame) !== 'to-bond' || !this.adminUp) return;
    const own = this.plane.forBond(frame);
    if (own.destination === this.mac || isGroup(own.destination)) this.#world.deliver(this, own);
  }

  // Wishes of users, as the daemon carries them out.

  set(option: string, value: string): Done {
    return this.keeper?.setOption(option, value) ?? noDaemon(this.name);
  }

  /** With `takeDown`, one that is up is taken down, and its addresses and routes come with it. */
  enslave(name: string, { takeDown = false }: { readonly takeDown?: boolean } = {}): Done {
    const nic = this.#world.findInterface(name);
    if (this.keeper === null) return noDaemon(this.name);
    if (nic === undefined) return err(refusal('unknown-interface', 'ENODEV', `There is no ${name}`));
    if (this.has(nic)) return DONE;
    if (this.#world.bondOf(nic) !== undefined)
      return err(refusal('in-use', 'EBUSY', `${name} is a member of another bond`));
    if (nic.adminUp && !takeDown)
      return err(refusal('interface-up', 'EPERM', `${name} is up; take it down first`));
    return this.keeper.join(candidateOf(nic));
  }

  release(name: string): Done {
    const nic = this.#world.findInterface(name);
    if (this.keeper === null) return noDaemon(this.name);
    if (nic === undefined) return err(refusal('unknown-interface', 'ENODEV', `There is no ${name}`));
    if (!this.has(nic)) return err(refusal('unknown-interface', 'EINVAL', `${name} is no member`));
    this.keeper.release([nic.ifindex], [name]);
    return DONE;
  }

  destroy(): Done {
    if (this.keeper === null) return noDaemon(this.name);
    this.keeper.destroy(() => {
      this.keeper = null;
    });
    return DONE;
  }

  setUp(up: boolean): void {
    this.adminUp = up;
    this.#bondNews();
  }

  setMac(mac: MacText): void {
    this.mac = mac;
    this.#bondNews();
  }

  setMtu(mtu: number): void {
    this.mtu = mtu;
    this.#bondNews();
  }

  /** Somebody on top wants frames to this address, or no longer. */
  listen(mac: MacText, wanted: boolean): void {
    this.#lists.listen(mac, wanted);
  }

  /** True when the address is in the member's list: the daemon keeps the bond's list in those of some members. */
  hears(member: number, mac: string): boolean {
    return this.adminUp && this.#lists.hears(member, mac, this.addresses);
  }

  /** kill -9: packets go on by the last plan; nobody listens, nobody ticks. */
  kill(): void {
    if (this.keeper === null) return;
    this.#seen = this.keeper.policy.snapshot();
    this.keeper.host.end();
    this.keeper = null;
    this.#world.stepped(this);
  }

  /** A new daemon finds the bond at work. */
  start(): void {
    if (this.keeper !== null) return;
    const saved = this.#saved;
    if (saved === null || !this.exists) {
      this.#sweep(saved);
      return;
    }
    this.#seen = null;
    const keeper = this.#keep(this.#world.policies.restore(saved.policy, this.#world.clock.now), saved);
    this.keeper = keeper;
    // All that was missed is one piece of news.
    this.newsPending++;
    keeper.undoUnfinished();
    if (keeper.ending)
      keeper.dismantle(() => {
        this.keeper = null;
      });
    else keeper.adopt();
    this.newsPending--;
    this.#world.stepped(this);
  }

  /** Of a bond that is gone, or that nothing is written of, nothing stays. */
  #sweep(saved: SavedKeeping | null): void {
    this.exists = false;
    const host = this.#host(() => {});
    host.packets.destroy();
    if (saved !== null) giveUp(host, saved);
    host.ended();
  }

  // News of the kernel.

  /** A member changed; told after a while, and then as it is by then. */
  memberNews(nic: NetworkInterface, delayMs: number): void {
    if (this.keeper === null) return;
    this.newsPending++;
    this.#world.clock.after(delayMs, () => {
      this.newsPending--;
      this.keeper?.memberTold(nic.ifindex);
    });
  }

  /** What the daemon knows, or the last one knew. */
  snapshot(): BondSnapshot {
    if (this.keeper === null) return this.#seen ?? this.#blank;
    this.#seen ??= this.keeper.policy.snapshot();
    return this.#seen;
  }

  #bondNews(): void {
    this.newsPending++;
    this.#world.clock.after(this.#world.pace.newsMs, () => {
      this.newsPending--;
      this.keeper?.bondTold();
    });
  }

  /** A daemon that keeps the bond: anew, or from what an earlier one wrote down. */
  #keep(policy: SimulatedPolicy, saved: SavedKeeping | null): BondKeeper<SimulatedHost> {
    const host = this.#host(() => {
      if (!this.#world.keepState || this.#isForgotten) return;
      const { written = (as: SavedKeeping) => as } = this.#world.plant ?? {};
      this.#saved = written(keeper.saved());
    });
    const records = recordsOf(saved?.members ?? []);
    const parts = { host, policy: this.#watched(policy), records };
    const keeper = new BondKeeper(saved === null ? parts : { ...parts, saved });
    return keeper;
  }

  #host(save: () => void): SimulatedHost {
    const world = this.#world;
    return new SimulatedHost({
      world,
      device: this,
      plane: this.plane,
      lists: this.#lists,
      unheard: this.#unheard,
      save,
      told: event => world.told(this, event),
      stepped: () => {
        if (!this.#isQuiet) world.stepped(this);
      },
      announced: () => {
        this.garpsSent++;
      },
      gone: () => {
        this.exists = false;
      },
      forgotten: () => {
        this.#isForgotten = true;
        this.#saved = null;
      },
    });
  }

  /** The policy, with what is seen of it forgotten at every input. */
  #watched(policy: SimulatedPolicy): SimulatedPolicy {
    let last: Input['kind'] = 'time';
    return {
      handle: (input, now) => {
        this.#seen = null;
        last = input.kind;
        return policy.handle(input, now);
      },
      outputs: () => {
        const outputs = policy.outputs();
        this.#isQuiet = last === 'time' && outputs.length === 0;
        return outputs;
      },
      deadline: () => policy.deadline(),
      rest: untilMs => policy.rest(untilMs),
      facts: () => policy.facts(),
      members: () => policy.members(),
      lease: () => policy.lease(),
      snapshot: () => policy.snapshot(),
      revision: () => policy.revision(),
      plan: () => policy.plan(),
      save: now => policy.save(now),
      addressesFor: address => policy.addressesFor(address),
    };
  }
}

/** An interface as it is before it joins. */
export function candidateOf(nic: NetworkInterface): Candidate {
  const { ifindex, name, mac, mtu, adminUp, isSilent, carried } = nic;
  return {
    name,
    original: {
      ifindex,
      name,
      address: mac,
      mtu,
      up: adminUp,
      promiscuous: false,
      allMulticast: false,
      disableIpv6: isSilent ? '1' : '0',
      addrGenMode: null,
    },
    link: nic.link(),
    belongings: { ifindex, name, addresses: carried.addresses, routes: carried.routes },
    counted: {},
  };
}

function noDaemon(name: string): Done {
  return err(refusal('system', 'ECONNREFUSED', `No daemon runs ${name}`));
}
