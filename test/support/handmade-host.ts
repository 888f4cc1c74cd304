// A host made by hand for unit tests of the keeper: a few interfaces, a book, a clock that a test moves. It writes down every act in
// the order in which it was done, and any act can be made to fail.
import { ERRNO, err, type ErrnoName, ok, refusal, type Refusal, type Result } from '../../src/base/index.js';
import {
  BondKeeper,
  type BondLink,
  type Book,
  type Candidate,
  type Clock,
  type Frames,
  type Holder,
  type Host,
  type Intake,
  type LinkChange,
  type Links,
  type MemberRecord,
  type Outage,
  type Packets,
  recordsOf,
  type SavedBelongings,
  type SavedKeeping,
} from '../../src/keeper/index.js';
import {
  Bond,
  type BondEvent,
  createBond,
  type MemberIndex,
  type MemberLink,
} from '../../src/policy/index.js';
import { linkOf, stackOf } from '../../src/policy/testing.js';

export const BOND = 100;

/** A clock that goes on when a test says so. */
export class HandmadeClock implements Clock {
  #now = 0;
  #timers: { readonly at: number; readonly run: () => void }[] = [];
  #soon: (() => void)[] = [];

  now(): number {
    return this.#now;
  }

  at(at: number, run: () => void): () => void {
    const timer = { at, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter(each => each !== timer);
    };
  }

  soon(run: () => void): void {
    this.#soon.push(run);
  }

  /** When it will ring, soonest first. */
  get waiting(): readonly number[] {
    return this.#timers.map(({ at }) => at).toSorted((a, b) => a - b);
  }

  /** Ends the turn: what was put off to its end is done. */
  endTurn(): void {
    for (const run of this.#soon.splice(0)) run();
  }

  pass(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      this.endTurn();
      const [next] = this.#timers.toSorted((a, b) => a.at - b.at);
      if (next === undefined || next.at > until) break;
      this.#timers = this.#timers.filter(each => each !== next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    this.#now = until;
  }
}

function failure(code: ErrnoName): Error {
  return Object.assign(new Error(`it failed (${code})`), { code, errno: ERRNO[code] });
}

function textOf(change: LinkChange): string {
  return Object.entries(change)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(' ');
}

export class HandmadeHost implements Host {
  /** What was done, in order: `save`, `set eth1 up=false`, `plan active eth1`, … */
  readonly acts: string[] = [];
  readonly told: (BondEvent & { readonly cost: Outage })[] = [];
  /** Of actions that failed and after which the keeper went on. */
  readonly failures: string[] = [];
  /** What the book had after each time that it was written. */
  readonly written: SavedKeeping[] = [];
  readonly interfaces = new Map<number, MemberLink>([1, 2, 3].map(index => [index, linkOf(index)]));
  readonly counted = new Map<number, Record<string, number>>();
  readonly usedOtherwise = new Set<number>();
  readonly others: Holder[] = [];
  readonly clock = new HandmadeClock();
  /** Null: it is gone. */
  bondLink: BondLink | null = {
    kind: 'bond-link',
    name: 'bond0',
    adminUp: true,
    mtu: 1500,
    address: '02:00:00:00:00:aa',
    promiscuous: false,
    allMulticast: false,
  };
  /** What the data plane lost and has not told yet. */
  loss: { packets: number; sinceNs: bigint | null } = { packets: 0, sinceNs: null };
  current: MemberIndex | null = null;
  inPlane: MemberIndex[] = [];
  isBookFull = false;
  /** Whom the keeper asked for news, and when. */
  readonly asked: string[] = [];
  /** Until when members need not be asked. */
  restUntilMs: number | null = null;
  keeper: BondKeeper<HandmadeHost> | undefined;
  readonly #failing = new Map<string, ErrnoName>();
  readonly links: Links;
  readonly frames: Frames;
  readonly packets: Packets;
  readonly intake: Intake;
  readonly book: Book;

  constructor() {
    this.links = this.#makeLinks();
    this.frames = this.#makeFrames();
    this.packets = this.#makePackets();
    this.intake = this.#makeIntake();
    this.book = {
      save: () => this.#write('save'),
      saveSoon: () => {},
      note: what => {
        if (this.isBookFull) return refusal('system', 'ENOSPC', `${what}: the book is full`);
        this.#write('note');
        return undefined;
      },
      tell: (event, cost = {}) => {
        this.acts.push(`tell ${event.type}`);
        this.told.push({ ...event, cost });
      },
      failed: error => void this.failures.push(error instanceof Error ? error.message : String(error)),
    };
  }

