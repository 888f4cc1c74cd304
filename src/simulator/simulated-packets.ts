// The data plane of the network, as the keeper of a simulated bond knows it.
import type { Packets } from '../keeper/index.js';
import type { ForwardingPlan, MemberIndex } from '../policy/index.js';
import type { BondWorld } from './bond-world.js';
import type { SimulatedDataPlane } from './data-plane.js';

interface PacketParts {
  readonly world: Pick<BondWorld, 'interfaceAt'>;
  readonly device: { readonly ifindex: number };
  readonly plane: SimulatedDataPlane;
  /** What the programs did while nobody listened. */
  readonly unheard: (readonly [from: MemberIndex, to: MemberIndex])[];
}

export class SimulatedPackets implements Packets {
  readonly bondIfindex: number;
  readonly checksCarrier: boolean = true;
  readonly #parts: PacketParts;
  #taken = 0;
  #callback: Parameters<Packets['onDiverted']>[0] = () => {};

  constructor(parts: PacketParts) {
    this.#parts = parts;
    this.bondIfindex = parts.device.ifindex;
  }

  addMember(member: MemberIndex): void {
    const nic = this.#parts.world.interfaceAt(member);
    if (nic !== undefined) this.#parts.plane.addMember(nic);
  }

  removeMember(member: MemberIndex): void {
    this.#parts.plane.removeMember(member);
  }

  apply(plan: ForwardingPlan): void {
    this.#parts.plane.apply(plan);
  }

  /** Nothing is queued in this network. */
  qdiscsChanged(): void {}

  setCarrier(on: boolean): void {
    this.#parts.plane.carrier = on;
  }

  /** The pair of interfaces is one device here, which has its MTU and its name already. */
  setMtu(): void {}

  renamed(): void {}

  current(): MemberIndex | null {
    return this.#parts.plane.current;
  }

  members(): readonly MemberIndex[] {
    return this.#parts.plane.members();
  }

  takeLoss(): { readonly packets: number; readonly sinceNs: null } {
    const { drops, deadSends } = this.#parts.plane;
    const packets = drops + deadSends - this.#taken;
    this.#taken += packets;
    return { packets, sinceNs: null };
  }

  onDiverted(callback: Parameters<Packets['onDiverted']>[0]): void {
    this.#callback = callback;
  }

  diverted(from: MemberIndex, to: MemberIndex): void {
    if (this.#parts.plane.members().includes(from)) this.#callback({ from, to });
  }

  pollDiversions(): void {
    for (const [from, to] of this.#parts.unheard.splice(0)) this.diverted(from, to);
  }

  close(): void {}

  destroy(): void {
    const { plane } = this.#parts;
    for (const member of plane.members()) plane.removeMember(member);
    plane.carrier = false;
  }
}
