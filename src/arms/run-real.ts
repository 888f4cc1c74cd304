// Runs a scenario on real interfaces, with the kernel's bonds or with Bondwire's, and gives the timeline of what was seen.
import { mkdtempSync, rmSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { unreachable } from '../base/index.js';
import { guard, release as unguard } from '../lab/index.js';
import {
  addDeviceAddress,
  createBridge,
  deleteDeviceAddress,
  getLink,
  isErrno,
  listDeviceAddresses,
  requireLink,
  setLink,
  SystemError,
} from '../linux/index.js';
import { IFF, type Link } from '../netlink/index.js';
import {
  happenings,
  type Happening,
  type Observation,
  type Scenario,
  settleMs,
  type Timeline,
  type Value,
  type Watch,
} from '../simulator/index.js';
import { Ears } from './announcements-heard.js';
import type { Answer, BondControl, BondView } from './bond-control.js';
import { bondwireBonds } from './bondwire-bonds.js';
import { kernelBonds } from './kernel-bonds.js';
import { LacpduEars } from './lacpdus-heard.js';
import { RealFlows, type Tap } from './real-flows.js';
import { type RealHost, RealNetwork } from './real-network.js';
import { carrierOf, OF_LINK, ofBondView, ofLink, ofMemberView } from './real-values.js';

/** `userspace` is Bondwire with its bonds on the user-space data plane; `bondwire` leaves the choice to it. */
export type RealArm = 'driver' | 'bondwire' | 'userspace';

/** Between two looks at what changes: a change is known as exactly as this. */
const LOOK_MS = 15;
/** After the end, for what is still on its way. */
const LINGER_MS = 30;

function delay(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, Math.max(0, ms)));
}

function errnoOf(error: unknown): Answer {
  if (error instanceof SystemError) return error.code;
  throw error;
}

/** One run of one scenario. */
class RealRun {
  readonly #scenario: Scenario;
  readonly #arm: RealArm;
  readonly #directory: string = mkdtempSync(join(tmpdir(), 'bw-arm-'));
  readonly #observations: Observation[] = [];
  readonly #controls = new Map<string, BondControl>();
  readonly #ears = new Map<string, Ears>();
  readonly #lacpdus = new Map<string, LacpduEars>();
  readonly #last = new Map<Watch, Value>();
  readonly #views = new Map<string, BondView>();
  readonly #carriers = new Map<string, boolean>();
  #network: RealNetwork | undefined;
  #flows: RealFlows | undefined;
  #startMs = 0;
  #closed = false;

  constructor(scenario: Scenario, arm: RealArm) {
    this.#scenario = scenario;
    this.#arm = arm;
  }

