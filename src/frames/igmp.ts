// IGMP membership reports: version 1 (RFC 1112), 2 (RFC 2236) and 3 (RFC 3376).
import { err, ok, type Result } from '../base/index.js';
import { putU16, u16 } from './bytes.js';
import { internetChecksum } from './checksum.js';

/** Bytes of a version 1 or 2 report, and of a version 3 report without records. */
export const IGMP_LENGTH = 8;
/** Bytes of a version 3 record without sources. */
export const IGMP_RECORD_LENGTH = 8;

const TYPE_BY_VERSION = { 1: 0x12, 2: 0x16, 3: 0x22 } as const;

/** Record types of version 3 (and of MLDv2, which shares them). */
export const RECORD_TYPE = { IS_INCLUDE: 1, IS_EXCLUDE: 2 } as const;

/** One group of a version 3 report: `type` 1 IS_INCLUDE … 6, with its source list. */
export interface GroupRecord {
  readonly type: number;
  readonly group: Uint8Array;
  readonly sources: readonly Uint8Array[];
}

/**
 * ```
 * v1, v2: TYPE(1) 0(1) CHECKSUM(2) GROUP(4)
 * v3:     TYPE(1) 0(1) CHECKSUM(2) 0(2) COUNT(2) { TYPE(1) AUX(1) SOURCES(2) GROUP(4) SOURCE(4)* }*
 * ```
 */
export type IgmpReport =
  | { readonly version: 1 | 2; readonly group: Uint8Array }
  | { readonly version: 3; readonly records: readonly GroupRecord[] };

/** Bytes that `emitIgmp` writes for a report. */
export function igmpLength(report: IgmpReport): number {
  if (report.version !== 3) return IGMP_LENGTH;
  return report.records.reduce(
    (sum, record) => sum + IGMP_RECORD_LENGTH + 4 * record.sources.length,
    IGMP_LENGTH,
  );
}

function parseRecords(bytes: Uint8Array, start: number, end: number): GroupRecord[] | undefined {
  const records: GroupRecord[] = [];
  let at = start + IGMP_LENGTH;
  for (let left = u16(bytes, start + 6); left > 0; left--) {
    if (at + IGMP_RECORD_LENGTH > end) return undefined;
    const count = u16(bytes, at + 2);
    const next = at + IGMP_RECORD_LENGTH + 4 * count + 4 * (bytes[at + 1] ?? 0);
    if (next > end) return undefined;
    const first = at + IGMP_RECORD_LENGTH;
    records.push({
      type: bytes[at] ?? 0,
      group: bytes.slice(at + 4, at + 8),
      sources: Array.from({ length: count }, (_, i) => bytes.slice(first + 4 * i, first + 4 * i + 4)),
    });
    at = next;
  }
  return records;
}

/** Reads and checks the report `bytes[start…end)`; queries and other messages give a reason. */
export function parseIgmp(
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
): Result<IgmpReport, string> {
  if (end - start < IGMP_LENGTH || end > bytes.length) return err('IGMP message is cut short');
  if (internetChecksum(bytes, start, end) !== 0) return err('IGMP checksum is wrong');
  const type = bytes[start];
  if (type === TYPE_BY_VERSION[3]) {
    const records = parseRecords(bytes, start, end);
    return records === undefined ? err('IGMP record is cut short') : ok({ version: 3, records });
  }
  const group = bytes.slice(start + 4, start + 8);
  if (type === TYPE_BY_VERSION[2]) return ok({ version: 2, group });
  if (type === TYPE_BY_VERSION[1]) return ok({ version: 1, group });
  return err(`IGMP type ${type ?? 0} is no membership report`);
}

/** Writes the report with its checksum at `offset`; returns the offset after it. */
export function emitIgmp(report: IgmpReport, into: Uint8Array, offset = 0): number {
  const end = offset + igmpLength(report);
  into.fill(0, offset, end);
  into[offset] = TYPE_BY_VERSION[report.version];
  if (report.version === 3) {
    putU16(into, offset + 6, report.records.length);
    let at = offset + IGMP_LENGTH;
    for (const record of report.records) {
      into[at] = record.type;
      putU16(into, at + 2, record.sources.length);
      into.set(record.group, at + 4);
      at += IGMP_RECORD_LENGTH;
      for (const source of record.sources) {
        into.set(source, at);
        at += 4;
      }
    }
  } else {
    into.set(report.group, offset + 4);
  }
  putU16(into, offset + 2, internetChecksum(into, offset, end));
  return end;
}
