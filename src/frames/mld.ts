// Multicast listener reports: version 1 (RFC 2710) and 2 (RFC 3810). They are ICMPv6 messages.
import { err, ok, type Result } from '../base/index.js';
import { putU16, u16 } from './bytes.js';
import { ipv6Checksum } from './checksum.js';
import type { GroupRecord } from './igmp.js';
import { IP_PROTOCOL } from './ipv4.js';

/** Bytes of a version 1 report. */
export const MLD_LENGTH = 24;
/** Bytes of a version 2 report without records, and of a record without sources. */
export const MLD2_LENGTH = 8;
export const MLD2_RECORD_LENGTH = 20;

const REPORT_V1 = 131;
const REPORT_V2 = 143;

/**
 * ```
 * v1: TYPE(1)=131 CODE(1) CHECKSUM(2) DELAY(2) 0(2) GROUP(16)
 * v2: TYPE(1)=143 0(1) CHECKSUM(2) 0(2) COUNT(2) { TYPE(1) AUX(1) SOURCES(2) GROUP(16) SOURCE(16)* }*
 * ```
 */
export type MldReport =
  | { readonly version: 1; readonly group: Uint8Array }
  | { readonly version: 2; readonly records: readonly GroupRecord[] };

/** Bytes that `emitMld` writes for a report. */
export function mldLength(report: MldReport): number {
  if (report.version === 1) return MLD_LENGTH;
  return report.records.reduce(
    (sum, record) => sum + MLD2_RECORD_LENGTH + 16 * record.sources.length,
    MLD2_LENGTH,
  );
}

function parseRecords(bytes: Uint8Array, start: number, end: number): GroupRecord[] | undefined {
  const records: GroupRecord[] = [];
  let at = start + MLD2_LENGTH;
  for (let left = u16(bytes, start + 6); left > 0; left--) {
    if (at + MLD2_RECORD_LENGTH > end) return undefined;
    const count = u16(bytes, at + 2);
    const first = at + MLD2_RECORD_LENGTH;
    const next = first + 16 * count + 4 * (bytes[at + 1] ?? 0);
    if (next > end) return undefined;
    records.push({
      type: bytes[at] ?? 0,
      group: bytes.slice(at + 4, at + 20),
      sources: Array.from({ length: count }, (_, i) => bytes.slice(first + 16 * i, first + 16 * i + 16)),
    });
    at = next;
  }
  return records;
}

/** Reads and checks the report `bytes[start…end)` that went from `source` to `destination` (16 bytes each). */
export function parseMld(
  source: Uint8Array,
  destination: Uint8Array,
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
): Result<MldReport, string> {
  if (end - start < MLD2_LENGTH || end > bytes.length) return err('MLD message is cut short');
  if (ipv6Checksum(source, destination, IP_PROTOCOL.ICMPV6, bytes, start, end) !== 0) {
    return err('ICMPv6 checksum is wrong');
  }
  const type = bytes[start];
  if (type === REPORT_V2) {
    const records = parseRecords(bytes, start, end);
    return records === undefined ? err('MLD record is cut short') : ok({ version: 2, records });
  }
  if (type !== REPORT_V1) return err(`ICMPv6 type ${type ?? 0} is no listener report`);
  if (end - start < MLD_LENGTH) return err('MLD message is cut short');
  return ok({ version: 1, group: bytes.slice(start + 8, start + 24) });
}

/** Writes the report with its checksum at `offset`; returns the offset after it. */
export function emitMld(
  source: Uint8Array,
  destination: Uint8Array,
  report: MldReport,
  into: Uint8Array,
  offset = 0,
): number {
  const end = offset + mldLength(report);
  into.fill(0, offset, end);
  if (report.version === 1) {
    into[offset] = REPORT_V1;
    into.set(report.group, offset + 8);
  } else {
    into[offset] = REPORT_V2;
    putU16(into, offset + 6, report.records.length);
    let at = offset + MLD2_LENGTH;
    for (const record of report.records) {
      into[at] = record.type;
      putU16(into, at + 2, record.sources.length);
      into.set(record.group, at + 4);
      at += MLD2_RECORD_LENGTH;
      for (const source of record.sources) {
        into.set(source, at);
        at += 16;
      }
    }
  }
  putU16(into, offset + 2, ipv6Checksum(source, destination, IP_PROTOCOL.ICMPV6, into, offset, end));
  return end;
}
