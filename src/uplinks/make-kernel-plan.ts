// From where packets are to go to what stands in the kernel for that: the whole plan, always the same for the same wishes. (uplinks)
import type { Family, LineNumber, LinePath, Steering } from './contract.js';
import type { KernelPlan, PlannedSysctl } from './kernel-plan.js';
import { plannedRoutes } from './planned-routes.js';
import { plannedRules } from './planned-rules.js';
import { plannedTable } from './planned-table.js';
import type { UplinkSettings } from './settings.js';

/** How a line's packets leave in one family, and by which device. */
export interface LineWay {
  readonly device: string;
  readonly ifindex: number;
  readonly path: LinePath;
}

/** Null: the line has no device, no address or no gateway in this family. */
export type WayOf = (line: LineNumber, family: Family) => LineWay | null;

/** What the kernel can do for us. */
export interface KernelAbilities {
  readonly nftables: boolean;
}

/** Everything that a plan is made of. */
export interface Planning {
  readonly settings: UplinkSettings;
  readonly wayOf: WayOf;
  readonly steering: Steering;
}

/**
 * What is to stand in the kernel. Routes are in the order in which they are to be put there: those that decide for new flows, those of
 * flows that a line had, the rest.
 */
export function kernelPlan(
  settings: UplinkSettings,
  wayOf: WayOf,
  steering: Steering,
  abilities: KernelAbilities,
): KernelPlan {
  const planning: Planning = { settings, wayOf, steering };
  return {
    routes: plannedRoutes(planning),
    rules: plannedRules(planning),
    sysctls: settings.lines.flatMap(({ device }) => sysctlsOf(device)),
    table: abilities.nftables ? plannedTable(planning) : null,
  };
}

/**
 * A route over a line without carrier does not count: so the kernel alone leaves a cut cable. And answers to flows that stay on a line
 * that is not selected are not taken for forged (rp_filter=1 would, fib_validate_source).
 */
function sysctlsOf(device: string): PlannedSysctl[] {
  return [
    { family: 'ipv4', device, setting: 'ignore_routes_with_linkdown', value: '1' },
    { family: 'ipv4', device, setting: 'rp_filter', value: '2' },
    { family: 'ipv6', device, setting: 'ignore_routes_with_linkdown', value: '1' },
  ];
}
