// Which data plane a bond gets, and all that is done without knowing which it has.
import { existsSync } from 'node:fs';
import { err, ok, type Refusal, type Result, refusal, shown } from '../../base/index.js';
import {
  type BondDataPlane,
  type BondPlaces,
  DATA_PLANE_NAMES,
  type DataPlaneKind,
  EbpfBond,
  forwarder,
  hookedAtPair,
  isSilenced,
  type KnownBond,
  NO_KEEPER,
  type NewBond,
  pairAt,
  type PinStore,
  type SocketKeeper,
  Toolbox,
  UserspaceBond,
  wishesOf,
} from '../../dataplane/index.js';
import { getLink, type MappedMemory, mapPacketRing, Rtnetlink } from '../../linux/index.js';
import { type BondSnapshot, findOption } from '../../policy/index.js';
import type { PinPlace } from '../keeping/pin-place.js';
import { notedPins, placesOf } from '../keeping/places.js';

/** Words of the option `data_plane`. */
export const DATA_PLANE_WISHES = ['auto', 'ebpf', 'userspace'] as const;
export type DataPlaneWish = (typeof DATA_PLANE_WISHES)[number];

/** An interface that is in every namespace. */
const LOOPBACK = 1;

/** A data plane, and why this one. */
export interface Choice {
  readonly kind: DataPlaneKind;
  /** One clause. */
  readonly why: string;
}

/** The data planes of this machine. */
export class DataPlanes {
  readonly #toolbox: Toolbox | undefined;
  /** Why there is no eBPF here; empty when there is. */
  readonly ebpfProblem: string;
  /** Where pins go; undefined before that is known. */
  readonly #place: PinPlace | undefined;
  readonly #keeper: SocketKeeper;
  /** Bonds that `takeOver` took over, by their parts file. */
  readonly #takenOver: Map<string, UserspaceBond>;
  #netlink: Rtnetlink | undefined;

  private constructor(
    toolbox: Toolbox | undefined,
    problem: string,
    keeper: SocketKeeper,
    place?: PinPlace,
    takenOver = new Map<string, UserspaceBond>(),
  ) {
    this.#toolbox = toolbox;
    this.#place = place;
    this.#keeper = keeper;
    this.#takenOver = takenOver;
    this.ebpfProblem = problem;
  }

  /** Tries what this kernel can do, and may do for us; throws where the environment asks for what there is not. */
  static probe(keeper: SocketKeeper = NO_KEEPER): DataPlanes {
    const wishes = wishesOf(process.env);
    try {
      return new DataPlanes(Toolbox.probe(wishes), '', keeper);
    } catch (error) {
      return new DataPlanes(undefined, error instanceof Error ? error.message : String(error), keeper);
    }
  }

