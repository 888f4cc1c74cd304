// What users are told when one setting of a monitor takes another one away, or does nothing by itself.
import { expect, test } from 'vitest';
import { Bench } from '../testing.js';

const ASKING = { miimon: 0, arp_interval: 100, arp_ip_target: '192.0.2.9' };
const warnings = (bench: Bench): string[] =>
  bench.events('option').flatMap(({ severity, message }) => (severity === 'warning' ? [message] : []));

test('miimon ends the ARP monitor, and arp_interval the MII monitor: both are said', () => {
  const bench = new Bench({ ...ASKING, arp_validate: 'all' });
  bench.forget();
  expect(bench.set('miimon', 100)).toBe(null);
  expect(bench.bond.snapshot().options).toMatchObject({ arp_interval: 0, arp_validate: 'none' });
  expect(warnings(bench)).toEqual([
    'bond0 has the MII monitor alone now: miimon ended the ARP monitor; for both, set link_watch=any and then arp_interval',
  ]);
  bench.forget();
  expect(bench.set('arp_interval', 100)).toBe(null);
  expect(bench.bond.snapshot().options).toMatchObject({ miimon: 0 });
  expect(warnings(bench)).toEqual([
    'bond0 has the ARP monitor alone now: arp_interval ended the MII monitor; for both, set link_watch=any and then miimon',
  ]);
});

test('a mode without an ARP monitor ends it, and says so', () => {
  const bench = new Bench(ASKING);
  bench.forget();
  expect(bench.set('mode', 'balance-tlb')).toBe(null);
  expect(bench.bond.snapshot().options).toMatchObject({ arp_interval: 0, miimon: 100 });
  expect(warnings(bench)).toEqual([
    'bond0 has the MII monitor alone now: mode=balance-tlb has no ARP monitor without link_watch',
  ]);
});

test.each([
  [
    { link_watch: 'all' },
    [
      'link_watch=all of bond0 joins two monitors, and not both are on: arp_interval and arp_ip_target must be set too',
    ],
  ],
  [
    { ...ASKING, link_watch: 'any' },
    ['link_watch=any of bond0 joins two monitors, and not both are on: miimon must be set too'],
  ],
  [
    { passive_evidence: 1 },
    [
      'passive_evidence=1 of bond0 does nothing without link_watch; set link_watch=any, miimon and arp_interval',
    ],
  ],
  [{ ...ASKING, miimon: 100, link_watch: 'any', passive_evidence: 1 }, []],
  [{}, []],
])('a bond that is created with %j: %j', (options, said) => {
  expect(warnings(new Bench(options))).toEqual(said);
});
