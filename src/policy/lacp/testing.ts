// For the tests of this folder: a bond in 802.3ad under virtual time, and what partners say to it.
import {
  type Hello,
  helloFrame,
  type LacpEnd,
  lacpduFrame,
  MARKER_TLV,
  markerResponse,
  OSSP_SUBTYPE,
  parseHello,
  parseSlowFrame,
  type SlowFrame,
  tagFrame,
  type VlanTag,
} from '../../frames/index.js';
import type { PortSnapshot, TimeMs } from '../contract.js';
import { Bench } from '../testing.js';

/** What a partner says that is ready to carry. */
export const PARTNER: LacpEnd = {
  systemPriority: 65_535,
  system: '02:bb:00:00:00:01',
  key: 9,
  portPriority: 255,
  port: 1,
  state: 0x3f,
};

/** A LACPDU that left, when, and by which member. */
export interface Sent {
  readonly at: TimeMs;
  readonly member: number;
  readonly frame: SlowFrame;
}

/** Two members of 1 Gbit/s, set up at time 0. */
export class LacpBench extends Bench {
  constructor(options: Readonly<Record<string, string | number>> = {}, members: readonly number[] = [1, 2]) {
    super({ mode: '802.3ad', lacp_rate: 'fast', ...options }, members);
    this.up();
  }

  port(member: number): PortSnapshot {
    const found = this.bond.snapshot().lacp?.ports.find(each => each.member === member);
    if (found === undefined) throw new Error(`No port ${member}`);
    return found;
  }

  /** A partner speaks on a member, and names what the bond says of that port unless it is told otherwise. */
  hear(
    member: number,
    change: Partial<LacpEnd> = {},
    names: LacpEnd | null = null,
    tags: VlanTag[] = [],
  ): void {
    const actor = { ...PARTNER, port: member, ...change };
    const frame = lacpduFrame('02:bb:00:00:00:0f', { actor, partner: names ?? this.port(member).actor });
    if (!frame.ok) throw new Error(frame.error);
    this.give({ kind: 'slow-frame', member, frame: tagFrame(frame.value, tags) });
  }

  /** Lets time pass while partners of all members say the same every second. */
  talk(until: TimeMs, change: Partial<LacpEnd> = {}): void {
    while (this.now < until) {
      for (const { member } of this.bond.members()) this.hear(member, change);
      this.run(Math.min(until, this.now + 1000));
    }
  }

  /** LACPDUs and answers to markers so far. */
  slow(): Sent[] {
    return this.seen.flatMap(({ at, output }) => {
      if (output.kind !== 'send-through') return [];
      const frame = parseSlowFrame(output.frame);
      return frame.ok ? [{ at, member: output.member, frame: frame.value }] : [];
    });
  }

  /** Names of the members that the plan sends through. */
  get senders(): string {
    const { members } = this.bond.plan();
    const usable = new Set(members.filter(({ usable }) => usable).map(({ member }) => member));
    return this.bond
      .members()
      .filter(({ member }) => usable.has(member))
      .map(({ name }) => name)
      .join(' ');
  }
}

/** lacp_fast_silence of `Watched`. */
export const SILENCE_MS = 240;
/** A look, and the time of three markers and what they are waited for. */
export const LOOK_MS = SILENCE_MS / 6;

/** What a partner does on one member. */
export interface Behaviour {
  /** Its frames arrive, and ours at it. */
  arrives: boolean;
  /** Markers that it answers at once at most, and in a second; Infinity: all. */
  burst: number;
  perSecond: number;
  /** Milliseconds between two frames of other traffic; 0: none. */
  trafficEachMs: number;
  /** Milliseconds between two LACPDUs. */
  lacpEachMs: number;
  /** It says hellos, with these flags. */
  hello: number | null;
}

const GOOD: Behaviour = {
  arrives: true,
  burst: Infinity,
  perSecond: Infinity,
  trafficEachMs: 5,
  lacpEachMs: 1000,
  hello: null,
};

function isHello(frame: SlowFrame): boolean {
  return frame.kind === 'other' && frame.subtype === OSSP_SUBTYPE;
}

/** A bond with partners that speak LACP every second, answer markers and send traffic. Time goes in steps of 5 ms. */
export class Watched extends LacpBench {
  readonly partners: Map<number, Behaviour>;
  /** Its daemon does nothing: frames wait, timers too. */
  blocked = false;
  readonly #answers = new Map<number, { left: number; atMs: TimeMs }>();
  readonly #receivedMs = new Map<number, TimeMs>();
  #waiting: (() => void)[] = [];
  #handled = 0;
  #sequence = 0;

