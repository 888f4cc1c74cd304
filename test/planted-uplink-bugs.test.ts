// Bugs planted in the policy of uplinks, one at a time: each must be caught, and the table says by what.
import { describe, expect, it } from 'vitest';
import {
  randomUplink,
  simulateUplink,
  type UplinkMaker,
  type UplinkRule,
  unmetOfUplink,
} from '../src/simulator/index.js';
import * as broken from './support/broken-uplinks.js';
import { uplinkScenario } from './support/uplink-scenarios.js';

const MOST_SEEDS = 60;

interface Plant {
  readonly bug: string;
  readonly maker: UplinkMaker;
  /** A stored scenario whose expectations are not kept, or that breaks the rule. */
  readonly scenario: string;
  /** The rule that is broken there, and in random uplinks; absent: expectations alone see it. */
  readonly rule?: UplinkRule;
}

const PLANTS: readonly Plant[] = [
  {
    bug: 'flows are ended before the kernel is steered',
    maker: broken.flushFirst,
    scenario: 'ipv6-alone',
    rule: 'steer-first',
  },
  { bug: 'flows are never ended', maker: broken.neverFlushes, scenario: 'translated-prefix' },
  {
    bug: 'running flows stay with a dead line',
    maker: broken.flowsStay,
    scenario: 'ipv6-alone',
    rule: 'no-stranding',
  },
  {
    bug: 'the fault of a standby ends flows of the selected line',
    maker: broken.standbyEndsFlows,
    scenario: 'standby-faults',
    rule: 'untouched',
  },
  {
    bug: 'a line is taken for good unheard',
    maker: broken.unprovenIsGood,
    scenario: 'both-dead',
    rule: 'proven',
  },
  {
    bug: 'a silent line is waited for too long',
    maker: broken.tooPatient,
    scenario: 'ipv6-alone',
    rule: 'no-stranding',
  },
  {
    bug: 'a line that is back is gone back to at once',
    maker: broken.returnsAtOnce,
    scenario: 'silent-line',
  },
  {
    bug: 'a line is selected twice',
    maker: broken.twiceSelected,
    scenario: 'ipv6-alone',
    rule: 'one-selected',
  },
  {
    bug: 'a new daemon remembers nothing',
    maker: broken.forgetful,
    scenario: 'killed-and-back',
    rule: 'adoption',
  },
  {
    bug: 'IPv6 goes wherever IPv4 goes',
    maker: broken.familiesAsOne,
    scenario: 'ipv6-alone',
    rule: 'no-stranding',
  },
  {
    bug: 'flows are ended with nowhere to go',
    maker: broken.flushesForNothing,
    scenario: 'both-dead',
    rule: 'untouched',
  },
  { bug: 'a portal is taken for the internet', maker: broken.portalIsGood, scenario: 'portal' },
  { bug: 'nobody counts what a metered line uses up', maker: broken.uncounted, scenario: 'metered-lte' },
];

function rulesBrokenIn(seed: number, maker: UplinkMaker): UplinkRule[] {
  return simulateUplink(randomUplink(seed), { seed, maker }).violations.map(({ rule }) => rule);
}

describe('planted bugs of uplinks', () => {
  it.each(PLANTS)('$bug: caught by a stored scenario', ({ maker, scenario, rule }) => {
    const stored = uplinkScenario(scenario);
    const simulated = simulateUplink(stored, { maker });
    const rules = simulated.violations.map(each => each.rule);
    if (rule === undefined) expect(unmetOfUplink(stored, simulated)).not.toEqual([]);
    else expect(rules).toContain(rule);
  });

  it.each(PLANTS.filter(({ rule }) => rule !== undefined))(
    `$bug: caught within ${MOST_SEEDS} random uplinks`,
    ({ maker, rule }) => {
      const seeds = Array.from({ length: MOST_SEEDS }, (_, at) => at + 1);
      expect(seeds.some(seed => rulesBrokenIn(seed, maker).some(each => each === rule))).toBe(true);
    },
  );

  it('are not seen where there is none', () => {
    for (const name of ['ipv6-alone', 'killed-and-back']) {
      const stored = uplinkScenario(name);
      const simulated = simulateUplink(stored, { maker: broken.untouched });
      expect([unmetOfUplink(stored, simulated), simulated.violations]).toEqual([[], []]);
    }
  });
});
