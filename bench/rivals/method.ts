// What keeps the gateway of the lab of lines on the internet: Bondwire, and others beside it.
import type { Family, FaultKind, IspLab } from '#lab';
import { monotonicMs } from '#linux';

/** What a method did, by the clock of `monotonicMs()`. */
export interface MethodEvent {
  readonly atMs: number;
  readonly what: string;
}

/** One way to do it. An object is used for one lab. */
export interface Method {
  readonly name: string;
  /** How long after such a fault there is still something to be expected of it, in seconds. */
  patienceSeconds(fault: FaultKind): number;
  readonly events: readonly MethodEvent[];
  /** Sets the gateway up; resolves when that was done, which need not mean that traffic flows. */
  start(lab: IspLab, families: readonly Family[]): Promise<void>;
  stop(): Promise<void>;
}

/** Runs one of the programs that routers have in the gateway. Gives its exit status, and what it wrote to standard error. */
export async function inGateway(
  lab: IspLab,
  argv: readonly string[],
): Promise<{ readonly status: number | null; readonly stderr: string }> {
  return lab.exec('gateway', argv);
}

/** The same for what cannot fail. */
export async function mustRun(lab: IspLab, argv: readonly string[]): Promise<void> {
  const { status, stderr } = await inGateway(lab, argv);
  if (status !== 0) throw new Error(`${argv.join(' ')} failed in the gateway: ${stderr.trim()}`);
}

/** `-4` and `-6` of ip(8) and ping(8). */
export function familyFlag(family: Family): '-4' | '-6' {
  return family === 'ipv4' ? '-4' : '-6';
}

/** One ping by a device. */
export async function pingBy(
  lab: IspLab,
  family: Family,
  device: string,
  target: string,
  timeoutSeconds: number,
): Promise<boolean> {
  const wait = ['-c', '1', '-W', String(timeoutSeconds), '-q'];
  const { status } = await inGateway(lab, ['ping', familyFlag(family), '-n', '-I', device, ...wait, target]);
  return status === 0;
}

/** Loops that run until they are told to end. */
export class Loops {
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>[] = [];

  get stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  start(loop: () => Promise<void>): void {
    this.#running.push(loop());
  }

  /** Sleeps; ends at once when the loops are to end. */
  sleep(seconds: number): Promise<void> {
    const { signal } = this.#stopping;
    return new Promise(resolve => {
      if (signal.aborted) resolve();
      const timer = setTimeout(done, seconds * 1000);
      function done(): void {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      }
      signal.addEventListener('abort', done);
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#running);
  }
}

/** A record of what happened, with the times. */
export class EventLog {
  readonly events: MethodEvent[] = [];

  add(what: string): void {
    this.events.push({ atMs: monotonicMs(), what });
  }
}
