// balance-tlb in TypeScript: which member takes a flow, by what each had to carry (tlb_choose_channel, bond_alb_monitor). For data
// planes that are not eBPF; the same, step by step, as src/dataplane/ebpf/balance-program.ts.
import type { MemberIndex } from '../contract.js';

/** A member that can be chosen, and its speed in Mbit/s; 0 when it is not known. */
export interface Choosable {
  readonly member: MemberIndex;
  readonly speedMbps: number;
}

/** TLB_HASH_TABLE_SIZE and BOND_TLB_REBALANCE_INTERVAL. */
const FLOWS = 256;
const PERIOD_SECONDS = 10;
/** 2 to the power of 20: from Mbit/s to bits a second, as the driver has it. */
const MEGABIT = 0x10_0000;
const BITS = 8;

interface Flow {
  member: MemberIndex | null;
  period: number;
  /** Bytes in this period; bytes a second in the last one with any. */
  bytes: number;
  history: number;
}

/** EtherTypes of what may be balanced. */
const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const ICMPV6 = 58;
const NEIGHBOUR_TYPES: ReadonlySet<number> = new Set([135, 136]);

/** True for unicast over IPv4 or IPv6, but not for what IPv6 neighbours ask each other (bond_xmit_tlb_slave_get, alb_determine_nd). */
export function isBalanced(frame: Uint8Array): boolean {
  const [first = 1] = frame;
  if (frame.length < 14 || (first & 1) !== 0) return false;
  const etherType = ((frame[12] ?? 0) << 8) | (frame[13] ?? 0);
  if (etherType === IPV4) return true;
  if (etherType !== IPV6 || frame.length < 21) return false;
  if (frame[20] !== ICMPV6) return true;
  const type = frame[54];
  return type !== undefined && !NEIGHBOUR_TYPES.has(type);
}

export class LoadTable {
  readonly #flows: Flow[] = Array.from({ length: FLOWS }, () => ({
    member: null,
    period: 0,
    bytes: 0,
    history: 0,
  }));
  readonly #loads = new Map<MemberIndex, { period: number; load: number }>();
  #period = 0;
  #sinceMs = 0;
  #asked = 0;
  #unbalanced = 0;
  #unbalancedRate = 0;

  /** The plan's `rebalance`: all flows are given out anew when it is not what it was. */
  rebalance(asked: number, nowMs: number): void {
    if (asked === this.#asked) return;
    this.#asked = asked;
    this.#begin(nowMs);
  }

  /**
   * The member for a frame of `bytes` with this hash. `usable`, in the order of joining, are those that can send; null when
   * there is none. `active` carries what cannot be balanced.
   */
  choose(
    hash: number,
    bytes: number,
    usable: readonly Choosable[],
    active: MemberIndex | null,
    nowMs: number,
  ): MemberIndex | null {
    this.#pass(nowMs);
    const flow = this.#flows[hash & (FLOWS - 1)];
    if (flow === undefined) return null;
    if (flow.period !== this.#period) {
      flow.period = this.#period;
      if (flow.member !== null) {
        flow.history = 1 + Math.floor(flow.bytes / PERIOD_SECONDS);
        flow.bytes = 0;
        flow.member = null;
      }
    }
    if (!usable.some(({ member }) => member === flow.member)) {
      const best = this.#leastLoaded(usable, active);
      if (best === null) return null;
      flow.member = best;
      this.#loads.set(best, { period: this.#period, load: this.#given(best) + flow.history });
    }
    flow.bytes += bytes;
    return flow.member;
  }

  /** A frame went by the active member because it cannot be balanced. */
  countUnbalanced(bytes: number): void {
    this.#unbalanced += bytes;
  }

  #pass(nowMs: number): void {
    if (nowMs - this.#sinceMs >= PERIOD_SECONDS * 1000) this.#begin(nowMs);
  }

  #begin(nowMs: number): void {
    this.#sinceMs = nowMs;
    this.#period++;
    this.#unbalancedRate = Math.floor(this.#unbalanced / PERIOD_SECONDS);
    this.#unbalanced = 0;
  }

  #given(member: MemberIndex): number {
    const known = this.#loads.get(member);
    return known?.period === this.#period ? known.load : 0;
  }

  #leastLoaded(usable: readonly Choosable[], active: MemberIndex | null): MemberIndex | null {
    let best: MemberIndex | null = null;
    let most = -Infinity;
    for (const { member, speedMbps } of usable) {
      const load = this.#given(member) + (member === active ? this.#unbalancedRate : 0);
      const room = speedMbps * MEGABIT - load * BITS;
      if (room > most) [best, most] = [member, room];
    }
    return best;
  }
}
