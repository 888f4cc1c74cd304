// What the two processes of the loss meter send, to each other as datagrams and to their parent as JSON lines.
import type { Gap, MissingRun, TallyReport } from './stream-tally.js';

export type SenderMessage =
  /** The first datagram goes out now; wall clock. */
  | { readonly kind: 'started'; readonly atMs: number }
  | { readonly kind: 'progress'; readonly sent: number; readonly refused: number }
  | {
      readonly kind: 'result';
      readonly sent: number;
      readonly refused: number;
      readonly refusedBy: Readonly<Record<string, number>>;
      readonly sendingMs: number;
      readonly senderStallMs: number;
    };

export type ReceiverMessage =
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'progress';
      readonly received: number;
      readonly doubled: number;
      readonly missing: number;
      readonly longestGapMs: number;
      readonly silentMs: number;
    }
  | (Omit<TallyReport, 'gaps'> & {
      readonly kind: 'result';
      readonly gaps: readonly Gap[];
      /** What the sender said there were; null when it was not heard. */
      readonly total: number | null;
      readonly missingRuns: readonly MissingRun[];
      readonly foreign: number;
      readonly overflowed: number;
    });

/*
 * A datagram, big-endian; the rest of the payload is zero:
 *
 *      0                                   8           12          16
 *     +-----------------------------------+-----------+-----------+
 *     | number, or all ones at the end    | run       | "BWmt"    |
 *     +-----------------------------------+-----------+-----------+
 *
 * At the end the sender says how many there were: 4 bytes more, after the mark.
 */
export const NUMBER_AT = 0;
export const RUN_AT = 8;
export const MARK_AT = 12;
export const TOTAL_AT = 16;
export const MARK = 0x42_57_6d_74;
export const SMALLEST_PAYLOAD = 18;
export const END_PAYLOAD = 20;
/** The upper half of the number of an end datagram. */
export const END_HIGH = 0xffff_ffff;
