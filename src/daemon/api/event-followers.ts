// Readers of the journal who wait for more. One who does not read is let go: what waits for him would grow for ever.
import type { ServerResponse } from 'node:http';
import type { EventRecord } from './api.js';
import type { Journal } from '../keeping/journal.js';

/** What may wait for a reader: more than the journal keeps, so that nobody is let go for what was there when he came. */
export const MOST_WAITING_BYTES: number = 4 * 1024 * 1024;

/** A record as a line. */
export function eventText(record: EventRecord): string {
  return `${JSON.stringify(record)}\n`;
}

/** Tells a reader the records after a number, of one bond or all, and every further one until he goes, or has too much waiting. */
export function followEvents(
  journal: Pick<Journal, 'after' | 'listen'>,
  wanted: { readonly after: number; readonly bond: string | undefined },
  reader: Pick<ServerResponse, 'write' | 'writableEnded' | 'writableLength' | 'destroy' | 'once'>,
): void {
  for (const record of journal.after(wanted.after, wanted.bond)) reader.write(eventText(record));
  const stop = journal.listen(record => {
    // His connection was ended, but is not gone yet: to write there would be an error that ends the daemon.
    if (reader.writableEnded) return;
    if (wanted.bond !== undefined && record.bond !== wanted.bond) return;
    if (reader.writableLength <= MOST_WAITING_BYTES) {
      reader.write(eventText(record));
      return;
    }
    // He sees the end of the connection, and can come back for what is after the last number that he has.
    stop();
    reader.destroy();
  });
  reader.once('close', stop);
}
