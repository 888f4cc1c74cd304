// Malformed command lines: exit code 2, one line on standard error, nothing on standard output.
import { expect, test } from 'vitest';
import { run } from '../test-support/command.js';

test.each<[string[], string]>([
  [['crate'], "unknown command 'crate'; did you mean 'create'? see 'bondwire --help'."],
  [['xyzzy'], "unknown command 'xyzzy'; see 'bondwire --help'."],
  [
    ['delete', 'bond0'],
    "unknown command 'delete'; did you mean 'bondwire destroy BOND'? see 'bondwire --help'.",
  ],
  [
    ['add', 'bond0'],
    "unknown command 'add'; did you mean 'bondwire create BOND OPTION=VALUE...'? see 'bondwire --help'.",
  ],
  [['status'], "unknown command 'status'; did you mean 'bondwire show [BOND]'? see 'bondwire --help'."],
  [['list'], "unknown command 'list'; did you mean 'bondwire show'? see 'bondwire --help'."],
  [
    ['remove', 'bond0', 'eth1'],
    "unknown command 'remove'; did you mean 'bondwire release BOND IFACE...'? see 'bondwire --help'.",
  ],
  [
    ['add', 'bond0', 'eth1'],
    "unknown command 'add'; did you mean 'bondwire enslave BOND IFACE...'? see 'bondwire --help'.",
  ],
  [
    ['add', 'bond0', 'mode=1', 'miimon=100'],
    "unknown command 'add'; did you mean 'bondwire create BOND OPTION=VALUE...'? see 'bondwire --help'.",
  ],
  [
    ['stop'],
    "unknown command 'stop'; did you mean 'systemctl stop bondwire', which leaves bonds at work? see 'bondwire --help'.",
  ],
  [['version'], "unknown command 'version'; did you mean 'bondwire --version'? see 'bondwire --help'."],
  [
    ['events', 'bond0'],
    "events: too many words (1 where 0 is the most); did you mean 'bondwire events --bond bond0'? usage: bondwire events [--follow] [--json] [--bond BOND].",
  ],
  [
    ['show', '--bond', 'bond0'],
    "show: unknown option '--bond'; did you mean 'bondwire show BOND'? see 'bondwire show --help'.",
  ],
  [
    ['show', 'bond0', '--format', 'json'],
    "show: unknown option '--format'; did you mean 'bondwire show --json'? see 'bondwire show --help'.",
  ],
  [
    ['create', 'bond0', 'mode', 'active-backup'],
    '"mode" is not OPTION=VALUE; did you mean mode=active-backup?',
  ],
  [['set', 'bond0', 'primary', 'eth1'], '"primary" is not OPTION=VALUE; did you mean primary=eth1?'],
  [
    ['create', 'bond0', 'eth0', 'enp3s0f1', 'mode=1'],
    `"eth0" is not OPTION=VALUE; a bond is made without members, which join when it is there: 'bondwire enslave --take-down bond0 eth0'.`,
  ],
  [
    ['help', 'delete'],
    "there is no command 'delete' to help with; did you mean 'bondwire destroy BOND'? see 'bondwire --help'.",
  ],
  [['constructor'], "unknown command 'constructor'; see 'bondwire --help'."],
  [
    ['create', 'mode=active-backup', 'bond0'],
    '"mode=active-backup" stands where the bond is named; the name comes first, then options.',
  ],
  [
    ['create', 'bond0', 'bond-mode=active-backup'],
    '"bond-mode=active-backup" does not begin with the name of an option; did you mean mode=?',
  ],
  [['--frobnicate', 'show'], "unknown option '--frobnicate'; see 'bondwire --help'."],
  [['show', '--jsno'], "show: unknown option '--jsno'; did you mean '--json'? see 'bondwire show --help'."],
  [
    ['show', 'bond0', 'bond1'],
    'show: too many words (2 where 1 is the most); usage: bondwire show [BOND] [--json | --proc | --info | --ifconfig | --sysfs].',
  ],
  [
    ['show', '--json', '--proc'],
    "show: option '--json' cannot be used with option '--proc'; see 'bondwire show --help'.",
  ],
  [['create'], "create: missing required argument 'BOND'; usage: bondwire create BOND [OPTION=VALUE...]."],
  [
    ['create', 'bond0', '--miimon=100'],
    "create: unknown option '--miimon=100'; did you mean 'miimon=100' without dashes? see 'bondwire create --help'.",
  ],
  [['create', 'bond0', 'miimon'], '"miimon" is not OPTION=VALUE; write it as in miimon=100.'],
  [['create', 'bond/0'], '"bond/0" cannot name a bond: it holds a "/"; use a name such as bond0.'],
  [
    ['destroy', 'an-interface-name'],
    '"an-interface-name" cannot name a bond: it has 17 bytes where 15 is the most; use a name such as bond0.',
  ],
  [
    ['enslave', 'bond0'],
    "enslave: missing required argument 'IFACE'; usage: bondwire enslave [--take-down] [--take-addresses] [--await | --no-await] BOND IFACE...",
  ],
  [['enslave', 'bond0', 'bond0'], 'bond0 cannot be a member of itself.'],
  [['release', 'bond0', 'eth0', 'eth0'], 'eth0 is given twice; name each interface once.'],
  [
    ['set', 'bond0'],
    "set: missing required argument 'OPTION=VALUE'; usage: bondwire set BOND OPTION=VALUE...",
  ],
  [['set', 'bond0', 'miimon=1', 'miimon=2'], 'Option miimon is given twice (1 and 2); give it once.'],
  [['events', '--bond'], "events: option '--bond <BOND>' needs a value; see 'bondwire events --help'."],
  [
    ['run', 'bond0', 'mode=1'],
    'run: name at least one interface; usage: bondwire run BOND IFACE... [OPTION=VALUE...].',
  ],
  [
    ['run', 'bond0', 'eth0', '--address', '1.2.3.4'],
    '"1.2.3.4" lacks the length of its prefix; write it as 1.2.3.4/24.',
  ],
  [
    ['demo', '--seconds', '1.5'],
    "demo: option '--seconds <N>' argument '1.5' is invalid. It must be a whole number from 1 to 86400; see 'bondwire demo --help'.",
  ],
  [['lab', 'cutt', 'eth0'], "lab: unknown command 'cutt'; did you mean 'cut'? see 'bondwire lab --help'."],
  [['lab', 'cut'], "lab cut: missing required argument 'IFACE'; usage: bondwire lab cut IFACE."],
  [['help', 'shwo'], "there is no command 'shwo' to help with; see 'bondwire --help'."],
  [['--run-dir', '', 'show'], '--run-dir is empty; name a directory.'],
])('%j is refused', async (words, message) => {
  expect(await run(words)).toEqual({ code: 2, out: '', err: `bondwire: ${message}\n` });
});

