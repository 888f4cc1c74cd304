// Everything wrong that a person or a program can say to Bondwire: each is refused in a sentence that says what, why and
// what to do, with the exit code or status of the contract, and nothing has changed. Needs root; part of test:all.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ErrorBody } from '../src/daemon/api/api.js';
import type { ManagedBondwire } from '../src/lab/index.js';
import { type Answer, eventually, sendRaw, World } from './support/world.js';

let world: World;
let other: ManagedBondwire;
let before: unknown;
let lowerEnd = '';

beforeAll(async () => {
  const members = Array.from({ length: 10 }, (_, number) => `eth${number}`);
  world = await World.create({ members });
  other = world.at(`${world.folder}/other`);
  await other.start();
  const created = { mode: 'active-backup', miimon: '100' };
  for (const name of ['bond0', 'bond1', 'empty']) {
    await world.must('POST', '/v1/bonds', { name, options: created });
  }
  await world.must('POST', '/v1/bonds/bond0/members', { interfaces: ['eth0', 'eth1'] });
  await world.must('POST', '/v1/bonds/bond0/up', {});
  await world.must('POST', '/v1/bonds/bond1/members', { interfaces: ['eth7'] });
  await other.run('create', 'far0', 'mode=active-backup', 'miimon=100');
  await other.run('enslave', 'far0', 'eth8');
  await world.must('POST', '/v1/bonds/bond1/up', {});
  world.cut('eth7');
  await eventually('bond1 has no active member', async () => (await world.bond('bond1')).active === null);
  for (const line of [
    'link set eth2 up',
    'link set eth9 up',
    'link set eth9 down',
    'addr add 10.7.0.1/24 dev eth3',
    'link set eth4 up',
    'route add 10.77.0.0/16 dev eth4',
    'link add br0 type bridge',
    'link set eth5 master br0',
    'link add mv0 link eth6 type macvlan mode bridge',
    'link set mv0 up',
    'link set mv0 down',
    'link add mv1 link bond0 type macvlan mode bridge',
    'tuntap add tun0 mode tun',
  ]) {
    await world.ip('host', line);
  }
  lowerEnd = /bwl-[0-9a-f]+/.exec(await world.ip('host', 'link show'))?.[0] ?? '';
  await world.settled();
  before = await world.state();
});

afterAll(async () => {
  for (const { name } of (JSON.parse(await other.run('show', '--json')) as { bonds: { name: string }[] })
    .bonds) {
    await other.run('destroy', name);
  }
  await other.stop();
  await world.close();
});