  /** From now on each act of this text fails. */
  fails(act: string, code: ErrnoName = 'EIO'): void {
    this.#failing.set(act, code);
  }

  /** Acts since the last call. */
  take(): string[] {
    return this.acts.splice(0);
  }

  /** The acts alone that begin with one of these words. */
  actsOf(...words: readonly string[]): readonly string[] {
    return this.acts.filter(act => words.some(word => act === word || act.startsWith(`${word} `)));
  }

  change(member: MemberIndex, change: Partial<MemberLink>): void {
    const link = this.interfaces.get(member);
    if (link !== undefined) this.interfaces.set(member, { ...link, ...change });
  }

  holders(): readonly Holder[] {
    return this.keeper === undefined ? this.others : [this.keeper, ...this.others];
  }

  parted(): void {
    this.#act('part');
  }

  ended(): void {
    this.#act('end');
  }

  #act(text: string): void {
    this.acts.push(text);
    const code = this.#failing.get(text);
    if (code !== undefined) throw failure(code);
  }

  #write(how: string): void {
    this.acts.push(how);
    if (this.keeper !== undefined) this.written.push(structuredClone(this.keeper.saved()));
  }

  #name(ifindex: number): string {
    return ifindex === BOND ? 'bond0' : (this.interfaces.get(ifindex)?.name ?? `interface ${ifindex}`);
  }

  #makeLinks(): Links {
    const read = (ifindex: number): MemberLink | undefined => this.interfaces.get(ifindex);
    return {
      bond: () => this.bondLink ?? undefined,
      read,
      member: read,
      opened: read,
      news: ({ member }) => void this.asked.push(`${this.#name(member)} at ${this.clock.now()}`),
      restUntil: () => this.restUntilMs,
      follow: () => {},
      set: (ifindex, change) => {
        this.#act(`set ${this.#name(ifindex)} ${textOf(change)}`);
        const { up, ...rest } = change;
        const now = { ...rest, ...(up !== undefined && { adminUp: up }) };
        if (ifindex !== BOND) this.change(ifindex, now);
        else if (this.bondLink !== null) this.bondLink = { ...this.bondLink, ...now };
      },
      giveAddress: (member, address) => {
        this.#act(`give ${this.#name(member)} ${address}`);
        this.change(member, { address });
      },
      randomAddress: () => '02:00:00:00:00:99',
      takesAddress: () => true,
      whenToLook: look => this.clock.soon(look),
      stack: () => {
        this.#act('look');
        return [stackOf({ address: this.bondLink?.address ?? '' })];
      },
      counters: ifindex => this.counted.get(ifindex) ?? {},
      silence: ({ ifindex }) => this.#act(`silence ${this.#name(ifindex)}`),
      restore: (original, { address }) => {
        this.#act(`restore ${original.name}${address ? ' address' : ''}${original.up ? ' up' : ''}`);
        this.change(original.ifindex, {
          adminUp: original.up,
          ...(address && { address: original.address }),
        });
        return [];
      },
      takeOver: ({ addresses }) => this.#act(`take over ${addresses.join()}`),
      bring: ({ addresses }) => {
        this.#act(`bring ${addresses.join()}`);
        return () => this.#act('bring the rest');
      },
      takeBack: ({ addresses }) => this.#act(`take back ${addresses.join()}`),
      giveBack: ({ addresses }) => {
        this.#act(`give back ${addresses.join()}`);
        return [];
      },
      planReturn: taken => taken,
      homecoming: taken => ({
        first: () => this.#act(`first home ${taken.map(({ name }) => name).join()}`),
        rest: (isFree, done) => {
          const free = taken.filter(({ ifindex }) => isFree(ifindex));
          this.#act(`rest home ${free.map(({ name }) => name).join()}`);
          done([]);
        },
      }),
      returnAtOnce: taken => {
        this.#act(`return ${taken.map(({ name }) => name).join()}`);
        return [];
      },
      isUsedOtherwise: ifindex => this.usedOtherwise.has(ifindex),
      putSourced: () => [],
    };
  }

  #makeFrames(): Frames {
    return {
      send: ({ what }) => this.#act(`send ${what}`),
      sendThrough: ({ member }) => this.#act(`send through ${this.#name(member)}`),
      listen: () => {},
      heard: () => [],
      changedRoutes: () => undefined,
      onAnswer: () => {},
      hearSlow: () => {},
      lastReceived: () => null,
      onSlowFrame: () => {},
      hearArp: () => {},
      onArpFrame: () => {},
      pollSlow: () => {},
      close: () => this.#act('close ears'),
    };
  }

  #makePackets(): Packets {
    return {
      bondIfindex: BOND,
      checksCarrier: true,
      addMember: member => {
        this.#act(`add ${this.#name(member)}`);
        this.inPlane = [...this.inPlane, member];
      },
      removeMember: member => {
        this.#act(`remove ${this.#name(member)}`);
        this.inPlane = this.inPlane.filter(each => each !== member);
      },
      apply: ({ active }) => {
        this.#act(`plan active ${active === null ? 'none' : this.#name(active)}`);
        this.current = active;
      },
      qdiscsChanged: () => {},
      setCarrier: on => this.#act(`carrier ${on ? 'on' : 'off'}`),
      setMtu: mtu => this.#act(`mtu ${mtu}`),
      renamed: name => this.#act(`rename ${name}`),
      current: () => this.current,
      members: () => this.inPlane,
      takeLoss: () => {
        const loss = this.loss;
        this.loss = { packets: 0, sinceNs: null };
        return loss;
      },
      onDiverted: () => {},
      pollDiversions: () => this.#act('poll'),
      close: () => this.#act('close'),
      destroy: () => this.#act('destroy'),
    };
  }

  #makeIntake(): Intake {
    return {
      planned: () => {},
      follow: () => {},
      sync: () => {},
      addressTaken: () => {},
      joins: member => this.#act(`let in ${this.#name(member)}`),
      joined: () => {},
      told: () => {},
      stackChanged: () => {},
      release: member => this.#act(`release ${this.#name(member)}`),
      close: () => {},
    };
  }
}

