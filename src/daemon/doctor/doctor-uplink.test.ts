// What doctor says of an uplink, by facts made by hand.
import { describe, expect, it } from 'vitest';
import { AF_INET, type Rule } from '../../netlink/index.js';
import { PROTOCOL, Uplink } from '../../uplinks/index.js';
import { lineOf, pathOf, settingsOf } from '../../uplinks/testing.js';
import type { ShowUplink } from '../api/uplink-api.js';
import { type UplinkFacts, uplinkFindings } from './doctor-uplink.js';

const FACTS: UplinkFacts = {
  rpFilter: () => ({ all: '0', own: '2' }),
  forwards: { ipv4: true, ipv6: true },
  rules: [],
  markMask: 0x3f00_0000,
  hidesOthers: true,
};

/** An uplink of two lines, `fibre` with a device and a path in IPv4, `dsl` as told. */
function uplink(change: { readonly dsl?: 'no device' | 'no path' } = {}): ShowUplink {
  const policy = new Uplink();
  policy.handle({ kind: 'settings', settings: settingsOf([lineOf('fibre'), lineOf('dsl')]) }, 0);
  for (const line of [1, 2]) {
    const isMissing = line === 2 && change.dsl === 'no device';
    policy.handle({ kind: 'device', line, device: isMissing ? null : { ifindex: line, carrier: true } }, 0);
    if (line === 2 && change.dsl !== undefined) continue;
    policy.handle({ kind: 'path', line, family: 'ipv4', path: pathOf('ipv4', line) }, 0);
  }
  const shown = policy.snapshot(10);
  if (shown === null) throw new Error('The uplink has settings, and no snapshot');
  return shown;
}

function said(shown: ShowUplink, facts: Partial<UplinkFacts> = {}): string {
  return uplinkFindings(shown, { ...FACTS, ...facts })
    .map(
      ({ level, name, detail, fix }) => `${level} ${name}: ${detail}${fix === undefined ? '' : ` | ${fix}`}`,
    )
    .join('\n');
}

const RULE: Rule = {
  family: AF_INET,
  destinationLength: 0,
  sourceLength: 0,
  tos: 0,
  action: 1,
  flags: 0,
  other: [],
  tableNumber: 100,
  suppressPrefixLength: 0xffff_ffff,
  preference: 5000,
};

describe('doctor on an uplink', () => {
  it('tells of lines that cannot be used, and why', () => {
    expect(said(uplink({ dsl: 'no device' }))).toContain('problem dsl: there is no device dsl0');
    expect(said(uplink({ dsl: 'no path' }))).toContain(
      'problem dsl: dsl0 has no address with a known gateway.',
    );
    expect(said(uplink())).toContain('warning office: no line is proven yet in ipv4');
    expect(said(uplink())).not.toContain('ipv6');
  });

  it('strict filtering counts where neither number is 2', () => {
    const strict = (all: string, own: string): boolean =>
      said(uplink(), { rpFilter: () => ({ all, own }) }).includes('rp_filter is 1');
    expect([strict('1', '0'), strict('0', '1'), strict('1', '1')]).toEqual([true, true, true]);
    expect([strict('0', '0'), strict('1', '2'), strict('2', '1')]).toEqual([false, false, false]);
    expect(said(uplink(), { rpFilter: () => ({ all: '1', own: '1' }) })).toContain(
      '| sysctl -w net.ipv4.conf.fibre0.rp_filter=2',
    );
  });

  it('rules of others: with bits of our mark, and those that take all packets before', () => {
    const marked = { ...RULE, mark: 0x0100_0000, markMask: 0x0f00_0000 };
    expect(said(uplink(), { rules: [marked] })).toContain(
      'goes by bits of the packet mark that are the uplink',
    );
    expect(said(uplink(), { rules: [{ ...marked, markMask: 0xff_0000 }] })).not.toContain(
      'bits of the packet mark',
    );
    expect(said(uplink(), { rules: [RULE] })).toContain('sends all packets to table 100');
    for (const harmless of [
      { ...RULE, preference: 0 },
      { ...RULE, preference: 32_766 },
      { ...RULE, source: '10.0.0.0' },
      { ...RULE, origin: PROTOCOL },
      { ...RULE, suppressPrefixLength: 0 },
    ])
      expect(said(uplink(), { rules: [harmless] })).not.toContain('sends all packets');
  });

  it('who hides others must forward for them', () => {
    expect(said(uplink(), { forwards: { ipv4: false, ipv6: false } })).toContain(
      'forwards no ipv4: those behind it have no way out | sysctl -w net.ipv4.ip_forward=1',
    );
    expect(said(uplink(), { forwards: { ipv4: false, ipv6: false }, hidesOthers: false })).not.toContain(
      'forwards no',
    );
  });
});
