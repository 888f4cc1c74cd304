// `bondwire demo`: packets go through a bond while the cable of its active member is cut and restored, and everybody can
// watch. What it says is in `demo-text.ts`, what it plays on in `demo-stage.ts`.
import { advice } from '../base/index.js';
import type { EventRecord } from '../daemon/api/api.js';
import { type DemoKeys, listenForKeys } from './demo-keys.js';
import { BOND, buildStage, type Stage } from './demo-stage.js';
import { DemoScreen } from './demo-screen.js';
import { type DemoResult, failures, gapsOf, introduction, painter, span, summary } from './demo-text.js';
import { cleanStale } from './lab-guard.js';
import { type Meter, type MeterReport, startMeter } from './loss-meter.js';
import { sharesText } from './loss-shares.js';
import { StreamWatch } from './stream-watch.js';

export interface DemoOptions {
  /** Go on after the show until somebody quits. */
  readonly keep: boolean;
  /** Length of the show; 15 where absent. */
  readonly seconds?: number | undefined;
  /** Absolute path of the bondwire command. */
  readonly bin: string;
  readonly colour: boolean;
  readonly write: (text: string) => void;
}

const RATE = 1000;
const DEFAULT_SECONDS = 15;
const SHORTEST_SECONDS = 4;
/** When the cable is cut and plugged in again, as parts of the show. */
const CUT_AT = 2.5 / 15;
const RESTORE_AT = 8 / 15;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Plays the demo. 0: the bond took over and nothing was left behind; 1: not; 130: interrupted. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const paint = painter(options.colour);
  const say = (text: string): void => options.write(`${text}\n`);
  for (const line of introduction(CUT_AT * lengthOf(options), RATE)) say(line);
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  for (const signal of SIGNALS) process.on(signal, interrupt);
  let stage: Stage | null = null;
  try {
    for (const name of cleanStale())
      say(paint('dim', `Removed ${name}, which a demo that was killed had left.`));
    stage = await buildStage(options.bin, text => say(paint('dim', text)), interrupted.signal);
    const show = new Show(stage, options, interrupted.signal);
    const result = await show.play();
    if (result !== null && options.keep) {
      options.write(`\n${summary(result, paint)}\n`);
      await show.stay();
    }
    const leftBehind = await stage.close();
    if (result === null) {
      say('Interrupted.');
      for (const text of leftBehind) say(paint('red', `Not removed: ${text}.`));
      return 130;
    }
    const final = { ...result, leftBehind };
    if (!options.keep) options.write(`\n${summary(final, paint)}`);
    return failures(final).length === 0 ? 0 : 1;
  } catch (error) {
    const aborted = interrupted.signal.aborted;
    const text = error instanceof Error ? error.message : String(error);
    say(aborted ? 'Interrupted.' : paint('red', `The demo failed: ${text}`));
    if (!aborted && stage !== null && stage.bondwire.log !== '')
      say(`The daemon's last words:\n${stage.bondwire.log}`);
    for (const left of (await stage?.close()) ?? []) say(paint('red', `Not removed: ${left}.`));
    return aborted ? 130 : 1;
  } finally {
    for (const signal of SIGNALS) process.removeListener(signal, interrupt);
  }
}

function lengthOf({ seconds = DEFAULT_SECONDS }: DemoOptions): number {
  return Math.max(SHORTEST_SECONDS, seconds);
}

/** Milliseconds since 1970 with fraction: events and the meter's start are told by the wall clock. */
function wallMs(): number {
  return performance.timeOrigin + performance.now();
}

