// Whether members receive anything: a switch that is dead behind a link that is up takes what is sent and gives nothing back, and
// miimon does not see it. Pure: counters and times go in, what is to be told comes out.

/** The counters of a member's interface. */
export interface MemberCounts {
  readonly member: number;
  /** True for the one that the bond sends by, in the modes where answers come back by it. */
  readonly carries: boolean;
  /** True for a usable one beside it, which hears what a switch sends to everybody. */
  readonly waits: boolean;
  readonly rxPackets: number;
  readonly txPackets: number;
}

/** A member that sent and received nothing. */
export interface Silence {
  readonly sent: number;
  readonly forMs: number;
  /** What the other members received in that time. */
  readonly othersReceived: number;
}

/** A member that waits, and heard nothing of what the active one heard. */
export interface Deafness {
  readonly forMs: number;
  /** What the active member received in that time. */
  readonly activeReceived: number;
}

/** What is known of a member. Kept from look to look: with many bonds new ones at each are what an idle daemon is busy with. */
interface Heard {
  rxPackets: number;
  txPackets: number;
  carries: boolean;
  /** When something came in last, or of the first look. */
  sinceMs: number;
  /** What it had sent by then, or when it began to carry. */
  sentBefore: number;
  /** What the others had received by then. */
  othersBefore: number;
  /** False until something came in while we looked. */
  isKnown: boolean;
  /** Since when it carries and was not heard. */
  unheardSinceMs: number;
  /** Since when it waits and heard nothing; null: it does not wait. */
  waitsSinceMs: number | null;
  /** What the active one had received by then. */
  activeBefore: number;
  /** Number of the last look at it. */
  look: number;
}

/** With others that receive: as soon as this. */
const SURE = { sent: 5, forMs: 5000, others: 3 } as const;
/** Alone, it takes longer, and a rate at which somebody would have answered; who sends seldom is quiet, not cut off. */
const LIKELY = { sent: 20, forMs: 15_000, perSecond: 0.5 } as const;

/**
 * Switches tell each port something: who has which address, spanning tree, LLDP every 30 s. That nothing of it comes may be right all
 * the same, as where two hosts are joined by two cables: it is worth a word to who asks, and no fault.
 */
const DEAF = { forMs: 60_000, active: 100 } as const;

/** One bond's members. */
export class Reception {
  readonly #heard = new Map<number, Heard>();
  #total = 0;
  /** Packets that whoever carried received while it did. */
  #active = 0;
  #looks = 0;

  /** Takes in the counters; called about once a second. */
  look(counts: readonly MemberCounts[], nowMs: number): void {
    this.#looks += 1;
    this.#total = 0;
    for (const { rxPackets } of counts) this.#total += rxPackets;
    for (const each of counts) {
      const known = this.#heard.get(each.member);
      if (each.carries && known !== undefined) this.#active += Math.max(0, each.rxPackets - known.rxPackets);
    }
    for (const each of counts) this.#lookAt(each, nowMs);
    if (this.#heard.size === counts.length) return;
    for (const [member, { look }] of this.#heard) if (look !== this.#looks) this.#heard.delete(member);
  }

  #lookAt({ member, carries, waits, rxPackets, txPackets }: MemberCounts, nowMs: number): void {
    const known = this.#heard.get(member) ?? this.#begin(member, rxPackets, nowMs);
    const isNew = known.look === 0;
    const received = rxPackets !== known.rxPackets;
    if (received) known.sinceMs = nowMs;
    if (received) known.isKnown = true;
    // Who begins to carry has not been asked for anything yet: its time begins now.
    if (isNew || received || !carries) {
      known.sentBefore = txPackets;
      known.othersBefore = this.#total - rxPackets;
      known.unheardSinceMs = nowMs;
    }
    if (!waits) known.waitsSinceMs = null;
    else if (known.waitsSinceMs === null || received) {
      known.waitsSinceMs = nowMs;
      known.activeBefore = this.#active;
    }
    known.rxPackets = rxPackets;
    known.txPackets = txPackets;
    known.carries = carries;
    known.look = this.#looks;
  }

  #begin(member: number, rxPackets: number, nowMs: number): Heard {
    const heard: Heard = {
      rxPackets,
      txPackets: 0,
      carries: false,
      sinceMs: nowMs,
      sentBefore: 0,
      othersBefore: 0,
      isKnown: false,
      unheardSinceMs: nowMs,
      waitsSinceMs: null,
      activeBefore: 0,
      look: 0,
    };
    this.#heard.set(member, heard);
    return heard;
  }

  /** What speaks for a member that waits being deaf, or null. */
  deafness(member: number, nowMs: number): Deafness | null {
    const { waitsSinceMs = null, activeBefore = 0 } = this.#heard.get(member) ?? {};
    if (waitsSinceMs === null) return null;
    const forMs = nowMs - waitsSinceMs;
    const activeReceived = this.#active - activeBefore;
    return forMs >= DEAF.forMs && activeReceived >= DEAF.active ? { forMs, activeReceived } : null;
  }

  /** Milliseconds since something came in; null when nothing did since we look. */
  sinceReceivedMs(member: number, nowMs: number): number | null {
    const heard = this.#heard.get(member);
    return heard === undefined || !heard.isKnown ? null : Math.max(0, nowMs - heard.sinceMs);
  }

  /** What there is against a member, or null. */
  silence(member: number, nowMs: number): Silence | null {
    const heard = this.#heard.get(member);
    if (heard === undefined || !heard.carries) return null;
    const sent = heard.txPackets - heard.sentBefore;
    const forMs = nowMs - heard.unheardSinceMs;
    const othersReceived = this.#total - heard.rxPackets - heard.othersBefore;
    const isSure = sent >= SURE.sent && forMs >= SURE.forMs && othersReceived >= SURE.others;
    const isLikely =
      sent >= LIKELY.sent && forMs >= LIKELY.forMs && (1000 * sent) / forMs >= LIKELY.perSecond;
    return isSure || isLikely ? { sent, forMs, othersReceived } : null;
  }
}
