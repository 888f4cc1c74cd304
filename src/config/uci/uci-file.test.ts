// UCI as it is written: quotes, comments, lists, sections with and without names, and what is no UCI.
import { describe, expect, it } from 'vitest';
import { isMwan3, isUciNetwork, parseUci } from './uci-file.js';

function read(text: string) {
  const { sections, findings } = parseUci({ path: 'mwan3', text });
  return {
    sections: sections.map(({ type, name, options }) => ({
      type,
      name,
      options: Object.fromEntries(options.map(each => [each.name, each.values.map(value => value.text)])),
    })),
    problems: findings.map(({ place, message }) => `${place.line}:${place.column}: ${message}`),
  };
}

describe('parseUci()', () => {
  it.each([
    ['option a b', 'b'],
    ["option a 'b c'", 'b c'],
    ['option "a" "b c"', 'b c'],
    ['option a \'b\'"c"d', 'bcd'],
    ['option a b\\ c', 'b c'],
    ['option a "b\\"c"', 'b"c'],
    ["option a 'b\\c'", 'b\\c'],
    ["option a '#b' # and a comment", '#b'],
    ['option a b#c', 'b#c'],
    ["option a ''", ''],
    ['\toption\ta\tb\r', 'b'],
  ])('%j has the value %j', (line, value) => {
    expect(read(`config x\n${line}\n`)).toEqual({
      sections: [{ type: 'x', name: null, options: { a: [value] } }],
      problems: [],
    });
  });

  it('puts sections of one name and type together, and lists in their order; of an option the last counts', () => {
    const text =
      "package mwan3\nconfig interface 'w'\nlist t 1\noption o 1\nconfig y\nconfig interface w\nlist t 2\noption o 2\n";
    expect(read(text)).toEqual({
      sections: [
        { type: 'interface', name: 'w', options: { t: ['1', '2'], o: ['2'] } },
        { type: 'y', name: null, options: {} },
      ],
      problems: ['4:1: o 1 is given again in line 8, as 2; the last counts.'],
    });
  });

  it.each([
    ["config x\n  option a 'b", "2:12: The quote ' is not closed"],
    ['config x\n option a', '2:2: option a has no value'],
    ['config x\n list', '2:2: list needs a name'],
    ['config x\n option a-b c', '2:9: option needs a name of letters'],
    ['config x\n option a b c', '2:13: "c" stands behind'],
    ['config x y z', '1:12: "z" stands behind'],
    ['config', '1:1: config needs a type'],
    ["config x 'a-b'", '1:10: "a-b" cannot name a section'],
    ['option a b', '1:1: option a stands before the first config line'],
    ['set a b', '1:1: "set" begins no line of UCI'],
    ['config x a\nconfig y a', '2:1: a is a section of the type x in line 1, and of the type y here'],
  ])('of %j it is said what is wrong, and where', (text, expected) => {
    const { problems } = read(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(expected);
  });

  it('says nothing more of what stands in a section that was refused', () => {
    expect(read("config x 'a-b'\noption c d\n").problems).toHaveLength(1);
  });
});

describe('files of OpenWrt', () => {
  const network = "config interface 'wan'\n\toption proto 'dhcp'\n\toption device 'eth1'\n";
  const mwan3 = "config interface 'wan'\n\toption enabled '1'\n\tlist track_ip '192.0.2.1'\n";
  it('are told apart by what is in them', () => {
    expect([isMwan3(mwan3), isMwan3(network)]).toEqual([true, false]);
    const ofNetwork = [network, mwan3].map(text => isUciNetwork({ path: 'etc/config/network', text }));
    expect(ofNetwork).toEqual([true, false]);
  });
});
