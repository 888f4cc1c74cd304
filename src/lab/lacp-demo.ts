// `bondwire demo lacp`: two daemons speak LACP, one is killed for longer than its partner waits, comes back, and a cable is cut, under
// traffic. What it says is in `lacp-demo-text.ts`, what it plays on in `lacp-stage.ts`.
import type { EventRecord } from '../daemon/api/api.js';
import { eventLine, painter, type Style } from './demo-text.js';
import {
  lacpFailures,
  lacpIntroduction,
  type LacpResult,
  lacpSummary,
  PARTNER_WAITS_S,
  SUPERVISED,
} from './lacp-demo-text.js';
import { CABLES, LACP_BOND, LacpStage } from './lacp-stage.js';
import { cleanStale } from './lab-guard.js';
import { type Meter, startMeter } from './loss-meter.js';

export interface LacpDemoOptions {
  /** How long no daemon is there, in seconds; 6 where absent. */
  readonly seconds?: number | undefined;
  /** The data plane is in user space: there is no lease, and the daemon has a supervisor. */
  readonly supervised: boolean;
  readonly bin: string;
  readonly colour: boolean;
  readonly write: (text: string) => void;
}

const RATE = 500;
const DEFAULT_AWAY_S = 6;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** Calm moments between what happens. */
const CALM_MS = 1500;
/** Until the supervisor has the next daemon loaded. */
const SPARE_MS = 5000;
const BACK_MS = 60_000;

/** Plays the demo. 0: nothing was noticed or lost and nothing was left behind; 1: not; 130: interrupted. */
export async function runLacpDemo(options: LacpDemoOptions): Promise<number> {
  const paint = painter(options.colour);
  const say = (text: string): void => options.write(`${text}\n`);
  const awayS = Math.max(PARTNER_WAITS_S + 1, options.seconds ?? DEFAULT_AWAY_S);
  for (const line of lacpIntroduction(options.supervised ? null : awayS, RATE)) say(line);
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  for (const signal of SIGNALS) process.on(signal, interrupt);
  let stage: LacpStage | null = null;
  try {
    for (const name of cleanStale())
      say(paint('dim', `Removed ${name}, which a demo that was killed had left.`));
    const { signal } = interrupted;
    const build = (supervised: boolean): Promise<LacpStage> => {
      const args = supervised ? ['--supervise'] : [];
      return LacpStage.build(options.bin, args, signal, text => say(paint('dim', text)));
    };
    stage = await build(options.supervised);
    // What there is counts, not who asks: root may be without eBPF too.
    const supervised = (await stage.host.show()).dataPlane === 'userspace';
    if (supervised) say(SUPERVISED);
    if (supervised !== options.supervised) {
      await stage.end();
      stage = await build(supervised);
    }
    const result = await new LacpShow(stage, { ...options, supervised, awayS }, signal).play();
    const final = { ...result, leftBehind: await stage.end() };
    options.write(`\n${lacpSummary(final, paint)}`);
    return lacpFailures(final).length === 0 ? 0 : 1;
  } catch (error) {
    const { aborted } = interrupted.signal;
    const text = error instanceof Error ? error.message : String(error);
    say(aborted ? 'Interrupted.' : paint('red', `The demo failed: ${text}`));
    for (const left of (await stage?.end()) ?? []) say(paint('red', `Not removed: ${left}.`));
    return aborted ? 130 : 1;
  } finally {
    for (const signal of SIGNALS) process.removeListener(signal, interrupt);
  }
}

/** Milliseconds since 1970: events are told by the wall clock. */
function wallMs(): number {
  return performance.timeOrigin + performance.now();
}

type ShowOptions = LacpDemoOptions & { readonly awayS: number };

class LacpShow {
  readonly #stage: LacpStage;
  readonly #options: ShowOptions;
  readonly #signal: AbortSignal;
  readonly #fromMs = wallMs();
  #meters: readonly Meter[] = [];
  /** What the partner told. */
  readonly #told: { readonly atMs: number; readonly message: string }[] = [];

