// Where an interface stands on its way into a bond and out of it, and what follows from what happens then: one total table. The book
// tells it by the flags of a member's record, which earlier versions read too; `lifeOf` is the one place that knows them.
import type { MemberRecord, SavedBelongings } from './records.js';

export const LIVES = ['absent', 'joining', 'member', 'stray', 'leaving', 'returning', 'awaited'] as const;

/**
 * - `joining`: noted, and anywhere on its way in: quiet, attached, joined, open. Every step of the way back bears to be done for one
 *   that had not come so far.
 * - `member`: all of it is done, its addresses moved.
 * - `stray`: in the book, but not in the data plane: it was released when nothing could be written down.
 * - `leaving`: from before the first step back to after the last.
 * - `returning`: it is no member any more, but what it carried is on its way back.
 * - `awaited`: it vanished, and joins again when it is back.
 */
export type Life = (typeof LIVES)[number];

export const HAPPENINGS = ['start', 'vanished', 'released'] as const;

/** A keeper starts and finds it so; its interface is gone; it is to leave. */
export type Happening = (typeof HAPPENINGS)[number];

/**
 * - `undo`: back to what it was before it joined. `finish`: the steps of leaving, from the first. `forget`: out of the book, untouched.
 * - `wait`: it is let go and awaited under its name. `drop`: it is let go. `give-back`: it leaves, and stays down where the bond lives
 *   on with its MAC address. `restore`: it leaves, and is up if it was.
 */
export type Consequence =
  | 'nothing'
  | 'undo'
  | 'finish'
  | 'forget'
  | 'wait'
  | 'drop'
  | 'give-back'
  | 'restore';

export interface Row {
  readonly does: Consequence;
  readonly next: Life;
}

const row = (does: Consequence, next: Life): Row => ({ does, next });

export const MEMBERSHIP: Readonly<Record<Life, Readonly<Record<Happening, Row>>>> = {
  absent: {
    start: row('nothing', 'absent'),
    vanished: row('nothing', 'absent'),
    released: row('nothing', 'absent'),
  },
  joining: {
    start: row('undo', 'absent'),
    // Whoever asked for it is told that it did not join.
    vanished: row('drop', 'absent'),
    released: row('restore', 'absent'),
  },
  member: {
    start: row('nothing', 'member'),
    vanished: row('wait', 'awaited'),
    released: row('give-back', 'absent'),
  },
  stray: {
    // It is what somebody made of it since.
    start: row('forget', 'absent'),
    vanished: row('wait', 'awaited'),
    released: row('give-back', 'absent'),
  },
  leaving: {
    start: row('finish', 'absent'),
    vanished: row('drop', 'absent'),
    released: row('give-back', 'absent'),
  },
  returning: {
    start: row('undo', 'absent'),
    vanished: row('nothing', 'absent'),
    released: row('nothing', 'absent'),
  },
  awaited: {
    start: row('nothing', 'awaited'),
    vanished: row('nothing', 'awaited'),
    released: row('nothing', 'absent'),
  },
};

/** Where it stands, by what the book has of it, and by whether the data plane has it. */
export function lifeOf(
  record: Pick<MemberRecord, 'joining' | 'leaving'> | undefined,
  { inPlane, belongings }: { readonly inPlane: boolean; readonly belongings?: SavedBelongings | undefined },
): Life {
  if (record === undefined) return belongings?.returning === true ? 'returning' : 'absent';
  if (record.joining) return 'joining';
  if (record.leaving !== undefined) return 'leaving';
  return inPlane ? 'member' : 'stray';
}