/** One performance on a stage. */
class Show {
  readonly #stage: Stage;
  readonly #seconds: number;
  readonly #signal: AbortSignal;
  readonly #screen: DemoScreen;
  #meter: Meter | null = null;
  #active: string | null = null;
  /** When the first packet was sent; everything is told in seconds after it. */
  #startMs = wallMs();
  /** Events before this are old news. */
  #eventsFromMs = wallMs();
  readonly #takeovers: {
    readonly atMs: number;
    readonly to: string | null;
    readonly reason: string | null;
  }[] = [];

  constructor(stage: Stage, options: DemoOptions, signal: AbortSignal) {
    this.#stage = stage;
    this.#seconds = lengthOf(options);
    this.#signal = signal;
    this.#screen = new DemoScreen(options.write, painter(options.colour), process.stdout.isTTY, () =>
      this.#view(),
    );
  }

  get #atS(): number {
    return (wallMs() - this.#startMs) / 1000;
  }

  #view(): Parameters<DemoScreen['show']>[0] {
    const progress = this.#meter?.progress;
    const { lab } = this.#stage;
    return {
      atS: this.#atS,
      active: this.#active,
      cut: lab.members.filter(member => lab.isCut(member)),
      // Each end tells at its own moments.
      sent: Math.max(progress?.sent ?? 0, (progress?.received ?? 0) + (progress?.missing ?? 0)),
      received: progress?.received ?? 0,
      lost: progress?.missing ?? 0,
      silentMs: progress?.silentMs ?? 0,
    };
  }

  #onEvent(event: EventRecord): void {
    const atMs = Date.parse(event.time);
    if (atMs < this.#eventsFromMs || event.bond !== BOND) return;
    if (event.type === 'failover') {
      this.#active = event.to ?? null;
      this.#takeovers.push({ atMs, to: event.to ?? null, reason: event.reason ?? null });
    }
    const style = event.type === 'failover' ? 'cyan' : event.severity === 'error' ? 'red' : 'dim';
    this.#screen.event((atMs - this.#startMs) / 1000, event.message, style);
  }

  async #startStream(seconds: number): Promise<Meter> {
    const { lab } = this.#stage;
    const meter = await startMeter({
      from: argv => lab.spawn('host', argv),
      to: argv => lab.spawn('peer', argv),
      address: lab.peerIp,
      rate: RATE,
      seconds,
    });
    this.#meter = meter;
    while (meter.startedAt === null) {
      // A sender that cannot start ends the stream.
      await Promise.race([pause(5, this.#signal), meter.done]);
      if (this.#signal.aborted) break;
    }
    this.#startMs = meter.startedAt ?? wallMs();
    return meter;
  }

  #cut(member: string): void {
    this.#stage.lab.cut(member);
    this.#screen.event(this.#atS, `The cable of ${member} is cut.`, 'yellow');
  }

  #restore(member: string): void {
    this.#stage.lab.restore(member);
    this.#screen.event(this.#atS, `The cable of ${member} is plugged in again.`, 'yellow');
  }

  /** Stream, cut, restore, end. Null when it was interrupted. */
  async play(): Promise<DemoResult | null> {
    const { bondwire } = this.#stage;
    const before = await bondwire.show(BOND);
    this.#active = before.active;
    this.#eventsFromMs = wallMs();
    const unfollow = bondwire.follow(event => this.#onEvent(event));
    const watch = new StreamWatch(this.#stage.lab);
    try {
      const meter = await this.#startStream(this.#seconds);
      this.#screen.event(0, `${RATE} packets a second from the host through ${BOND} to the peer.`, 'bold');
      this.#screen.start();
      return await this.#script(meter, before.active, watch);
    } finally {
      watch.close();
      this.#screen.stop();
      unfollow();
    }
  }

  async #script(meter: Meter, activeBefore: string | null, watch: StreamWatch): Promise<DemoResult | null> {
    const until = (part: number): Promise<void> =>
      pause(this.#startMs + this.#seconds * part * 1000 - wallMs(), this.#signal);
    await until(CUT_AT);
    const cutMember = this.#active ?? this.#stage.lab.members[0] ?? '';
    const cutMs = wallMs();
    const atCut = meter.progress.received;
    this.#cut(cutMember);
    // Three quarters through the cut the bond is asked itself; its events tell the rest.
    await until(CUT_AT + (RESTORE_AT - CUT_AT) * 0.75);
    if (this.#signal.aborted) return null;
    const during = await this.#stage.bondwire.show(BOND);
    this.#active = during.active;
    await until(RESTORE_AT);
    const whileCut = meter.progress.received;
    const restoredMs = wallMs();
    this.#restore(cutMember);
    const report = await Promise.race([meter.done, aborted(this.#signal)]);
    if (report === null) return null;
    const took = this.#takeovers.find(one => one.atMs >= cutMs - 1 && one.to !== cutMember);
    return {
      ...streamPart(report),
      ...gapsOf(report.gaps, cutMs - this.#startMs),
      lostWhere: sharesText(watch.shares(report)),
      cutMember,
      cutAtS: (cutMs - this.#startMs) / 1000,
      restoredAtS: (restoredMs - this.#startMs) / 1000,
      activeBefore,
      activeWhileCut: during.active,
      reason: took?.reason ?? null,
      noticedMs: took === undefined ? null : Math.max(0, took.atMs - cutMs),
      receivedAfterCut: whileCut - atCut,
      leftBehind: [],
    };
  }

  /** Goes on with the stream until somebody quits; cables are cut by keys or from another terminal. */
  async stay(): Promise<void> {
    const { lab, bondwire } = this.#stage;
    const quit = new AbortController();
    this.#signal.addEventListener('abort', () => quit.abort());
    const keys: DemoKeys = {
      cut: () => this.#cut(this.#active ?? lab.members[0] ?? ''),
      restore: () => {
        for (const member of lab.members) if (lab.isCut(member)) this.#restore(member);
      },
      quit: () => quit.abort(),
    };
    this.#eventsFromMs = wallMs();
    const meter = await this.#startStream(0);
    const unfollow = bondwire.follow(event => this.#onEvent(event));
    const unlisten = listenForKeys(keys);
    const how = unlisten === null ? 'Ctrl-C ends it' : 'c cuts the active cable, r restores, q quits';
    this.#screen.event(
      0,
      `It goes on: ${how}; from another terminal: ${advice('bondwire lab cut {iface}', { iface: lab.members[0] ?? '' })}`,
      'bold',
    );
    this.#screen.start();
    try {
      await Promise.race([aborted(quit.signal), meter.done]);
      meter.stop();
      const report = await meter.done;
      this.#screen.stop();
      this.#screen.event(
        this.#atS,
        `${report.lost} of ${report.sent} packets were lost, longest gap ${span(report.longestGapMs)}.`,
        'bold',
      );
    } finally {
      this.#screen.stop();
      unlisten?.();
      unfollow();
    }
  }
}

function streamPart(report: MeterReport): Pick<DemoResult, 'sent' | 'lost' | 'refused' | 'doubled'> {
  const { sent, lost, refused, doubled } = report;
  return { sent, lost, refused, doubled };
}

/** Waits; less when the signal comes. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted || ms <= 0) {
      resolve();
      return;
    }
    const timer = setTimeout(end, ms);
    function end(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    }
    signal.addEventListener('abort', end);
  });
}

function aborted(signal: AbortSignal): Promise<null> {
  return new Promise(resolve => {
    if (signal.aborted) resolve(null);
    else signal.addEventListener('abort', () => resolve(null), { once: true });
  });
}
