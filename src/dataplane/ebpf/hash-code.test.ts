// The hash that the programs compute is the one of src/policy, over random frames of every kind; `npm run test:hash` does a million.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HASH_POLICIES, transmitHash } from '../../policy/index.js';
import { randomFrame, randomNumbers } from './random-frames.js';
import { ProgramBench } from './testing.js';
import { Toolbox } from './toolbox.js';

const FRAMES = Number(process.env['BONDWIRE_HASH_FRAMES'] ?? 20_000);

describe.runIf(process.getuid?.() === 0)('hash code', () => {
  let bench: ProgramBench;
  beforeAll(() => {
    bench = ProgramBench.open(Toolbox.probe(), 0);
  });
  afterAll(() => bench.close());

  it.each(HASH_POLICIES.map((policy, nth) => [policy, nth] as const))(
    '%s, as TypeScript has it',
    (policy, nth) => {
      const next = randomNumbers(1000 + nth);
      const different = new Set<number>();
      for (let i = 0; i < FRAMES / HASH_POLICIES.length; i++) {
        const random = randomFrame(next);
        const expected = transmitHash(policy, random.frame, random.vlanTci);
        const seen = bench.hash(policy, random);
        different.add(seen);
        if (seen !== expected)
          expect.fail(`${Buffer.from(random.frame).toString('hex')}: ${seen}, not ${expected}`);
      }
      expect(different.size).toBeGreaterThan(1000);
      console.log(
        `${policy}: ${Math.ceil(FRAMES / HASH_POLICIES.length)} frames, ${different.size} hashes, no difference`,
      );
    },
  );
});
