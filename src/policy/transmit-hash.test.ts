// The member that the driver chose for each of the recorded frames is the one that the hash chooses.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { HASH_POLICIES, type HashPolicy, transmitHash } from './transmit-hash.js';

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
  readFileSync(new URL('../../test/golden/hash-vectors.json', import.meta.url), 'utf8'),
) as Recorded;

test('the driver was recorded with every policy', () => {
  expect(new Set(vectors.map(({ policy }) => policy))).toEqual(new Set(HASH_POLICIES));
});

test.each(HASH_POLICIES)('%s chooses as the recorded driver did', policy => {
  const chosen = vectors.filter(vector => vector.policy === policy);
  const others = chosen.filter(({ frameHex, vlanTagId, usableSlaves, index }) => {
    const hash = transmitHash(policy, Buffer.from(frameHex, 'hex'), vlanTagId);
    return hash % usableSlaves !== index;
  });
  expect(others).toEqual([]);
  expect(chosen.length).toBeGreaterThan(70);
});
