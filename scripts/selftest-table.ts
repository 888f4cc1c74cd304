// The kernel's own tests of bonding as scenarios: which scenarios stand for which test, and the table of what came of each check with the
// driver and with Bondwire. Pure.
import { type Expectation, type Scenario, type Timeline, unmet } from '#simulator';

/** One of the kernel's tests. */
export interface Selftest {
  /** Below tools/testing/selftests. */
  readonly file: string;
  readonly scenarios: readonly string[];
}

/** The tests of 802.3ad. Those of the other modes are listed in docs/simulator.md. */
export const LACP_SELFTESTS: readonly Selftest[] = [
  { file: 'drivers/net/bonding/bond-break-lacpdu-tx.sh', scenarios: ['lacp-under-bridge'] },
  { file: 'drivers/net/bonding/bond_lacp_prio.sh', scenarios: ['lacp-prio-set', 'lacp-prio-selection'] },
  { file: 'drivers/net/bonding/bond_passive_lacp.sh', scenarios: ['lacp-passive', 'lacp-both-passive'] },
  {
    file: 'drivers/net/bonding/dev_addr_lists.sh',
    scenarios: ['lacp-address-lists-up', 'lacp-address-lists-down', 'lacp-address-lists-cleanup'],
  },
  { file: 'net/forwarding/lag_lb.sh', scenarios: ['lacp-spread-layer3-4', 'lacp-spread-layer2'] },
];

/** What was seen in one arm. */
export interface Column {
  readonly name: string;
  /** By scenario; one that is missing was not run there. */
  readonly timelines: ReadonlyMap<string, Timeline>;
}

/** Sentences of a scenario, each with the expectations that show it. */
export function checksOf(scenario: Scenario): ReadonlyMap<string, readonly Expectation[]> {
  const checks = new Map<string, Expectation[]>();
  for (const wish of scenario.expect) {
    if (wish.check === undefined) continue;
    checks.set(wish.check, [...(checks.get(wish.check) ?? []), wish]);
  }
  return checks;
}

function sampled(timeline: Timeline, { of, property }: Expectation, atMs: number): number {
  const seen = timeline.observations.filter(each => each.of === of && each.property === property);
  return Number(seen.find(each => each.how === 'sample' && each.atMs === atMs)?.value);
}

/** The figure that a limit is held against; null where the wish has none. */
function figure(wish: Expectation, timeline: Timeline): number | null {
  const { atLeast, atMost, atMs, sinceMs } = wish;
  if ((atLeast === undefined && atMost === undefined) || atMs === undefined) return null;
  return sampled(timeline, wish, atMs) - (sinceMs === undefined ? 0 : sampled(timeline, wish, sinceMs));
}

/** What came of one check in one arm: yes or no, and the figures where it has limits. */
export function outcome(
  scenario: Scenario,
  wishes: readonly Expectation[],
  timeline: Timeline | undefined,
): string {
  if (timeline === undefined) return 'not there';
  const problems = unmet({ ...scenario, events: [], expect: wishes }, timeline);
  const figures = wishes.flatMap(wish => figure(wish, timeline) ?? []);
  const numbers = figures.length === 0 ? '' : ` (${figures.join(', ')})`;
  if (problems.length === 0) return `yes${numbers}`;
  return figures.length === 0 ? `no: ${problems[0] ?? ''}` : `no${numbers}`;
}

/** The rows of the table, without its head: test, check, and a cell for each column. */
export function tableRows(scenarios: readonly Scenario[], columns: readonly Column[]): string[][] {
  return LACP_SELFTESTS.flatMap(({ file, scenarios: names }) =>
    names.flatMap(name => {
      const scenario = scenarios.find(each => each.name === name);
      if (scenario === undefined) throw new Error(`There is no scenario ${name}`);
      return Array.from(checksOf(scenario), ([check, wishes]) => [
        `\`${file.split('/').at(-1) ?? file}\``,
        `\`${name}\``,
        check,
        ...columns.map(({ timelines }) => outcome(scenario, wishes, timelines.get(name))),
      ]);
    }),
  );
}

/** As a table of Markdown. */
export function tableText(scenarios: readonly Scenario[], columns: readonly Column[]): string {
  const head = ['selftest', 'scenario', 'what is checked', ...columns.map(({ name }) => name)];
  const lines = [head, head.map(() => '---'), ...tableRows(scenarios, columns)];
  return `${lines.map(cells => `| ${cells.join(' | ')} |`).join('\n')}\n`;
}
