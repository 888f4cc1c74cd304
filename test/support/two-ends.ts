// Two hosts with a bond each, joined by cables that run through a middle: LACPDUs pass it, as a bridge would not let them. A cable can be
// cut (both ends lose their carrier) and silenced (both keep it). Each end has a daemon of its own. Needs root, BPF, ip and ping.
import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiClient, apiClient } from '../../src/cli/api-client.js';
import type { EventRecord, ShowBond, ShowMember } from '../../src/daemon/api/api.js';
import { Assembler, link, R1, R2, R3, R4, SK_BUFF } from '../../src/ebpf/index.js';
import { createCable } from '../../src/lab/cable.js';
import { guard, release } from '../../src/lab/lab-guard.js';
import { type CommandResult, collect, ManagedBondwire } from '../../src/lab/managed-bondwire.js';
import { LAB_MARK, namespaceName } from '../../src/lab/names.js';
import { Place } from '../../src/lab/place.js';
import {
  addAddress,
  addBpfFilter,
  addClsact,
  addressFromText,
  closeFd,
  deleteBpfFilter,
  loadProgram,
  requireLink,
  setLink,
  unmountFileSystem,
  writeSysctl,
} from '../../src/linux/index.js';
import { BIN, until } from './stage.js';

/** Which host. */
export type EndName = 'left' | 'right';

const ADDRESSES: Readonly<Record<EndName, string>> = { left: '10.8.0.1', right: '10.8.0.2' };
const SCHED_CLS = 3;
const TC_DROP = 2;
const INGRESS = { direction: 'ingress', preference: 1 } as const;

let made = 0;
const opened: TwoEnds[] = [];

/** Runs and ends programs in one of the hosts. */
export class End {
  readonly place: Place;
  readonly bondwire: ManagedBondwire;
  readonly api: ApiClient;
  readonly address: string;
  readonly #children = new Set<ChildProcess>();

  constructor(place: Place, name: EndName, daemonArgs: readonly string[]) {
    this.place = place;
    this.address = ADDRESSES[name];
    const runDir = mkdtempSync(join(tmpdir(), 'bondwire-test-'));
    this.bondwire = new ManagedBondwire({ spawn: argv => this.spawn(argv), bin: BIN, runDir, daemonArgs });
    this.api = apiClient(runDir);
  }

