// Where the demo's lines go: on a terminal one status line is redrawn below the events, in a pipe it becomes a line each
// second.
import { eventLine, type LiveView, type Paint, painter, type Style, statusLine } from './demo-text.js';

const LIVE_MS = 100;
const PLAIN_MS = 1000;
/** Of a terminal that does not say. */
const DEFAULT_COLUMNS = 80;
const CLEAR_LINE = '\r\u001b[2K';

/** Writes events as they come and the status now and then. */
export class DemoScreen {
  readonly #write: (text: string) => void;
  readonly #paint: Paint;
  readonly #live: boolean;
  readonly #view: () => LiveView;
  #timer: NodeJS.Timeout | null = null;

  constructor(write: (text: string) => void, paint: Paint, live: boolean, view: () => LiveView) {
    this.#write = write;
    this.#paint = paint;
    this.#live = live;
    this.#view = view;
  }

  /** Shows the status from now on. */
  start(): void {
    this.#timer ??= setInterval(() => this.show(this.#view()), this.#live ? LIVE_MS : PLAIN_MS);
  }

  /** Shows it no more. */
  stop(): void {
    if (this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
    if (this.#live) this.#write(CLEAR_LINE);
  }

  show(view: LiveView): void {
    if (!this.#live) this.#write(`${statusLine(view, this.#paint)}\n`);
    else {
      // A line that goes on in the next row could not be drawn over.
      const plain = statusLine(view, painter(false));
      const columns = process.stdout.columns || DEFAULT_COLUMNS;
      const fits = plain.length < columns;
      this.#write(CLEAR_LINE + (fits ? statusLine(view, this.#paint) : plain.slice(0, columns - 1)));
    }
  }

  event(atS: number, text: string, style: Style): void {
    const line = eventLine(atS, text, style, this.#paint);
    this.#write(this.#live && this.#timer !== null ? `${CLEAR_LINE}${line}\n` : `${line}\n`);
  }
}
