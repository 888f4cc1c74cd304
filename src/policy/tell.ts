// Telling a person: an event among the outputs. (policy)
import type { BondEvent, Output } from './contract.js';

/** Tells a person something. */
export function tell(
  { out }: { readonly out: Output[] },
  severity: BondEvent['severity'],
  type: BondEvent['type'],
  message: string,
  more: Partial<BondEvent> = {},
): void {
  out.push({ kind: 'event', event: { severity, type, message, ...more } });
}
