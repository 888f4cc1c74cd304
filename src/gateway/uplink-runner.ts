// Runs one uplink on this machine, in the network namespace that the thread was in when it was made: the keeper of `uplinks` with Linux
// for its ports.
import { err, ok, type Refusal, refusal, type Result } from '../base/index.js';
import { monotonicMs } from '../linux/index.js';
import {
  type Family,
  type Flush,
  kernelPlan,
  type LineDevice,
  type LineNumber,
  type LinePlace,
  type Probe,
  type Steering,
  Uplink,
  type UplinkEvent,
  UplinkKeeper,
  type UplinkSettings,
  type Wish,
} from '../uplinks/index.js';
import { Drill, type DrillKind } from './drill.js';
import type { NotedSetting } from './kernel/device-settings.js';
import { FlowFlusher } from './flow-flusher.js';
import { HeardTraffic } from './heard-traffic.js';
import { keptFlows } from './kept-flows.js';
import { KernelKeeper } from './kernel/kernel-keeper.js';
import { KernelRefused } from './kernel/refusals.js';
import { LineWatch } from './lines/line-watch.js';
import { Probes } from './probes/probes.js';

const CALENDAR_MS = 60_000;

/** What a runner needs of whoever has it. */
export interface RunnerHost {
  tell(event: UplinkEvent): void;
  /** Writes down what a later runner is to know of the uplink. Throws when it cannot. */
  save(state: string): void;
  /** Writes down how settings of devices were, before they are changed. Throws when it cannot: then they are not changed. */
  note(settings: readonly NotedSetting[]): void;
  /** Something failed where nobody waits for it. */
  failed(error: unknown): void;
}

/** What an earlier runner wrote down. */
export interface Noted {
  /** JSON of the uplink. */
  readonly state: unknown;
  readonly settings: readonly NotedSetting[];
}

/** One uplink at work. */
export class UplinkRunner {
  readonly #host: RunnerHost;
  readonly #kernel: KernelKeeper;
  readonly #keeper: UplinkKeeper;
  readonly #probes: Probes;
  readonly #watch: LineWatch;
  readonly #heard: HeardTraffic;
  readonly #calendar: NodeJS.Timeout;
  /** Of the bits of marks that are the uplink's. */
  #flusher: { readonly mask: number; readonly flows: FlowFlusher } | undefined;
  #isWatching = false;
  readonly #toldLacks = new Set<string>();
  /** Why the kernel did not take the last steering. */
  #refused: Refusal | undefined;
  #drill: Drill | undefined;
  #drillEnd: NodeJS.Timeout | undefined;
  #closed = false;

