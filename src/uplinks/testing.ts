// A small world for tests: lines that answer or not, in virtual time, kept by the keeper that everybody uses. (uplinks)
import type { Result, Refusal } from '../base/index.js';
import type {
  Family,
  LinePath,
  Probe,
  ProbeFailure,
  Steering,
  TimeMs,
  UplinkEvent,
  UplinkInput,
} from './contract.js';
import { DEFAULT_MARK_MASK, DEFAULT_TIMING, type LineSettings, type UplinkSettings } from './settings.js';
import { Uplink } from './uplink.js';
import { type Flush, UplinkKeeper, type UplinkPorts } from './uplink-keeper.js';

export function lineOf(name: string, wish: Partial<LineSettings> = {}): LineSettings {
  return {
    name,
    device: `${name}0`,
    gateway: { ipv4: null, ipv6: null },
    nat: { ipv4: { kind: 'masquerade' }, ipv6: { kind: 'none' } },
    metered: false,
    budget: null,
    weight: 1,
    targets: { ipv4: ['192.0.2.1', '198.51.100.1'], ipv6: ['2001:db8::1', '2001:db8:1::1'] },
    dns: [],
    http: null,
    tcp: null,
    ...wish,
  };
}

export function settingsOf(
  lines: readonly LineSettings[],
  wish: Partial<UplinkSettings> = {},
): UplinkSettings {
  return {
    name: 'office',
    lines,
    mode: 'failover',
    sticky: 'client',
    rules: [],
    markMask: DEFAULT_MARK_MASK,
    clampMss: false,
    return: { afterMs: 30_000, at: null },
    timing: DEFAULT_TIMING,
    ...wish,
  };
}

export function pathOf(family: Family, host = 10): LinePath {
  return family === 'ipv4'
    ? {
        address: `203.0.113.${host}`,
        addresses: [{ address: `203.0.113.${host}`, prefixLength: 24 }],
        gateway: '203.0.113.254',
        onLink: false,
      }
    : {
        address: `2001:db8:ff::${host}`,
        addresses: [{ address: `2001:db8:ff::${host}`, prefixLength: 64 }],
        gateway: 'fe80::1',
        onLink: false,
      };
}

/** How a line of the world behaves; what is not said is healthy. */
export interface Behaviour {
  /** Milliseconds to and fro; null: nothing comes back. */
  rttMs: number | null;
  /** Whether this question is lost, besides. */
  loses(probe: Probe, atMs: TimeMs): boolean;
  gatewayAnswers: boolean;
  /** What becomes of questions to applications. */
  app(probe: Probe): ProbeFailure | 'good';
}

export function healthy(rttMs = 20): Behaviour {
  return { rttMs, loses: () => false, gatewayAnswers: true, app: () => 'good' };
}

interface Entry {
  readonly atMs: TimeMs;
  readonly number: number;
  readonly run: () => void;
}

function isBefore(one: Entry, other: Entry): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.number < other.number);
}

/** What was put out, with its time. */
export type Told =
  | { readonly atMs: TimeMs; readonly steering: Steering }
  | { readonly atMs: TimeMs; readonly flush: Flush }
  | { readonly atMs: TimeMs; readonly event: UplinkEvent };

export class World {
  now: TimeMs = 1000;
  readonly lines: Map<string, Behaviour> = new Map();
  readonly told: Told[] = [];
  readonly probes: { readonly atMs: TimeMs; readonly probe: Probe }[] = [];
  readonly saved: string[] = [];
  flushResult: (flush: Flush) => number | null = (): number => 3;
  keeper: UplinkKeeper;
  /** Asked before a port does its work; may throw. */
  trouble: (port: string) => void = (): void => {};
  /** How late the timers of the keeper ring. */
  lateMs = 0;
  #queue: Entry[] = [];
  #number = 0;

  constructor(uplink: Uplink = new Uplink()) {
    this.keeper = new UplinkKeeper(this.ports(), uplink);
  }