  /** Starts a program here; it is killed when the hosts are taken away. */
  spawn(argv: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const [file = '', ...args] = argv;
    const env = { ...process.env, [LAB_MARK]: this.place.name };
    const child = this.place.inside(() =>
      spawn(file, args, { stdio: 'pipe', detached: true, ...options, env }),
    );
    this.#children.add(child);
    child.once('close', () => this.#children.delete(child));
    return child;
  }

  exec(...argv: string[]): Promise<CommandResult> {
    return collect(this.spawn(argv));
  }

  /** A bond of these members, up, with the host's address. */
  async bond(options: Readonly<Record<string, string>>, members: readonly string[]): Promise<void> {
    await this.api.create({ name: 'bond0', options: { mode: '802.3ad', miimon: '100', ...options } });
    await this.api.enslave('bond0', { interfaces: members });
    await this.api.up('bond0');
    await this.api.addAddresses('bond0', { addresses: [`${this.address}/24`] });
  }

  async show(): Promise<ShowBond> {
    const [found] = (await this.api.show('bond0')).bonds;
    if (found === undefined) throw new Error('There is no bond0');
    return found;
  }

  async member(name: string): Promise<ShowMember> {
    const found = (await this.show()).members.find(one => one.name === name);
    if (found === undefined) throw new Error(`${name} is no member of bond0`);
    return found;
  }

  /** Waits until these members carry by what LACP agreed on, and no others. */
  async agreed(...members: string[]): Promise<void> {
    await until(`${members.join(', ')} of ${this.place.name} carry by LACP`, async () => {
      const { lacp, members: all } = await this.show();
      const partner = lacp?.active?.partnerSystem ?? '00:00:00:00:00:00';
      const carrying = all.filter(each => each.lacp?.carries === true).map(({ name }) => name);
      return partner !== '00:00:00:00:00:00' && carrying.join() === members.join();
    });
  }

  async events(after = 0): Promise<EventRecord[]> {
    const records: EventRecord[] = [];
    for await (const record of this.api.events({ after })) records.push(record);
    return records;
  }

  /** Sets an interface up or down, as its owner would. */
  setUp(name: string, up: boolean): void {
    setLink(this.place.netlink, requireLink(this.place.netlink, name).ifindex, { up });
  }

  /** Kills what runs here and takes the namespace away; waits for nothing. */
  remove(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    this.place.remove();
  }

  /** The run directory, once nothing runs in it. */
  removeRunDir(): void {
    unmountFileSystem(`${this.bondwire.runDir}/bpf`);
    rmSync(this.bondwire.runDir, { recursive: true, force: true });
  }
}

/** Options of the two hosts. */
export interface TwoEndsOptions {
  readonly cables?: readonly string[];
  readonly daemonArgs?: readonly string[];
  /** Hosts whose daemon is not started: somebody else speaks there. */
  readonly noDaemon?: readonly EndName[];
}

/** Leaves to `pass` but for frames of type 8809, subtype 2. */
function dropMarkers(program: Assembler): void {
  const { data, data_end: end } = SK_BUFF;
  program
    .load('u32', R2, R1, data)
    .load('u32', R3, R1, end)
    .mov(R4, R2)
    .add(R4, 15)
    .jgt(R4, R3, 'pass')
    .load('u16', R4, R2, 12)
    .be16(R4)
    .jne(R4, 0x8809, 'pass')
    .load('u8', R4, R2, 14)
    .jne(R4, 2, 'pass')
    .exitWith(TC_DROP);
}

/** The two hosts and the middle; `open` makes them. */
export class TwoEnds {
  readonly left: End;
  readonly right: End;
  readonly cables: readonly string[];
  readonly #middle: Place;

  private constructor(left: End, middle: Place, right: End, cables: readonly string[]) {
    this.left = left;
    this.right = right;
    this.cables = cables;
    this.#middle = middle;
  }

  static async open(options: TwoEndsOptions = {}): Promise<TwoEnds> {
    const number = made++;
    const places: Place[] = [];
    let ends: TwoEnds;
    try {
      for (const label of ['l', 'm', 'r']) {
        const place = Place.create(namespaceName(process.pid, number, label));
        places.push(place);
        place.inside(() => {
          writeSysctl('ipv6', 'default', 'disable_ipv6', '1');
          writeSysctl('ipv6', 'all', 'disable_ipv6', '1');
        });
      }
      const [left, middle, right] = places as [Place, Place, Place];
      const args = options.daemonArgs ?? [];
      ends = new TwoEnds(
        new End(left, 'left', args),
        middle,
        new End(right, 'right', args),
        options.cables ?? ['eth0', 'eth1'],
      );
    } catch (error) {
      for (const place of places) place.remove();
      throw error;
    }
    opened.push(ends);
    guard(ends, 'close');
    ends.#cable();
    const wanted = (['left', 'right'] as const).filter(name => options.noDaemon?.includes(name) !== true);
    await Promise.all(wanted.map(name => ends[name].bondwire.start()));
    return ends;
  }

  /** The host of this name. */
  end(name: EndName): End {
    return this[name];
  }

