// Where packets go, whole: made anew from the state after every input, and put out when it is another. (uplinks)
import { FAMILIES, type Family, type LineNumber, type LinePath, type Steering } from './contract.js';
import type { UplinkRule } from './settings.js';
import { type Context, lineNamed, type LineState } from './state.js';
import { rankOf, sharingLines, viableLines } from './viable.js';

/** A rank up to which a line works. */
const WORKING_RANK = 1;

/** How lines stand in the kernel, for whoever puts routes there. */
export interface LinePlace {
  readonly line: LineNumber;
  readonly name: string;
  readonly ifindex: number | null;
  readonly paths: Readonly<Record<Family, LinePath | null>>;
}

export function linePlaces(lines: readonly LineState[]): LinePlace[] {
  return lines.map(({ number, settings, device, families }) => ({
    line: number,
    name: settings.name,
    ifindex: device?.ifindex ?? null,
    paths: { ipv4: families.ipv4.path, ipv6: families.ipv6.path },
  }));
}

function bothFamilies<T>(make: (family: Family) => T): Record<Family, T> {
  return { ipv4: make('ipv4'), ipv6: make('ipv6') };
}

/** Steering as the state wants it now. */
export function steeringOf(context: Context): Steering {
  return {
    selected: bothFamilies(family => numbers(context, orderOf(context, family))),
    flows: flowsOf(context),
    policies: policiesOf(context),
    shares: bothFamilies(family =>
      sharingLines(context, family).map(({ number, settings }) => ({
        line: number,
        weight: settings.weight,
      })),
    ),
  };
}

function numbers({ state }: Context, names: readonly string[]): LineNumber[] {
  return names.flatMap(name => lineNamed(state, name)?.number ?? []);
}

/**
 * The selected line, those that could follow it, and last those that have a way at all: the kernel goes by this order alone when a
 * cable is cut. As long as the selected line is not viable the order stays what it was: nothing changes where nothing is gained.
 */
function orderOf(context: Context, family: Family): readonly string[] {
  const { state } = context;
  const choice = state.choice[family];
  const { selected } = choice;
  if (selected === null) return [];
  const hasWay = (name: string): boolean => {
    const line = lineNamed(state, name);
    return line !== undefined && line.device !== null && line.families[family].path !== null;
  };
  const judged = lineNamed(state, selected)?.families[family];
  if (judged !== undefined && rankOf(judged) !== null) {
    const viable = viableLines(state.lines, family).map(line => line.settings.name);
    const spare = state.lines.filter(line => line.families[family].state !== 'drained');
    const names = [selected, ...viable, ...spare.map(line => line.settings.name)];
    choice.order = names.filter((name, at) => names.indexOf(name) === at);
  }
  const order = choice.order.filter(hasWay);
  // One whose device went and came has to prove itself again; meanwhile the one that the kernel took in its place goes on.
  const isLater = (name: string): boolean => name === selected && judged?.state === 'unproven';
  const isOther = order.some(name => {
    const other = lineNamed(state, name)?.families[family];
    return !isLater(name) && other !== undefined && rankOf(other) !== null;
  });
  return isOther ? order.toSorted((a, b) => Number(isLater(a)) - Number(isLater(b))) : order;
}

function flowsOf({ state }: Context): Steering['flows'] {
  return state.lines.flatMap(line =>
    FAMILIES.flatMap(family => {
      const { path, by } = line.families[family];
      const hasWay = line.device !== null && path !== null;
      if (!hasWay && by.tcp === null && by.others === null) return [];
      const own = line.number;
      return [
        {
          line: own,
          family,
          by: {
            tcp: lineNamed(state, by.tcp)?.number ?? own,
            others: lineNamed(state, by.others)?.number ?? own,
          },
        },
      ];
    }),
  );
}

function policiesOf(context: Context): Steering['policies'] {
  return context.settings.rules.flatMap((rule, at) =>
    rule.use === undefined
      ? []
      : FAMILIES.map(family => ({ rule: at, family, lines: linesOfRule(context, rule, family) })),
  );
}

/**
 * Lines that a rule may use, in its order: those that work, then those that were given up lately. Where everything else is to be
 * dropped, a bad one is better than none.
 */
function linesOfRule({ state }: Context, rule: UplinkRule, family: Family): LineNumber[] {
  const ofRule = (rule.use ?? []).flatMap(name => lineNamed(state, name) ?? []);
  const most = rule.otherwise === 'drop' ? Number.POSITIVE_INFINITY : WORKING_RANK;
  return ofRule
    .flatMap((line, at) => {
      const judged = line.families[family];
      const rank = rankOf(judged);
      if (rank === null || rank > most) return [];
      return [{ number: line.number, at, rank: judged.fell && rank === 0 ? WORKING_RANK : rank }];
    })
    .toSorted((a, b) => a.rank - b.rank || a.at - b.at)
    .map(({ number }) => number);
}
