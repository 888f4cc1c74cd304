// mwan3's rules: which are for all packets and so say how lines are ordered, and what becomes of the others. (config)
import { shown } from '../../base/index.js';
import type { RuleText } from '../bondwire/uplink-schema.js';
import type { Place } from '../facts.js';
import type { Family } from './mwan3-lines.js';
import { matchesOf, type RuleMatches } from './mwan3-matches.js';
import { isShared, linesIn, type Policies, type Policy } from './mwan3-policies.js';
import { isOn, type Telling, valueOf } from './telling.js';
import type { UciSection } from './uci-file.js';

const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];
const FAMILY_NAMES = { ipv4: 'IPv4', ipv6: 'IPv6' } as const;
/** What mwan3 takes of a name of a rule or policy, as chains of iptables have no longer ones. */
const MOST_LETTERS = 15;
/** As tables have room for, see MOST_POLICIES of uplinks. */
const MOST_RULES = 99;

/** A rule that mwan3 would come to. */
export interface ReadRule {
  readonly name: string;
  readonly section: UciSection;
  readonly matches: RuleMatches;
  /** Null: table main decides ("default"). */
  readonly policy: Policy | null;
}

export interface ReadRules {
  /** Those that are not for all packets, in their order. */
  readonly own: readonly ReadRule[];
  /** The first that is for all packets, by family. */
  readonly all: Partial<Readonly<Record<Family, ReadRule>>>;
}

export interface PlacedRule {
  readonly text: RuleText;
  readonly place: Place;
}

/** Goes through the rules as packets do: the first that fits counts. */
export function readRules(
  sections: readonly UciSection[],
  network: readonly UciSection[] | null,
  policies: Policies,
  telling: Telling,
): ReadRules {
  const own: ReadRule[] = [];
  const all: Partial<Record<Family, ReadRule>> = {};
  for (const section of sections.filter(({ type }) => type === 'rule')) {
    const rule = readRule(section, { network, policies, telling });
    if (rule === null) {
      telling.markAll(section);
      continue;
    }
    telling.mark(section, ['use_policy']);
    telling.ofGiven(
      section,
      ['logging'],
      'note',
      given => `${given} has no counterpart: "bondwire uplink why" says how packets go.`,
    );
    const { family, isAll } = rule.matches;
    const left = FAMILIES.filter(each => (family === 'any' || family === each) && all[each] === undefined);
    if (left.length === 0) {
      telling.mark(section, ['sticky', 'timeout']);
      const message = `The rule ${shown(rule.name)} is never reached, as one before it is for all packets; it was left out.`;
      telling.tell('warning', section.place, message);
    } else if (isAll) for (const each of left) all[each] = rule;
    else own.push(rule);
  }
  return { own, all };
}

function readRule(
  section: UciSection,
  known: {
    readonly network: readonly UciSection[] | null;
    readonly policies: Policies;
    readonly telling: Telling;
  },
): ReadRule | null {
  const { network, policies, telling } = known;
  const name = section.name ?? `of line ${section.place.line}`;
  const leaveOut = (level: 'note' | 'warning', why: string): null => {
    telling.tell(level, section.place, `The rule ${shown(name)} was left out: ${why}.`);
    return null;
  };
  const wanted = valueOf(section, 'use_policy') ?? '';
  if (wanted === '') return leaveOut('note', 'it has no use_policy, so mwan3 does nothing by it');
  const long = [section.name ?? '', wanted].find(each => each.length > MOST_LETTERS);
  if (long !== undefined)
    return leaveOut(
      'warning',
      `mwan3 passes over names of more than ${MOST_LETTERS} letters, such as ${shown(long)}`,
    );
  if (wanted === 'unreachable' || wanted === 'blackhole')
    return leaveOut(
      'warning',
      `use_policy ${wanted} keeps packets from leaving, which no rule here does; have the firewall drop them`,
    );
  const matches = matchesOf(section, network, telling);
  if (matches === null) return null;
  if (wanted === 'default') return { name, section, matches, policy: null };
  const policy = policies.of(wanted);
  return policy === null
    ? leaveOut('warning', `there is no policy ${shown(wanted)}`)
    : { name, section, matches, policy };
}

/** True where the rule says of its packets what holds for all of its families. */
function isAsAll(rule: ReadRule, { all }: ReadRules): boolean {
  const { family } = rule.matches;
  const others = FAMILIES.filter(each => family === 'any' || family === each).flatMap(
    each => all[each] ?? [],
  );
  return rule.policy === null || others.some(({ policy }) => policy?.name === rule.policy?.name);
}

