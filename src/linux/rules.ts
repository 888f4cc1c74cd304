// Rules of the policy routing database by rtnetlink: list, add, delete; a listed rule can be given back as it was.
import {
  emitRule,
  FR_ACT_TO_TBL,
  NLM_F_CREATE,
  NLM_F_EXCL,
  parseRule,
  type Rule,
  RTM_DELRULE,
  RTM_GETRULE,
  RTM_NEWRULE,
} from '../netlink/index.js';
import { isErrno, type SystemError } from './errors.js';
import type { NamedRequest, Rtnetlink } from './rtnetlink.js';

function named(type: number, flags: number, rule: Rule): NamedRequest {
  return { type, flags, payload: emitRule(rule), target: `rule ${rule.preference ?? 0}` };
}

function emptyRule(family: number): Rule {
  return { family, destinationLength: 0, sourceLength: 0, tos: 0, action: 0, flags: 0, other: [] };
}

/** All rules of a family (AF_INET, AF_INET6), in the order in which the kernel asks them. None where the kernel has no such family. */
export function listRules(netlink: Rtnetlink, family: number): Rule[] {
  try {
    return netlink
      .dump({ type: RTM_GETRULE, flags: 0, payload: emitRule(emptyRule(family)) })
      .flatMap(({ type, payload }) => {
        const rule = parseRule(payload);
        // A family that it does not know is answered with the rules of all (rtnetlink_rcv_msg, PF_UNSPEC).
        return type === RTM_NEWRULE && rule.ok && rule.value.family === family ? [rule.value] : [];
      });
  } catch (error) {
    if (isErrno(error, 'EAFNOSUPPORT', 'EOPNOTSUPP')) return [];
    throw error;
  }
}

/** Adds rules in this order, many in one call of the kernel; gives the outcome of each. One that is there already: EEXIST. */
export function addRules(netlink: Rtnetlink, rules: readonly Rule[]): (SystemError | undefined)[] {
  return netlink.requestAll(rules.map(rule => named(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule)));
}

/** Deletes rules; gives the outcome of each. One that is not there: ENOENT. */
export function deleteRules(netlink: Rtnetlink, rules: readonly Rule[]): (SystemError | undefined)[] {
  return netlink.requestAll(rules.map(rule => named(RTM_DELRULE, 0, rule)));
}

/**
 * True when the kernel knows FRA_DSCP (6.13). An older one would make the rule without it, so it is asked for one that both refuse: the
 * newer for a value that no DSCP has (ERANGE, by its policy), the older for the ports that come later (EINVAL).
 */
export function knowsDscpRules(netlink: Rtnetlink, family: number): boolean {
  const impossible: Rule = {
    ...emptyRule(family),
    action: FR_ACT_TO_TBL,
    tableNumber: 254,
    dscp: 255,
    sourcePorts: { first: 2, last: 1 },
  };
  const [outcome] = netlink.requestAll([named(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, impossible)]);
  return isErrno(outcome, 'ERANGE');
}