  constructor(stage: LacpStage, options: ShowOptions, signal: AbortSignal) {
    this.#stage = stage;
    this.#options = options;
    this.#signal = signal;
  }

  #say(text: string, style: Style, atMs: number = wallMs()): void {
    const paint = painter(this.#options.colour);
    this.#options.write(`${eventLine((atMs - this.#fromMs) / 1000, text, style, paint)}\n`);
  }

  #sum(count: (progress: Meter['progress']) => number): number {
    return this.#meters.reduce((sum, { progress }) => sum + count(progress), 0);
  }

  get #missing(): number {
    return this.#sum(({ missing }) => missing);
  }

  get #received(): number {
    return this.#sum(({ received }) => received);
  }

  async play(): Promise<LacpResult> {
    const { partner } = this.#stage;
    const unfollow = partner.bondwire.follow(event => this.#onPartner(event));
    try {
      this.#meters = await this.#streams();
      this.#say(`${RATE} packets a second each way.`, 'bold');
      await this.#pause(this.#options.supervised ? SPARE_MS : CALM_MS);
      const away = await this.#loseDaemon();
      const cut = await this.#loseCable();
      for (const meter of this.#meters) meter.stop();
      const reports = await Promise.all(this.#meters.map(({ done }) => done));
      const total = (count: (report: (typeof reports)[number]) => number): number =>
        reports.reduce((sum, report) => sum + count(report), 0);
      return {
        survival: this.#options.supervised ? 'supervisor' : 'lease',
        sent: total(({ sent }) => sent),
        lost: total(({ lost }) => lost),
        doubled: total(({ doubled }) => doubled),
        ...away,
        ...cut,
        leftBehind: [],
      };
    } finally {
      for (const meter of this.#meters) meter.stop();
      unfollow();
    }
  }

  #onPartner(event: EventRecord): void {
    const atMs = Date.parse(event.time);
    if (atMs < this.#fromMs || event.bond !== LACP_BOND) return;
    this.#told.push({ atMs, message: event.message });
    this.#say(`The partner: ${event.message}`, 'cyan', atMs);
  }

  async #streams(): Promise<Meter[]> {
    const { host, partner } = this.#stage;
    const way = (from: typeof host, to: typeof host): Promise<Meter> =>
      startMeter({
        from: argv => from.spawn(argv),
        to: argv => to.spawn(argv),
        address: to.address,
        rate: RATE,
        seconds: 0,
      });
    const meters = await Promise.all([way(host, partner), way(partner, host)]);
    // A sender that cannot start ends its stream.
    while (meters.some(({ startedAt }) => startedAt === null))
      await Promise.race([this.#pause(5), ...meters.map(({ done }) => done)]);
    return meters;
  }

  /** kill -9, a time without a daemon (or the supervisor's next one), and the next daemon has the bond. */
  async #loseDaemon(): Promise<Pick<LacpResult, 'awayMs' | 'lostWhileAway' | 'said' | 'partnerTold'>> {
    const { host } = this.#stage;
    const lostBefore = this.#missing;
    const killedMs = wallMs();
    if (this.#options.supervised) await this.#killSupervised();
    else {
      await host.bondwire.stop('SIGKILL');
      this.#say('The daemon of the host is killed (kill -9).', 'yellow');
      await this.#pause(this.#options.awayS * 1000);
      const stand = await this.#stage.partner.carrying();
      this.#say(
        `No daemon for ${this.#options.awayS} s; the partner has ${stand.join(' and ') || 'nothing'} in its aggregate.`,
        'bold',
      );
      await host.bondwire.start();
    }
    const awayMs = wallMs() - killedMs;
    await this.#stage.agreed(CABLES, this.#signal);
    const words = (await this.#events()).filter(({ message }) => message.startsWith('No daemon was there'));
    for (const { message, time } of words) this.#say(`The host: ${message}`, 'cyan', Date.parse(time));
    this.#say('The next daemon has taken the bond over.', 'green');
    // As long as the partner waits: it would give up by now.
    await this.#pause(PARTNER_WAITS_S * 1000 + CALM_MS);
    const said = /said (\d+) LACPDUs/.exec(words.at(-1)?.message ?? '')?.[1];
    return {
      awayMs,
      lostWhileAway: this.#missing - lostBefore,
      said: said === undefined ? null : Number(said),
      partnerTold: this.#told.filter(({ atMs }) => atMs >= killedMs).map(({ message }) => message),
    };
  }

  async #killSupervised(): Promise<void> {
    const { bondwire } = this.#stage.host;
    const pid = Array.from(bondwire.log.matchAll(/ready at .*\(pid (\d+)\)/g)).at(-1)?.[1];
    if (pid === undefined) throw new Error(`No daemon says that it is ready: ${bondwire.log}`);
    process.kill(Number(pid), 'SIGKILL');
    this.#say('The daemon of the host is killed (kill -9).', 'yellow');
    const next = new RegExp(`in place of the one that died \\(pid ${pid}\\)\\n[^]*ready at `);
    const deadline = performance.now() + BACK_MS;
    while (!next.test(bondwire.log)) {
      this.#signal.throwIfAborted();
      if (performance.now() > deadline) throw new Error(`No next daemon came: ${bondwire.log}`);
      await this.#pause(5);
    }
  }

  async #events(): Promise<EventRecord[]> {
    const text = await this.#stage.host.bondwire.run('events', '--json');
    return text
      .split('\n')
      .filter(line => line.startsWith('{'))
      .map(line => JSON.parse(line) as EventRecord);
  }

  /** The cable that most of the host's packets leave by is cut, and is whole again. */
  async #loseCable(): Promise<
    Pick<LacpResult, 'cutCable' | 'lostAtCut' | 'inCable' | 'receivedWhileCut' | 'backMs' | 'lostAtReturn'>
  > {
    const sent = (): number[] => CABLES.map(cable => this.#stage.host.counters(cable).sent);
    const before = sent();
    await this.#pause(CALM_MS / 3);
    const moved = sent().map((count, at) => count - (before[at] ?? 0));
    const cutCable = CABLES[moved.indexOf(Math.max(...moved))] ?? CABLES[0];
    const [lostBefore, receivedBefore] = [this.#missing, this.#received];
    const inCable = this.#stage.cut(cutCable);
    this.#say(`The cable of ${cutCable} is cut (set down at the partner's end).`, 'yellow');
    await this.#pause(2 * CALM_MS);
    const [receivedWhileCut, lostAtCut] = [this.#received - receivedBefore, this.#missing - lostBefore];
    this.#stage.restore(cutCable);
    const wholeMs = wallMs();
    this.#say(`The cable of ${cutCable} is whole again.`, 'yellow');
    await this.#stage.agreed(CABLES, this.#signal);
    const askedMs = wallMs();
    await this.#pause(CALM_MS);
    // By the partner's own word; asking takes its time on a busy machine.
    const word = this.#told.find(
      ({ atMs, message }) => atMs >= wholeMs && message.includes(`through ${CABLES.join(', ')}`),
    );
    const backMs = (word?.atMs ?? askedMs) - wholeMs;
    const lostAtReturn = this.#missing - lostBefore - lostAtCut;
    return { cutCable, lostAtCut, inCable, receivedWhileCut, backMs, lostAtReturn };
  }

  /** Waits; throws when the demo is interrupted. */
  async #pause(ms: number): Promise<void> {
    await new Promise<void>(resolve => {
      const end = (): void => {
        clearTimeout(timer);
        this.#signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#signal.addEventListener('abort', end);
    });
    this.#signal.throwIfAborted();
  }
}