  get #now(): number {
    return performance.now() - this.#startMs;
  }

  #net(): RealNetwork {
    if (this.#network === undefined) throw new Error('The network is not built');
    return this.#network;
  }

  async run(): Promise<Timeline> {
    await this.#setUp();
    const turns = this.#turns();
    // Where nothing is looked at all along, nothing is done between the turns: an emulated machine is through sooner.
    const lookMs = this.#scenario.observe.watch.some(({ how }) => how === 'change') ? LOOK_MS : Infinity;
    for (const { atMs, act } of turns) {
      while (this.#now < atMs) {
        const lookAt = performance.now();
        if (atMs - this.#now > lookMs) await this.#changes();
        await delay(Math.min(atMs - this.#now, lookMs - (performance.now() - lookAt)));
      }
      await act();
    }
    await delay(LINGER_MS);
    this.#flows?.turn();
    await this.#look('total', this.#scenario.lengthMs);
    const ranBy = `${this.#arm} on Linux ${release()}`;
    const observations = this.#observations.toSorted((a, b) => a.atMs - b.atMs);
    return {
      scenario: this.#scenario.name,
      arm: this.#arm === 'driver' ? 'driver' : 'bondwire',
      ranBy,
      observations,
    };
  }

  /** All that is to be done at a time, in order. */
  #turns(): { readonly atMs: number; readonly act: () => Promise<void> }[] {
    const { observe, events, lengthMs } = this.#scenario;
    const happens = happenings(this.#scenario).map(event => ({
      atMs: event.atMs,
      act: async (): Promise<void> => {
        const value = await this.#happen(event);
        const isFirst = event.do !== 'restore' || events[event.index]?.do !== 'flap';
        const of = `event ${event.index}`;
        if (isFirst)
          this.#observations.push({ atMs: event.atMs, of, property: 'errno', how: 'event', value });
      },
    }));
    const samples = observe.atMs.map(atMs => ({ atMs, act: () => this.#look('sample', atMs) }));
    const end = { atMs: lengthMs, act: () => this.#changes() };
    return [...happens, ...samples, end].toSorted((a, b) => a.atMs - b.atMs);
  }

  async #setUp(): Promise<void> {
    const { switches, pairs = [] } = this.#scenario;
    if (pairs.length > 0 || switches.some(({ groups = [] }) => groups.length > 0))
      throw new Error('Channel groups and pairs of switches are there in the simulation alone');
    const network = RealNetwork.build(this.#scenario);
    this.#network = network;
    for (const [at, host] of network.hosts.entries()) {
      if ((host.spec.bonds ?? []).length === 0) continue;
      const place = join(this.#directory, `host${at}`);
      this.#controls.set(host.spec.name, await this.#controlOf(host, place));
      await this.#makeBonds(host);
    }
    const known = this.#scenario.hosts.flatMap(host => [...host.interfaces, ...(host.bonds ?? [])]);
    const addresses = new Set(
      known.flatMap(each => each.addresses ?? []).map(each => each.split('/')[0] ?? ''),
    );
    for (const host of network.hosts) {
      this.#ears.set(host.spec.name, new Ears(host, addresses));
      this.#lacpdus.set(host.spec.name, new LacpduEars(host, this.#countedAt(host.spec.name)));
    }
    const wantCarriers = this.#scenario.observe.watch.filter(each => each.property === 'carried-by');
    await delay(settleMs(this.#scenario));
    this.#flows = new RealFlows(
      this.#scenario.flows,
      network.hosts,
      new Set(wantCarriers.map(each => each.of.replace(/^flow /, ''))),
      (host, name) => this.#tapOf(host, name),
    );
    this.#flows.warmUp();
    await delay(300);
    for (const ears of [...this.#ears.values(), ...this.#lacpdus.values()]) ears.reset();
    this.#startMs = performance.now();
    this.#flows.start(() => this.#now);
    await this.#changes(0);
  }

  /** Interfaces of a host at which LACPDUs are counted. */
  #countedAt(host: string): string[] {
    const counted = this.#scenario.observe.watch.filter(({ property }) => property === 'lacpdus');
    const names = counted.map(({ of }) => of.split('/')).filter(([of]) => of === host);
    return [...new Set(names.map(([, name = '']) => name))];
  }

  /** On the user-space data plane, frames go past what captures on a member see: those are looked at where the cable ends. */
  #tapOf(host: RealHost, name: string): Tap | undefined {
    if (this.#arm !== 'userspace') return { place: host.place, name, isFar: false };
    const far = this.#net().farEnd(host, name);
    return far === undefined ? undefined : { ...far, isFar: true };
  }

  async #controlOf(host: RealHost, place: string): Promise<BondControl> {
    if (this.#arm === 'driver') return kernelBonds(host, place);
    return bondwireBonds(host, place, this.#arm === 'userspace' ? 'userspace' : undefined);
  }

  async #makeBonds(host: RealHost): Promise<void> {
    for (const bond of host.spec.bonds ?? []) {
      const giveAddresses = (): void => {
        if (bond.bridge !== undefined) putUnderBridge(host, bond.name, bond.bridge);
        // One that is down and has no addresses was never up: LACP knows of that.
        if (bond.up === false && bond.addresses.length === 0) return;
        this.#net().giveAddresses(host.place, bond.bridge ?? bond.name, bond.addresses);
      };
      await this.#controls.get(host.spec.name)?.create(bond, giveAddresses);
      if (bond.up === false) host.setUp(bond.name, false);
    }
  }

  #host(name: string): RealHost {
    const host = this.#net().hosts.find(each => each.spec.name === name);
    if (host === undefined) throw new Error(`There is no host ${name}`);
    return host;
  }

  async #happen(event: Happening): Promise<Answer> {
    if ('host' in event) return this.#onHost(event);
    switch (event.do) {
      case 'cut':
      case 'restore':
        this.#net().setCut(event.end, event.do === 'cut');
        return 'ok';
      case 'lose':
        this.#net().setLoss(event.end, event.percent);
        return 'ok';
      case 'silence':
      case 'unsilence':
        this.#net().setSilent(event.switch, event.do === 'silence', event.port);
        return 'ok';
      case 'kill':
      case 'revive':
        await this.#power(event.node, event.do === 'revive');
        return 'ok';
      case 'partner-says':
        throw new Error('Partners are there in the simulation alone');
      case 'group-move':
      case 'group-set':
      case 'group-remove':
      case 'reboot':
        throw new Error(
          `${event.do}: switches that aggregate, and their reboots, are there in the simulation alone`,
        );
      case 'flap':
        throw new Error('Flaps are taken apart before they happen');
      default:
        return unreachable(event);
    }
  }

  async #power(node: string, on: boolean): Promise<void> {
    const host = this.#net().hosts.find(each => each.spec.name === node);
    if (!on && host !== undefined) await this.#controls.get(node)?.removeBonds();
    this.#net().setPowered(node, on);
    if (on && host !== undefined) await this.#makeBonds(host);
  }

  async #onHost(event: Extract<Happening, { host: string }>): Promise<Answer> {
    const host = this.#host(event.host);
    const control = this.#controls.get(event.host);
    const change = (name: string, changes: Parameters<typeof setLink>[2]): Answer => {
      try {
        setLink(host.place.netlink, requireLink(host.place.netlink, name).ifindex, changes);
        return 'ok';
      } catch (error) {
        return errnoOf(error);
      }
    };
    switch (event.do) {
      case 'link-up':
      case 'link-down':
        return change(event.interface, { up: event.do === 'link-up' });
      case 'bond-up':
      case 'bond-down':
        return change(event.bond, { up: event.do === 'bond-up' });
      case 'listen':
      case 'unlisten':
        return listen(host, event.bond, event.mac, event.do === 'listen');
      case 'bond-mac':
        return change(event.bond, { address: event.mac });
      case 'bond-mtu':
        return change(event.bond, { mtu: event.mtu });
      case 'set':
        return (await control?.set(event.bond, event.option, event.value)) ?? 'ENODEV';
      case 'enslave':
        return (await control?.enslave(event.bond, event.interface)) ?? 'ENODEV';
      case 'release':
        return (await control?.release(event.bond, event.interface)) ?? 'ENODEV';
      case 'daemon-kill':
        await control?.killDaemon();
        return 'ok';
      case 'daemon-start':
        await control?.startDaemon();
        return 'ok';
      default:
        return unreachable(event);
    }
  }

  /** Asks the owners of all bonds that are watched, once for all watches. */
  async #ask(): Promise<void> {
    for (const host of this.#net().hosts) {
      for (const { name } of host.spec.bonds ?? []) {
        const view = await this.#controls.get(host.spec.name)?.view(name);
        if (view !== undefined) this.#views.set(`${host.spec.name}/${name}`, view);
      }
    }
  }

  async #changes(atMs?: number): Promise<void> {
    const watches = this.#scenario.observe.watch.filter(each => each.how === 'change');
    if (watches.length === 0) return;
    const now = atMs ?? Math.round(this.#now);
    await this.#ask();
    for (const watch of watches) {
      const value = await this.#value(watch, now);
      if (this.#last.get(watch) === value && this.#last.has(watch)) continue;
      this.#last.set(watch, value);
      this.#observations.push({ atMs: now, of: watch.of, property: watch.property, how: 'change', value });
    }
  }

  async #look(how: 'sample' | 'total', atMs: number): Promise<void> {
    await this.#ask();
    for (const watch of this.#scenario.observe.watch.filter(each => each.how === how)) {
      const value = await this.#value(watch, atMs);
      this.#observations.push({ atMs, of: watch.of, property: watch.property, how, value });
    }
  }

  async #value({ of, property }: Watch, nowMs: number): Promise<Value> {
    if (of.startsWith('flow ')) return this.#flows?.value(of.slice(5), property, nowMs) ?? null;
    const [hostName = '', name] = of.split('/');
    if (name === undefined) return this.#ears.get(hostName)?.value(property) ?? null;
    const host = this.#host(hostName);
    const isBond = (host.spec.bonds ?? []).some(bond => bond.name === name);
    if (property.startsWith('hears:')) {
      const link = getLink(host.place.netlink, name);
      return (
        link !== undefined &&
        listDeviceAddresses(host.place.netlink, link.ifindex).includes(property.slice(6))
      );
    }
    if (OF_LINK.has(property)) {
      const link = getLink(host.place.netlink, name);
      if (isBond && property === 'carrier') return this.#bondCarrier(of, link);
      return ofLink(link, property);
    }
    if (isBond) return this.#ofBond(host, of, name, property);
    if (property === 'lacpdus') return this.#lacpdus.get(hostName)?.count(name) ?? null;
    if (property === 'state') {
      const byLacp = host.spec.bonds?.find(({ options }) => isLacp(options['mode']));
      const state = byLacp && (await this.#controls.get(hostName)?.memberState(byLacp.name, name));
      if (byLacp !== undefined) return state ?? 'none';
    }
    const views = (host.spec.bonds ?? []).flatMap(bond => this.#views.get(`${hostName}/${bond.name}`) ?? []);
    return ofMemberView(views, name, property);
  }

  /** A bond that is down shows no carrier; what it had last is what it will have. */
  #bondCarrier(of: string, link: Link | undefined): boolean {
    if (link !== undefined && (link.flags & IFF.IFF_UP) !== 0) this.#carriers.set(of, carrierOf(link));
    return this.#carriers.get(of) ?? false;
  }

  async #ofBond(host: RealHost, of: string, name: string, property: string): Promise<Value> {
    const view = this.#views.get(of);
    if (property.startsWith('sysfs:'))
      return (await this.#controls.get(host.spec.name)?.sysfs(name, property.slice(6))) ?? null;
    return ofBondView(view, property);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#flows?.close();
    for (const ears of [...this.#ears.values(), ...this.#lacpdus.values()]) ears.close();
    for (const control of this.#controls.values()) {
      try {
        await control.removeBonds();
      } catch (error) {
        if (!isErrno(error, 'ENOENT', 'ECONNREFUSED', 'ECONNRESET')) console.error(error);
      }
      await control.close();
    }
    this.#network?.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function isLacp(mode: string | undefined): boolean {
  return mode === '802.3ad' || mode === '4';
}

/** The bond becomes the only port of a bridge, which forwards at once. */
function putUnderBridge(host: RealHost, bond: string, name: string): void {
  const { netlink } = host.place;
  const options = { stp: false, forwardDelaySeconds: 0 };
  const bridge = getLink(netlink, name) ?? createBridge(netlink, { name, up: true }, options);
  setLink(netlink, requireLink(netlink, bond).ifindex, { master: bridge.ifindex });
}

/** An address that the bond's interface shall let in besides its own, as a macvlan or a listener on top would ask for. */
function listen(host: RealHost, bond: string, mac: string, wanted: boolean): Answer {
  const { netlink } = host.place;
  try {
    const { ifindex } = requireLink(netlink, bond);
    if (wanted) addDeviceAddress(netlink, ifindex, mac);
    else deleteDeviceAddress(netlink, ifindex, mac);
    return 'ok';
  } catch (error) {
    return errnoOf(error);
  }
}

/** Runs a scenario in a real arm. Throws where its network or its bonds cannot be made; leaves nothing behind. */
export async function runReal(scenario: Scenario, arm: RealArm): Promise<Timeline> {
  const run = new RealRun(scenario, arm);
  const closable = { close: () => void run.close() };
  guard(closable, 'close');
  try {
    return await run.run();
  } finally {
    unguard(closable);
    await run.close();
  }
}