  constructor(behaviours: readonly Partial<Behaviour>[] = [{}, {}], options: object = {}) {
    super(
      { miimon: 100, lacp_fast_silence: SILENCE_MS, ...options },
      behaviours.map((_, at) => at + 1),
    );
    this.partners = new Map(behaviours.map((each, at) => [at + 1, { ...GOOD, ...each }]));
  }

  /** Lets time pass with everything that partners do. */
  live(forMs: TimeMs): void {
    const until = this.now + forMs;
    while (this.now < until) {
      this.#partnersAct();
      const next = this.now + 5;
      if (this.blocked) {
        this.now = next;
        continue;
      }
      for (const deliver of this.#waiting.splice(0)) deliver();
      this.#tellHeard();
      this.run(next);
      this.#answerMarkers();
    }
  }

  #partnersAct(): void {
    const at = Math.round(this.now);
    if (at % 100 === 0) this.#sequence++;
    for (const [member, { arrives, trafficEachMs, lacpEachMs, hello }] of this.partners) {
      if (!arrives) continue;
      if (trafficEachMs > 0 && at % trafficEachMs === 0) this.#receivedMs.set(member, this.now);
      if (at % lacpEachMs === 0) this.#deliver(member, () => this.hear(member));
      if (hello !== null && at % 100 === 0) this.#deliver(member, () => this.hello(member, hello));
    }
  }

  #deliver(member: number, deliver: () => void): void {
    this.#receivedMs.set(member, this.now);
    this.#waiting.push(deliver);
  }

  hello(member: number, flags: number, change: Partial<Hello> = {}): void {
    const said = { flags, sequence: this.#sequence, system: '02:bb:00:00:00:01', port: member, ...change };
    const frame = helloFrame('02:bb:00:00:00:0f', said);
    if (frame.ok) this.give({ kind: 'slow-frame', member, frame: frame.value });
  }

  #tellHeard(): void {
    const heard = Array.from(this.#receivedMs, ([member, anyMs]) => ({ member, anyMs, probeLikeMs: null }));
    this.give({ kind: 'heard', heard });
  }

  #answerMarkers(): void {
    const news = this.seen.slice(this.#handled);
    this.#handled = this.seen.length;
    for (const { output, at } of news) {
      const read = output.kind === 'send-through' ? parseSlowFrame(output.frame) : undefined;
      if (output.kind !== 'send-through' || read?.ok !== true) continue;
      const [member, frame, partner] = [output.member, read.value, this.partners.get(output.member)];
      if (frame.kind !== 'marker' || frame.tlv !== MARKER_TLV.INFORMATION || partner?.arrives !== true)
        continue;
      const bucket = this.#answers.get(member) ?? { left: partner.burst, atMs: at };
      const since = at - bucket.atMs;
      if (since > 0) bucket.left = Math.min(partner.burst, bucket.left + (since / 1000) * partner.perSecond);
      bucket.atMs = at;
      this.#answers.set(member, bucket);
      if (!(bucket.left >= 1)) continue;
      bucket.left--;
      const response = markerResponse('02:bb:00:00:00:0f', frame.body, false);
      if (!response.ok) throw new Error(response.error);
      this.#deliver(member, () => this.give({ kind: 'slow-frame', member, frame: response.value }));
    }
  }

  override forget(): void {
    super.forget();
    this.#handled = 0;
  }

  change(member: number, change: Partial<Behaviour>): void {
    Object.assign(this.partners.get(member) ?? {}, change);
  }

  /** Milliseconds until a member is passed over; undefined: it was not. */
  untilLeft(member: string, withinMs: TimeMs): TimeMs | undefined {
    const from = this.now;
    while (this.now < from + withinMs) {
      if (!this.senders.split(' ').includes(member)) return this.now - from;
      this.live(5);
    }
    return undefined;
  }

  /** Markers that were sent on a member. */
  markers(member: number): Sent[] {
    return this.#ofKind(member, frame => frame.kind === 'marker' && frame.tlv === MARKER_TLV.INFORMATION);
  }

  hellos(member: number): Hello[] {
    return this.#ofKind(member, isHello).flatMap(({ frame }) => {
      const read = frame.kind === 'other' ? parseHello(frame.body) : undefined;
      return read?.ok === true ? [read.value] : [];
    });
  }

  #ofKind(member: number, isIt: (frame: SlowFrame) => boolean): Sent[] {
    return this.slow().filter(each => each.member === member && isIt(each.frame));
  }

  get alarms(): string[] {
    return this.events('link').flatMap(({ message }) =>
      message.includes('fell silent although') ? [message] : [],
    );
  }
}
