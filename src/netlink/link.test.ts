import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { emitLink, linkWith, parseLink } from './link.js';
import {
  addrGenModeOf,
  addrGenModeSettings,
  bridgeInfo,
  macvlanInfo,
  isOneOfTwo,
  netkitInfo,
  vethInfo,
  vlanInfo,
  vlanSettingsOf,
} from './link-kinds.js';
import { emitMessage, parseMessages } from './message.js';
import { hex } from './testing.js';

/** RTM_NEWLINK of one end of a veth pair, as Linux 6.18 told it (without counters: RTEXT_FILTER_SKIP_STATS). */
const VETH =
  '64040000100000000e000000c337000000000100030000004310010000000000080003006277610008000d00e8030000' +
  '0500100006000000050011000000000005004300000000000800040078050000080032004400000008003300ffff0000' +
  '08001b000000000008001e000000000008003d000000000008001f000200000008002800ffff00000800290000000100' +
  '08003a000000010008003f0000000100080040000000010008003b00f8ff070008003c00ffff00000800420000000000' +
  '08002000020000000500210001000000080023000200000008002f000100000008003000010000000600440000000000' +
  '060045000000000005002700000000000a00010002000000000100000a000200ffffffffffff0000cc00170000000000' +
  '000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000' +
  '000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000' +
  '000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000' +
  '000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000' +
  '000000006400070000000000000000000000000000000000000000000000000000000000000000000000000000000000' +
  '000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000' +
  '00000000000000000c002b0005000200000000001000120009000100766574680000000008000500020000000c000600' +
  '6e6f717565756500c0011a008c0002008800010000000000000000000000000001000000010000000100000001000000' +
  '000000000100000000000000000000000000000000000000000000000000000000000000000000000000000000000000' +
  '0000000000000000000000000000000000000000000000000000000010270000e8030000000000000000000000000000' +
  '000000000100000030010a00080001000000008014000500ffff000072090400ec810000e8030000f400020000000000' +
  '400000007805000001000000010000000100000001000000ffffffffa00f0000e803000000000000803a090080510100' +
  '0300000058020000100000000000000001000000010000000100000060ea000000000000000000000000000000000000' +
  '000000000000000001000000000000000000000010270000e80300000100000000000000000000000100000000000000' +
  '00000000010000000000000000000000000000000000000080ee36000000000000000000010000000100000000000000' +
  '0000000000000000000000000004000000000000ffff0000ffffffff0100000000000000000000000000000014000700' +
  '00000000000000000000000000000000050008000100000024000e000000000000000000000000000000000000000000' +
  '00000000000000000000000004003e8004004180';

function vethLink(): ReturnType<typeof parseLink> {
  const messages = parseMessages(hex(VETH));
  return parseLink(messages.ok ? (messages.value[0]?.payload ?? new Uint8Array(0)) : new Uint8Array(0));
}

test('parseLink() reads a veth of the kernel', () => {
  const link = vethLink();
  expect(link).toMatchObject({
    ok: true,
    value: {
      hardwareType: 1,
      ifindex: 3,
      flags: 0x11043,
      name: 'bwa',
      mtu: 1400,
      address: '02:00:00:00:00:01',
      broadcast: 'ff:ff:ff:ff:ff:ff',
      operationalState: 'up',
      carrier: true,
      link: 2,
      qdisc: 'noqueue',
      info: { kind: 'veth' },
      numTxQueues: 2,
      tsoMaxSize: 524280,
      promiscuity: 0,
      protoDown: false,
    },
  });
  expect(link.ok && addrGenModeOf(link.value)).toBe('none');
});

test('emitLink() keeps what parseLink() told, and the attributes that it did not know', () => {
  const link = vethLink();
  expect(link.ok && link.value.other.length).toBeGreaterThan(0);
  expect(link.ok && parseLink(emitLink(link.value))).toEqual(link);
});

test('parseMessages() and emitMessage() give the same bytes', () => {
  const messages = parseMessages(hex(VETH));
  expect(messages.ok && messages.value.map(emitMessage)).toEqual([hex(VETH)]);
});

test('emitLink() writes a request byte for byte', () => {
  const bytes = emitLink(linkWith({ ifindex: 3, flags: 1, changeMask: 1, mtu: 1500, alias: 'a' }));
  expect(bytes).toEqual(
    hex(
      '00000000' +
        '03000000' +
        '01000000' +
        '01000000' +
        '0800' +
        '0400' +
        'dc050000' +
        '0500' +
        '1400' +
        '61000000',
    ),
  );
});

