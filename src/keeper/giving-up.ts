// What becomes of a bond whose interface or programs are gone when a keeper starts: its members get back what they had, unless
// somebody uses them otherwise by now.
import type { Book, Intake, Links } from './ports.js';
import type { SavedKeeping } from './records.js';
import { guarded } from './trying.js';

/** The ports that are left of such a bond. */
export interface GivenUp {
  readonly links: Pick<Links, 'read' | 'set' | 'restore' | 'returnAtOnce' | 'isUsedOtherwise'>;
  readonly intake: Pick<Intake, 'release'>;
  readonly book: Pick<Book, 'tell' | 'failed'>;
}

export function giveUp({ links, intake, book }: GivenUp, saved: SavedKeeping): void {
  const left = (message: string): void => book.tell({ severity: 'error', type: 'left', message });
  let others = 0;
  for (const { original } of saved.members) {
    guarded(book, () => intake.release(original.ifindex));
    if (links.read(original.ifindex) !== undefined && links.isUsedOtherwise(original.ifindex)) {
      const message = `${original.name} is in use without ${saved.name} by now and was left as it is, with the MAC address and MTU that it has`;
      book.tell({ severity: 'warning', type: 'left', message });
      others += 1;
      continue;
    }
    for (const message of links.restore(original, { address: true })) left(message);
  }
  for (const ifindex of saved.heldDown ?? [])
    guarded(book, () => {
      if (links.read(ifindex) !== undefined) links.set(ifindex, { up: true });
    });
  for (const problem of links.returnAtOnce(saved.taken))
    left(`${saved.name} could not give everything back: ${problem}`);
  const message = `${saved.name} was gone when the daemon started; its ${others > 0 ? 'other ' : ''}members are as they were before`;
  book.tell({ severity: 'warning', type: 'left', message });
}
