import { describe, expect, test } from 'vitest';
import { parseBondwireYaml } from './bondwire-yaml.js';

function told(text: string): string[] {
  return parseBondwireYaml({ path: 'f', text }).findings.map(
    ({ level, place, message }) => `${place.line}: ${level}: ${message}`,
  );
}

describe('parseBondwireYaml() tells all that is wrong in one round', () => {
  test('keys, values, names and addresses of several bonds, each at its line', () => {
    const errors = told(
      [
        'bond:',
        '  bond0:',
        '    slaves: eth0 eth1',
        '    miimon: 100',
        '    options:',
        '      mode: active_backup',
        '      lacp_rate: fast',
        '      updelya: 200ms',
        '    address: [192.0.2.1]',
        '    routes:',
        '      - {destination: defualt, gateway: 192.0.2.254}',
        '    mtu: big',
        '  bond1:',
        '    options: {mode: lacp, miimon: 100}',
        '    members: [eth2, "eth3,eth4", eth2]',
        '    mac: 01:00:00:00:00:01',
      ].join('\n'),
    );
    const at = (line: number): string[] => errors.filter(each => each.startsWith(`${line}: `));
    expect(at(1)).toEqual(['1: error: There is no key "bond" here; did you mean "bonds"?']);
    expect(at(3)).toEqual([
      '3: error: There is no key "slaves" here; did you mean "members"?',
      '3: error: "bonds.bond0.members" must be a list; write it as [eth0, eth1].',
    ]);
    expect(at(4)).toEqual([
      '4: error: There is no key "miimon" here: it is an option, so write it below "options:".',
    ]);
    expect(at(6).join('')).toMatch(/mode=active_backup was refused.*[Dd]id you mean .*active-backup/);
    // Of the mode that was meant, not of the one that is left.
    expect(at(7).join('')).toContain('bond0 is in mode active-backup');
    expect(at(8).join('')).toContain('did you mean updelay?');
    expect(at(9)).toEqual([
      '9: error: There is no key "address" here; did you mean "addresses"?',
      '9: error: 192.0.2.1 is no address with a prefix length; write it as 192.0.2.1/24.',
    ]);
    expect(at(11).join('')).toMatch(/Did you mean default\?.*did you mean "to"\?.*did you mean "via"\?/);
    expect(at(12)).toEqual(['12: error: "bonds.bond0.mtu": it must be a number of bytes.']);
    expect(at(14).join('')).toMatch(/mode=lacp was refused.*[Dd]id you mean .*802\.3ad/);
    expect(at(15)).toEqual([
      '15: warning: eth3,eth4 is one name with a comma in it; several members are written as [eth3, eth4].',
      '15: error: eth2 is named twice; name each member once.',
    ]);
    expect(at(16).join('')).toContain('01:00:00:00:00:01 is no MAC address');
  });

  test.each([
    ['- a\n', ['1: error: The file must be a map.']],
    ['bonds: 5\n', ['1: error: "bonds" must be a map.']],
    ['version: 2\nbonds: {}\n', ['1: error: "version": this program reads version 1.']],
    [
      'colour: red\n',
      [
        '1: error: The file needs a map "bonds:" of bonds by name.',
        '1: error: There is no key "colour" here.',
      ],
    ],
    [
      'bonds:\n  bond0:\n    routes:\n      - {to: default}\n      - {via: 192.0.2.1, to: 7}\n',
      ['4: error: "bonds.bond0.routes.0.via" is missing; it must be a text.'],
    ],
  ])('%j', (text, errors) => {
    expect(
      told(text)
        .filter(each => each.includes('error'))
        .slice(0, errors.length),
    ).toEqual(errors);
  });
});
