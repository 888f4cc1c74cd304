// Which events that a change caused go with its answer as warnings.
import type { EventRecord } from './api.js';

/** True for what merely follows from what was asked for: another active member, or none where there are no members. */
function isExpected(type: EventRecord['type'], emptied: boolean): boolean {
  if (type === 'refused' || type === 'failover') return true;
  return emptied && (type === 'lost' || type === 'carrier' || type === 'address');
}

/** Sentences that whoever asked must see, each once. `emptied`: the bond has lost its members by it. */
export function warningsOf(records: readonly EventRecord[], emptied: boolean): string[] {
  const alarming = records.filter(({ severity, type }) => severity !== 'info' && !isExpected(type, emptied));
  return [...new Set(alarming.map(({ message }) => message))];
}
