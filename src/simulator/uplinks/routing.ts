// The routing tables of the simulated gateway as an uplink steers them: which line a packet leaves by, as the kernel would find it. (simulator)
import type { Family, LineNumber, LinePlace, Steering } from '../../uplinks/index.js';
import type { FlowKey } from './flow-table.js';
import type { SimulatedLine } from './line.js';
import type { RuleSpec } from './scenario.js';

/** Where a packet goes; null: there is no way, or it is to be dropped. */
export interface Leave {
  readonly line: SimulatedLine;
  /** The router of the route is still that of the line. */
  readonly isRouterThere: boolean;
}

interface Route {
  readonly ifindex: number;
  readonly gateway: string | null;
}

export function ruleMatches({ protocol, port }: RuleSpec, key: FlowKey): boolean {
  return port === key.port && (protocol === undefined || protocol === key.transport);
}

export class RoutingTables {
  /** Null: nothing of ours stands there. */
  steering: Steering | null = null;
  readonly #lines: readonly SimulatedLine[];
  readonly #rules: readonly RuleSpec[];
  readonly #routes: Map<string, Route> = new Map();

  constructor(lines: readonly SimulatedLine[], rules: readonly RuleSpec[]) {
    this.#lines = lines;
    this.#rules = rules;
  }

  steer(steering: Steering, places: readonly LinePlace[]): void {
    this.steering = steering;
    this.#routes.clear();
    for (const { line, ifindex, paths } of places) {
      for (const family of ['ipv4', 'ipv6'] as const) {
        const path = paths[family];
        if (ifindex !== null && path !== null)
          this.#routes.set(`${line} ${family}`, { ifindex, gateway: path.gateway });
      }
    }
  }

  /** By which line a packet leaves: by its mark, by the rules, by what is selected, by the host's own routes. */
  leave(key: FlowKey, mark: LineNumber | null): Leave | null {
    const { steering } = this;
    if (steering === null) return this.#main(key.family);
    const marked = mark === null ? null : this.#byMark(steering, key, mark);
    if (marked !== null) return marked;
    const ruled = this.#byRule(steering, key);
    if (ruled === 'drop') return null;
    const selected = ruled ?? this.#first(steering.selected[key.family], key.family);
    return selected ?? this.#main(key.family);
  }

  /** Whether new flows of this kind go as the selected line says. */
  isOrdinary(key: FlowKey): boolean {
    return !this.#rules.some(rule => rule.use !== undefined && ruleMatches(rule, key));
  }

  #byMark({ flows }: Steering, key: FlowKey, mark: LineNumber): Leave | null {
    const table = flows.find(({ line, family }) => line === mark && family === key.family);
    if (table === undefined) return null;
    const { tcp, others } = table.by;
    return this.#first(key.transport === 'tcp' ? [tcp, others] : [others], key.family);
  }

  #byRule({ policies }: Steering, key: FlowKey): Leave | 'drop' | null {
    for (const { rule, family, lines } of policies) {
      const spec = this.#rules[rule];
      if (spec === undefined || family !== key.family || !ruleMatches(spec, key)) continue;
      const found = this.#first(lines, family);
      if (found !== null) return found;
      if (spec.otherwise === 'drop') return 'drop';
    }
    return null;
  }

  /** Routes of a table by metric; those of devices without a carrier do not count (ignore_routes_with_linkdown). */
  #first(numbers: readonly LineNumber[], family: Family): Leave | null {
    for (const number of numbers) {
      const line = this.#lines[number - 1];
      const route = this.#routes.get(`${number} ${family}`);
      if (line === undefined || route === undefined || !line.carries()) continue;
      if (route.ifindex === line.ifindex)
        return { line, isRouterThere: route.gateway === line.gateway(family) };
    }
    return null;
  }

  /** Default routes that the host has by itself. */
  #main(family: Family): Leave | null {
    const line = this.#lines.find(each => each.carries() && each.has(family));
    return line === undefined ? null : { line, isRouterThere: true };
  }
}
