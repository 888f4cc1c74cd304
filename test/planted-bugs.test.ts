// Bugs planted in the policy, one at a time: each must be caught, and the table says by what.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  parseScenario,
  type PolicyMaker,
  randomScenario,
  type Rule,
  type Scenario,
  simulate,
  unmet,
} from '../src/simulator/index.js';
import { crashEverywhere } from '../src/simulator/crash.js';
import { DEEDS } from '../src/simulator/deeds.js';
import { BROKEN_KEEPERS } from './support/broken-keepers.js';
import {
  addressNotRestored,
  carrierStays,
  firstGarpLost,
  garpLost,
  twoActive,
  untouched,
  updelayOff,
} from './support/broken-policies.js';

const ROOT = fileURLToPath(new URL('scenarios', import.meta.url));
const stored = readdirSync(ROOT).flatMap((name): Scenario[] => {
  const parsed = parseScenario(readFileSync(`${ROOT}/${name}`, 'utf8'));
  return parsed.ok ? [parsed.value] : [];
});

interface Caught {
  /** Scenarios whose expectations are not kept. */
  readonly scenarios: ReadonlySet<string>;
  /** Rules that are broken in stored scenarios. */
  readonly rules: ReadonlySet<Rule>;
}

function runAll(policies: PolicyMaker): Caught {
  const scenarios = new Set<string>();
  const rules = new Set<Rule>();
  for (const scenario of stored) {
    const simulated = simulate(scenario, { policies });
    if (!simulated.ok || unmet(scenario, simulated.value.timeline).length > 0) scenarios.add(scenario.name);
    if (simulated.ok) for (const { rule } of simulated.value.violations) rules.add(rule);
  }
  return { scenarios, rules };
}

/** How many random scenarios it takes until a checker sees it. */
function seedsUntilCaught(policies: PolicyMaker): number | null {
  for (let seed = 1; seed <= 100; seed++) {
    const simulated = simulate(randomScenario(seed), { policies, seed });
    if (simulated.ok && simulated.value.violations.length > 0) return seed;
  }
  return null;
}

interface Plant {
  readonly bug: string;
  readonly policies: PolicyMaker;
  /** Stored scenarios that must fail. */
  readonly scenarios: readonly string[];
  /** Rules of the checkers that must be broken. */
  readonly rules: readonly Rule[];
}

const PLANTS: readonly Plant[] = [
  { bug: 'updelay is one tick too short', policies: updelayOff(-1), scenarios: ['updelay'], rules: [] },
  { bug: 'updelay is one tick too long', policies: updelayOff(1), scenarios: ['updelay'], rules: [] },
  { bug: 'two active members for one tick', policies: twoActive, scenarios: [], rules: ['one-active'] },
  {
    bug: 'MAC not restored',
    policies: addressNotRestored,
    scenarios: ['bond-mac', 'release-all'],
    rules: ['restored'],
  },
  {
    bug: 'carrier up with all members failed',
    policies: carrierStays,
    scenarios: ['downdelay-all-fail', 'power-cut', 'single-member', 'all-lost-first-back'],
    rules: ['carrier-truth'],
  },
  {
    bug: 'gratuitous ARP lost',
    policies: garpLost,
    // Not fail-over-mac-active: a host that changes its address asks for its neighbours anew, and is learnt by that.
    scenarios: ['failover', 'garps-10', 'garps-30'],
    rules: ['peers-told'],
  },
  {
    bug: 'the first gratuitous ARP lost',
    policies: firstGarpLost,
    scenarios: ['garps-10', 'garps-20', 'garps-30'],
    rules: ['peers-told'],
  },
];

describe('planted bugs', () => {
  it.each(PLANTS)('$bug: caught by stored scenarios', ({ policies, scenarios, rules }) => {
    const caught = runAll(policies);
    expect(scenarios.filter(name => !caught.scenarios.has(name))).toEqual([]);
    expect(rules.filter(rule => !caught.rules.has(rule))).toEqual([]);
  });

  it.each(PLANTS.filter(plant => plant.rules.length > 0))(
    '$bug: caught within 100 random scenarios',
    ({ policies }) => {
      expect(seedsUntilCaught(policies)).not.toBeNull();
    },
  );

  it('are nowhere to be found in the policy as it is', () => {
    expect(seedsUntilCaught(untouched)).toBeNull();
  });
});

describe('bugs planted in what keeps a bond', () => {
  const options = { mode: 'active-backup', miimon: '100' };

  it.each(BROKEN_KEEPERS)('%s: caught by daemons that die', (_, plant) => {
    const isCaught = DEEDS.some(deed => {
      try {
        return crashEverywhere({ ...deed, options }, plant).violations.length > 0;
      } catch {
        // The keeper itself finds no way on.
        return true;
      }
    });
    expect(isCaught).toBe(true);
  });
});