  #cable(): void {
    this.cables.forEach((name, at) => {
      const [left, right] = [100 + at, 100 + at];
      createCable(this.left.place.end(name, left), this.#middle.end(`l${at}`, 300 + at));
      createCable(this.right.place.end(name, right), this.#middle.end(`r${at}`, 400 + at));
      for (const end of [300 + at, 400 + at]) {
        addClsact(this.#middle.netlink, end);
        setLink(this.#middle.netlink, end, { up: true });
      }
      this.#pass(at);
    });
  }

  #at(cable: string): number {
    const at = this.cables.indexOf(cable);
    if (at === -1) throw new Error(`There is no cable ${cable}; there are ${this.cables.join(', ')}`);
    return at;
  }

  /** What comes in at one side goes out at the other. */
  #pass(at: number, markers: boolean = true): void {
    for (const [from, to] of [
      [300 + at, 400 + at],
      [400 + at, 300 + at],
    ] as const) {
      const program = new Assembler('bw_pass');
      if (!markers) dropMarkers(program);
      program.label('pass').mov(R1, to).mov(R2, 0).call('redirect').exit();
      const instructions = link(program.build());
      const parameters = { type: SCHED_CLS, name: 'bw_pass', license: 'GPL', instructions };
      const fd = loadProgram(parameters);
      try {
        addBpfFilter(this.#middle.netlink, { ...INGRESS, ifindex: from }, fd, 'bw_pass');
      } finally {
        closeFd(fd);
      }
    }
  }

  /** Frames of this cable go nowhere, in either direction or from one host only; the carriers stay. */
  silence(cable: string, from: EndName | 'both' = 'both'): void {
    const at = this.#at(cable);
    if (from !== 'right') deleteBpfFilter(this.#middle.netlink, { ...INGRESS, ifindex: 300 + at });
    if (from !== 'left') deleteBpfFilter(this.#middle.netlink, { ...INGRESS, ifindex: 400 + at });
  }

  /** Undoes `silence`. */
  heal(cable: string): void {
    this.silence(cable);
    this.#pass(this.#at(cable));
  }

  /** From now on markers, and answers to them, do not pass this cable; everything else does. */
  dropMarkers(cable: string): void {
    this.silence(cable);
    this.#pass(this.#at(cable), false);
  }

  /** Takes the carrier of both ends of this cable, or of one. */
  cut(cable: string, where: EndName | 'both' = 'both'): void {
    this.#carrier(cable, where, false);
  }

  /** Undoes `cut`. */
  mend(cable: string, where: EndName | 'both' = 'both'): void {
    this.#carrier(cable, where, true);
  }

  #carrier(cable: string, where: EndName | 'both', up: boolean): void {
    const at = this.#at(cable);
    if (where !== 'right') setLink(this.#middle.netlink, 300 + at, { up });
    if (where !== 'left') setLink(this.#middle.netlink, 400 + at, { up });
  }

  /** Bonds of all cables at both ends, joined by LACP. */
  async agreed(options: Readonly<Record<string, string>> = {}): Promise<void> {
    await Promise.all([this.left, this.right].map(end => end.bond(options, this.cables)));
    await Promise.all([this.left, this.right].map(end => end.agreed(...this.cables)));
    await this.reached();
  }

  /** Waits until the left host reaches the right one. */
  async reached(): Promise<void> {
    await until('the left host reaches the right one', async () => {
      const ping = await this.left.exec('ping', '-c', '1', '-W', '1', this.right.address);
      return ping.status === 0;
    });
  }

  /** An address for the one interface of an end that has no bond of ours. */
  addAddress(name: EndName, device: string): void {
    const { place, address } = this.end(name);
    addAddress(place.netlink, addressFromText(requireLink(place.netlink, device).ifindex, `${address}/24`));
  }

  /** What can be done at once, when the process ends. */
  close(): void {
    release(this);
    for (const step of [() => this.left.remove(), () => this.right.remove(), () => this.#middle.remove()]) {
      try {
        step();
      } catch {
        // It is gone already.
      }
    }
  }

  async stop(): Promise<void> {
    await Promise.all([this.left, this.right].map(end => end.bondwire.stop('SIGKILL')));
    this.close();
    for (const end of [this.left, this.right]) end.removeRunDir();
  }
}

/** Takes away what the tests of a file opened; for afterEach. */
export async function closeEnds(): Promise<void> {
  for (const ends of opened.splice(0)) await ends.stop();
}
