// The daemon: opens the kernel's event stream, runs the bonds, keeps their state, serves the control API.
import { existsSync } from 'node:fs';
import { err, ok, type Refusal, type Result } from '../base/index.js';
import {
  currentNetnsCookie,
  currentNetnsId,
  Ethtool,
  followLinks,
  monotonicMs,
  Rtnetlink,
} from '../linux/index.js';
import { RTNLGRP } from '../netlink/index.js';
import { adoptBond } from './keeping/adoption.js';
import { Applying } from './apply/applying.js';
import { daemonSite } from './apply/daemon-site.js';
import { AwaitedMembers } from './members/awaited-members.js';
import {
  controlSocketPath,
  type ConfigRequest,
  type DaemonStatus,
  type DescribedRequest,
  type EnslaveRequest,
  type LinkRequest,
  type RouteRequest,
  type ShowDocument,
} from './api/api.js';
import { addBondRoutes, setBondInterface } from './kernel/bond-interface.js';
import type { BondRunner } from './bond-runner.js';
import { openLog } from './keeping/daemon-log.js';
import { surviveFailures } from './keeping/passing-failures.js';
import { DataPlanes } from './kernel/data-planes.js';
import { describeBond, describedDocument } from './api/described.js';
import { DueSaves } from './keeping/due-saves.js';
import { Journal } from './keeping/journal.js';
import { KernelNews } from './kernel/kernel-news.js';
import { MemberWatch } from './kernel/member-watch.js';
import type { Machine } from './kernel/machine.js';
import { Operations } from './operations.js';
import { packageVersion } from './package-version.js';
import { noteRefusal } from './keeping/note-refusal.js';
import { PinPlace } from './keeping/pin-place.js';
import { makeDirectories, placesOf } from './keeping/places.js';
import { Registry } from './registry.js';
import { RunDirGuard } from './keeping/run-dir-guard.js';
import { lockRunDir, refuseSecond } from './keeping/run-dir-lock.js';
import { checkRunDirOwner } from './keeping/run-dir-owner.js';
import { ControlServer } from './api/server.js';
import { unknownBond } from './api/unknown-bond.js';
import { showBonds, showMembers } from './api/show.js';
import { StateFile, stateFilePath } from './keeping/state-file.js';
import type { Starting } from './starting.js';
import { StateKeeper } from './keeping/state-keeper.js';
import { tellProblems } from './kernel/opening-problems.js';
import { unfinishedPins } from './kernel/unknown-bonds.js';
import { BondTrees } from './views/bond-trees.js';
import { UplinkService } from './uplink/uplink-service.js';
import { ViewFiles } from './views/view-files.js';
import { Hold } from './views/hold.js';
import { obeyWrite, type ViewWrite } from './views/view-writes.js';
import { Turns } from './kernel/turns.js';
import { SystemLinks } from './views/system-links.js';
import { Thrift } from './keeping/thrift.js';
import { type TextView, textView } from './views/views.js';

const GROUP_AND_OTHERS_WRITE = 0o022;

export interface DaemonOptions {
  readonly runDir: string;
  /** Log lines to standard error besides RUN_DIR/bondwire.log. */
  readonly logToStderr?: boolean;
  /** From its start until `started()` only whoever has the key may change anything. */
  readonly starting?: Starting;
  /** Prepared before (prepareDaemon). */
  readonly planes?: DataPlanes;
}

/** A daemon that runs in this process. */
export interface RunningDaemon {
  /** The bonds that it was started for are made, or cannot be: others may change things. */
  started(): void;
  /** `leave-in-place`: bonds work on without us. `remove-everything`: all bonds are destroyed first. */
  close(how: 'leave-in-place' | 'remove-everything'): Promise<void>;
}

/** Starts a daemon; what it finds of an earlier one goes on. Throws having cleaned up after itself. */
export async function startDaemon(options: DaemonOptions): Promise<RunningDaemon> {
  checkRunDirOwner(options.runDir);
  // What is in the run directory is for nobody else to write, whatever who started us thinks of that.
  process.umask(process.umask() | GROUP_AND_OTHERS_WRITE);
  const socket = controlSocketPath(options.runDir);
  // One that was prepared is a supervisor's: what answers still is the one before it, which is dying.
  const isPrepared = options.planes !== undefined;
  if (!isPrepared) await refuseSecond(options.runDir, socket);
  makeDirectories(options.runDir);
  // Somebody else may have made it meanwhile.
  checkRunDirOwner(options.runDir);
  const unlock = await lockRunDir(options.runDir, isPrepared ? undefined : socket);
  let daemon: Daemon | undefined;
  try {
    daemon = Daemon.open(options, unlock);
    await daemon.adopt();
    await daemon.serve(socket);
    return daemon;
  } catch (error) {
    if (daemon === undefined) unlock();
    else await daemon.close('leave-in-place');
    throw error;
  }
}

