// The page docs/selftests.md: its checks are those of the stored scenarios, its columns of the driver what was recorded, and Bondwire
// keeps all of them, in the simulation and on the page.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { checksOf, type Column, LACP_SELFTESTS, outcome, tableRows } from '../scripts/selftest-table.js';
import { parseScenario, type Scenario, simulate, type Timeline } from '../src/simulator/index.js';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const stored = readdirSync(at('scenarios')).map((file): Scenario => {
  const parsed = parseScenario(readFileSync(at(`scenarios/${file}`), 'utf8'));
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
});
const named = LACP_SELFTESTS.flatMap(({ scenarios }) => scenarios);

function recorded(kernel: string): Column {
  const timelines = JSON.parse(
    readFileSync(at(`golden/timelines/driver-${kernel}.json`), 'utf8'),
  ) as Timeline[];
  return { name: kernel, timelines: new Map(timelines.map(each => [each.scenario, each])) };
}

function pageRows(): string[][] {
  const [, table = ''] = readFileSync(at('../docs/selftests.md'), 'utf8').split('<!-- table -->');
  const lines = table.split('\n').filter(line => line.startsWith('| `'));
  return lines.map(line => line.slice(2, -2).split(' | '));
}

describe('the kernel’s tests of LACP', () => {
  test('are scenarios that say what they check, each in one test', () => {
    const checking = stored.filter(scenario => checksOf(scenario).size > 0).map(({ name }) => name);
    expect(named.toSorted()).toEqual(checking.toSorted());
  });

  test('hold in the simulation', () => {
    for (const scenario of stored.filter(({ name }) => named.includes(name))) {
      const simulated = simulate(scenario);
      if (!simulated.ok) throw new Error(simulated.error);
      for (const [check, wishes] of checksOf(scenario))
        expect([check, outcome(scenario, wishes, simulated.value.timeline)]).toEqual([
          check,
          expect.stringMatching(/^yes/),
        ]);
    }
  });

  test('have on the page what the driver was seen to do, and that Bondwire keeps all', () => {
    const rows = pageRows();
    expect(rows.map(cells => cells.slice(0, 4))).toEqual(tableRows(stored, [recorded('6.12')]));
    for (const cells of rows) for (const cell of cells.slice(4)) expect(cell).toMatch(/^yes/);
    expect(rows[0]?.length).toBeGreaterThan(4);
  });
});

describe('outcome()', () => {
  const scenario = stored.find(({ name }) => name === 'lacp-passive');
  if (scenario === undefined) throw new Error('There is no lacp-passive');
  const simulated = simulate(scenario);
  if (!simulated.ok) throw new Error(simulated.error);
  const { timeline } = simulated.value;

  test('is no, with the figures, where a limit is not kept', () => {
    const wish = {
      of: 'active/eth0',
      property: 'lacpdus',
      atMs: 84_000,
      sinceMs: 80_000,
      atMost: 1,
    } as const;
    expect(outcome(scenario, [wish], timeline)).toMatch(/^no \([34]\)$/);
  });

  test('is no, with the reason, where a value is another one, and says where nothing was run', () => {
    const wish = { of: 'active/eth0', property: 'actor-flags', atMs: 84_000, is: 'A' } as const;
    expect(outcome(scenario, [wish], timeline)).toBe(
      'no: active/eth0 actor-flags: is "ATGSCD" at 84000 ms, expected "A"',
    );
    expect(outcome(scenario, [wish], undefined)).toBe('not there');
  });
});
