// What a guest with emulated cards is asked, and what it answers: JSON lines.

/** `sh`: a script; `api`: a method of the control API; `url`: a transfer of so many random bytes (0: fetched from there). */
export type CardRequest = { readonly id: number } & (
  | { readonly sh: string }
  | { readonly api: string; readonly socket: string; readonly path: string; readonly body?: unknown }
  | { readonly url: string; readonly bytes: number }
);

/** Exit status of a script, HTTP status of the API, 0 for a transfer that came whole. */
export interface CardAnswer {
  readonly status: number;
  readonly text: string;
}