test('a run directory too long for a socket is refused', async () => {
  const { code, err } = await run(['show', '--run-dir', `/${'x'.repeat(120)}`]);
  expect(code).toBe(2);
  expect(err).toContain('its socket has 134 bytes where Linux takes 107');
});

test('no command prints the help on standard error', async () => {
  const { code, out, err } = await run([]);
  expect([code, out]).toEqual([2, '']);
  expect(err).toContain('Quick start');
  expect(err).toMatch(/bondwire: a command is missing; see 'bondwire --help'\.\n$/);
});

test('help, help of a command, and the version', async () => {
  const top = await run(['--help']);
  expect([top.code, top.err]).toEqual([0, '']);
  for (const name of [
    'create',
    'destroy',
    'enslave',
    'release',
    'set',
    'show',
    'events',
    'run',
    'demo',
    'doctor',
    'daemon',
    'lab',
  ]) {
    expect(top.out).toMatch(new RegExp(`^  ${name} `, 'm'));
    const own = await run(['help', name]);
    expect(own.code).toBe(0);
    expect(own.out).toMatch(/Examples?:\n {2}/);
    expect(await run([name, '--help'])).toEqual(own);
  }
  expect(await run(['--version'])).toEqual({
    code: 0,
    out: expect.stringMatching(/^\d+\.\d+\.\d+\S*\n$/),
    err: '',
  });
});
