// The routing tables of an uplink: one for what is selected, for each line one of its own and two of its flows, one for each rule of
// the operator. (uplinks)
import { FAMILIES, type Family, type LineNumber, type Steering, type Transport } from './contract.js';
import { BLACKHOLE_METRIC, FIRST_METRIC, type PlannedRoute, TABLES } from './kernel-plan.js';
import { mayMatch } from './rule-families.js';
import type { Planning } from './make-kernel-plan.js';

/** In the order in which they are to be put in the kernel. */
export function plannedRoutes(planning: Planning): PlannedRoute[] {
  return [
    ...FAMILIES.flatMap(family =>
      listed(planning, family, TABLES.selected, planning.steering.selected[family]),
    ),
    ...FAMILIES.flatMap(family => flowRoutes(planning, family)),
    ...FAMILIES.flatMap(family => lineRoutes(planning, family)),
    ...FAMILIES.flatMap(family => policyRoutes(planning, family)),
  ];
}

/** Numbers of all lines. */
export function lineNumbers({ settings }: Planning): LineNumber[] {
  return settings.lines.map((_, place) => place + 1);
}

function oneRoute(
  planning: Planning,
  family: Family,
  table: number,
  line: LineNumber,
  metric: number = FIRST_METRIC,
): PlannedRoute[] {
  const way = planning.wayOf(line, family);
  if (way === null) return [];
  const { address, gateway, onLink } = way.path;
  return [{ family, table, metric, way: { ifindex: way.ifindex, gateway, onLink, source: address } }];
}

/** The lines one behind the other: the first one whose device has a carrier takes the packet. */
function listed(
  planning: Planning,
  family: Family,
  table: number,
  lines: readonly LineNumber[],
): PlannedRoute[] {
  return lines.flatMap((line, place) => oneRoute(planning, family, table, line, FIRST_METRIC * (place + 1)));
}

function lineRoutes(planning: Planning, family: Family): PlannedRoute[] {
  return lineNumbers(planning).flatMap(line => oneRoute(planning, family, TABLES.line + line, line));
}

/** By which line the flows of a line go; by their own where nothing else was decided. */
function carrierOf({ flows }: Steering, line: LineNumber, family: Family, transport: Transport): LineNumber {
  return flows.find(one => one.line === line && one.family === family)?.by[transport] ?? line;
}

/**
 * One route a table: where it is gone, as its line has no path or the kernel passes over it for want of a carrier, the packet comes to
 * the rules behind, those of the operator and the one of the selected line.
 */
function flowRoutes(planning: Planning, family: Family): PlannedRoute[] {
  const tables = [
    [TABLES.flows, 'others'],
    [TABLES.tcpFlows, 'tcp'],
  ] as const;
  return tables.flatMap(([first, transport]) =>
    lineNumbers(planning).flatMap(line =>
      oneRoute(planning, family, first + line, carrierOf(planning.steering, line, family, transport)),
    ),
  );
}

function policyRoutes(planning: Planning, family: Family): PlannedRoute[] {
  return planning.steering.policies
    .filter(policy => {
      const rule = planning.settings.rules[policy.rule];
      return policy.family === family && rule !== undefined && mayMatch(rule, family);
    })
    .flatMap(({ rule, lines }) => {
      const table = TABLES.policies + rule;
      const ways = listed(planning, family, table, lines);
      const isStrict = planning.settings.rules[rule]?.otherwise === 'drop';
      return isStrict ? ways.concat({ family, table, metric: BLACKHOLE_METRIC }) : ways;
    });
}
