// When and how often what others changed is put back, and the sentence about it.
import type { Doubt, Subject } from './kernel-watch.js';
import type { Route } from '../../netlink/index.js';

/** News come in bursts: a restarted firewall takes its tables out one by one. */
const SOON_MS = 3;
/** Two programs that each put back their own would do so for ever. */
const MOST_REPAIRS = 10;
const WINDOW_MS = 10_000;
const PATIENT_MS = 1000;
const SAY_AGAIN_MS = 600_000;
const MOST_NAMED = 3;

/** What somebody may have done since the last look. */
export interface Suspicions {
  readonly subjects: ReadonlySet<Subject>;
  /** Something changed that may be about anything: all is to be looked at. */
  readonly isOfAll: boolean;
  readonly strangers: readonly Route[];
  /** When the first news of it came. */
  readonly sinceMs: number;
}

/** Collects doubts, and says when to look. */
export class Repairs {
  readonly #look: (suspicions: Suspicions) => void;
  #timer: NodeJS.Timeout | undefined;
  #subjects = new Set<Subject>();
  #strangers: Route[] = [];
  #isOfAll = false;
  #sinceMs = 0;
  #repairs: number[] = [];
  #saidMs = Number.NEGATIVE_INFINITY;

  constructor(look: (suspicions: Suspicions) => void) {
    this.#look = look;
  }

  doubt({ somebodys, stranger }: Doubt): void {
    if (this.#timer === undefined) this.#sinceMs = performance.now();
    if (somebodys === undefined) this.#isOfAll = true;
    else this.#subjects.add(somebodys);
    if (stranger !== undefined) this.#strangers.push(stranger);
    // What the kernel itself dropped does not wait for a quarrel.
    const isPatient = somebodys !== undefined && this.isContended();
    this.#timer ??= setTimeout(() => this.#now(), isPatient ? PATIENT_MS : SOON_MS);
  }

  /** Something of somebody else's was undone. */
  repaired(): void {
    const now = performance.now();
    this.#repairs = [...this.#repairs.filter(at => now - at < WINDOW_MS), now];
  }

  /** True when somebody changes it again and again. */
  isContended(): boolean {
    const now = performance.now();
    return this.#repairs.filter(at => now - at < WINDOW_MS).length >= MOST_REPAIRS;
  }

  /** Whether a repair is to be told: one of many is, now and then, or nothing else would be found among the events. */
  maySay(): boolean {
    const now = performance.now();
    if (this.isContended() && now - this.#saidMs < SAY_AGAIN_MS) return false;
    this.#saidMs = this.isContended() ? now : Number.NEGATIVE_INFINITY;
    return true;
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #now(): void {
    this.#timer = undefined;
    const suspicions: Suspicions = {
      subjects: this.#subjects,
      isOfAll: this.#isOfAll,
      strangers: this.#strangers,
      sinceMs: this.#sinceMs,
    };
    this.#isOfAll = false;
    this.#subjects = new Set();
    this.#strangers = [];
    this.#look(suspicions);
  }
}

/** Which subject a change is about, told by how it is worded. */
function subjectOf(change: string): Subject {
  if (change.startsWith('rule ')) return 'rule';
  if (change.startsWith('route ')) return 'route';
  return change.startsWith('table ') ? 'table' : 'setting';
}

/** What was put back, of that what somebody may have changed, as one sentence; undefined when it is nothing. */
export function interferenceText(
  changed: readonly string[],
  { subjects }: Suspicions,
  tookMs: number,
  isContended: boolean,
): string | undefined {
  const theirs = changed.filter(change => subjects.has(subjectOf(change)));
  if (theirs.length === 0) return undefined;
  const named = theirs.slice(0, MOST_NAMED).join(', ');
  const more = theirs.length > MOST_NAMED ? ` and ${theirs.length - MOST_NAMED} more` : '';
  const again = isContended
    ? '; it happens again and again, so from now on it is put back once a second: find out which program it is, and tell it to leave routing protocol 98 and the table inet bondwire alone'
    : '';
  return `Somebody else changed ${named}${more}; it is as it was again after ${Math.ceil(tookMs)} ms${again}`;
}
