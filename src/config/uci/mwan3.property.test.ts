// Whatever mwan3's file says, what comes of it is a bondwire.yaml that is read again as the same, and a daemon would take.
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { checkSettings } from '../../uplinks/check-settings.js';
import { parseBondwireYaml, printBondwireYaml } from '../bondwire/bondwire-yaml.js';
import { importFiles } from '../import-files.js';

const names = fc.constantFrom('wan', 'wan6', 'wan_6', 'wanb', '3g', 'lte', 'a_name_that_is_too_long');
const number = fc.constantFrom('0', '1', '2', '5', '40', '100', '1000', '99999', 'many', '-1', '');
const address = fc.constantFrom(
  '192.0.2.1',
  '198.51.100.1',
  '2001:db8::1',
  '1.1.1.1',
  '0.0.0.0',
  'name.example',
  '10.0.0.0/8',
  '::/0',
  '!10.0.0.1',
);

const option = (name: string, value: fc.Arbitrary<string>, word = 'option'): fc.Arbitrary<string> =>
  value.map(text => `\t${word} ${name} '${text}'`);
const some = (lines: readonly fc.Arbitrary<string>[]): fc.Arbitrary<string> =>
  fc.array(fc.oneof(...lines), { maxLength: 8 }).map(all => all.join('\n'));

const section = fc.oneof(
  fc.tuple(
    names.map(name => `config interface '${name}'\n\toption enabled '1'`),
    some([
      option('family', fc.constantFrom('ipv4', 'ipv6', 'both')),
      option('track_ip', address, 'list'),
      option('track_method', fc.constantFrom('ping', 'httping', 'arping')),
      option('check_quality', fc.constantFrom('0', '1')),
      ...[
        'interval',
        'up',
        'down',
        'timeout',
        'failure_loss',
        'recovery_loss',
        'failure_latency',
        'count',
      ].map(name => option(name, number)),
    ]),
  ),
  fc.tuple(
    names.map(name => `config member 'm_${name}'\n\toption interface '${name}'`),
    some([option('metric', number), option('weight', number)]),
  ),
  fc.tuple(
    fc.constantFrom('p1', 'p2', 'p3').map(name => `config policy '${name}'`),
    some([
      option(
        'use_member',
        names.map(name => `m_${name}`),
        'list',
      ),
      option('last_resort', fc.constantFrom('default', 'unreachable', 'blackhole')),
    ]),
  ),
  fc.tuple(
    fc.constant('config rule'),
    some([
      option('use_policy', fc.constantFrom('p1', 'p2', 'p3', 'default', 'blackhole')),
      option('proto', fc.constantFrom('all', 'tcp', 'udp', 'icmp', 'ipv6-icmp', 'esp')),
      option('src_ip', address),
      option('dest_ip', address),
      option('dest_port', fc.constantFrom('80,443', '0:65535', '0', '5060-5070', 'x')),
      option('family', fc.constantFrom('ipv4', 'ipv6', 'any')),
      option('sticky', fc.constantFrom('0', '1')),
    ]),
  ),
  fc.tuple(
    fc.constant("config globals 'globals'"),
    some([option('mmx_mask', fc.constantFrom('0x3F00', '0xff', '0x5', '0x1'))]),
  ),
);
const network = fc
  .array(
    fc.tuple(
      names.map(name => `config interface '${name}'`),
      some([
        option('proto', fc.constantFrom('dhcp', 'pppoe', 'qmi', 'dhcpv6')),
        option('device', fc.constantFrom('eth1', 'eth2', '@wan', '@lte', '@wan6')),
      ]),
    ),
    { maxLength: 5 },
  )
  .map(sections => sections.flat().join('\n'));

/** Two lines and two policies, to which all else is added. */
const START = ['wan', 'lte']
  .map(
    (name, at) =>
      `config interface '${name}'\n\toption enabled '1'\nconfig member 'm_${name}'\n\toption interface '${name}'\n\toption metric '${at + 1}'\nconfig policy 'p${at + 1}'\n\tlist use_member 'm_${name}'\n`,
  )
  .join('');

it('gives settings that are printed, read again as the same, and taken by an uplink, unless an error says otherwise', () => {
  let good = 0;
  fc.assert(
    fc.property(
      fc.array(section, { minLength: 3, maxLength: 14 }),
      fc.option(network),
      (sections, ofNetwork) => {
        const files = [{ path: 'etc/config/mwan3', text: START + sections.flat().join('\n') }];
        if (ofNetwork !== null) files.push({ path: 'etc/config/network', text: ofNetwork });
        const { uplink, findings } = importFiles(files);
        if (uplink === null) return;
        const text = printBondwireYaml([], [], uplink);
        const again = parseBondwireYaml({ path: 'bondwire.yaml', text });
        expect(again.uplink, text).toEqual(uplink);
        if (findings.some(({ level, place }) => level === 'error' && place.file.endsWith('mwan3'))) return;
        expect(again.findings, text).toEqual([]);
        expect(checkSettings(uplink), text).toEqual({ ok: true, value: undefined });
        if (uplink.lines.length > 1 && uplink.rules.length > 0) good++;
      },
    ),
    { numRuns: 400 },
  );
  // Else the property would say little.
  expect(good).toBeGreaterThan(10);
});