test('alternative names are read as the kernel lists them', () => {
  // IFLA_PROP_LIST (0x8034) with two IFLA_ALT_IFNAME (0x35), as `ip link property add` leaves them.
  const list =
    '1c00' +
    '3480' +
    '0b00' +
    '3500' +
    '6c6f6e67657200'.slice(0, 14) +
    '00' +
    '0900' +
    '3500' +
    '6f6e6d6200' +
    '000000';
  const link = parseLink(hex(`${'00'.repeat(16)}${list}`));
  expect(link.ok && link.value.alternativeNames).toEqual(['longer', 'onmb']);
  expect(link.ok && emitLink(link.value)).toEqual(hex(`${'00'.repeat(16)}${list}`));
});

test('vethInfo() nests a whole link message', () => {
  const info = vethInfo(linkWith({ name: 'p' }));
  const link = parseLink(emitLink(linkWith({ name: 'n', info })));
  expect(link.ok && link.value.info).toEqual(info);
  expect(info.data?.[0]?.value).toEqual(hex('00'.repeat(16) + '0600030070000000'));
});

test('netkitInfo() says what the kernel is to do without a program, and nests the other end', () => {
  const info = netkitInfo(linkWith({ name: 'p', numTxQueues: 1 }));
  const link = parseLink(emitLink(linkWith({ name: 'n', info })));
  expect(link.ok && link.value.info).toEqual(info);
  // include/uapi/linux/if_link.h: mode NETKIT_L2, policies NETKIT_PASS, then struct ifinfomsg and its attributes.
  expect(info.kind).toBe('netkit');
  expect(info.data?.map(({ type }) => type)).toEqual([5, 3, 4, 1]);
  expect(info.data?.slice(0, 3).map(({ value }) => value)).toEqual(Array(3).fill(hex('00000000')));
  expect(info.data?.[3]?.value).toEqual(hex(`${'00'.repeat(16)}060003007000000008001f0001000000`));
});

test('isOneOfTwo() knows devices whose link is the other end', () => {
  const kinds = [vethInfo(linkWith({})), netkitInfo(linkWith({})), macvlanInfo('bridge'), undefined];
  const links = kinds.map(info => linkWith(info === undefined ? {} : { info }));
  expect(links.map(isOneOfTwo)).toEqual([true, true, false, false]);
});

test('vlanSettingsOf() reads back what vlanInfo() wrote, and nothing of other kinds', () => {
  const settings = { id: 4094, protocol: 0x88a8 };
  expect(vlanSettingsOf(linkWith({ info: vlanInfo(settings) }))).toEqual(settings);
  expect(vlanSettingsOf(linkWith({ info: macvlanInfo('bridge') }))).toBeUndefined();
  expect(vlanSettingsOf(linkWith({}))).toBeUndefined();
});

test('addrGenModeOf() reads back what addrGenModeSettings() wrote', () => {
  expect(addrGenModeOf(linkWith({ familySettings: addrGenModeSettings('stable-privacy') }))).toBe(
    'stable-privacy',
  );
  expect(addrGenModeOf(linkWith({}))).toBeUndefined();
});

test('bridgeInfo() writes only what is asked for', () => {
  expect(bridgeInfo().data).toEqual([]);
  expect(bridgeInfo({ stp: true, forwardDelaySeconds: 2 }).data).toEqual([
    { type: 1, flags: 0, value: Uint8Array.of(200, 0, 0, 0) },
    { type: 5, flags: 0, value: Uint8Array.of(1, 0, 0, 0) },
  ]);
});

test('parseLink() never throws, and what it accepts it can emit', () => {
  const kernel = parseMessages(hex(VETH));
  const payload = kernel.ok ? (kernel.value[0]?.payload ?? new Uint8Array(0)) : new Uint8Array(0);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(payload.length - 1), fc.nat(255)), { maxLength: 20 }), changes => {
      const bytes = payload.slice();
      for (const [at, value] of changes) bytes[at] = value;
      const link = parseLink(bytes);
      if (link.ok) expect(parseLink(emitLink(link.value)).ok).toBe(true);
    }),
  );
});
