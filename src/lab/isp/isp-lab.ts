// A throw-away internet: a client behind a gateway with two lines or more, a provider behind each, and servers; and all that can
// be wrong with a line. Nothing of it touches the machine's own namespace, and nothing of it stays.
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { getLink, netnsPath, requireLink, setLink } from '../../linux/index.js';
import type { Link } from '../../netlink/index.js';
import type { CommandResult } from '../managed-bondwire.js';
import type { Place } from '../place.js';
import { PlaceGroup } from '../place-group.js';
import { buildIsps } from './build.js';
import { type Direction, type Fault, faultFromText, faultText, type FaultKind } from './faults.js';
import { LineFaults } from './line-faults.js';
import { PROMPT_NODE, untilReady } from './helper-process.js';
import {
  type Both,
  type IspPlace,
  labLine,
  type LabLine,
  MOST_LAB_LINES,
  type ServerName,
  SERVERS,
} from './plan.js';
import { SERVERS_READY, type ServerSettings } from './server-messages.js';
import { WireCarrier } from './wire-carrier.js';
import type { WireCounts } from './wire-control.js';

/** One line of the lab. */
export interface LineWish {
  /** Each way. */
  readonly delayMs?: number;
  /** Each way; no limit where absent. */
  readonly bytesPerSecond?: number;
  /** The provider has a NAT of its own (IPv4). */
  readonly providerNat?: boolean;
}

export interface IspLabOptions {
  /** Two by default: of 5 ms, and of 20 ms behind a provider's own NAT. */
  readonly lines?: readonly LineWish[];
  /** The gateway has default routes in `main`, as DHCP and router advertisements leave them, the first line's first. */
  readonly defaultRoutes?: boolean;
  /** The setting rp_filter of the gateway. */
  readonly rpFilter?: 0 | 1 | 2;
  /** Both ends of each line have the same interface index: the kernel holds carrier news back as for physical devices. */
  readonly sameIndex?: boolean;
  /** Addresses of servers where they are not those of `SERVERS`: `{ first: { ipv4: '1.1.1.1', ipv6: '2606:4700:4700::1111' } }`. */
  readonly servers?: Partial<Readonly<Record<ServerName, Both>>>;
  /** What loss is drawn from. */
  readonly seed?: number;
  readonly onSignal?: 'close' | 'leave';
}

/** When a fault began or ended, by the clock of `monotonicMs()`: between these two moments. */
export interface FaultTimes {
  readonly fromMs: number;
  readonly toMs: number;
}

// From the compiled file and, in tests, from the source.
const SERVER_MAIN = fileURLToPath(new URL('../../../dist/lab/isp/server-main.js', import.meta.url));
const DEFAULT_LINES: readonly LineWish[] = [{ delayMs: 5 }, { delayMs: 20, providerNat: true }];

function labelOf(place: IspPlace): string {
  const first = { client: 'c', gateway: 'g', wires: 'w', internet: 'n' } as const;
  if (place in first) return first[place as keyof typeof first];
  // A number here could not be told from the number of the lab.
  return `p${String.fromCharCode('a'.charCodeAt(0) + Number(place.slice('provider'.length)))}`;
}

/** A lab of lines; `create` builds one. */
export class IspLab {
  readonly #places: PlaceGroup<IspPlace>;
  readonly #carrier: WireCarrier;
  readonly #faults: ReadonlyMap<string, LineFaults>;
  readonly lines: readonly LabLine[];
  /** Who is there in the internet. They answer pings, and more once `startServers()` was called. */
  readonly servers: Readonly<Record<ServerName, Both>>;
  #serving: Promise<void> | undefined;
  #serves = false;

  private constructor(
    places: PlaceGroup<IspPlace>,
    lines: readonly LabLine[],
    servers: Readonly<Record<ServerName, Both>>,
    carrier: WireCarrier,
  ) {
    this.#places = places;
    this.lines = lines;
    this.servers = servers;
    this.#carrier = carrier;
    this.#faults = new Map(lines.map(line => [line.device, new LineFaults(places, line, carrier.control)]));
  }

  /** Builds a lab (about 300 ms); frames are carried when it resolves. The gateway has no NAT and no rules of any kind. */
  static async create(options: IspLabOptions = {}): Promise<IspLab> {
    const wishes = options.lines ?? DEFAULT_LINES;
    if (wishes.length < 1 || wishes.length > MOST_LAB_LINES) {
      throw new RangeError(`A lab has 1 to ${MOST_LAB_LINES} lines, not ${wishes.length}`);
    }
    const lines = wishes.map((wish, i) => labLine(i, wish.delayMs ?? 0, wish.providerNat ?? false));
    const names: IspPlace[] = ['gateway', 'client', 'wires', 'internet', ...lines.map(line => line.provider)];
    const labels = names.map(name => [name, labelOf(name)] as const);
    const places = PlaceGroup.create(labels, options.onSignal ?? 'close');
    try {
      const servers = { ...SERVERS, ...options.servers };
      buildIsps(places, lines, servers, options);
      const rates = wishes.map(({ bytesPerSecond }) => bytesPerSecond ?? null);
      const carrier = await WireCarrier.start(places, lines, rates, options.seed ?? 1);
      return new IspLab(places, lines, servers, carrier);
    } catch (error) {
      places.close();
      throw error;
    }
  }

