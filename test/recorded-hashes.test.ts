// The member that the driver chose for each of the recorded frames is the one that the hash chooses, in TypeScript and in eBPF.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ProgramBench } from '../src/dataplane/ebpf/testing.js';
import { Toolbox } from '../src/dataplane/ebpf/toolbox.js';
import { HASH_POLICIES, type HashPolicy, transmitHash } from '../src/policy/index.js';

/** test/golden/hash-vectors.json; its `source` and `note` say how it was recorded. */
interface Recorded {
  readonly vectors: readonly {
    readonly policy: HashPolicy;
    readonly kind: string;
    /** 0: no tag. */
    readonly vlanTagId: number;
    readonly usableSlaves: number;
    /** Position of the member that the driver sent by. */
    readonly index: number;
    readonly frameHex: string;
  }[];
}

const { vectors } = JSON.parse(
  readFileSync(new URL('golden/hash-vectors.json', import.meta.url), 'utf8'),
) as Recorded;

test('the driver was recorded with every policy', () => {
  expect(new Set(vectors.map(({ policy }) => policy))).toEqual(new Set(HASH_POLICIES));
});

type HashOf = (policy: HashPolicy, frame: Uint8Array, vlanTci: number) => number;

function holds(policy: HashPolicy, hashOf: HashOf): void {
  const chosen = vectors.filter(vector => vector.policy === policy);
  const others = chosen.filter(({ frameHex, vlanTagId, usableSlaves, index }) => {
    const frame = Buffer.from(frameHex, 'hex');
    return hashOf(policy, frame, vlanTagId) % usableSlaves !== index;
  });
  expect(others).toEqual([]);
  expect(chosen.length).toBeGreaterThan(70);
}

test.each(HASH_POLICIES)('%s chooses as the recorded driver did', policy => {
  holds(policy, transmitHash);
});

test.runIf(process.getuid?.() === 0)('the programs choose as the recorded driver did', () => {
  const bench = ProgramBench.open(Toolbox.probe(), 0);
  try {
    for (const policy of HASH_POLICIES)
      holds(policy, (_policy, frame, vlanTci) => bench.hash(policy, { frame, vlanTci }));
  } finally {
    bench.close();
  }
});
