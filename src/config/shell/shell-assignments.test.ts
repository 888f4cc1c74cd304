import { describe, expect, test } from 'vitest';
import { shellAssignments } from './shell-assignments.js';

function values(text: string): Record<string, string> {
  return Object.fromEntries(shellAssignments(text).assignments.map(({ name, value }) => [name, value]));
}

describe('shellAssignments()', () => {
  test.each([
    ['A=b', 'b'],
    ['A="b c"', 'b c'],
    ['A=\'b "c" $d\'', 'b "c" $d'],
    ['A=b\\ c', 'b c'],
    ['A="b\\"c\\\\d\\e"', 'b"c\\d\\e'],
    ['A=b"c"\'d\'', 'bcd'],
    ['A=b # comment', 'b'],
    ['A=b#c', 'b#c'],
    ['A=', ''],
    ['A="one\\\ntwo"', 'onetwo'],
    ['A="one\ntwo"', 'one\ntwo'],
    ['A=one\\\ntwo', 'onetwo'],
    ['export A=b', 'b'],
    ['X=y; A=$X${X}z', 'yyz'],
    ["X=y; A='$X'", '$X'],
    ['A=$', '$'],
    ['A=b\r\n', 'b'],
  ])('%j sets A to %j', (text, value) => {
    expect(values(text)['A']).toBe(value);
    expect(shellAssignments(text).problems).toEqual([]);
  });

  test('gives the line of each name, also after values of several lines', () => {
    const { assignments } = shellAssignments('# one\n\nA="x\ny"\nB=1\n  C=2');
    expect(assignments.map(({ name, line }) => [name, line])).toEqual([
      ['A', 3],
      ['B', 5],
      ['C', 6],
    ]);
  });

  test.each([
    ['A=$(date)', /would have to be run/],
    ['A=`date`', /would have to be run/],
    ['A=b && rm -rf /', /nothing is run here/],
    ['A="b', /not closed/],
    ['A=$UNSET', /does not set \$UNSET/],
    ['. /etc/sysconfig/network', /nothing is run here/],
  ])('%j is reported, not run', (text, message) => {
    expect(
      shellAssignments(text)
        .problems.map(each => each.message)
        .join(' '),
    ).toMatch(message);
  });

  test('values that double themselves do not grow without end', () => {
    const text = `A=xxxxxxxxxxxxxxxx\n${'A=$A$A\n'.repeat(60)}`;
    expect((values(text)['A'] ?? '').length).toBeLessThan(1024 * 1024);
  });
});
