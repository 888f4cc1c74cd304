// Where the demo's lines go: on a terminal one status line is redrawn below the events, in a pipe it becomes a line each
// half second.
import { eventLine, type LiveView, type Paint, type Style, statusLine } from './demo-text.js';

const LIVE_MS = 100;
const PLAIN_MS = 500;
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
    const line = statusLine(view, this.#paint);
    this.#write(this.#live ? CLEAR_LINE + line : `${line}\n`);
  }

  event(atS: number, text: string, style: Style): void {
    const line = eventLine(atS, text, style, this.#paint);
    this.#write(this.#live && this.#timer !== null ? `${CLEAR_LINE}${line}\n` : `${line}\n`);
  }
}
