// What a run of scenarios in some arm comes to: what was seen, held against the simulation, the scenarios' own expectations and
// the listed differences.
import { compareTimelines, type Scenario, simulate, type Timeline, unmet } from '#simulator';
import type { Difference } from './differences.js';

/** What came of one scenario: a timeline, or why there is none. */
export interface Ran {
  readonly scenario: string;
  readonly timeline?: Timeline;
  readonly failed?: string;
}

/** What was seen that should not have been. */
export interface Problem {
  readonly scenario: string;
  /** With both timelines. */
  readonly text: string;
}

export interface Tally {
  scenarios: number;
  compared: number;
  listed: number;
  unlisted: Problem[];
}

/** Holds what an arm saw against the simulation and the scenario's own expectations. */
export function judge(
  where: string,
  scenarios: readonly Scenario[],
  ran: readonly Ran[],
  differences: readonly Difference[],
): Tally {
  const tally: Tally = { scenarios: 0, compared: 0, listed: 0, unlisted: [] };
  for (const scenario of scenarios) {
    const one = ran.find(each => each.scenario === scenario.name);
    if (one === undefined) continue;
    tally.scenarios++;
    const problems: string[] = [];
    if (one.timeline === undefined) problems.push(one.failed ?? 'nothing came of it');
    else {
      const simulated = simulate(scenario);
      if (!simulated.ok) throw new Error(simulated.error);
      const { compared, divergence } = compareTimelines(
        one.timeline,
        simulated.value.timeline,
        scenario.observe.watch,
      );
      tally.compared += compared;
      if (divergence !== null) {
        const { of, property, atMs, reason, text } = divergence;
        problems.push(`${of} ${property} at ${atMs} ms: ${reason}\n${text}`);
      }
      problems.push(...unmet(scenario, one.timeline));
    }
    for (const problem of problems) {
      const listed = differences.find(each => each.matches(where, scenario.name, problem));
      if (listed !== undefined) {
        listed.seen++;
        tally.listed++;
        continue;
      }
      tally.unlisted.push({ scenario: scenario.name, text: problem });
    }
  }
  return tally;
}
