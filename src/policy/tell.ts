// Telling a person: an event among the outputs. (policy)
import type { BondEvent, Output } from './contract.js';
import type { OptionName } from './options/options.js';

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

/** Warns of the value that one option was given. */
export function tellOfOption({ out }: { readonly out: Output[] }, option: OptionName, message: string): void {
  out.push({ kind: 'event', event: { severity: 'warning', type: 'option', message }, option });
}