function watch(host: HandmadeHost, policy: Bond, saved: Partial<SavedKeeping>): BondKeeper<HandmadeHost> {
  const records: Map<MemberIndex, MemberRecord> = recordsOf(saved.members ?? []);
  const keeper = new BondKeeper({ host, policy, records, saved });
  host.keeper = keeper;
  return keeper;
}

/** A new bond on this host, up and without members; active-backup that looks at carriers each 100 ms, unless told otherwise. */
export function newBond(
  host: HandmadeHost,
  options: Readonly<Record<string, string>> = {},
): BondKeeper<HandmadeHost> {
  const made = createBond({
    name: 'bond0',
    address: host.bondLink?.address ?? '',
    addressIsRandom: true,
    mtu: 1500,
    options: Object.entries({ mode: 'active-backup', miimon: '100', ...options }),
  });
  if (!made.ok) throw new Error(made.error.message);
  const keeper = watch(host, made.value, {});
  keeper.start();
  keeper.bondTold();
  return keeper;
}

/** The bond that the book has: its keeper ended, and this is the next one. */
export function nextKeeper(host: HandmadeHost, saved: SavedKeeping): BondKeeper<HandmadeHost> {
  return watch(host, Bond.restore(saved.policy, host.clock.now()), saved);
}

/** Addresses of an interface that go with it. */
export function belongingsOf(ifindex: MemberIndex, ...addresses: readonly string[]): SavedBelongings {
  return { ifindex, name: `eth${ifindex}`, addresses, routes: [] };
}

/** An interface as it was looked at before it joins: up, with these addresses. */
export function candidateOf(
  host: HandmadeHost,
  ifindex: MemberIndex,
  addresses: readonly string[] = [],
): Candidate {
  const link = host.interfaces.get(ifindex) ?? linkOf(ifindex);
  return {
    name: link.name,
    original: {
      ifindex,
      name: link.name,
      address: link.address,
      mtu: link.mtu,
      up: link.adminUp,
      promiscuous: false,
      allMulticast: false,
      disableIpv6: '0',
      addrGenMode: 'eui64',
    },
    link,
    belongings: belongingsOf(ifindex, ...addresses),
    counted: host.counted.get(ifindex) ?? {},
  };
}

/** Makes it a member. */
export function joins(
  keeper: BondKeeper<HandmadeHost>,
  ifindex: MemberIndex,
  addresses: readonly string[] = [],
): Result<undefined, Refusal> {
  const joined = keeper.join(candidateOf(keeper.host, ifindex, addresses));
  return joined.ok ? ok(undefined) : err(joined.error);
}
