// Random scenarios for fast-check: chosen by a seed of the simulator's own generator, shrunk as scenarios are.
import * as fc from 'fast-check';
import { randomScenario, type Scenario, smallerScenarios } from '../../src/simulator/index.js';

class ScenarioArbitrary extends fc.Arbitrary<Scenario> {
  override generate(random: fc.Random): fc.Value<Scenario> {
    return new fc.Value(randomScenario(random.nextInt(1, 0x7fff_ffff)), undefined);
  }

  override canShrinkWithoutContext(value: unknown): value is Scenario {
    return typeof value === 'object' && value !== null;
  }

  override shrink(scenario: Scenario): fc.Stream<fc.Value<Scenario>> {
    return fc.stream(smallerScenarios(scenario)).map(smaller => new fc.Value(smaller, undefined));
  }
}

/** Any scenario that `randomScenario` can make. */
export function anyScenario(): fc.Arbitrary<Scenario> {
  return new ScenarioArbitrary();
}
