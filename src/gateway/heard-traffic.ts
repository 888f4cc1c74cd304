// Whether answers to running flows still come in by a line whose probes are silent. Asked of the kernel only then.
import { monotonicMs } from '../linux/index.js';
import { FAMILIES, type Family, heardOrder, type LineNumber, type UplinkSettings } from '../uplinks/index.js';

const LOOK_MS = 100;
/** A line that gave a sign lately is not suspected, and one that is dead for long needs no witness. */
const SUSPECTED_AFTER_MS = 200;
const SUSPECTED_UNTIL_MS = 10_000;

export interface HeardHost {
  settings(): UplinkSettings | null;
  /** Packets counted so far, in the order of `heardOrder()`. */
  counts(): readonly number[];
  heard(line: LineNumber, family: Family): void;
  failed(error: unknown): void;
}

/** Watches the counters of one uplink. */
export class HeardTraffic {
  readonly #host: HeardHost;
  readonly #timer: NodeJS.Timeout;
  readonly #signs = new Map<string, number>();
  /** As they were at the last look; undefined: nothing was suspected then. */
  #counts: readonly number[] | undefined;

  constructor(host: HeardHost) {
    this.#host = host;
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  /** A probe was answered. */
  sign(line: LineNumber, family: Family): void {
    this.#signs.set(`${line} ${family}`, monotonicMs());
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #isSuspected(line: LineNumber, family: Family): boolean {
    const at = this.#signs.get(`${line} ${family}`);
    const ageMs = at === undefined ? 0 : monotonicMs() - at;
    return ageMs > SUSPECTED_AFTER_MS && ageMs < SUSPECTED_UNTIL_MS;
  }

  #look(): void {
    const settings = this.#host.settings();
    if (settings === null) return;
    const isSuspicious = settings.lines.some((_, at) =>
      FAMILIES.some(family => this.#isSuspected(at + 1, family)),
    );
    if (!isSuspicious) {
      this.#counts = undefined;
      return;
    }
    try {
      this.#compare(settings, this.#host.counts());
    } catch (error) {
      this.#host.failed(error);
    }
  }

  #compare(settings: UplinkSettings, counts: readonly number[]): void {
    const before = this.#counts;
    this.#counts = counts;
    if (before?.length !== counts.length) return;
    const heard = new Set<string>();
    for (const [at, { line, family }] of heardOrder(settings).entries()) {
      const key = `${line} ${family}`;
      // One that has become less was made anew.
      if ((counts[at] ?? 0) <= (before[at] ?? 0) || heard.has(key) || !this.#isSuspected(line, family))
        continue;
      heard.add(key);
      this.#host.heard(line, family);
    }
  }
}
