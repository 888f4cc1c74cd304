// What happened, kept in memory for readers and in RUN_DIR/events.ndjson for the next daemon; numbered without gaps.
import { statSync } from 'node:fs';
import { appendOwnFile, readOwnFile, replaceOwnFile } from '../../linux/index.js';
import type { BondEvent } from '../../policy/index.js';
import type { UplinkEvent } from '../../uplinks/index.js';
import type { EventRecord } from '../api/api.js';

const KEPT = 2000;
const MAX_FILE_BYTES = 4 * 1024 * 1024;

export type EventListener = (record: EventRecord) => void;

/** The journal of one run directory. */
export class Journal {
  readonly #path: string;
  /** Why the events of earlier daemons are not known; undefined when they are. */
  readonly problem: string | undefined;
  #records: EventRecord[] = [];
  #sequence = 0;
  readonly #listeners = new Set<EventListener>();

  constructor(runDir: string) {
    this.#path = `${runDir}/events.ndjson`;
    try {
      this.#records = readRecords(this.#path);
    } catch (error) {
      this.problem = (error as Error).message;
    }
    this.#sequence = this.#records.at(-1)?.seq ?? 0;
  }

  /** Notes an event; never throws: a full disk must not stop a failover. */
  add(bond: string, event: BondEvent, known: { outageMs?: number; lostPackets?: number } = {}): EventRecord {
    return this.#put({ bond, ...event, ...known });
  }

  /** The same for what happened to the uplink. */
  addUplink(uplink: string, { kind, level, ...event }: UplinkEvent): EventRecord {
    return this.#put({ bond: '', uplink, severity: level, type: kind, ...event });
  }

  #put(event: Omit<EventRecord, 'seq' | 'time'>): EventRecord {
    this.#sequence += 1;
    const record: EventRecord = { seq: this.#sequence, time: new Date().toISOString(), ...event };
    this.#records.push(record);
    if (this.#records.length > KEPT) this.#records = this.#records.slice(-KEPT);
    this.#append(record);
    for (const listener of this.#listeners) listener(record);
    return record;
  }

  /** Records after a number, oldest first, of one bond or all. */
  after(sequence: number, bond?: string): readonly EventRecord[] {
    return this.#records.filter(
      record => record.seq > sequence && (bond === undefined || record.bond === bond),
    );
  }

  /** The last one of each bond that is remembered. */
  lastFailovers(): ReadonlyMap<string, EventRecord> {
    const failovers = this.#records.filter(({ type, to }) => type === 'failover' && to !== undefined);
    return new Map(failovers.map(record => [record.bond, record]));
  }

  /** Calls back for every further record; gives the function that ends it. */
  listen(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #append(record: EventRecord): void {
    try {
      if ((statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0) > MAX_FILE_BYTES) this.#shorten();
      appendOwnFile(this.#path, `${JSON.stringify(record)}\n`);
    } catch {
      // Kept in memory all the same.
    }
  }

  #shorten(): void {
    const text = this.#records.map(record => `${JSON.stringify(record)}\n`).join('');
    replaceOwnFile(this.#path, text);
  }
}

/** Those that can be read of a file; none where there is none. Throws UnreadableFile. */
function readRecords(path: string): EventRecord[] {
  const text = readOwnFile(path) ?? '';
  const records: EventRecord[] = [];
  for (const line of text.split('\n').slice(-KEPT - 1)) {
    const record = parseRecord(line);
    if (record !== undefined && record.seq > (records.at(-1)?.seq ?? 0)) records.push(record);
  }
  return records;
}

/** A line of the file; undefined for one that a crash cut short, or that is none of ours. */
function parseRecord(line: string): EventRecord | undefined {
  try {
    const record = JSON.parse(line) as Partial<Record<keyof EventRecord, unknown>> | null;
    const texts = [record?.time, record?.bond, record?.severity, record?.type, record?.message];
    const isRecord = Number.isSafeInteger(record?.seq) && texts.every(text => typeof text === 'string');
    return isRecord ? (record as unknown as EventRecord) : undefined;
  } catch {
    return undefined;
  }
}
