import { describe, expect, test } from 'vitest';
import { readWords } from './ifenslave-words.js';
import { type IfenslaveMachine, runIfenslave } from './ifenslave.js';
import type { Terminal } from '../printing/terminal.js';

const MACHINE: IfenslaveMachine = {
  api: () => Promise.reject(new Error('nobody is asked')),
  interfaces: () => Promise.resolve([]),
  version: '9.8.7',
};

async function run(...words: string[]) {
  let out = '';
  let err = '';
  const terminal: Terminal = {
    out: text => {
      out += text;
    },
    err: text => {
      err += text;
    },
    colour: false,
    env: {},
    onSignal: () => () => {},
    outliveReader: () => {},
  };
  return { code: await runIfenslave(words, terminal, MACHINE), out, err };
}

describe('readWords() reads as getopt_long does', () => {
  test.each([
    [['bond0', 'eth0', 'eth1'], { action: 'enslave', verbose: false, names: ['bond0', 'eth0', 'eth1'] }],
    [['-d', 'bond0', 'eth0'], { action: 'd', verbose: false, names: ['bond0', 'eth0'] }],
    [['bond0', '-d', 'eth0', '-v'], { action: 'd', verbose: true, names: ['bond0', 'eth0'] }],
    [['-vc', 'bond0', 'eth0'], { action: 'c', verbose: true, names: ['bond0', 'eth0'] }],
    [['-f', 'bond0', 'eth0'], { action: 'enslave', verbose: false, names: ['bond0', 'eth0'] }],
    [['--detach', 'bond0', 'eth0'], { action: 'd', verbose: false, names: ['bond0', 'eth0'] }],
    [['--ch', 'bond0', 'eth0'], { action: 'c', verbose: false, names: ['bond0', 'eth0'] }],
    [['--all-interfaces'], { action: 'a', verbose: false, names: [] }],
    [['bond0', '--', '-d'], { action: 'enslave', verbose: false, names: ['bond0', '-d'] }],
    [['-'], { action: 'enslave', verbose: false, names: ['-'] }],
  ])('%j', (words, meant) => {
    expect(readWords(words)).toEqual(meant);
  });

  test.each([
    [['-x'], "invalid option -- 'x'"],
    [['-dx', 'bond0'], "invalid option -- 'x'"],
    [['--nothing'], "unrecognized option '--nothing'"],
    // verbose and version begin alike.
    [['--ver'], "unrecognized option '--ver'"],
    [['-d', '-c', 'bond0', 'eth0'], 'only one of -d, -c can be done at a time'],
    [['-df', 'bond0', 'eth0'], 'only one of -d, -f can be done at a time'],
  ])('%j is wrong', (words, wrong) => {
    expect(readWords(words)).toEqual({ wrong });
  });
});

describe('runIfenslave() without a daemon', () => {
  test.each([[['-V']], [['--version']]])('%j tells the version', async words => {
    expect(await run(...words)).toEqual({
      code: 0,
      out: 'ifenslave of Bondwire 9.8.7, syntax of ifenslave.c 1.1.0\n',
      err: '',
    });
  });

  test('-u gives the usage, -h more, both on standard output with 0', async () => {
    const usage = await run('-u');
    expect(usage).toMatchObject({ code: 0, err: '' });
    expect(usage.out).toMatch(/^Usage: ifenslave \[-f\] <master-if> <slave-if> /);
    const help = await run('--help');
    expect(help).toMatchObject({ code: 0, err: '' });
    expect(help.out.startsWith(usage.out)).toBe(true);
    expect(help.out).toContain('Exit codes: 0 done, 1 failed, 2 usage');
  });

  test.each([[[]], [['-d', 'bond0']], [['-c', 'bond0']], [['-a', 'bond0']], [['-x']], [['-u', '-h']]])(
    '%j gives the usage on standard error with 2',
    async words => {
      const { code, out, err } = await run(...words);
      expect(code).toBe(2);
      expect(out).toBe('');
      expect(err).toMatch(/^(?:ifenslave: [^\n]*\n)?Usage: /);
    },
  );

  test('a daemon that cannot be asked is a failed handshake, with the reason', async () => {
    const { code, err } = await run('bond0', 'eth0');
    expect(code).toBe(1);
    expect(err).toBe(
      "Master 'bond0': Error: handshake with driver failed. Aborting\nifenslave: nobody is asked\n",
    );
  });
});