class Daemon implements RunningDaemon {
  readonly journal: Journal;
  /** One change after another: some have turns of the event loop in between. */
  readonly turns: Turns = new Turns();
  readonly uplink: UplinkService;
  readonly #machine: Machine;
  readonly #state: StateFile;
  readonly #keeper: StateKeeper;
  readonly #due: DueSaves = new DueSaves(() => void this.#writeDown(this.#due.take()));
  readonly #registry = new Registry();
  readonly #operations: Operations;
  readonly #files: ViewFiles;
  readonly #trees = new BondTrees(new SystemLinks());
  readonly #touches = new Hold(() => this.#files.touch());
  readonly #thrift = new Thrift();
  readonly #news: KernelNews;
  readonly #awaited: AwaitedMembers;
  readonly #applying: Applying;
  readonly #watch: MemberWatch;
  readonly #adopted: string[] = [];
  readonly #unfollow: () => void;
  #server: ControlServer | undefined;
  #closed = false;
  #starting: Starting | undefined;
  /** Until the old state is taken over it is not ours to write. */
  #saving = false;
  readonly #guard: RunDirGuard;

  private constructor(machine: Machine, state: StateFile, unlock: () => void) {
    this.#machine = machine;
    this.journal = machine.journal;
    this.#state = state;
    this.#keeper = new StateKeeper({
      write: changed => this.#state.save(this.#registry.written(), changed, this.#applying.undo),
      tell: event => void machine.journal.add('', event),
      log: machine.log,
    });
    const ends = [followLinks(machine.netlink), surviveFailures(machine.log)];
    this.#unfollow = () => ends.forEach(end => end());
    this.#operations = new Operations(machine, this.#registry);
    this.uplink = UplinkService.of(machine);
    this.#files = new ViewFiles({
      runDir: machine.runDir,
      trees: () => this.#trees.all(this.#registry.all()),
      anew: () => this.#trees.anew(),
      written: writes => this.#obey(writes),
      failed: problem => this.#tellDaemon(`The files of the driver's form cannot be written: ${problem}`),
    });
    this.#watch = new MemberWatch(machine, this.#registry);
    this.#news = new KernelNews({
      machine,
      registry: this.#registry,
      operations: this.#operations,
      watch: this.#watch,
      touched: link => {
        if (link !== undefined) this.#trees.told(link);
        this.#touches.touch();
      },
    });
    this.#awaited = new AwaitedMembers(machine, this.#registry, this.#operations);
    const [registry, operations, awaited] = [this.#registry, this.#operations, this.#awaited];
    this.#applying = new Applying(daemonSite({ machine, registry, operations, awaited }));
    this.#guard = new RunDirGuard({
      runDir: machine.runDir,
      unlock,
      anew: () => this.#anew(),
      looked: () => this.#putBack(),
      failed: why =>
        this.#tellDaemon(
          `${machine.runDir} was taken from under this daemon: ${why}; nothing is written there`,
        ),
    });
  }

  static open(options: DaemonOptions, unlock: () => void): Daemon {
    const { runDir } = options;
    const planes = (options.planes ?? DataPlanes.probe()).with(PinPlace.open(runDir));
    const state = new StateFile(runDir, String(currentNetnsId()), currentNetnsCookie());
    const { RTNLGRP_LINK, RTNLGRP_TC, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR } = RTNLGRP;
    const groups = [RTNLGRP_LINK, RTNLGRP_TC, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR];
    const netlink = Rtnetlink.open({ groups });
    const daemon: Daemon = new Daemon(
      {
        runDir,
        netlink,
        ethtool: Ethtool.open(),
        planes,
        journal: new Journal(runDir),
        log: openLog(runDir, options.logToStderr ?? false),
        now: monotonicMs,
        save: changed => void daemon.#save(changed),
        saveSoon: changed => daemon.#due.soon(changed),
        note: (changed, what) => daemon.#note(changed, what),
        hold: () => daemon.#touches.hold(daemon.#due.hold(), daemon.#thrift.burst()),
      },
      state,
      unlock,
    );
    daemon.#starting = options.starting;
    tellProblems(daemon.journal, planes);
    return daemon;
  }

  /** Takes over what an earlier daemon left, and listens to the kernel from here on; a file that was being carried out is undone. */
  async adopt(): Promise<void> {
    const loaded = this.#state.load();
    const { bonds, instead, problem } = loaded;
    if (problem !== undefined) throw new Error(problem);
    const unfinished = unfinishedPins(this.#machine, loaded);
    if (instead !== undefined) {
      const message = `The copy of the state file was used: ${instead}`;
      this.journal.add('', { severity: 'warning', type: 'daemon', message });
    }
    for (const saved of bonds) {
      if (adoptBond(this.#machine, this.#registry, saved)) this.#adopted.push(saved.name);
    }
    const { runDir, netlink, planes } = this.#machine;
    for (const pins of unfinished) planes.sweep(netlink, placesOf(runDir, pins));
    // What is saved from here on says still what is to be undone.
    this.#applying.resume(loaded.applying ?? []);
    this.#saving = true;
    this.#save();
    this.#news.listen();
    for (const runner of this.#registry.all()) {
      runner.undoUnfinished();
      if (runner.ending) void this.#operations.destruction.dismantle(runner);
      else runner.adopt();
    }
    this.uplink.adopt();
    this.#awaited.start();
    this.#watch.start();
    this.#operations.chains.start();
    await this.#applying.undoUnfinished();
  }

  async serve(socket: string): Promise<void> {
    this.#server = await ControlServer.listen(this, socket);
    // After all that packets and people wait for.
    this.#files.open();
    this.#guard.start();
    this.#machine.log.info({ pid: process.pid, adopted: this.#adopted }, 'ready');
    this.#thrift.begin();
  }

  async close(how: 'leave-in-place' | 'remove-everything'): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // What was asked for is done, or undone, and answered; then what was asked meanwhile.
    this.#applying.end();
    await this.turns.take(() => {});
    await this.#server?.close();
    await this.turns.take(() => {});
    this.#awaited.close();
    this.#watch.close();
    this.#operations.chains.close();
    const left = how === 'remove-everything' ? this.uplink.removeAny() : undefined;
    if (how === 'remove-everything') {
      for (const runner of this.#registry.all()) await this.#operations.destruction.destroy(runner);
    }
    await this.#operations.destruction.finished();
    this.uplink.close();
    this.#save();
    this.#keeper.close();
    this.#files.close();
    this.#news.close();
    for (const runner of this.#registry.all()) runner.leaveInPlace();
    this.#unfollow();
    this.#machine.netlink.close();
    this.#machine.ethtool.close();
    this.#machine.planes.close();
    if (this.#server !== undefined) this.#machine.log.info({ how }, 'closed');
    this.#machine.log.flush();
    this.#guard.close();
    if (left !== undefined) throw left;
  }

  started(): void {
    this.#starting = undefined;
  }

  starting(): Starting | undefined {
    return this.#starting;
  }

  status(): DaemonStatus {
    return {
      ...(this.#starting !== undefined && { starting: this.#starting.file }),
      pid: process.pid,
      version: packageVersion(),
      runDir: this.#machine.runDir,
      bonds: this.#registry.all().map(runner => runner.name),
      adopted: this.#adopted,
      supervised: this.#machine.planes.isSupervised,
    };
  }

  members(runner: BondRunner) {
    return showMembers(this.#machine.netlink, runner);
  }

  show(name?: string): Result<ShowDocument, Refusal> {
    const runners = this.#registry.all();
    const wanted = name === undefined ? runners : runners.filter(runner => runner.name === name);
    return ok({
      bonds: showBonds(this.#machine.netlink, wanted, this.#watch, this.journal),
      ...(this.#starting !== undefined && { starting: this.#starting.file }),
    });
  }

  text(runner: BondRunner, view: TextView): string {
    return textView(this.#machine.netlink, runner, view);
  }

  find(name: string): Result<BondRunner, Refusal> {
    const runner = this.#registry.named(name);
    if (runner !== undefined) return ok(runner);
    return err(unknownBond(name, this.status().bonds));
  }

  create(name: string, options: Readonly<Record<string, string>>) {
    return this.#operations.create(name, options);
  }

  destroy(runner: BondRunner) {
    return this.#operations.destruction.destroy(runner);
  }

  enslave(runner: BondRunner, { interfaces, ...wishes }: Required<EnslaveRequest>) {
    if (wishes.await) return this.#awaited.enslave(runner, interfaces, wishes);
    return this.#operations.enslave(runner, interfaces, wishes);
  }

  release(...args: Parameters<Operations['release']>) {
    return this.#operations.release(...args);
  }

  set(...args: Parameters<Operations['set']>) {
    return this.#operations.set(...args);
  }

  up(runner: BondRunner) {
    return this.#operations.up(runner);
  }

  addAddresses(...args: Parameters<Operations['addAddresses']>) {
    return this.#operations.addAddresses(...args);
  }

  setLink(runner: BondRunner, wish: LinkRequest) {
    return setBondInterface(this.#machine, runner, wish);
  }

  describe(runner: BondRunner, request: DescribedRequest) {
    return describeBond(this.#machine, this.#operations, runner, request);
  }

  described(runner: BondRunner) {
    return describedDocument(this.#machine.netlink, runner);
  }

  addRoutes(runner: BondRunner, routes: readonly RouteRequest[]) {
    return addBondRoutes(this.#machine, runner, routes);
  }

  configure(request: Required<ConfigRequest>) {
    return this.#applying.apply(request);
  }

  #save(changed?: object): Error | undefined {
    const due = this.#due.take(changed);
    return this.#writeDown(changed === undefined ? undefined : due);
  }

  #writeDown(changed?: ReadonlySet<object>): Error | undefined {
    if (!this.#saving) return undefined;
    if (!this.#guard.look()) return new Error(`${this.#machine.runDir} is not this daemon's any more`);
    const failed = this.#keeper.save(changed);
    if (changed === undefined) this.#trees.anew();
    for (const bond of changed ?? []) this.#trees.changed(bond);
    this.#touches.touch();
    return failed;
  }

  #note(changed: object, what: string): Refusal | undefined {
    const failed = this.#save(changed);
    return failed === undefined ? undefined : noteRefusal(failed, what, this.#machine.runDir);
  }

  /** What was written to files of the driver's form, one after the other, as requests are. */
  async #obey(writes: readonly ViewWrite[]): Promise<void> {
    for (const write of writes) await this.turns.take(() => obeyWrite(this, write));
  }

  /** Somebody emptied the run directory: all that it held is there again. */
  #anew(): void {
    this.#noteAll();
    // After what is being done: its answer goes by the old socket.
    void this.turns.take(() => this.#listenAgain());
    this.#tellDaemon(`${this.#machine.runDir} was emptied while the daemon ran: what it held is there again`);
  }

  /** What a later daemon, or a command, needs and somebody removed. */
  #putBack(): void {
    const { runDir } = this.#machine;
    if (!this.#keeper.isFailing && !existsSync(stateFilePath(runDir))) {
      this.#noteAll();
      this.#tellDaemon(`${stateFilePath(runDir)} was removed while the daemon ran: it is there again`);
    }
    if (!existsSync(controlSocketPath(runDir))) void this.turns.take(() => this.#listenAgain());
  }

  #noteAll(): void {
    for (const { plane, name } of this.#registry.all()) {
      try {
        plane.noteAgain();
      } catch (error) {
        this.#tellDaemon(`What ${name} is made of cannot be written down: ${(error as Error).message}`);
      }
    }
    this.#keeper.save();
    this.uplink.again();
    this.#files.touch();
  }

  async #listenAgain(): Promise<void> {
    const socket = controlSocketPath(this.#machine.runDir);
    if (this.#closed || this.#server === undefined || existsSync(socket)) return;
    try {
      await this.#server.close();
      this.#server = await ControlServer.listen(this, socket);
    } catch (error) {
      this.#tellDaemon(`Commands cannot reach this daemon any more: ${(error as Error).message}`);
    }
  }

  #tellDaemon(message: string): void {
    this.#machine.log.warn(message);
    this.journal.add('', { severity: 'warning', type: 'daemon', message });
  }
}
