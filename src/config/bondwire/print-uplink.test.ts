// `uplinks:` as it is printed: reading it gives the settings back, whatever they are.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkSettings,
  DEFAULT_TARGETS,
  DEFAULT_TIMING,
  type LineSettings,
  type UplinkRule,
  type UplinkSettings,
} from '../../uplinks/index.js';
import { parseBondwireYaml, printBondwireYaml } from './bondwire-yaml.js';

const NAMES = ['fibre', 'dsl', 'lte', 'yes', 'null', 'on', 'a.b-c_d', 'e1'] as const;
const some = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { nil: null });
const ipv4 = fc.ipV4().filter(text => !/(?:^|\.)0\d/.test(text));
const ipv6 = fc.constantFrom('2001:db8::1', 'fe80::1', '2001:db8:53::53', 'fd00::5');

const nat = fc.record({
  ipv4: fc.constantFrom({ kind: 'none' } as const, { kind: 'masquerade' } as const),
  ipv6: fc.constantFrom(
    { kind: 'none' } as const,
    { kind: 'masquerade' } as const,
    { kind: 'prefix', inside: 'fd00:9::/64', outside: '2001:db8:11::/64' } as const,
  ),
});

const line: fc.Arbitrary<Omit<LineSettings, 'name' | 'device'>> = fc.record({
  gateway: fc.record({ ipv4: some(ipv4), ipv6: some(ipv6) }),
  nat,
  metered: fc.boolean(),
  budget: some(
    fc.record({ bytes: fc.integer({ min: 1, max: 1e13 }), resetDay: some(fc.integer({ min: 1, max: 31 })) }),
  ),
  weight: fc.integer({ min: 0, max: 1000 }),
  targets: fc.record({
    ipv4: fc.oneof(fc.constant(DEFAULT_TARGETS.ipv4), fc.array(ipv4, { minLength: 2, maxLength: 4 })),
    ipv6: fc.oneof(fc.constant(DEFAULT_TARGETS.ipv6), fc.array(ipv6, { minLength: 2, maxLength: 4 })),
  }),
  dns: fc.array(fc.constantFrom('192.0.2.53', '192.0.2.53:5353', '[2001:db8::53]:53'), { maxLength: 2 }),
  http: some(
    fc.record({
      url: fc.constantFrom('http://192.0.2.80/ok', 'http://example.org/', 'http://[2001:db8::1]:8080/x?y=#z'),
      status: fc.constantFrom(200, 204, 404),
      body: fc.string({ maxLength: 20 }).map(text => text.trim()),
    }),
  ),
  tcp: some(fc.constantFrom('192.0.2.1:443', '[2001:db8::1]:443')),
});

const range = (least: number, most: number): fc.Arbitrary<readonly [number, number]> =>
  fc
    .tuple(fc.integer({ min: least, max: most }), fc.integer({ min: least, max: most }))
    .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);

/** Keys that are absent are absent, not undefined. */
function ruleOf(lines: readonly string[]): fc.Arbitrary<UplinkRule> {
  const match = fc.record(
    {
      from: fc.constantFrom('192.168.9.0/24', '10.0.0.1/32', '0.0.0.0/0'),
      protocol: fc.constantFrom('tcp' as const, 'udp' as const),
      sourcePorts: range(1, 65_535),
      destinationPorts: range(1, 65_535),
      dscp: fc.integer({ min: 0, max: 63 }),
      incoming: fc.constantFrom('eth0', 'br-lan', 'on'),
      uids: range(0, 70_000),
    },
    { requiredKeys: ['dscp'] },
  );
  return fc.oneof(
    fc.record(
      {
        match,
        use: fc.subarray([...lines], { minLength: 1 }),
        otherwise: fc.constantFrom('drop' as const, 'selected' as const),
        keepTcpMs: fc.integer({ min: 0, max: 1e7 }),
      },
      { requiredKeys: ['match', 'use', 'otherwise'] },
    ),
    fc.record({
      match,
      otherwise: fc.constant('selected' as const),
      keepTcpMs: fc.integer({ min: 0, max: 1e7 }),
    }),
  );
}