  /**
   * Starts the servers, in one process: echo on UDP and TCP 7, DNS on UDP 53, HTTP on 80 (`server-messages.ts` has the pages), and
   * the providers' own pages. A second call waits for the first.
   */
  startServers(): Promise<void> {
    const portals = this.lines.map(({ provider, gateway }) => ({
      netns: netnsPath(this.name(provider)),
      router: gateway,
    }));
    const settings: ServerSettings = {
      addresses: Object.values(this.servers),
      answer: this.servers.echo,
      portals,
    };
    const start = async (): Promise<void> => {
      const child = this.spawn('internet', [...PROMPT_NODE, SERVER_MAIN, JSON.stringify(settings)]);
      await untilReady(child, "The process with the lab's servers", SERVERS_READY);
      this.#serves = true;
    };
    this.#serving ??= start();
    return this.#serving;
  }

  /** The line with this device of the gateway. */
  line(device: string): LabLine {
    const line = this.lines.find(one => one.device === device);
    if (line === undefined) throw new RangeError(this.#noLine(device));
    return line;
  }

  #noLine(device: string): string {
    return `The lab has no line ${device}; it has ${this.lines.map(line => line.device).join(', ')}`;
  }

  #faultsOf(device: string): LineFaults {
    const faults = this.#faults.get(device);
    if (faults === undefined) throw new RangeError(this.#noLine(device));
    return faults;
  }

  /**
   * Sets a fault, such as `silent down` or `loss 30`, beside those that the line has; one of the same kind is replaced. It is in
   * effect when this returns: frames that are on the wire already still arrive.
   */
  setFault(device: string, fault: Fault | string): FaultTimes {
    const wish = typeof fault === 'string' ? faultFromText(fault) : fault;
    const faults = this.#faultsOf(device);
    if (wish.kind === 'portal' && !this.#serves) {
      throw new Error('A portal needs a page: call startServers() before, and wait for it');
    }
    return faults.set(wish);
  }

  /** Ends the fault of this kind, or all of the line. */
  clearFault(device: string, kind?: FaultKind): FaultTimes {
    return this.#faultsOf(device).clear(kind);
  }

  /** The faults of a line, as texts. */
  faults(device: string): readonly string[] {
    return this.#faultsOf(device).active.map(faultText);
  }

  /** What became of the frames on a line's wire. */
  counts(device: string, direction: Direction): WireCounts {
    return this.#carrier.control.counts(this.line(device).index, direction);
  }

  /** Name of a namespace, for `ip netns exec`. */
  name(place: IspPlace): string {
    return this.#places.at(place).name;
  }

  /** rtnetlink in one of the namespaces; open as long as the lab is. */
  netlink(place: IspPlace): Place['netlink'] {
    return this.#places.at(place).netlink;
  }

  /** The interface as the kernel has it, or undefined. */
  link(place: IspPlace, name: string): Link | undefined {
    return getLink(this.netlink(place), name);
  }

  /** Sets an interface up or down, as its owner would. */
  setUp(place: IspPlace, name: string, up: boolean): void {
    const netlink = this.netlink(place);
    setLink(netlink, requireLink(netlink, name).ifindex, { up });
  }

  /** Calls `work`, which may not wait for anything, with the thread in the namespace. */
  inside<T>(place: IspPlace, work: () => T): T {
    return this.#places.at(place).inside(work);
  }

  /** Starts a program in the namespace, out of reach of the terminal's Ctrl-C; it is killed when the lab is closed. */
  spawn(place: IspPlace, argv: readonly string[], options: SpawnOptions = {}): ChildProcess {
    return this.#places.spawn(place, argv, options);
  }

  /** Runs a program in the namespace to its end. */
  exec(place: IspPlace, argv: readonly string[], options: SpawnOptions = {}): Promise<CommandResult> {
    return this.#places.exec(place, argv, options);
  }

  /** A new folder that goes with the lab. */
  makeRunDir(): string {
    return this.#places.makeRunDir();
  }

  /** Kills what was started in the lab and removes it. Gives what could not be removed; a second call does nothing. */
  close(): string[] {
    this.#carrier.close();
    return this.#places.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
