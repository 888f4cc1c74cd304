// Runs an uplink scenario in virtual time: same scenario and seed, same course, always. (simulator)
import { FAMILIES, type Family, type LineStateName, type UplinkEvent } from '../../uplinks/index.js';
import { Clock } from '../clock.js';
import { LOOK_MS, UplinkCheckers, type UplinkViolation } from './checkers.js';
import { REAL_UPLINK, type UplinkMaker } from './daemon.js';
import type { UplinkScenario } from './scenario.js';
import type { TrafficTotals } from './traffic.js';
import type { UplinkWatch } from './watch.js';
import { UplinkWorld } from './world.js';

export interface SimulateUplinkOptions {
  /** Decides all that is left to chance. Absent: 1. */
  readonly seed?: number;
  /** Absent: the policy as it is. */
  readonly maker?: UplinkMaker;
}

export interface ToldOfUplink {
  readonly atMs: number;
  readonly event: UplinkEvent;
}

/** Another line became the first in the kernel; null: the host's own routes decide. */
export interface Selection {
  readonly atMs: number;
  readonly family: Family;
  readonly line: string | null;
}

export interface LineAtEnd {
  readonly name: string;
  /** Of its families; null: there is no daemon. */
  readonly states: Readonly<Partial<Record<Family, LineStateName | null>>>;
  readonly bytes: number;
}

export interface SimulatedUplink {
  readonly told: readonly ToldOfUplink[];
  readonly selections: readonly Selection[];
  readonly traffic: readonly TrafficTotals[];
  readonly violations: readonly UplinkViolation[];
  readonly lines: readonly LineAtEnd[];
  /** The time before 0 included. */
  readonly simulatedMs: number;
  /** Things that happened on the virtual clock. */
  readonly steps: number;
}

/** For so long before 0 the daemon runs: lines are proven, and what is usual for them is known. */
const SETTLE_MS = 3000;
const IDLE_LOOK_MS = 5000;

/** Runs a scenario to its end. */
export function simulateUplink(
  scenario: UplinkScenario,
  options: SimulateUplinkOptions = {},
): SimulatedUplink {
  const clock = new Clock(-SETTLE_MS);
  const checkers = new UplinkCheckers();
  const told: ToldOfUplink[] = [];
  const selections: Selection[] = [];
  const nameOf = (line: number | undefined): string | null =>
    line === undefined ? null : (scenario.uplink.lines[line - 1]?.name ?? null);
  const log: UplinkWatch = {
    told: (_, event) => {
      told.push({ atMs: clock.now, event });
    },
    steered: (_, steering) => {
      for (const family of FAMILIES) {
        const line = nameOf(steering.selected[family][0]);
        const last = selections.findLast(each => each.family === family)?.line ?? null;
        if (line !== last) selections.push({ atMs: clock.now, family, line });
      }
    },
  };
  const world = new UplinkWorld(clock, scenario, options.seed ?? 1, options.maker ?? REAL_UPLINK, [
    checkers,
    log,
  ]);
  clock.at(clock.now, () => world.daemon.start());
  for (const step of scenario.steps) clock.at(step.atMs, () => world.happen(step));
  for (const each of world.traffic) each.begin(scenario.lengthMs);
  every(clock, LOOK_MS, () => checkers.look(world));
  every(clock, IDLE_LOOK_MS, () => world.gateway.flows.endIdle(clock.now));
  clock.run(-1e-9, () => {});
  told.length = 0;
  clock.run(scenario.lengthMs, () => {});
  return {
    told,
    selections,
    traffic: world.traffic.map(each => each.totals()),
    violations: checkers.violations,
    lines: linesAtEnd(world),
    simulatedMs: clock.now + SETTLE_MS,
    steps: clock.steps,
  };
}

function every(clock: Clock, ms: number, run: () => void): void {
  const again = (): void => {
    run();
    clock.after(ms, again);
  };
  clock.after(ms, again);
}

function linesAtEnd({ lines, daemon, clock }: UplinkWorld): LineAtEnd[] {
  const saved = daemon.uplink?.save(clock.now).state.lines ?? [];
  return lines.map(line => {
    const known = saved.find(({ number }) => number === line.number);
    const states = FAMILIES.filter(family => line.has(family)).map(
      family => [family, known?.families[family].state ?? null] as const,
    );
    return { name: line.spec.name, states: Object.fromEntries(states), bytes: line.sent + line.received };
  });
}
