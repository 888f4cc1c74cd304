// The meter of lines: a client inside uses the internet in several ways, and every question is accounted for.
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { PROMPT_NODE } from './helper-process.js';
import type { IspLab } from './isp-lab.js';
import {
  FAMILIES,
  type Family,
  type Flow,
  FLOWS,
  type Happening,
  type MeterMessage,
  type MeterSettings,
  type Sample,
} from './meter-samples.js';

// From the compiled file and, in tests, from the source.
const MAIN = fileURLToPath(new URL('../../../dist/lab/isp/client-main.js', import.meta.url));

export interface UplinkMeterOptions {
  /** Whose traffic: that of the client inside (the default), or the gateway's own. */
  readonly from?: 'client' | 'gateway';
  /** Both by default. */
  readonly families?: readonly Family[];
  /** All by default. */
  readonly flows?: readonly Flow[];
  /** Called for each question when it is settled. */
  readonly onSample?: (sample: Sample) => void;
}

/** A running meter; `start` starts one. */
export class UplinkMeter {
  readonly #child: ChildProcess;
  readonly #onSample: (sample: Sample) => void;
  readonly #ended: Promise<void>;
  readonly #samples: Sample[] = [];
  readonly #happenings: Happening[] = [];
  #startedMs: number | null = null;
  #stallMs = 0;
  #errors = '';

  private constructor(child: ChildProcess, onSample: (sample: Sample) => void) {
    this.#child = child;
    this.#onSample = onSample;
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString()).slice(-2000);
    });
    this.#ended = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', status => {
        if (status === 0) resolve();
        else reject(new Error(`The meter's client ended with status ${status}: ${this.#errors.trim()}`));
      });
    });
    // Told by `stop()`.
    this.#ended.catch(() => {});
  }

  /** Starts the client in the lab, whose servers run; resolves when its first questions go out. */
  static async start(lab: IspLab, options: UplinkMeterOptions = {}): Promise<UplinkMeter> {
    const { echo, dns } = lab.servers;
    const { families = FAMILIES, flows = FLOWS } = options;
    const settings: MeterSettings = { echo, dns, families, flows };
    const child = lab.spawn(options.from ?? 'client', [...PROMPT_NODE, MAIN, JSON.stringify(settings)]);
    const meter = new UplinkMeter(child, options.onSample ?? ((): void => {}));
    await new Promise<void>((resolve, reject) => {
      meter.#ended.then(() => reject(new Error("The meter's client ended at once")), reject);
      if (child.stdout === null) throw new Error('The client was started without a pipe for its output');
      createInterface({ input: child.stdout }).on('line', line => {
        meter.#hear(JSON.parse(line) as MeterMessage);
        resolve();
      });
    });
    return meter;
  }

  #hear(message: MeterMessage): void {
    if (message.kind === 'started') {
      this.#startedMs = message.atMs;
      return;
    }
    this.#stallMs = Math.max(this.#stallMs, message.stallMs);
    this.#happenings.push(...message.happenings);
    this.#samples.push(...message.samples);
    for (const sample of message.samples) this.#onSample(sample);
  }

  /** When the client started, by the clock of `monotonicMs()`. */
  get startedMs(): number | null {
    return this.#startedMs;
  }

  /** Questions that are settled, in the order in which they were. */
  get samples(): readonly Sample[] {
    return this.#samples;
  }

  get happenings(): readonly Happening[] {
    return this.#happenings;
  }

  /** The longest time by which the client itself was too late to ask: nothing shorter can be told from it. */
  get stallMs(): number {
    return this.#stallMs;
  }

  /** Ends it; resolves a second later, when all questions are settled. Fails when the client did. */
  async stop(): Promise<void> {
    this.#child.stdin?.end();
    await this.#ended;
  }
}