  ports(): UplinkPorts {
    return {
      clock: { now: () => this.now, at: (atMs, run) => this.at(atMs + this.lateMs, run) },
      probes: { ask: probe => this.#ask(probe) },
      kernel: {
        steer: steering => {
          this.trouble('steer');
          this.told.push({ atMs: this.now, steering });
        },
      },
      flows: {
        flush: flush => {
          this.trouble('flush');
          this.told.push({ atMs: this.now, flush });
          const ended = this.flushResult(flush);
          this.at(this.now + 2, () => this.feed({ kind: 'flushed', flush: flush.flush, ended }));
        },
      },
      tell: event => {
        this.trouble('tell');
        this.told.push({ atMs: this.now, event });
      },
      book: {
        save: text => {
          this.trouble('save');
          this.saved.push(text);
        },
      },
    };
  }

  get uplink(): Uplink {
    return this.keeper.uplink;
  }

  feed(input: UplinkInput): Result<void, Refusal> {
    return this.keeper.feed(input);
  }

  /** Runs something at a time. */
  at(atMs: TimeMs, run: () => void): () => void {
    const entry: Entry = { atMs: Math.max(atMs, this.now), number: this.#number++, run };
    this.#queue.push(entry);
    return () => {
      this.#queue = this.#queue.filter(each => each !== entry);
    };
  }

  /** Lets time pass. */
  pass(ms: TimeMs): void {
    const until = this.now + ms;
    for (;;) {
      const next = this.#queue.reduce<Entry | undefined>(
        (first, each) => (first === undefined || isBefore(each, first) ? each : first),
        undefined,
      );
      if (next === undefined || next.atMs > until) break;
      this.#queue = this.#queue.filter(each => each !== next);
      this.now = Math.max(this.now, next.atMs);
      next.run();
    }
    this.now = until;
  }

  /** Settings, and all lines with a carrier, an address and a gateway in these families. */
  begin(settings: UplinkSettings, families: readonly Family[] = ['ipv4']): void {
    const done = this.feed({ kind: 'settings', settings });
    if (!done.ok) throw new Error(done.error.message);
    for (const [at, line] of settings.lines.entries()) {
      if (!this.lines.has(line.name)) this.lines.set(line.name, healthy(20 + 10 * at));
      this.carrier(at + 1, true);
      for (const family of families) this.path(at + 1, family, pathOf(family, at + 10));
    }
  }

  carrier(line: number, carrier: boolean): void {
    this.feed({ kind: 'device', line, device: { ifindex: line + 100, carrier } });
  }

  path(line: number, family: Family, path: LinePath | null): void {
    this.feed({ kind: 'path', line, family, path });
  }

  /** The behaviour of a line, to be changed. */
  line(name: string): Behaviour {
    const found = this.lines.get(name);
    if (found === undefined) throw new Error(`no line ${name}`);
    return found;
  }

  #ask(probe: Probe): void {
    this.trouble('ask');
    this.probes.push({ atMs: this.now, probe });
    const name = this.uplink.settings()?.lines[probe.line - 1]?.name ?? '';
    const line = this.line(name);
    const { rttMs } = line;
    if (probe.kind === 'gateway') {
      if (line.gatewayAnswers) this.#answer(probe, 2);
    } else if (rttMs === null || line.loses(probe, this.now)) {
      if (probe.kind !== 'ping') this.#fail(probe, 'timeout');
    } else if (probe.kind === 'ping') this.#answer(probe, rttMs);
    else {
      const result = line.app(probe);
      if (result === 'good') this.#answer(probe, 2 * rttMs);
      else this.#fail(probe, result, result === 'timeout' ? probe.timeoutMs : 2 * rttMs);
    }
  }

  #answer(probe: Probe, rttMs: number): void {
    this.at(this.now + rttMs, () => this.feed({ kind: 'answered', probe: probe.id, rttMs }));
  }

  #fail(probe: Probe, why: ProbeFailure, afterMs: TimeMs = probe.timeoutMs): void {
    this.at(this.now + afterMs, () => this.feed({ kind: 'failed', probe: probe.id, why }));
  }

  /** By which line new flows go, by name; null: the host's own routes decide. */
  selected(family: Family = 'ipv4'): string | null {
    const number = this.uplink.steering().selected[family][0];
    return number === undefined ? null : (this.uplink.settings()?.lines[number - 1]?.name ?? null);
  }

  events(kind?: UplinkEvent['kind']): UplinkEvent[] {
    return this.told.flatMap(told =>
      'event' in told && (kind === undefined || told.event.kind === kind) ? [told.event] : [],
    );
  }

  flushes(): (Flush & { readonly atMs: TimeMs })[] {
    return this.told.flatMap(told => ('flush' in told ? [{ ...told.flush, atMs: told.atMs }] : []));
  }

  steers(): { readonly atMs: TimeMs; readonly steering: Steering }[] {
    return this.told.flatMap(told => ('steering' in told ? [told] : []));
  }
}