/** Rules as they stand in bondwire.yaml. `order`: all lines. */
export function placedRules(
  rules: ReadRules,
  order: readonly string[],
  mode: 'failover' | 'share',
  telling: Telling,
): readonly PlacedRule[] {
  const texts: PlacedRule[] = [];
  for (const [at, rule] of rules.own.entries()) {
    const asAll = isAsAll(rule, rules);
    // What goes as all others needs a rule only where a later one would take it.
    const isNeeded = rules.own.slice(at + 1).some(later => !isAsAll(later, rules));
    if (asAll && !isNeeded) tellAsAll(rule, telling);
    else texts.push(...placed(rule, { order, mode, asAll, telling }));
  }
  const [first] = texts.slice(MOST_RULES);
  if (first !== undefined)
    telling.tell(
      'error',
      first.place,
      `These make ${texts.length} rules, as lists of networks and ports become a rule each, and an uplink has at most ${MOST_RULES}; put some together.`,
    );
  return texts.slice(0, MOST_RULES);
}

function tellAsAll({ section, name, policy }: ReadRule, telling: Telling): void {
  const message =
    policy === null
      ? `The rule ${shown(name)} (use_policy default) is not needed: what table main has a route for besides the default goes by that anyhow, and the rest as all others.`
      : `The rule ${shown(name)} is not needed: its packets go as all others do, by ${shown(policy.name)}.`;
  telling.tell(policy === null ? 'note' : 'understood', section.place, message);
}

function placed(
  rule: ReadRule,
  known: {
    readonly order: readonly string[];
    readonly mode: 'failover' | 'share';
    readonly asAll: boolean;
    readonly telling: Telling;
  },
): PlacedRule[] {
  const { order, mode, asAll, telling } = known;
  const { section, name, policy, matches } = rule;
  const { place } = section;
  const use = policy === null ? order : linesIn(policy, matches.family);
  if (use.length === 0) {
    const isDropped = policy?.lastResort === 'drop';
    const why = isDropped
      ? 'mwan3 lets nothing of it out (last_resort); have the firewall drop it'
      : 'its packets go as all others do';
    telling.tell(
      'warning',
      place,
      `The rule ${shown(name)} was left out: no enabled interface of its family is in its policy, so ${why}.`,
    );
    return [];
  }
  const otherwise = !asAll && policy?.lastResort === 'drop' ? 'drop' : 'selected';
  const isSpread = policy === null ? mode === 'share' : isShared(policy);
  const lines = use.map(line => shown(line)).join(', ');
  const parts = matches.matches.length;
  const several = parts > 1 ? `, as ${parts} rules, one for each network and range of ports` : '';
  const rest = otherwise === 'drop' ? 'nothing leaves' : 'they go as all others';
  const message = `The rule ${shown(name)} lets its packets use ${lines}${several}; when none of these works, ${rest} ("else: ${otherwise}").`;
  telling.tell('understood', place, message);
  if (isSpread)
    telling.tell(
      'warning',
      place,
      `The policy of the rule ${shown(name)} spreads by weight, and "use" goes by order: its packets take the first of ${lines} that works.`,
    );
  return matches.matches.map(match => ({ text: { match, use, else: otherwise }, place }));
}

/** Whether clients stay with their line. mwan3 says it by rule, here all have the same. */
export function stickyOf(
  { own, all }: ReadRules,
  mode: 'failover' | 'share',
  telling: Telling,
): 'client' | 'flow' {
  const rules = Array.from(new Set([...own, ...Object.values(all)]));
  const sticky = rules.filter(
    ({ section, policy }) => isOn(section, 'sticky') && policy !== null && isShared(policy),
  );
  for (const rule of rules) {
    const { section } = rule;
    const names = ['sticky', 'timeout'];
    if (!isOn(section, 'sticky')) {
      telling.mark(section, ['sticky']);
      telling.ofGiven(section, ['timeout'], 'note', given => `${given} has a meaning with sticky alone.`);
    } else if (sticky.includes(rule) && mode === 'share')
      telling.about(
        section,
        names,
        'understood',
        'sticky 1: a client stays with its line ("sticky: client"), in all that it does and without a timeout, while the line works.',
      );
    else
      telling.about(
        section,
        names,
        'note',
        'sticky 1 needs no counterpart: one line is used at a time, and running flows stay where they are.',
      );
  }
  if (mode === 'failover' || sticky.length > 0) return 'client';
  const first = all.ipv4 ?? all.ipv6;
  if (first !== undefined)
    telling.tell(
      'understood',
      first.section.place,
      'No rule is sticky, so each flow is spread ("sticky: flow").',
    );
  return 'flow';
}

/** `IPv4`, `IPv6` or both, as a rule for all packets has them. */
export function familiesOf(rule: ReadRule, { all }: ReadRules): string {
  return FAMILIES.filter(each => all[each] === rule)
    .map(each => FAMILY_NAMES[each])
    .join(' and ');
}
