import { describe, expect, test } from 'vitest';
import { canonicalValue, checkOptions } from './check-options.js';

const AB = [
  ['mode', 'active-backup'],
  ['miimon', '100'],
] as const;

describe('checkOptions()', () => {
  test('has nothing against options that a bond takes, in whatever order', () => {
    expect(checkOptions('bond0', [['updelay', '200'], ...AB.toReversed()])).toEqual({
      problems: [],
      warnings: [],
    });
  });

  test('tells of each wrong option at its position, and goes on with the others', () => {
    const { problems } = checkOptions('bond0', [
      ['miimon', 'soon'],
      ['mode', '1'],
      ['colour', 'red'],
      ['lacp_rate', 'fast'],
      ['num_grat_arp', '3'],
    ]);
    expect(
      problems.toSorted((a, b) => Number(a.at) - Number(b.at)).map(({ at, refusal }) => [at, refusal.code]),
    ).toEqual([
      [0, 'invalid-value'],
      [2, 'unknown-option'],
      [3, 'wrong-mode'],
    ]);
  });

  test('gives the warnings of the engine', () => {
    expect(checkOptions('bond0', [['mode', '1']]).warnings).toEqual([
      { at: null, message: expect.stringMatching(/watches no links/) as string },
    ]);
    expect(checkOptions('bond0', [...AB, ['updelay', '155']]).warnings).toEqual([
      { at: AB.length, message: expect.stringMatching(/rounded to 100 ms\.$/) as string },
    ]);
    expect(checkOptions('bond0', [['passive_evidence', '1'], ...AB]).warnings).toEqual([
      { at: 0, message: expect.stringMatching(/^passive_evidence=1 of bond0 does nothing/) as string },
    ]);
  });

  test('options of members are tried with the members joined', () => {
    const members = ['eth0', 'eth1'];
    expect(
      checkOptions('bond0', [...AB, ['active_slave', 'eth1'], ['prio', 'eth0:5']], members).problems,
    ).toEqual([]);
    const { problems } = checkOptions(
      'bond0',
      [...AB, ['active_slave', 'eth2'], ['prio', 'eth0:high']],
      members,
    );
    expect(problems.map(({ at }) => at)).toEqual([2, 3]);
  });
});

describe('canonicalValue()', () => {
  test.each([
    ['mode', '1', 'active-backup'],
    ['mode', ' 802.3ad\n', '802.3ad'],
    ['miimon', '0100', '100'],
    ['num_grat_arp', 'default', '1'],
    ['miimon', 'soon', 'soon'],
    ['primary', ' eth0 ', 'eth0'],
    ['colour', 'red', 'red'],
  ])('%s=%j is written %s', (name, text, canonical) => {
    expect(canonicalValue(name, text)).toBe(canonical);
  });
});
