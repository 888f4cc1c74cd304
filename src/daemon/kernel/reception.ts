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

/** Since when a member waits and heard nothing. */
interface Waiting {
  readonly sinceMs: number;
  /** What the active one had received by then. */
  readonly active: number;
}

interface Heard {
  readonly rxPackets: number;
  /** Of the last reception, or of the first look. */
  readonly sinceMs: number;
  readonly txPackets: number;
  /** False until something came in while we looked. */
  readonly isKnown: boolean;
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
  #heard = new Map<number, Heard>();
  /** By member: what the others had received when it was heard last. */
  #others = new Map<number, number>();
  /** Since when it carries and was not heard. */
  readonly #unheardSince = new Map<number, number>();
  #last = new Map<number, MemberCounts>();
  #total = 0;
  #waiting = new Map<number, Waiting>();
  /** Packets that whoever carried received while it did. */
  #active = 0;

  /** Takes in the counters; called about once a second. */
  look(counts: readonly MemberCounts[], nowMs: number): void {
    const total = counts.reduce((sum, { rxPackets }) => sum + rxPackets, 0);
    this.#lookAtWaiting(counts, nowMs);
    const before = this.#heard;
    const othersBefore = this.#others;
    this.#heard = new Map();
    this.#others = new Map();
    for (const { member, carries, rxPackets, txPackets } of counts) {
      const known = before.get(member);
      const received = known !== undefined && rxPackets !== known.rxPackets;
      // Who begins to carry has not been asked for anything yet: its time begins now.
      const begins = known === undefined || received || !carries;
      const isKnown = received || known?.isKnown === true;
      const sinceMs = received || known === undefined ? nowMs : known.sinceMs;
      this.#heard.set(member, {
        rxPackets,
        sinceMs,
        txPackets: begins ? txPackets : known.txPackets,
        isKnown,
      });
      this.#others.set(member, begins ? total - rxPackets : (othersBefore.get(member) ?? total - rxPackets));
      if (begins) this.#unheardSince.set(member, nowMs);
    }
    this.#last = new Map(counts.map(each => [each.member, each]));
    this.#total = total;
  }

  #lookAtWaiting(counts: readonly MemberCounts[], nowMs: number): void {
    const received = ({ member, rxPackets }: MemberCounts): number =>
      rxPackets - (this.#last.get(member)?.rxPackets ?? rxPackets);
    for (const each of counts) if (each.carries) this.#active += Math.max(0, received(each));
    const before = this.#waiting;
    this.#waiting = new Map();
    for (const each of counts) {
      const known = received(each) === 0 ? before.get(each.member) : undefined;
      if (each.waits) this.#waiting.set(each.member, known ?? { sinceMs: nowMs, active: this.#active });
    }
  }

  /** What speaks for a member that waits being deaf, or null. */
  deafness(member: number, nowMs: number): Deafness | null {
    const waiting = this.#waiting.get(member);
    if (waiting === undefined) return null;
    const forMs = nowMs - waiting.sinceMs;
    const activeReceived = this.#active - waiting.active;
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
    const counts = this.#last.get(member);
    if (heard === undefined || counts === undefined || !counts.carries) return null;
    const sent = counts.txPackets - heard.txPackets;
    const forMs = nowMs - (this.#unheardSince.get(member) ?? nowMs);
    const othersReceived = this.#total - counts.rxPackets - (this.#others.get(member) ?? 0);
    const isSure = sent >= SURE.sent && forMs >= SURE.forMs && othersReceived >= SURE.others;
    const isLikely =
      sent >= LIKELY.sent && forMs >= LIKELY.forMs && (1000 * sent) / forMs >= LIKELY.perSecond;
    return isSure || isLikely ? { sent, forMs, othersReceived } : null;
  }
}
