// What doctor says of the links of bonds and members: each finding with the command that mends it, and no false alarm.
import { expect, test } from 'vitest';
import { createBond } from '../../policy/index.js';
import type { ShowBond, ShowMember } from '../api/api.js';
import { linkFindings, type MemberLinkFacts } from './doctor-links.js';

const NONE = { packets: 0, bytes: 0 };
const BOND = '02:00:00:00:00:01';
const OWN = '02:00:00:00:00:02';

function member(name: string, miiStatus: ShowMember['miiStatus'] = 'up'): ShowMember {
  return {
    name,
    state: 'backup',
    miiStatus,
    linkFailureCount: 0,
    permanentAddress: OWN,
    address: OWN,
    speedMbps: 1000,
    duplex: 'full',
    rx: NONE,
    tx: NONE,
    lastReceivedMs: null,
    silence: null,
  };
}

function bondOf(options: Readonly<Record<string, string>>, change: Partial<ShowBond> = {}): ShowBond {
  const made = createBond({
    name: 'bond0',
    address: BOND,
    addressIsRandom: false,
    mtu: 1500,
    options: Object.entries({ mode: 'active-backup', miimon: '100', ...options }),
  });
  if (!made.ok) throw new Error(made.error.message);
  const { options: values, mode } = made.value.snapshot();
  return {
    name: 'bond0',
    mode,
    dataPlane: 'ebpf',
    dataPlaneDetail: '',
    inlineFailover: true,
    adminUp: true,
    carrier: true,
    active: 'eth0',
    address: BOND,
    mtu: 1500,
    options: values,
    rx: NONE,
    tx: NONE,
    txDropped: 0,
    awaited: [],
    members: [member('eth0'), member('eth1')],
    ...change,
  };
}

const GOOD: MemberLinkFacts = {
  adminUp: true,
  carrier: true,
  mtu: 1500,
  address: BOND,
  master: null,
  isHeard: true,
};

/** What is told of a bond whose eth1 is not like the other, as detail and fix. */
function told(bond: ShowBond, eth1: Partial<MemberLinkFacts> = {}, isSent = true): string[] {
  return linkFindings(bond, { eth0: GOOD, eth1: { ...GOOD, ...eth1 } }, isSent).map(
    ({ detail, fix }) => `${detail} | ${fix}`,
  );
}

test('a bond that is well, that awaits all its members, or is in a delay', () => {
  expect(told(bondOf({}))).toEqual([]);
  expect(told(bondOf({}, { members: [], awaited: ['usb0'], carrier: false }))).toEqual([]);
  expect(told(bondOf({}, { members: [member('eth0'), member('eth1', 'going back')] }))).toEqual([]);
});

test('a bond without members, and one that is down', () => {
  expect(told(bondOf({}, { members: [] }))).toEqual([
    'it has no members | bondwire enslave --take-down --take-addresses bond0 IFACE',
  ]);
  expect(told(bondOf({}, { adminUp: false }))).toEqual(['it is set down | ip link set dev bond0 up']);
});

test('a member that is down, without carrier, without answers, in a bridge', () => {
  const members = [member('eth0'), member('eth1', 'down')];
  expect(told(bondOf({}, { members }), { adminUp: false, carrier: false })).toEqual([
    'member eth1 is set down | ip link set dev eth1 up',
  ]);
  expect(told(bondOf({}, { members }), { carrier: false })).toEqual([
    expect.stringMatching(/^member eth1 has no carrier \|.*cable/),
  ]);
  const asking = bondOf({ miimon: '0', arp_interval: '100', arp_ip_target: '192.0.2.1' }, { members });
  expect(told(asking)).toEqual([
    expect.stringMatching(/eth1 has carrier, but nothing .* is heard through it/),
  ]);
  expect(told(bondOf({}), { master: 'br0' })).toEqual([
    expect.stringMatching(/^member eth1 belongs to br0 too.*\| ip link set dev eth1 nomaster$/),
  ]);
});

test('programs that were taken off', () => {
  expect(told(bondOf({}), { isHeard: false })).toEqual([
    expect.stringMatching(
      /of member eth1: the bond does not hear them.*\| bondwire release bond0 eth1; bondwire ensl/,
    ),
  ]);
  expect(told(bondOf({}), { isHeard: false }, false)).toEqual([expect.stringMatching(/nothing leaves \|/)]);
});

test('an MTU that is too small, not one that is larger', () => {
  expect(told(bondOf({}), { mtu: 1400 })).toEqual([
    expect.stringMatching(
      /^member eth1 has MTU 1400 where the bond has 1500.*\| ip link set dev eth1 mtu 1500$/,
    ),
  ]);
  expect(told(bondOf({}), { mtu: 9000 })).toEqual([]);
});

test.each([
  ['the bond itself, in active-backup', {}, 'eth0', true],
  ['the bond itself, in balance-xor', { mode: 'balance-xor' }, null, true],
  ['its own as a backup with fail_over_mac=active', { fail_over_mac: 'active' }, 'eth0', false],
  ['its own as the active one with fail_over_mac=active', { fail_over_mac: 'active' }, 'eth1', true],
  ['its own in balance-tlb', { mode: 'balance-tlb' }, 'eth0', false],
])('a member must have the MAC address of %s', (_, options, active, isWrong) => {
  const found = told(bondOf(options, { active }), { address: OWN });
  expect(found).toEqual(
    isWrong ? [expect.stringMatching(new RegExp(`ip link set dev eth1 address ${BOND}$`))] : [],
  );
});