  /** Begins with what was noted, or anew; nothing is touched before `configure` or `adopt`. Throws SystemError. */
  constructor(host: RunnerHost, noted?: Noted) {
    this.#host = host;
    this.#kernel = new KernelKeeper(
      {
        note: settings => host.note(settings),
      },
      noted?.settings,
    );
    const now = monotonicMs();
    const uplink = noted === undefined ? new Uplink() : Uplink.restore(noted.state, now);
    this.#keeper = new UplinkKeeper(this.#ports(), uplink);
    this.#probes = new Probes({
      lines: line => this.#probeLine(line),
      settings: line => this.settings()?.lines[line - 1],
      answers: {
        answered: (probe, rttMs) => this.#answered(probe, rttMs),
        failed: (probe, why, detail) =>
          this.#feed({ kind: 'failed', probe: probe.id, why, ...(detail !== undefined && { detail }) }),
      },
    });
    this.#watch = new LineWatch({
      device: (line, device) => this.#device(line, device),
      path: (line, family, path) => this.#feed({ kind: 'path', line, family, path }),
      replaced: line => this.#probes.forget(line),
      bytes: (line, received, sent) => this.#feed({ kind: 'bytes', line, received, sent }),
      failed: error => host.failed(error),
    });
    this.#heard = new HeardTraffic({
      settings: () => this.settings(),
      counts: () => this.#kernel.heard(),
      heard: (line, family) => this.#traffic(line, family),
      failed: error => host.failed(error),
    });
    this.#calendar = setInterval(() => this.#tellTime(), CALENDAR_MS);
  }

  settings(): UplinkSettings | null {
    return this.#keeper.uplink.settings();
  }

  /** Makes it as described, now and when that changes. */
  configure(settings: UplinkSettings): Result<void, Refusal> {
    const before = this.settings();
    const accepted = this.#keeper.feed({ kind: 'settings', settings });
    if (!accepted.ok) return accepted;
    this.#begin(settings);
    if (before === null) this.#keeper.start();
    // Tried again where it may pass; what the kernel does not have, or does not let us do, is an answer.
    const refused = this.#refused;
    return before === null && refused !== undefined && refused.code !== 'system'
      ? err(refused)
      : ok(undefined);
  }

  /** Goes on with the uplink that was noted. */
  adopt(): void {
    const settings = this.settings();
    if (settings === null) return;
    this.#begin(settings);
    this.#keeper.start();
  }

  wish(wish: Wish): Result<void, Refusal> {
    return this.#keeper.feed({ kind: 'operator', wish });
  }

  /** Begins a drill; a second one while it goes on is refused. */
  drill(name: string, kind: DrillKind, forMs: number): Result<void, Refusal> {
    if (this.#drill !== undefined)
      return err(refusal('in-use', 'EBUSY', 'A drill is under way; try again when it has ended.'));
    const line = this.numberOf(name);
    if (!line.ok) return line;
    const asked = this.settings()?.lines[line.value - 1];
    if ((kind === 'dns' && asked?.dns.length === 0) || (kind === 'portal' && asked?.http === null))
      return err(
        refusal(
          'invalid-value',
          'EINVAL',
          `${name} has no ${kind === 'dns' ? 'dns' : 'http'} to fail: give the line some, or drill another kind.`,
        ),
      );
    this.#drill = new Drill(line.value, kind, monotonicMs() + forMs);
    this.#drillEnd = setTimeout(() => this.#endDrill(), forMs);
    this.#deviceAgain(line.value);
    return ok(undefined);
  }

  /** The number of a line by its name. */
  numberOf(name: string): Result<LineNumber, Refusal> {
    const lines = this.settings()?.lines ?? [];
    const at = lines.findIndex(line => line.name === name);
    if (at >= 0) return ok(at + 1);
    const names = lines.map(line => line.name).join(', ');
    return err(refusal('unknown-interface', 'ENODEV', `There is no line ${name}; the lines are ${names}.`));
  }

  snapshot(): ReturnType<Uplink['snapshot']> {
    return this.#keeper.uplink.snapshot(monotonicMs());
  }

  explain(): readonly string[] {
    return [...this.#keeper.uplink.explain(monotonicMs()), ...this.#kernel.lacking()];
  }

  /** Leaves everything in place, for the kernel alone and for the next one. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#calendar);
    this.#heard.close();
    clearTimeout(this.#drillEnd);
    this.#keeper.close();
    this.#watch.close();
    this.#probes.close();
    this.#closeFlusher();
    this.#kernel.close();
  }

  /** Everything as it was before; gives sentences of what could not be put back. */
  remove(): readonly string[] {
    clearInterval(this.#calendar);
    this.#heard.close();
    clearTimeout(this.#drillEnd);
    this.#keeper.close();
    this.#watch.close();
    this.#probes.close();
    this.#closeFlusher();
    this.#closed = true;
    try {
      return this.#kernel.remove().missing;
    } finally {
      this.#kernel.close();
    }
  }

  #begin(settings: UplinkSettings): void {
    this.#watchKernel();
    this.#readyFlusher(settings.markMask);
    this.#tellTime();
    this.#watch.watch(settings.lines);
  }

  #watchKernel(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    this.#kernel.watch({
      interference: what => this.#feed({ kind: 'interference', what }),
      failed: error => this.#host.failed(error),
    });
  }

  #readyFlusher(mask: number): void {
    if (this.#flusher?.mask === mask) return;
    this.#closeFlusher();
    const flows = new FlowFlusher(mask, { failed: sentence => this.#host.failed(new Error(sentence)) });
    flows.start();
    this.#flusher = { mask, flows };
  }

  #closeFlusher(): void {
    void this.#flusher?.flows.close();
    this.#flusher = undefined;
  }

  #ports(): ConstructorParameters<typeof UplinkKeeper>[0] {
    return {
      clock: {
        now: monotonicMs,
        at: (atMs, run) => {
          const timer = setTimeout(() => this.#guarded(run), Math.max(0, atMs - monotonicMs()));
          return () => clearTimeout(timer);
        },
      },
      probes: { ask: probe => this.#probes.ask(probe) },
      kernel: { steer: (steering, settings, places) => this.#steer(steering, settings, places) },
      flows: { flush: flush => this.#flush(flush) },
      tell: event => this.#host.tell(event),
      book: { save: text => this.#host.save(text) },
    };
  }

  #steer(steering: Steering, settings: UplinkSettings, places: readonly LinePlace[]): void {
    const wayOf = (line: LineNumber, family: Family) => {
      const place = places.find(each => each.line === line);
      const path = place?.paths[family];
      if (place === undefined || place.ifindex === null || path === null || path === undefined) return null;
      const { device } = settings.lines[line - 1] ?? { device: '' };
      return { device, ifindex: place.ifindex, path };
    };
    for (const { line, family, by } of steering.flows)
      if (by.tcp === line && by.others === line) this.#flusher?.flows.spare(line, family);
    const abilities = { nftables: this.#kernel.lackOfNftables() === undefined };
    try {
      this.#kernel.apply(kernelPlan(settings, wayOf, steering, abilities));
      this.#refused = undefined;
    } catch (error) {
      if (error instanceof KernelRefused) this.#refused = error.refusal;
      throw error;
    }
    this.#tellLacks();
  }

  /** What cannot be had here is told once. */
  #tellLacks(): void {
    for (const message of this.#kernel.lacking()) {
      if (this.#toldLacks.has(message)) continue;
      this.#toldLacks.add(message);
      this.#host.tell({ kind: 'failure', level: 'warning', message });
    }
  }

  #flush({ flush, line, family, transport, keep }: Flush): void {
    const flows = this.#flusher?.flows;
    if (flows === undefined) return this.#feed({ kind: 'flushed', flush, ended: null });
    void flows.flush(line, family, transport, keptFlows(this.settings(), keep ?? [], family)).then(
      ended => this.#feed({ kind: 'flushed', flush, ended }),
      (error: unknown) => {
        this.#host.failed(error);
        this.#feed({ kind: 'flushed', flush, ended: null });
      },
    );
  }

  #probeLine(line: LineNumber): ReturnType<ConstructorParameters<typeof Probes>[0]['lines']> {
    const link = this.#watch.link(line);
    const device = this.settings()?.lines[line - 1]?.device;
    if (link === undefined || device === undefined) return undefined;
    return {
      device,
      ifindex: link.ifindex,
      mac: link.address !== undefined && link.address.length === 17 ? link.address : null,
      path: family => this.#watch.path(line, family),
    };
  }

  #answered(probe: Probe, rttMs: number): void {
    const heard = this.#drill?.heard(probe) ?? 'as it is';
    if (heard === 'as it is') {
      if (probe.kind === 'ping') this.#heard.sign(probe.line, probe.family);
      this.#feed({ kind: 'answered', probe: probe.id, rttMs });
    } else if (heard === 'redirected')
      this.#feed({ kind: 'failed', probe: probe.id, why: 'redirected', detail: 'by the drill' });
    else if (probe.kind !== 'ping') this.#feed({ kind: 'failed', probe: probe.id, why: 'timeout' });
  }

  /** In a drill running flows go on, and would say that nothing is wrong. */
  #traffic(line: LineNumber, family: Family): void {
    if (this.#drill?.line !== line) this.#feed({ kind: 'traffic', line, family });
  }

  #device(line: LineNumber, device: LineDevice | null): void {
    this.#feed({ kind: 'device', line, device: this.#drill?.device(line, device) ?? device });
  }

  #endDrill(): void {
    const line = this.#drill?.line;
    this.#drill = undefined;
    if (line !== undefined) this.#guarded(() => this.#deviceAgain(line));
  }

  #deviceAgain(line: LineNumber): void {
    const device = this.#watch.device(line);
    if (device !== undefined) this.#device(line, device);
  }

  #tellTime(): void {
    const now = new Date();
    this.#feed({
      kind: 'calendar',
      wallMs: now.getTime(),
      offsetMs: -60_000 * now.getTimezoneOffset(),
    });
  }

  #feed(input: Parameters<UplinkKeeper['feed']>[0]): void {
    if (this.#closed || (this.settings() === null && input.kind !== 'settings')) return;
    this.#guarded(() => {
      const fed = this.#keeper.feed(input);
      if (!fed.ok) this.#host.failed(new Error(fed.error.message));
    });
  }

  /** Where nobody waits, a failure is told and ends nothing. */
  #guarded(work: () => void): void {
    if (this.#closed) return;
    try {
      work();
    } catch (error) {
      this.#host.failed(error);
    }
  }
}