const time = (least: number): fc.Arbitrary<number> => fc.integer({ min: least, max: 86_400_000 });

const settings: fc.Arbitrary<UplinkSettings> = fc
  .subarray([...NAMES], { minLength: 1, maxLength: 4 })
  .chain(names =>
    fc.record({
      name: fc.constantFrom('office', 'true', 'uplink0'),
      lines: fc.tuple(...names.map(() => line), nat, fc.boolean()).map(all => {
        const isShared = all.at(-1) as boolean;
        const shared = all.at(-2) as LineSettings['nat'];
        return names.map((name, at): LineSettings => {
          const own = all[at] as Omit<LineSettings, 'name' | 'device'>;
          return {
            ...own,
            name,
            device: `${at === 1 ? 'ppp' : 'eth'}${at}`,
            ...(isShared && { nat: shared }),
          };
        });
      }),
      mode: fc.constantFrom('failover' as const, 'share' as const),
      sticky: fc.constantFrom('client' as const, 'flow' as const),
      rules: fc.array(ruleOf(names), { maxLength: 3 }),
      markMask: fc.constantFrom(0x3f00_0000, 0xff00, 0xfc00_0000, 0x3f00),
      clampMss: fc.boolean(),
      return: some(fc.record({ afterMs: time(0), at: some(fc.integer({ min: 0, max: 1439 })) })),
      timing: fc
        .record({
          intervalMs: fc.oneof(fc.constant(DEFAULT_TIMING.intervalMs), time(20)),
          meteredIntervalMs: time(1000),
          silenceMs: time(100),
          silenceWithTrafficMs: time(100),
          lossLeave: fc.integer({ min: 0, max: 99 }),
          lossEnter: fc.integer({ min: 1, max: 100 }),
          latencyEnterMs: time(10),
          dnsIntervalMs: time(500),
          httpIntervalMs: time(500),
          appTimeoutMs: fc.oneof(fc.constant(DEFAULT_TIMING.appTimeoutMs), time(50)),
        })
        .filter(
          ({ lossLeave, lossEnter, silenceMs, intervalMs }) =>
            lossLeave < lossEnter && silenceMs >= 4 * intervalMs,
        ),
    }),
  );

describe('uplinks: as it is printed', () => {
  it('gives the same settings when it is read', () => {
    fc.assert(
      fc.property(settings, uplink => {
        fc.pre(checkSettings(uplink).ok);
        const text = printBondwireYaml([], ['Made by a test.'], uplink);
        const again = parseBondwireYaml({ path: 'bondwire.yaml', text });
        expect(again.findings, text).toEqual([]);
        expect(again.uplink).toEqual(uplink);
      }),
      { numRuns: 100 },
    );
  });

  it('leaves out what is the default, and has lines and rules in one line each', () => {
    const text = `version: 1
uplinks:
  office:
    lines:
      fibre: {device: eth1}
      dsl: {device: ppp0, metered: true, budget: {gb: 50, reset: 1}}
    nat: masquerade
    rules:
      - {match: {dport: 22}, existing: {tcp: keep 10s}}
      - {match: {from: 192.168.9.40/29}, use: [fibre], else: drop}
`;
    const { uplink, findings } = parseBondwireYaml({ path: 'bondwire.yaml', text });
    expect(findings).toEqual([]);
    expect(printBondwireYaml([], [], uplink)).toBe(text);
  });

  it('stands beside bonds', () => {
    const text = `version: 1
bonds:
  bond0:
    options:
      mode: active-backup
uplinks:
  office:
    lines:
      both: {device: bond0}
`;
    const { bonds, uplink } = parseBondwireYaml({ path: 'bondwire.yaml', text });
    expect(printBondwireYaml(bonds, [], uplink)).toBe(text);
  });
});