/** One or two sentences for a person. */
function expectClear(message: string): void {
  expect(message).not.toMatch(
    /undefined|\[object|NaN|null|Error:|internal error|\bat .*:\d+:\d+|node:|ZodError|Expected |Invalid input|[^.]\.\.$|\. \.|:\.|::$/,
  );
  expect(message).toMatch(/^[^\n]+([.?!]|; usage: [^\n]+)$/);
  expect(message.length).toBeLessThan(420);
  // oxlint-disable-next-line no-control-regex
  expect(message).not.toMatch(/[\u0000-\u001f\u007f]/);
}

type Line = readonly [what: string, words: string, exit: number, says: RegExp];
const LONG = 'abcdefghijklmnop';

/** `~` in words stands for an empty word, `·` for a blank inside a word. */
function asWords(text: string): string[] {
  return text
    .replaceAll('LOWER', lowerEnd)
    .split(' ')
    .map(word => (word === '~' ? '' : word.replaceAll('·', ' ')));
}

describe('the command line', () => {
  const LINES: readonly Line[] = [
    ['an unknown command', 'creat bond9', 2, /unknown command 'creat'; did you mean 'create'/],
    ['an unknown flag', 'show --jsn', 2, /unknown option '--jsn'.*'--json'/],
    ['two ways to show', 'show --json --proc', 2, /--json.*cannot be used with.*--proc/],
    ['too many words', 'destroy bond0 bond1', 2, /too many words/],
    ['no bond', 'create', 2, /BOND/],
    ['no interface', 'enslave bond0', 2, /IFACE/],
    ['an option with dashes', 'create bond9 --miimon=100', 2, /'miimon=100' without dashes/],
    ['a word that is no option', 'create bond9 fast', 2, /"fast" is not OPTION=VALUE/],
    ['an option without a name', 'create bond9 =5', 2, /has no option name before the "="/],
    ['an option given twice', 'create bond9 miimon=1 miimon=2', 2, /miimon is given twice \(1 and 2\)/],
    ['an empty --run-dir', 'show --run-dir ~', 2, /--run-dir is empty/],
    ['a --run-dir without value', 'show --run-dir', 2, /--run-dir.* needs a value/],
    [
      'a --run-dir too long for a socket',
      `show --run-dir /tmp/${'x'.repeat(120)}`,
      2,
      /too long.*choose a shorter/,
    ],
    ['an empty name', 'create ~', 2, /it is empty/],
    ['a name of 16 bytes', `create ${LONG}`, 2, /16 bytes where 15 is the most/],
    ['a name of two-byte letters', 'create ääääääää', 2, /16 bytes where 15 is the most/],
    ['a name with a slash', 'create bo/nd', 2, /holds a "\/"/],
    ['a name with a colon', 'create bo:nd', 2, /holds a ":"/],
    ['a name with a blank', 'create bo·nd', 2, /white space/],
    ['the name ..', 'create ..', 2, /Linux reserves it/],
    ['a name with %', 'create bond%d', 1, /"%"/],
    ['a name of other letters', 'create bönd', 1, /printable ASCII/],
    ['the name all', 'create all', 1, /\/proc\/sys\/net uses it/],
    ['the name of an interface', 'create eth2', 1, /an interface called eth2 exists already/],
    ['the name lo', 'create lo', 1, /an interface called lo exists already/],
    [
      'the name of a bond with other options',
      'create bond0 mode=broadcast',
      1,
      /the bond bond0 exists already/,
    ],
    ['an unknown option', 'create bond9 mimon=100', 1, /mimon=100 was refused.*did you mean miimon\?/],
    ['an option that is like none', 'create bond9 colour=red', 1, /there is no option of that name/],
    ['an unknown mode', 'create bond9 mode=failover', 1, /one of balance-rr \(0\), active-backup/],
    [
      'ARP monitoring in a mode without',
      'create bond9 mode=balance-tlb arp_interval=100',
      1,
      /not implemented yet|belongs to modes/,
    ],
    [
      'both monitors',
      'create bond9 mode=active-backup miimon=100 arp_interval=100',
      1,
      /bond9 was refused: .*give miimon or arp_interval, not both/,
    ],
    ['an ARP target that is none', 'set bond0 arp_ip_target=10.0.0.256', 1, /10\.0\.0\.256/],
    [
      'the 17th ARP target',
      `set bond0 arp_ip_target=${Array.from({ length: 17 }, (_, i) => `10.0.0.${i + 1}`).join()}`,
      1,
      /16/,
    ],
    ['a delay without a monitor', 'create bond9 mode=active-backup updelay=200', 1, /set miimon first/],
    ['an option of another mode', 'set bond0 lacp_rate=fast', 1, /belongs to mode 802\.3ad/],
    ['a mode with members', 'set bond0 mode=active-backup', 1, /has members; release them first/],
    ['fail_over_mac with members', 'set bond0 fail_over_mac=active', 1, /has members; release them first/],
    ['members as an option', 'set bond0 slaves=+eth2', 1, /bondwire --run-dir \S+ enslave/],
    ['set without options', 'set bond0', 2, /set.*OPTION=VALUE/],
    ['set of a bond that is not there', 'set bond7 miimon=100', 1, /no bond called "bond7".*Did you mean/],
    ['show of a bond that is not there', 'show nothing', 1, /no bond called "nothing"/],
    ['proc of a bond that is not there', 'show nothing --proc', 1, /no bond called "nothing"/],
    ['events of a bad name', 'events --bond a/b', 2, /holds a "\/"/],
    ['destroy of a bond that is not there', 'destroy bond9', 1, /no bond called "bond9"/],
    ['destroy of an interface', 'destroy eth2', 1, /no bond called "eth2"/],
    ['destroy of the bond of another daemon', 'destroy far0', 1, /no bond called "far0"/],
    ['an active_slave that is no member', 'set bond0 active_slave=eth2', 1, /eth2 is not a member of bond0/],
    ['an active_slave that does not exist', 'set bond0 active_slave=eth99', 1, /eth99/],
    ['an active_slave in a bond without active', 'set bond1 active_slave=eth7', 1, /no active member|down/],
    ['a primary that cannot be a name', 'set bond0 primary=a/b', 1, /cannot be the name of an interface/],
    ['one bad option of several', 'set bond0 miimon=50 num_grat_arp=256', 1, /num_grat_arp=256 was refused/],
    ['enslave of nothing', 'enslave bond0 ~', 2, /it is empty/],
    ['enslave of an unknown interface', 'enslave bond0 eth99', 1, /no such interface/],
    ['enslave into an unknown bond', 'enslave bond9 eth2', 1, /no bond called "bond9"/],
    ['a bond in itself', 'enslave bond0 bond0', 2, /member of itself/],
    ['an interface twice', 'enslave bond0 eth9 eth9', 2, /given twice/],
    ['lo', 'enslave bond0 lo', 1, /loopback/],
    ['an interface that is up', 'enslave bond0 eth2', 1, /it is up.*bondwire enslave --take-down bond0 eth2/],
    [
      'an interface with an address',
      'enslave bond0 eth3',
      1,
      /carries the address 10\.7\.0\.1\/24.*--take-addresses/,
    ],
    [
      'an interface with a route',
      'enslave --take-down bond0 eth4',
      1,
      /carries the route 10\.77\.0\.0\/16.*--take-addresses/,
    ],
    ['a bridge port', 'enslave bond0 eth5', 1, /port of br0 \(bridge\).*nomaster/],
    [
      'an interface under a macvlan',
      'enslave bond0 eth6',
      1,
      /in use by mv0 \(macvlan\).*ip link del dev mv0/,
    ],
    ['a bridge', 'enslave bond0 br0', 1, /it is a bridge.*ip link set dev bond0 master br0/],
    ['a macvlan on the bond', 'enslave bond0 mv1', 1, /stands on bond0 itself/],
    ['a macvlan of a lower device', 'enslave bond0 mv0 eth99', 1, /eth99 cannot join/],
    ['the lower end of the bond', 'enslave bond0 LOWER', 1, /lower end|belongs to a bond/],
    ['another bond', 'enslave bond0 empty', 1, /bonds in bonds/],
    [
      'a member of another bond',
      'enslave bond0 eth7',
      1,
      /member of bond1.*bondwire --run-dir \S+ release bond1 eth7/,
    ],
    ["a member of another daemon's bond", 'enslave bond0 eth8', 1, /another Bondwire daemon/],
    ['a tun device', 'enslave bond0 tun0', 1, /not an Ethernet interface/],
    ['a good interface with a bad one', 'enslave bond0 eth9 eth2', 1, /eth2 cannot join bond0: it is up/],
    ['a name of an interface with a slash', 'enslave bond0 e/0', 2, /holds a "\/"/],
    ['release of an interface that is no member', 'release bond0 eth2', 1, /not a member of bond0/],
    ['release of an unknown interface', 'release bond0 eth99', 1, /no such interface/],
    ["release of another bond's member", 'release bond0 eth7', 1, /not a member of bond0/],
    ['release with one bad name', 'release bond0 eth0 eth2', 1, /eth2 was not released/],
    ['run beside a daemon', 'run bond9 eth9', 1, /A daemon \(pid \d+\) is already running/],
    ['run with a bad address', 'run bond9 eth9 --address 10.0.0.300/24', 2, /10\.0\.0\.300\/24/],
    ['run without interfaces', 'run bond9 miimon=100', 2, /name at least one interface/],
    ['a second daemon', 'daemon', 1, /A daemon \(pid \d+\) is already running/],
    ['lab cut without a lab', 'lab cut nothing0', 1, /lab/],
  ];

  test.each(LINES)('%s', async (_, text, exit, says) => {
    const words = text === '' ? [] : asWords(text);
    const given = words.includes('--run-dir') ? words : [...words, '--run-dir', world.bondwire.runDir];
    const { status, stdout, stderr } = await world.cli(given);
    expect({ status, stdout }).toEqual({ status: exit, stdout: '' });
    expect(stderr).toMatch(/^bondwire: [^\n]*\n$/);
    const message = stderr.slice('bondwire: '.length, -1);
    expect(message).toMatch(says);
    expectClear(message);
    expect(await world.state()).toEqual(before);
  });
});

const errorOf = ({ json }: Answer): ErrorBody['error'] => (json as ErrorBody).error;

async function refused(bond: string, option: string, value: string): Promise<void> {
  const answer = await world.ask('PATCH', `/v1/bonds/${bond}/options`, { options: { [option]: value } });
  expect({ option, value, status: answer.status }).toEqual({ option, value, status: 400 });
  const { code, errno, message } = errorOf(answer);
  expect({ code, errno }).toEqual({ code: 'invalid-value', errno: 'EINVAL' });
  expectClear(message);
  expect(message).toContain(`${option}=`);
}

describe('option values through the socket', () => {
  const NUMBERS: Readonly<Record<string, number>> = {
    miimon: 2147483647,
    updelay: 2147483647,
    downdelay: 2147483647,
    peer_notif_delay: 300000,
    resend_igmp: 255,
    num_grat_arp: 255,
    num_unsol_na: 255,
    min_links: 2147483647,
    lp_interval: 2147483647,
    arp_missed_max: 255,
    all_slaves_active: 1,
    inline_failover: 1,
  };
  const BAD_NUMBERS = [
    '-1',
    '',
    ' ',
    '0x10',
    '1.5',
    '1e3',
    '+5',
    '4294967296',
    '18446744073709551616',
    '1'.repeat(400),
    'abc',
    'ON',
    '\n5',
    '5\u0000',
    '\u0000',
    '５',
    '٣',
    '5\u00a0',
    '1;2',
  ];
  const WORDS = [
    'primary_reselect',
    'fail_over_mac',
    'xmit_hash_policy',
    'arp_all_targets',
    'mode',
    'use_carrier',
  ];
  const BAD_WORDS = [
    '',
    ' ',
    'Always',
    '-1',
    '7',
    '4294967296',
    '0x1',
    'x'.repeat(5000),
    '\u0000',
    'allé',
    'better\u0000',
  ];

  test.each(Object.entries(NUMBERS))('%s, beyond %i', async (option, max) => {
    for (const value of [...BAD_NUMBERS, String(max + 1)]) await refused('bond0', option, value);
    expect(await world.state()).toEqual(before);
  });

  test.each(WORDS)('%s', async option => {
    for (const value of BAD_WORDS) await refused('empty', option, value);
    expect(await world.state()).toEqual(before);
  });

  test.each(['primary', 'active_slave'])('%s', async option => {
    const values = [
      'a/b',
      'abcdefghijklmnop',
      'a b',
      'a:b',
      'e\u0000th0',
      '\u0000',
      'eth\u00a00',
      'ü'.repeat(8),
    ];
    for (const value of values) {
      const options = { [option]: value };
      const { status, json } = await world.ask('PATCH', '/v1/bonds/bond0/options', { options });
      expect({ value, status }).toEqual({ value, status: expect.toBeOneOf([400, 404]) });
      expectClear((json as ErrorBody).error.message);
    }
    expect(await world.state()).toEqual(before);
  });
});

type Request = readonly [
  what: string,
  method: string,
  path: string,
  body: unknown,
  status: number,
  code: string,
  says: RegExp,
];
const BONDS = '/v1/bonds';
const MEMBERS = '/v1/bonds/bond0/members';
const OPTIONS = '/v1/bonds/bond0/options';

describe('requests to the socket', () => {
  const REQUESTS: readonly Request[] = [
    ['a body that is no JSON', 'POST', BONDS, '{"name":', 400, 'invalid-request', /not JSON/],
    ['an empty body', 'POST', BONDS, '', 400, 'invalid-request', /body|empty|JSON/],
    ['a list', 'POST', BONDS, [], 400, 'invalid-request', /the body must be a JSON object/],
    ['null', 'POST', BONDS, 'null', 400, 'invalid-request', /the body (is missing|must be)/],
    ['a number', 'POST', BONDS, '7', 400, 'invalid-request', /the body (is missing|must be)/],
    ['no name', 'POST', BONDS, {}, 400, 'invalid-request', /"name"/],
    ['a name that is a number', 'POST', BONDS, { name: 5 }, 400, 'invalid-request', /"name"/],
    ['a name with NUL', 'POST', BONDS, { name: 'a\u0000b' }, 400, 'invalid-value', /printable|control/],
    ['a name with newline', 'POST', BONDS, { name: 'a\nb' }, 400, 'invalid-value', /white space/],
    ['an empty name', 'POST', BONDS, { name: '' }, 400, 'invalid-value', /empty/],
    ['a name of 5000 letters', 'POST', BONDS, { name: 'b'.repeat(5000) }, 400, 'invalid-value', /15 bytes/],
    ['an unknown field', 'POST', BONDS, { name: 'b9', option: {} }, 400, 'invalid-request', /"option"/],
    ['options as a list', 'POST', BONDS, { name: 'b9', options: [] }, 400, 'invalid-request', /"options"/],
    [
      'an option that is a number',
      'POST',
      BONDS,
      { name: 'b9', options: { miimon: 100 } },
      400,
      'invalid-request',
      /"options.miimon".*text/,
    ],
    [
      'an option that is null',
      'PATCH',
      OPTIONS,
      { options: { miimon: null } },
      400,
      'invalid-request',
      /"options.miimon".*text/,
    ],
    [
      '__proto__ as an option',
      'PATCH',
      OPTIONS,
      '{"options":{"__proto__":"1"}}',
      400,
      'invalid-request',
      /"__proto__"/,
    ],
    [
      'constructor as an option',
      'PATCH',
      OPTIONS,
      { options: { constructor: '1' } },
      400,
      'unknown-option',
      /no option of that name/,
    ],
    [
      'an option with an empty name',
      'PATCH',
      OPTIONS,
      { options: { '': '1' } },
      400,
      'unknown-option',
      /no option of that name/,
    ],
    ['no options', 'PATCH', OPTIONS, { options: {} }, 400, 'invalid-request', /at least one option/],
    ['no interfaces', 'POST', MEMBERS, { interfaces: [] }, 400, 'invalid-request', /at least one interface/],
    [
      'interfaces as text',
      'POST',
      MEMBERS,
      { interfaces: 'eth9' },
      400,
      'invalid-request',
      /"interfaces".*list/,
    ],
    ['an empty interface', 'POST', MEMBERS, { interfaces: [''] }, 400, 'invalid-request', /"interfaces.0"/],
    [
      'an interface that is an object',
      'POST',
      MEMBERS,
      { interfaces: [{}] },
      400,
      'invalid-request',
      /"interfaces.0".*text/,
    ],
    [
      'an interface with NUL',
      'POST',
      MEMBERS,
      { interfaces: ['eth9\u0000'] },
      404,
      'unknown-interface',
      /no such interface/,
    ],
    [
      'an interface of 5000 letters',
      'POST',
      MEMBERS,
      { interfaces: ['e'.repeat(5000)] },
      404,
      'unknown-interface',
      /no such interface/,
    ],
    [
      'takeDown as text',
      'POST',
      MEMBERS,
      { interfaces: ['eth9'], takeDown: 'no' },
      400,
      'invalid-request',
      /"takeDown".*true or false/,
    ],
    [
      'an unknown wish',
      'POST',
      MEMBERS,
      { interfaces: ['eth9'], force: true },
      400,
      'invalid-request',
      /"force"/,
    ],
    [
      'release of nothing',
      'DELETE',
      MEMBERS,
      undefined,
      400,
      'invalid-request',
      /the body (is missing|must be)/,
    ],
    ['an up interface', 'POST', MEMBERS, { interfaces: ['eth2'] }, 409, 'interface-up', /it is up/],
    [
      'a bad address',
      'POST',
      '/v1/bonds/bond0/addresses',
      { addresses: ['10.0.0.1/99'] },
      400,
      'invalid-value',
      /10\.0\.0\.1\/99/,
    ],
    [
      'an address that is text',
      'POST',
      '/v1/bonds/bond0/addresses',
      { addresses: ['home'] },
      400,
      'invalid-value',
      /home/,
    ],
    [
      'an address after a good one',
      'POST',
      '/v1/bonds/bond0/addresses',
      { addresses: ['10.8.0.1/24', 'x/1'] },
      400,
      'invalid-value',
      /x\/1/,
    ],
    [
      'an unknown bond',
      'GET',
      '/v1/bonds/nothing',
      undefined,
      404,
      'unknown-bond',
      /no bond called "nothing"/,
    ],
    [
      'a bond that is a path',
      'GET',
      '/v1/bonds/..%2f..%2fetc',
      undefined,
      404,
      'unknown-bond',
      /no bond called/,
    ],
    ['a bond with NUL', 'DELETE', '/v1/bonds/bond0%00', undefined, 404, 'unknown-bond', /no bond called/],
    ['a bad URL encoding', 'GET', '/v1/bonds/%zz', undefined, 400, 'invalid-request', /cannot be read/],
    ['half a UTF-8 letter', 'GET', '/v1/bonds/%c3', undefined, 400, 'invalid-request', /cannot be read/],
    [
      'an option called __proto__',
      'POST',
      '/v1/bonds',
      '{"name":"bx","options":{"__proto__":"x","miimon":"100"}}',
      400,
      'invalid-request',
      /"__proto__" is no field and no option/,
    ],
    [
      'an option called constructor',
      'PATCH',
      '/v1/bonds/bond0/options',
      { options: { constructor: 'x' } },
      400,
      'unknown-option',
      /constructor=x was refused/,
    ],
    [
      'a part of every object',
      'GET',
      '/v1/bonds/bond0/constructor',
      undefined,
      404,
      'not-found',
      /nothing at/,
    ],
    ['another', 'POST', '/v1/bonds/bond0/__proto__', {}, 404, 'not-found', /nothing at/],
    ['a bond called as every object', 'GET', '/v1/bonds/toString', undefined, 404, 'unknown-bond', /no bond/],
    [
      'a bond called as lower ends are',
      'POST',
      '/v1/bonds',
      { name: 'bwl-0badcafe' },
      400,
      'invalid-value',
      /lower ends/,
    ],
    ['a bond called as an option', 'POST', '/v1/bonds', { name: '-x' }, 400, 'invalid-value', /option/],
    ['an unknown address', 'GET', '/', undefined, 404, 'not-found', /nothing at GET \//],
    ['another version', 'GET', '/v2/bonds', undefined, 404, 'not-found', /nothing at GET \/v2\/bonds/],
    ['one part too many', 'GET', '/v1/bonds/bond0/proc/x', undefined, 404, 'not-found', /nothing at/],
    ['a wrong method', 'PUT', BONDS, {}, 405, 'invalid-request', /PUT.*GET, POST/],
    ['a wrong method on a bond', 'POST', '/v1/bonds/bond0', {}, 405, 'invalid-request', /POST.*GET, DELETE/],
    ['a wrong method on status', 'DELETE', '/v1/status', undefined, 405, 'invalid-request', /DELETE.*GET/],
    [
      'a sequence number that is none',
      'GET',
      '/v1/events?after=-1',
      undefined,
      400,
      'invalid-request',
      /after=-1/,
    ],
    [
      'a sequence number that is text',
      'GET',
      '/v1/events?after=x',
      undefined,
      400,
      'invalid-request',
      /after=x/,
    ],
    [
      'a body too large',
      'POST',
      BONDS,
      JSON.stringify({ name: 'x'.repeat(300_000) }),
      413,
      'invalid-request',
      /larger than/,
    ],
    [
      'a very deep body',
      'POST',
      BONDS,
      `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
      400,
      'invalid-request',
      /nested too deeply/,
    ],
    ['UTF-8 that is broken', 'POST', BONDS, '{"name":"\ud800"}', 400, 'invalid-value', /printable/],
  ];

  test.each(REQUESTS)('%s', async (_, method, path, body, status, code, says) => {
    const answer = await world.ask(method, path, body);
    expect({ status: answer.status, text: answer.text }).toEqual({
      status,
      text: expect.stringContaining('"error"'),
    });
    const error = errorOf(answer);
    expect(error.code).toBe(code);
    expect(error.errno).toMatch(/^E[A-Z]+$/);
    expect(error.message).toMatch(says);
    expectClear(error.message);
    expect(await world.state()).toEqual(before);
  });

  const RAW: readonly (readonly [string, string, RegExp])[] = [
    ['no HTTP', 'hello\r\n\r\n', /^HTTP\/1\.1 400 .*"invalid-request"/s],
    ['binary garbage', '\u0000\u0001\u00ff\u00fe\r\n\r\n', /^HTTP\/1\.1 400 .*"invalid-request"/s],
    ['a bad header', 'GET /v1/bonds HTTP/1.1\r\nhost x\r\n\r\n', /^HTTP\/1\.1 400 .*"invalid-request"/s],
    [
      'headers of 100 kB',
      `GET /v1/bonds HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`,
      /^HTTP\/1\.1 431 .*"invalid-request"/s,
    ],
    [
      'a bad length',
      'POST /v1/bonds HTTP/1.1\r\nhost: x\r\ncontent-length: many\r\n\r\n',
      /^HTTP\/1\.1 400 /,
    ],
    [
      'two lengths',
      'POST /v1/bonds HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}',
      /^HTTP\/1\.1 400 /,
    ],
    ['a bad chunk', 'POST /v1/bonds HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n', /400 /],
    ['no host', 'GET /v1/bonds HTTP/1.1\r\n\r\n', /^HTTP\/1\.1 400 /],
    [
      'garbage after a good request',
      'GET /v1/status HTTP/1.1\r\nhost: x\r\n\r\n!garbage!\r\n\r\n',
      /^HTTP\/1\.1 (200 .*HTTP\/1\.1 )?400 /s,
    ],
    [
      'two requests at once',
      'GET /v1/status HTTP/1.1\r\nhost: x\r\n\r\nGET /v1/nothing HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
      /200 OK.*404 /s,
    ],
    [
      'an upgrade',
      'GET /v1/status HTTP/1.1\r\nhost: x\r\nconnection: upgrade, close\r\nupgrade: websocket\r\n\r\n',
      /^HTTP\/1\.1 200 /,
    ],
    ['CONNECT', 'CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n', /^(HTTP\/1\.1 4.*)?$/s],
    [
      'Expect',
      'POST /v1/bonds HTTP/1.1\r\nhost: x\r\nexpect: miracle\r\nconnection: close\r\ncontent-length: 0\r\n\r\n',
      /^HTTP\/1\.1 4(00|17) /,
    ],
  ];
  test.each(RAW)('bytes: %s', async (_, bytes, answer) => {
    expect(await sendRaw(world.socket, Buffer.from(bytes, 'latin1'), 1000)).toMatch(answer);
    expect(await world.state()).toEqual(before);
  });

  test('half a request and then nothing', async () => {
    const head = 'POST /v1/bonds HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"name":"half"';
    expect(await sendRaw(world.socket, head, 300)).toBe('');
    expect(await sendRaw(world.socket, 'DELETE /v1/bonds/bond0 HT', 300)).toBe('');
    expect(await world.state()).toEqual(before);
  });

  test('a follower that goes away without a word', async () => {
    const request = 'GET /v1/events?follow=1 HTTP/1.1\r\nhost: x\r\n\r\n';
    expect(await sendRaw(world.socket, request, 300)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await world.state()).toEqual(before);
  });

  test('the daemon has logged no failure of its own', () => {
    expect(world.bondwire.log).not.toMatch(
      /unhandled|TypeError|an action failed|could not be handled|cannot be written/i,
    );
  });
});
