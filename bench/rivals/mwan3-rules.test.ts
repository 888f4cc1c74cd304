import { expect, test } from 'vitest';
import { type MarkedLine, markRules } from './mwan3-rules.js';

function line(id: number, isOn: boolean): MarkedLine {
  return { id, device: `wan${id - 1}`, address: `100.64.${id}.2`, isOn };
}

function choices(lines: readonly MarkedLine[]): string[] {
  const rules = markRules('ipv4', lines, ['192.168.9.0/24']).split('\n');
  return rules
    .map(rule => rule.trim())
    .filter(rule => /^meta mark and 0xff00 == 0 meta mark set 0x\w+$/.test(rule));
}

test('new connections get the mark of the first line that is on, in both chains', () => {
  expect(choices([line(1, true), line(2, true)])).toEqual(
    Array(2).fill('meta mark and 0xff00 == 0 meta mark set 0x100'),
  );
  expect(choices([line(1, false), line(2, true)])).toEqual(
    Array(2).fill('meta mark and 0xff00 == 0 meta mark set 0x200'),
  );
  expect(choices([line(1, false), line(2, false)])).toEqual([]);
});

test('connections keep their mark before anything else is looked at, also that of a line that is off', () => {
  const text = markRules('ipv6', [line(1, false)], ['fd00:9::/64']);
  expect(text).toContain('table ip6 mwan3');
  const [, chain = ''] = text.split('chain prerouting {');
  expect(chain.split('\n')[2]?.trim()).toBe('meta mark and 0xff00 == 0 meta mark set ct mark and 0xff00');
  expect(text).toContain('oifname "wan0" masquerade');
});
