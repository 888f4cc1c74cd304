// Planned rules as messages, and what is to change so that the kernel has these and no others of ours.
import {
  FR_ACT_TO_TBL,
  ipAddress,
  type NumberRange,
  type Rule,
  ruleSuppresses,
} from '../../netlink/index.js';
import { type PlannedRule, PROTOCOL } from '../../uplinks/index.js';
import { AF } from './route-changes.js';

/** FRA_SPORT_MASK, FRA_DPORT_MASK, FRA_DSCP_MASK: the kernel adds them where one value is meant, with all bits set. */
const WHOLE_MASKS: ReadonlySet<number> = new Set([28, 29, 30]);

/** How the kernel is told of a DSCP: by FRA_DSCP (6.13), or as the TOS of the header. */
export type DscpBy = 'attribute' | 'tos';

function range([first, last]: readonly [number, number]): NumberRange {
  return { first, last };
}

function rangeText(given: NumberRange | undefined): string {
  return given === undefined ? '' : `${given.first}-${given.last}`;
}

function prefixOf(prefix: string | undefined): { readonly address?: string; readonly length: number } {
  if (prefix === undefined) return { length: 0 };
  const [address = '', length] = prefix.split('/');
  // Written as the kernel will tell it.
  const canonical = ipAddress.read(ipAddress.write(address)) ?? address;
  return {
    address: canonical,
    length: length === undefined ? (address.includes(':') ? 128 : 32) : Number(length),
  };
}

/** The rule as the kernel is asked for it. */
export function ruleOf(planned: PlannedRule, dscpBy: DscpBy): Rule {
  const source = prefixOf(planned.from);
  const destination = prefixOf(planned.to);
  const { dscp } = planned;
  return {
    family: AF[planned.family],
    sourceLength: source.length,
    destinationLength: destination.length,
    tos: dscp !== undefined && dscpBy === 'tos' ? dscp << 2 : 0,
    action: FR_ACT_TO_TBL,
    flags: 0,
    preference: planned.preference,
    tableNumber: planned.table,
    origin: PROTOCOL,
    ...(source.address !== undefined && { source: source.address }),
    ...(destination.address !== undefined && { destination: destination.address }),
    ...(planned.incoming !== undefined && { incoming: planned.incoming }),
    ...(planned.outgoing !== undefined && { outgoing: planned.outgoing }),
    ...(planned.mark !== undefined && { mark: planned.mark.value, markMask: planned.mark.mask }),
    ...(planned.protocol !== undefined && { ipProtocol: planned.protocol }),
    ...(planned.sourcePorts !== undefined && { sourcePorts: range(planned.sourcePorts) }),
    ...(planned.destinationPorts !== undefined && { destinationPorts: range(planned.destinationPorts) }),
    ...(planned.uids !== undefined && { uids: range(planned.uids) }),
    ...(dscp !== undefined && dscpBy === 'attribute' && { dscp }),
    ...(planned.suppressPrefixLength !== undefined && {
      suppressPrefixLength: planned.suppressPrefixLength,
    }),
    other: [],
  };
}

/** The same text for rules that do the same. */
function signature(rule: Rule): string {
  const strange = rule.other.filter(
    ({ type, value }) => !(WHOLE_MASKS.has(type) && value.every(byte => byte === 0xff || byte === 0x3f)),
  );
  return [
    `${rule.family} ${rule.preference ?? 0} ${rule.action} ${rule.flags} ${rule.tableNumber} ${rule.tos}`,
    `${rule.source ?? ''}/${rule.sourceLength} ${rule.destination ?? ''}/${rule.destinationLength}`,
    `${rule.incoming ?? ''} ${rule.outgoing ?? ''} ${rule.mark ?? ''}/${rule.markMask ?? ''} ${rule.ipProtocol ?? ''}`,
    `${rangeText(rule.sourcePorts)} ${rangeText(rule.destinationPorts)} ${rangeText(rule.uids)} ${rule.dscp ?? ''}`,
    `${ruleSuppresses(rule) ?? ''} ${rule.origin ?? ''} ${strange.map(({ type }) => type).join(',')}`,
  ].join(' | ');
}

/** What is to be done, in this order. */
export interface RuleChanges {
  readonly add: readonly PlannedRule[];
  readonly stale: readonly Rule[];
}

/** `there` are the rules of ours in the kernel. Of two that are alike one is too many. */
export function ruleChanges(
  there: readonly Rule[],
  planned: readonly PlannedRule[],
  dscpBy: DscpBy,
): RuleChanges {
  const missing = new Map(planned.map(rule => [signature(ruleOf(rule, dscpBy)), rule]));
  const stale = there.filter(rule => !missing.delete(signature(rule)));
  return { add: [...missing.values()], stale };
}

/** A kernel's rule in words. */
export function toldRule(rule: Rule): string {
  return `rule ${rule.preference ?? 0} (table ${rule.tableNumber ?? 0})`;
}