  /** The same with a place for pins; without eBPF where there can be none. */
  with(place: PinPlace): DataPlanes {
    const { problem } = place;
    const toolbox = problem === undefined ? this.#toolbox : undefined;
    return new DataPlanes(toolbox, problem ?? this.ebpfProblem, this.#keeper, place, this.#takenOver);
  }

  /** What an eBPF bond works with; undefined where there is none. */
  get #ebpf(): { readonly toolbox: Toolbox; readonly store: PinStore } | undefined {
    if (this.#toolbox === undefined || this.#place === undefined) return undefined;
    return { toolbox: this.#toolbox, store: this.#place };
  }

  /** Lets go of the place for pins. */
  close(): void {
    this.#place?.close();
  }

  /** Does what `takeOver` will do, as far as that can be done before: what runs for the first time takes long. */
  prepare(): void {
    this.#netlink = Rtnetlink.open();
    getLink(this.#netlink, LOOPBACK);
    forwarder.prepare();
  }

  /** What was prepared has been used, or is not needed. */
  settle(): void {
    forwarder.settle();
  }

  /** True when somebody starts another daemon when this one dies, and keeps its sockets meanwhile. */
  get isSupervised(): boolean {
    return this.#keeper.isThere;
  }

  /** Why carriers are not read on every packet by eBPF, where that is so. */
  get readerProblem(): string | undefined {
    return this.#toolbox?.readerProblem;
  }

  choose(wish: DataPlaneWish, bondName: string): Result<Choice, Refusal> {
    if (wish === 'userspace') return ok({ kind: 'userspace', why: 'data_plane=userspace asked for it' });
    if (this.#toolbox !== undefined) {
      const why = wish === 'ebpf' ? 'data_plane=ebpf asked for it' : 'eBPF works here and is quicker';
      return ok({ kind: 'ebpf', why });
    }
    if (wish === 'auto')
      return ok({ kind: 'userspace', why: `eBPF does not work here: ${this.ebpfProblem}` });
    const message = `${bondName} was not created: data_plane=ebpf does not work here (${this.ebpfProblem}); say data_plane=userspace, or leave it out.`;
    return err(refusal('unsupported', 'EOPNOTSUPP', message));
  }

  create(netlink: Rtnetlink, kind: DataPlaneKind, bond: NewBond): BondDataPlane {
    if (kind === 'userspace') {
      const made = UserspaceBond.create({ netlink, keeper: this.#keeper }, bond);
      forwarder.favourProcess();
      return made;
    }
    if (this.#ebpf === undefined) throw new Error(`There is no eBPF here: ${this.ebpfProblem}`);
    return EbpfBond.create({ netlink, ...this.#ebpf }, bond);
  }

  /** Maps a ring that `takeOver` will need, which takes time; undefined when it cannot be mapped now. */
  mapAhead(fd: number, blocks: number): MappedMemory | undefined {
    try {
      const memory = mapPacketRing(fd, blocks);
      forwarder.lookAhead(memory.address, blocks);
      return memory;
    } catch {
      return undefined;
    }
  }

  unmapAhead(memory: MappedMemory): void {
    forwarder.forgetAhead(memory.address, () => memory.unmap());
  }

  /**
   * Has the bonds carried on whose sockets a daemon left that died, before anything else is done in its place: frames wait. They
   * are there for `adopt`; those that it is not called for, `sweep` takes away.
   */
  takeOver(runDir: string): void {
    if (!existsSync(runDir)) return;
    const all = notedPins(runDir).map(pins => placesOf(runDir, pins));
    const kept = all.filter(places => UserspaceBond.isKept(this.#keeper, places));
    if (kept.length === 0) return;
    // Not before: while it waits, and makes itself ready, another forwards.
    forwarder.favourProcess();
    const netlink = this.#netlink ?? Rtnetlink.open();
    for (const places of kept) {
      try {
        const bond = UserspaceBond.adopt({ netlink, keeper: this.#keeper }, places);
        if (bond !== undefined) this.#takenOver.set(places.partsFile, bond);
      } catch {
        // `adopt` tries it again, and tells why it cannot be.
      }
    }
  }

  /**
   * Takes over what an earlier daemon left, and makes anew what of it is of another version, missing or damaged. Undefined when its
   * interfaces are gone; throws, having left it as it is, when it is at work and cannot be taken over.
   */
  adopt(
    netlink: Rtnetlink,
    places: BondPlaces,
    known: KnownBond,
    wish: DataPlaneWish,
  ): BondDataPlane | undefined {
    if (pairAt(netlink, known) === undefined) return undefined;
    const by = { netlink, keeper: this.#keeper };
    const inUserSpace = this.#takenOver.get(places.partsFile) ?? UserspaceBond.adopt(by, places);
    this.#takenOver.delete(places.partsFile);
    if (inUserSpace === undefined && this.#kindOf(netlink, places, known, wish) === 'ebpf') {
      if (this.#ebpf !== undefined) return EbpfBond.adopt({ netlink, ...this.#ebpf }, places, known);
      throw new Error(`its data plane is eBPF, which does not work for this daemon: ${this.ebpfProblem}`);
    }
    const bond = inUserSpace ?? UserspaceBond.rebuild(by, places, known);
    forwarder.favourProcess();
    return bond;
  }

  /** Which data plane a bond has that cannot be adopted as it is: by its note, by what hangs at its lower end, or as it would be made. */
  #kindOf(netlink: Rtnetlink, places: BondPlaces, known: KnownBond, wish: DataPlaneWish): DataPlaneKind {
    if (EbpfBond.isNoted(places) || hookedAtPair(netlink, known).length > 0) return 'ebpf';
    if (UserspaceBond.isNoted(places) || isSilenced(netlink, known.lowerIfindex)) return 'userspace';
    return wish === 'userspace' || (wish === 'auto' && this.#ebpf === undefined) ? 'userspace' : 'ebpf';
  }

  /** Removes what is left of a bond, of whichever data plane it was. */
  sweep(netlink: Rtnetlink, places: BondPlaces): void {
    this.#takenOver.get(places.partsFile)?.close();
    this.#takenOver.delete(places.partsFile);
    UserspaceBond.sweep(netlink, places);
    EbpfBond.sweep({ netlink, store: this.#place ?? NO_PINS }, places);
  }
}

/** Where there is no place for pins. */
const NO_PINS: PinStore = { reach: () => undefined, lasts: () => false };

/** Does ahead what takes time when a daemon starts, the start of the forwarding worker too. */
export function prepareDaemon(keeper: SocketKeeper): DataPlanes {
  const planes = DataPlanes.probe(keeper);
  planes.prepare();
  return planes;
}

/** The wish among the options of a new bond; anything else is the policy's to refuse. */
export function wishedDataPlane(options: Readonly<Record<string, unknown>>): DataPlaneWish {
  return DATA_PLANE_WISHES.find(wish => wish === options['data_plane']) ?? 'auto';
}

/** What a bond on this data plane cannot have, of options that the policy took; `changed` are those that were set now. */
export function refuseMissing(
  plane: Pick<BondDataPlane, 'kind' | 'queuesProblem'>,
  { options, members }: Pick<BondSnapshot, 'options' | 'members'>,
  changed: readonly string[],
): Refusal | undefined {
  const ties = changed.some(name => findOption(name)?.name === 'queue_id');
  const tied = ties && members.some(({ queueId }) => queueId !== 0);
  const problem = tied ? plane.queuesProblem : undefined;
  if (problem === undefined) return undefined;
  const asked = options.queue_id.filter(each => !each.endsWith(':0')).join(' ');
  const message = `queue_id=${asked} was refused: the ${DATA_PLANE_NAMES[plane.kind]} cannot carry it out here: ${problem}; leave it at 0.`;
  return refusal('unsupported', 'EOPNOTSUPP', message);
}

/** A bond keeps the data plane that it was created with. */
export function refuseOther(
  bond: { readonly name: string; readonly plane: Pick<BondDataPlane, 'kind'> },
  options: Readonly<Record<string, string>>,
): Refusal | undefined {
  const wish = options['data_plane'];
  if (wish === undefined || wish === bond.plane.kind) return undefined;
  const message = `data_plane=${shown(wish)} was refused: ${bond.name} has data_plane=${bond.plane.kind} since it was created; destroy it and create it again.`;
  return refusal('unsupported', 'EBUSY', message);
}
