// The leases of a bond as its daemon keeps them: what the policy says goes into the state that programs read, with what the kernel says
// of the links.
import { getLink, monotonicNs, type Rtnetlink } from '../../linux/index.js';
import type { Kept, Lease, MemberIndex } from '../../policy/index.js';
import type { Leases } from '../contract.js';
import type { BondMetronome } from './bond-metronome.js';
import type { LiveState } from './live-state.js';

const MS = 1_000_000;
/** How often links are asked anew whether they were away for a moment that nobody told of. */
const ASK_AGAIN_NS = 5_000_000_000n;

export class BondLeases implements Leases {
  readonly #netlink: Rtnetlink;
  readonly #state: LiveState;
  readonly #metronome: BondMetronome;
  /** carrier_down_count of members that have a lease. */
  readonly #downs = new Map<MemberIndex, number>();
  #askedNs = 0n;
  /** Nothing is stored, as far as this process knows. */
  #isEmpty = false;
  #hasLooked = false;
  #found: Kept | undefined;

  constructor(netlink: Rtnetlink, state: LiveState, metronome: BondMetronome) {
    this.#netlink = netlink;
    this.#state = state;
    this.#metronome = metronome;
  }

  beat(): void {
    this.#state.leases.beat(monotonicNs());
  }

  keep(lease: Lease | null): void {
    // News of a member may come before this bond is asked what went on: that is not to be written over.
    this.#look();
    const now = monotonicNs();
    if (lease === null && this.#isEmpty) return;
    const { leases } = this.#state;
    // Until its clock says so for the first time.
    if (leases.daemonNs === 0n) leases.beat(now);
    leases.last(lease === null ? now : now + BigInt(Math.round(lease.forMs * MS)));
    const wanted = new Map(lease?.ports.map(port => [port.member, port]));
    if (now - this.#askedNs > ASK_AGAIN_NS) this.#downs.clear();
    if (this.#downs.size === 0) this.#askedNs = now;
    const slots: number[] = [];
    for (const member of this.#state.members()) {
      const slot = this.#state.slotOf(member);
      if (slot === undefined) continue;
      const port = wanted.get(member);
      const carrierDowns = port === undefined ? undefined : this.#carrierDowns(member);
      if (port === undefined || carrierDowns === undefined) {
        this.#downs.delete(member);
        leases.end(slot);
        continue;
      }
      const { expected, answer, silenceMs } = port;
      leases.store(
        slot,
        { expected, answer, silenceNs: BigInt(Math.round(silenceMs * MS)), carrierDowns },
        now,
      );
      slots.push(slot);
    }
    this.#metronome.speakFor(slots);
    this.#isEmpty = wanted.size === 0;
  }

  get problem(): string | undefined {
    return this.#metronome.problem;
  }

  take(): Kept | undefined {
    this.#look();
    const found = this.#found;
    this.#found = undefined;
    return found;
  }

  /** What the last daemon left, the first time. */
  #look(): void {
    if (this.#hasLooked) return;
    this.#hasLooked = true;
    this.#found = this.#read();
  }

  #read(): Kept | undefined {
    const { leases } = this.#state;
    const { daemonNs } = leases;
    if (daemonNs === 0n) return undefined;
    const ports = this.#state.members().flatMap(member => {
      const slot = this.#state.slotOf(member);
      const seen = slot === undefined ? undefined : leases.take(slot);
      if (seen === undefined) return [];
      const { answer, heardNs, said } = seen;
      const hasEnded = seen.hasEnded || seen.cutNs !== 0n;
      return [{ member, answer, hasEnded, heardMs: heardNs === 0n ? null : Number(heardNs) / MS, said }];
    });
    return ports.length === 0 ? undefined : { awayMs: Number(monotonicNs() - daemonNs) / MS, ports };
  }

  /** How often the link was away so far; undefined when the interface is gone, or the kernel does not count it. */
  #carrierDowns(member: MemberIndex): number | undefined {
    const known = this.#downs.get(member);
    if (known !== undefined) return known;
    const downs = getLink(this.#netlink, member)?.carrierDownCount;
    if (downs !== undefined) this.#downs.set(member, downs);
    return downs;
  }
}
