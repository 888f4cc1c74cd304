// Bondwire itself, as an administrator starts it by hand: `bondwire uplink run` in the gateway.
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { IspLab } from '#lab';
import { EventLog, type Method } from './method.js';

const MAIN = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
const STOP_MS = 10_000;

export class BondwireUplink implements Method {
  readonly name = 'bondwire';
  readonly patienceSeconds = 10;
  readonly #log = new EventLog();
  #child: ChildProcess | undefined;
  #closed: Promise<unknown> = Promise.resolve();

  get events(): EventLog['events'] {
    return this.#log.events;
  }

  /** The process, to be killed. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  async start(lab: IspLab): Promise<void> {
    const devices = lab.lines.map(({ device }) => device);
    const argv = [process.execPath, MAIN, 'uplink', 'run', ...devices, '--run-dir', lab.makeRunDir()];
    const child = lab.spawn('gateway', argv);
    this.#child = child;
    const hear = (chunk: Buffer): void => {
      for (const line of chunk.toString().split('\n')) if (line.trim() !== '') this.#log.add(line.trim());
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    this.#closed = new Promise(resolve => {
      child.once('close', resolve);
    });
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', status => {
        const said = this.#log.events.map(({ what }) => what).join('\n');
        reject(new Error(`bondwire uplink run ended with status ${status}: ${said}`));
      });
      setTimeout(resolve, 1000);
    });
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    child.kill('SIGINT');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await this.#closed;
    clearTimeout(timer);
  }
}
