// `bondwire demo uplink`: an office with two internet lines. One falls silent under a call and pages, comes back, the daemon is killed and a
// cable is cut. What it says is in `uplink-demo-text.ts`, where it plays in `isp/`.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EventRecord } from '../daemon/api/api.js';
import { monotonicMs } from '../linux/index.js';
import { eventLine, painter, type Style } from './demo-text.js';
import { IspLab } from './isp/isp-lab.js';
import { judge } from './isp/judge.js';
import { UplinkMeter } from './isp/uplink-meter.js';
import { cleanStale } from './lab-guard.js';
import { ManagedBondwire } from './managed-bondwire.js';
import {
  UPLINK_INTRODUCTION,
  type UplinkAct,
  uplinkFailures,
  type UplinkResult,
  uplinkSummary,
} from './uplink-demo-text.js';

export interface UplinkDemoOptions {
  /** Absolute path of the bondwire command. */
  readonly bin: string;
  readonly colour: boolean;
  readonly write: (text: string) => void;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const UPLINK = 'office';
/** Calm moments between what happens. */
const CALM_MS = 1500;
/** So long what happened has its effect, and 1.5 s more is what it is judged by. */
const EFFECT_MS = 4000;
const RETURN_S = 2;
const PATIENCE_MS = 60_000;
/** What the demo promises; the machine may be busy. */
const SILENT_MOST_MS = 1500;
const CUT_MOST_MS = 1200;

/** Plays the demo. 0: the second line took over and nothing was left behind; 1: not; 130: interrupted. */
export async function runUplinkDemo(options: UplinkDemoOptions): Promise<number> {
  const paint = painter(options.colour);
  const say = (text: string): void => options.write(`${text}\n`);
  for (const line of UPLINK_INTRODUCTION) say(line);
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  for (const signal of SIGNALS) process.on(signal, interrupt);
  let lab: IspLab | null = null;
  try {
    for (const name of cleanStale())
      say(paint('dim', `Removed ${name}, which a demo that was killed had left.`));
    say(paint('dim', 'Building an office, two providers and an internet in network namespaces...'));
    lab = await IspLab.create({ defaultRoutes: true, onSignal: 'leave' });
    await lab.startServers();
    const acts = await new UplinkShow(lab, options, interrupted.signal).play();
    const result: UplinkResult = { acts, leftBehind: lab.close() };
    lab = null;
    options.write(`\n${uplinkSummary(result, paint)}`);
    return uplinkFailures(result).length === 0 ? 0 : 1;
  } catch (error) {
    const { aborted } = interrupted.signal;
    const text = error instanceof Error ? error.message : String(error);
    say(aborted ? 'Interrupted.' : paint('red', `The demo failed: ${text}`));
    for (const left of lab?.close() ?? []) say(paint('red', `Not removed: ${left}.`));
    return aborted ? 130 : 1;
  } finally {
    for (const signal of SIGNALS) process.removeListener(signal, interrupt);
  }
}

/** Milliseconds since 1970: events are told by the wall clock. */
function wallMs(): number {
  return performance.timeOrigin + performance.now();
}

class UplinkShow {
  readonly #lab: IspLab;
  readonly #options: UplinkDemoOptions;
  readonly #signal: AbortSignal;
  readonly #fromMs = wallMs();
  readonly #bondwire: ManagedBondwire;

