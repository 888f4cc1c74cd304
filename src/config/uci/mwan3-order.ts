// The order of the lines, and whether they share: as the policy of mwan3's rule for all packets has its members. (config)
import { shown } from '../../base/index.js';
import type { Family, LineDraft } from './mwan3-lines.js';
import { isShared, type PolicyMember } from './mwan3-policies.js';
import { familiesOf, type ReadRules } from './mwan3-rules.js';
import type { Telling } from './telling.js';

export interface OrderedLine {
  readonly draft: LineDraft;
  readonly weight: number;
}

export interface Order {
  readonly mode: 'failover' | 'share';
  readonly lines: readonly OrderedLine[];
}

const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];

/** `drafts`: all lines; those that no rule leads to are not among those that come out. */
export function orderOf(drafts: readonly LineDraft[], rules: ReadRules, telling: Telling): Order {
  const members = FAMILIES.flatMap(family =>
    (rules.all[family]?.policy?.members ?? []).filter(member => member.family === family),
  );
  const isSpread = FAMILIES.some(family => {
    const policy = rules.all[family]?.policy ?? null;
    return policy !== null && isShared(policy);
  });
  const picked = pick(members, telling);
  const lowest = picked[0]?.metric;
  const inOrder = picked.flatMap(member => {
    const draft = drafts.find(({ name }) => name === member.line);
    const weight = isSpread && member.metric !== lowest ? 0 : isSpread ? member.weight : 1;
    return draft === undefined ? [] : [{ draft, weight }];
  });
  const others = othersOf(drafts, inOrder, rules, telling).map(draft => ({
    draft,
    weight: isSpread ? 0 : 1,
  }));
  const order: Order = { mode: isSpread ? 'share' : 'failover', lines: [...inOrder, ...others] };
  tellOrder(order, rules, telling);
  tellEqual(picked, isSpread, telling);
  return order;
}

/** One member for each line, by metric. */
function pick(members: readonly PolicyMember[], telling: Telling): PolicyMember[] {
  const picked: PolicyMember[] = [];
  for (const member of members) {
    const same = picked.find(({ line }) => line === member.line);
    if (same === undefined) picked.push(member);
    else if (same.metric !== member.metric || same.weight !== member.weight) {
      const message = `metric ${member.metric} and weight ${member.weight} are others than metric ${same.metric} and weight ${same.weight} of ${shown(member.line)} in the other family or member; a line has one place here, and the latter count.`;
      telling.tell('warning', member.place, message);
    }
  }
  return picked.toSorted((a, b) => a.metric - b.metric);
}

/** Lines that are not for all packets: only those that a rule uses are needed. */
function othersOf(
  drafts: readonly LineDraft[],
  inOrder: readonly OrderedLine[],
  { own }: ReadRules,
  telling: Telling,
): readonly LineDraft[] {
  const hasOrder = inOrder.length > 0;
  return drafts.filter(draft => {
    if (inOrder.some(line => line.draft === draft)) return false;
    if (!hasOrder) return true;
    const name = shown(draft.name);
    const isUsed = own.some(({ policy }) => policy?.members.some(({ line }) => line === draft.name) === true);
    const message = isUsed
      ? `Only rules use ${name} in mwan3; here it is the last line for all packets too, for when no other works.`
      : `The line ${name} was left out: no rule leads to it, so mwan3 sends nothing there.`;
    telling.tell('warning', draft.place, message);
    return isUsed;
  });
}

function tellOrder(order: Order, rules: ReadRules, telling: Telling): void {
  const names = order.lines.map(({ draft, weight }) =>
    order.mode === 'share' ? `${shown(draft.name)} (weight ${weight})` : shown(draft.name),
  );
  const what =
    order.mode === 'share'
      ? `the lines share ("mode: share"): ${names.join(', ')}`
      : `the lines are used in this order: ${names.join(', ')}`;
  for (const rule of new Set(Object.values(rules.all))) {
    const { section, policy, name } = rule;
    const who = `The rule ${shown(name)} is for all packets of ${familiesOf(rule, rules)}`;
    if (policy === null) {
      telling.tell(
        'warning',
        section.place,
        `${who}, and leaves them to table main; here they go by the lines as well, where those have addresses of that family.`,
      );
      continue;
    }
    if (policy.members.length === 0)
      telling.tell(
        'warning',
        section.place,
        `${who}, and no enabled interface is in its policy ${shown(policy.name)}; here ${what}.`,
      );
    else telling.tell('understood', section.place, `${who}: by its policy ${shown(policy.name)} ${what}.`);
    telling.ofGiven(
      policy.section,
      ['last_resort'],
      'note',
      given =>
        `${given}: when no line works nothing is changed here, and packets go on by the line that was selected last.`,
    );
  }
  const [first] = order.lines;
  if (Object.keys(rules.all).length === 0 && first !== undefined)
    telling.tell(
      'warning',
      first.draft.place,
      `No rule is for all packets, so mwan3 leaves the rest to table main; here ${what}.`,
    );
}

/** Lines behind the first that mwan3 would have share. */
function tellEqual(picked: readonly PolicyMember[], isSpread: boolean, telling: Telling): void {
  const lowest = picked[0]?.metric;
  for (const [at, member] of picked.entries()) {
    const before = picked[at - 1];
    const isFirst = isSpread && member.metric === lowest;
    if (before === undefined || isFirst || before.metric !== member.metric || before.family !== member.family)
      continue;
    const message = `${shown(before.line)} and ${shown(member.line)} have the same metric ${member.metric}, and would share as substitutes; here they are used one after the other.`;
    telling.tell('warning', member.place, message);
  }
}