  constructor(lab: IspLab, options: UplinkDemoOptions, signal: AbortSignal) {
    this.#lab = lab;
    this.#options = options;
    this.#signal = signal;
    this.#bondwire = new ManagedBondwire({
      spawn: argv => lab.spawn('gateway', argv, { stdio: 'pipe' }),
      bin: options.bin,
      runDir: lab.makeRunDir(),
    });
  }

  async play(): Promise<UplinkAct[]> {
    await this.#bondwire.start();
    const file = join(this.#bondwire.runDir, 'office.yaml');
    writeFileSync(file, officeFile(this.#lab));
    await this.#bondwire.run('uplink', 'create', file);
    let unfollow = this.#follow();
    const meter = await UplinkMeter.start(this.#lab, {
      families: ['ipv4'],
      flows: ['udp-existing', 'http-new'],
    });
    try {
      await this.#selected('wan0');
      this.#say('A call and pages go out by wan0.', 'bold');
      await this.#pause(CALM_MS);
      const silent = await this.#act(meter, 'wan0 silent, cable in', SILENT_MOST_MS, () => {
        this.#lab.setFault('wan0', 'dead-beyond');
        this.#say('wan0: its provider carries nothing any more; cable and gateway are as before.', 'yellow');
      });
      this.#lab.clearFault('wan0');
      this.#say(
        `wan0 is whole again; here it is used again after ${RETURN_S} s (30 s unless said).`,
        'yellow',
      );
      const returning = monotonicMs();
      await this.#selected('wan0');
      await this.#pause(CALM_MS);
      unfollow();
      const back = this.#judged(meter, 'back to wan0', SILENT_MOST_MS, returning);
      await this.#bondwire.stop('SIGKILL');
      this.#say('The daemon is killed (kill -9).', 'yellow');
      await this.#pause(CALM_MS);
      const cut = await this.#act(meter, 'no daemon, cable of wan0 cut', CUT_MOST_MS, () => {
        this.#lab.setFault('wan0', 'cut');
        this.#say('The cable of wan0 is cut: the kernel is alone.', 'yellow');
      });
      this.#lab.clearFault('wan0');
      await this.#bondwire.start();
      unfollow = this.#follow();
      this.#say('The cable is in again, and the next daemon has taken the uplink over.', 'green');
      await this.#pause(CALM_MS);
      await this.#bondwire.run('uplink', 'destroy');
      await meter.stop();
      return [silent, back, cut];
    } finally {
      unfollow();
    }
  }

  /** Does something, and judges what it did to the traffic. */
  async #act(meter: UplinkMeter, name: string, mostMs: number, happen: () => void): Promise<UplinkAct> {
    const momentMs = monotonicMs();
    happen();
    await this.#pause(EFFECT_MS);
    const act = this.#judged(meter, name, mostMs, momentMs);
    const { callMs } = act;
    this.#say(callText(callMs), callMs === null ? 'red' : 'green');
    return act;
  }

  #judged(meter: UplinkMeter, name: string, mostMs: number, momentMs: number): UplinkAct {
    const verdicts = judge(meter.samples, { momentMs });
    const call = verdicts.find(({ flow }) => flow === 'udp-existing');
    const pages = verdicts.find(({ flow }) => flow === 'http-new');
    return {
      name,
      callMs: call?.againMs ?? null,
      pagesMs: pages?.againMs ?? null,
      lost: call?.lost ?? 0,
      asked: call?.after ?? 0,
      mostMs,
    };
  }

  /** Tells what happens to the uplink from now on. */
  #follow(): () => void {
    const fromMs = wallMs();
    return this.#bondwire.follow(event => this.#told(event, fromMs));
  }

  #told(event: EventRecord, fromMs: number): void {
    const atMs = Date.parse(event.time);
    if (atMs < fromMs || event.uplink === undefined || event.type === 'line') return;
    this.#say(event.message, 'cyan', atMs);
  }

  /** Waits until a line is selected. */
  async #selected(line: string): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const text = await this.#bondwire.run('uplink', 'show', '--json');
      const { uplink } = JSON.parse(text) as {
        uplink: { selected: { ipv4: { line: string | null } } } | null;
      };
      if (uplink?.selected.ipv4.line === line) return;
      if (performance.now() > deadline)
        throw new Error(`${line} was not selected within ${PATIENCE_MS / 1000} s`);
      await this.#pause(100);
    }
  }

  #say(text: string, style: Style, atMs: number = wallMs()): void {
    const paint = painter(this.#options.colour);
    this.#options.write(`${eventLine((atMs - this.#fromMs) / 1000, text, style, paint)}\n`);
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

function callText(ms: number | null): string {
  if (ms === null) return 'The call is not right again.';
  return ms === 0
    ? 'The call noticed nothing.'
    : `The call is right again after ${(ms / 1000).toFixed(2)} s, by wan1.`;
}

/** The office of the demo, with targets that are in its internet. */
function officeFile({ servers, lines }: IspLab): string {
  const { first, second } = servers;
  const targets = [first.ipv4, second.ipv4, first.ipv6, second.ipv6].map(each => `"${each}"`).join(', ');
  const each = lines.map(({ device }) => `      ${device}: { device: ${device}, targets: [${targets}] }`);
  return [
    'uplinks:',
    `  ${UPLINK}:`,
    '    nat: masquerade',
    `    return: ${RETURN_S}s`,
    '    lines:',
    ...each,
    '',
  ].join('\n');
}
