// What `npm run fuzz` feeds: every codec and parser, each with a few good inputs to start from.
import {
  checkCidr,
  Failure,
  isChanged,
  isDaemonStatus,
  isErrorBody,
  isEventRecord,
  isSaidShow,
  parseOptionWords,
} from '#cli-parsers';
import { BODY_CHECKS, parseState, parseUrl, STATE_VERSION } from '#daemon-parsers';
import { importFiles, parseBondwireYaml, printBondwireYaml } from '#config';
import { BTF_KINDS, disassemble, parseBtf, summariseVerifierLog } from '#ebpf';
import * as frames from '#frames';
import * as netlink from '#netlink';
import { createBond, OPTION_TABLE } from '#policy';
import { parseScenario, printScenario, randomScenario } from '#simulator';

/** Something that reads bytes (or text, as UTF-8) that others wrote. It must not throw, whatever they are. */
export interface Target {
  readonly name: string;
  readonly seeds: readonly Uint8Array[];
  readonly read: (input: Uint8Array) => unknown;
  /** How often it is chosen: slow ones less. */
  readonly weight: number;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function binary(name: string, seeds: readonly Uint8Array[], read: Target['read'], weight = 10): Target {
  return { name, seeds, read, weight };
}

function text(name: string, seeds: readonly string[], read: (input: string) => unknown, weight = 2): Target {
  return {
    name,
    seeds: seeds.map(each => encoder.encode(each)),
    read: input => read(decoder.decode(input)),
    weight,
  };
}

function value<T>(
  result: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown },
): T {
  if (!result.ok) throw new Error(`A seed of the fuzzer cannot be made: ${JSON.stringify(result.error)}`);
  return result.value;
}

const MAC = '02:00:00:00:00:01';
const mac = Uint8Array.from([2, 0, 0, 0, 0, 1]);
const ten = Uint8Array.from({ length: 16 }, (_, at) => at + 1);
const arp = value(frames.gratuitousArp(MAC, '192.0.2.1'));
const na = value(frames.unsolicitedNa(MAC, '2001:db8::1', false));
const reporter = { mac: MAC, mtu: 1500 };
const igmp = ([1, 2, 3] as const).flatMap(version =>
  value(frames.igmpReports({ ...reporter, ip: '192.0.2.1' }, ['239.1.1.1', '239.1.1.2'], version)),
);
const mld = ([1, 2] as const).flatMap(version =>
  value(frames.mldReports({ ...reporter, ip: 'fe80::1' }, ['ff02::fb'], version)),
);
const tagged = new Uint8Array(64);
frames.emitEthernet(
  {
    destination: mac,
    source: mac,
    vlanTags: [
      { tpid: 0x88a8, tci: 5 },
      { tpid: 0x8100, tci: 7 },
    ],
    etherType: 0x0806,
  },
  tagged,
);
const end = { systemPriority: 65535, system: MAC, key: 15, portPriority: 255, port: 1, state: 0x3f };
const lacpdu = value(frames.lacpduFrame(MAC, { actor: end, partner: end }));
const marker = value(frames.markerResponse(MAC, Uint8Array.from([2, 1, 1, 16]), false));
const hello = value(frames.helloFrame(MAC, { flags: frames.HELLO.DEAF, sequence: 1, system: MAC, port: 1 }));
const allFrames = [arp, na, ...igmp, ...mld, tagged, lacpdu, marker, hello];

/** The bytes with the checksum at `at` made right, so that what follows it is read as well. */
function summed(input: Uint8Array, at: number, sum: (bytes: Uint8Array) => number): Uint8Array {
  if (input.length < at + 2) return input;
  const bytes = input.slice();
  bytes.fill(0, at, at + 2);
  new DataView(bytes.buffer).setUint16(at, sum(bytes));
  return bytes;
}

function sumIcmpv6(bytes: Uint8Array): number {
  return frames.ipv6Checksum(ten, ten, frames.IP_PROTOCOL.ICMPV6, bytes);
}

function ipv4Length(bytes: Uint8Array): number {
  return Math.min(bytes.length, 4 * ((bytes[0] ?? 0) & 15));
}

/** A header of zeros of an rtnetlink message, and attributes of several sizes. */
function attributed(header: number): Uint8Array {
  const attributes = [
    netlink.bytesAttribute(1, Uint8Array.from([192, 0, 2, 1])),
    netlink.bytesAttribute(2, ten.slice(0, 6)),
    netlink.textAttribute(3, 'eth0'),
    netlink.u32Attribute(8, 128),
    netlink.nestedAttribute(9, [netlink.u32Attribute(1, 7)]),
  ];
  const tail = netlink.emitAttributes(attributes);
  const whole = new Uint8Array(header + tail.length);
  whole.set(tail, header);
  return whole;
}

/** From the Ethernet header to the innermost message, as a receiver reads. */
function readFrame(bytes: Uint8Array): unknown {
  const header = frames.parseEthernet(bytes);
  if (!header.ok) return header;
  const at = header.value.payloadOffset;
  if (header.value.etherType === frames.ETHERTYPE.ARP) return frames.parseArp(bytes, at);
  if (header.value.etherType === frames.ETHERTYPE.SLOW) {
    const slow = frames.parseSlowFrame(bytes);
    return slow.ok && slow.value.kind === 'other' ? frames.parseHello(slow.value.body) : slow;
  }
  if (header.value.etherType === frames.ETHERTYPE.IPV4) {
    const ip = frames.parseIpv4Header(bytes, at);
    return ip.ok ? frames.parseIgmp(bytes, ip.value.payloadOffset, ip.value.payloadEnd) : ip;
  }
  const ip = frames.parseIpv6Header(bytes, at);
  if (!ip.ok) return ip;
  const { source, destination, payloadOffset, payloadEnd } = ip.value;
  frames.parseMld(source, destination, bytes, payloadOffset, payloadEnd);
  return frames.parseNdisc(source, destination, bytes, payloadOffset, payloadEnd);
}

const link = netlink.emitLink(netlink.linkWith({ ifindex: 7, address: MAC, mtu: 1500 }));
const filter = netlink.emitTrafficControl(
  netlink.bpfFilterAt({ ifindex: 7, direction: 'ingress', preference: 1, handle: 1 }, 5, 'bw_receive'),
);
const qdisc = netlink.emitTrafficControl(netlink.clsactQdisc(7));
const message = netlink.emitMessage({ type: 16, flags: 0, sequence: 1, port: 0, payload: link });

/** All messages of a datagram, and what each carries. */
function readNetlink(bytes: Uint8Array): void {
  const messages = netlink.parseMessages(bytes);
  if (!messages.ok) return;
  for (const each of messages.value) {
    netlink.parseNews(each);
    netlink.parseAnswer(each);
  }
}

/** The word of a BTF type that holds its kind and number of members. */
function info(kind: number, count = 0): number {
  return (kind << 24) | count;
}

/** BTF of `struct a { int b; }` and a function, little-endian. */
function smallBtf(): Uint8Array {
  const names = encoder.encode('\0int\0a\0b\0f\0');
  const types = [
    [1, info(BTF_KINDS.INT), 4, 32],
    [5, info(BTF_KINDS.STRUCT, 1), 4, 7, 1, 0],
    [0, info(BTF_KINDS.PTR), 2],
    [0, info(BTF_KINDS.FUNC_PROTO), 1],
    [9, info(BTF_KINDS.FUNC), 4],
  ].flat();
  const bytes = new Uint8Array(24 + 4 * types.length + names.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0xeb9f, true);
  view.setUint8(2, 1);
  view.setUint32(4, 24, true);
  view.setUint32(12, 4 * types.length, true);
  view.setUint32(16, 4 * types.length, true);
  view.setUint32(20, names.length, true);
  for (const [at, word] of types.entries()) view.setUint32(24 + 4 * at, word, true);
  bytes.set(names, 24 + 4 * types.length);
  return bytes;
}

function readBtf(bytes: Uint8Array): void {
  const btf = parseBtf(bytes);
  if (!btf.ok) return;
  for (let id = 0; id < Math.min(8, btf.value.typeCount); id++) btf.value.type(id);
  btf.value.find('a', 'STRUCT');
  btf.value.memberOffset('a', 'b');
  btf.value.structSize('a');
}

function readJson(input: string, read: (value: unknown) => void): void {
  let parsed: unknown;
  try {
    parsed = JSON.parse(input);
  } catch {
    return;
  }
  read(parsed);
}

/** Usage errors are how the command line says no; anything else is a bug. */
function mayRefuse(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
  }
}

function fresh() {
  const made = createBond({
    name: 'bond0',
    address: MAC,
    addressIsRandom: true,
    mtu: 1500,
    options: [['mode', 'active-backup']],
  });
  return value(made);
}
let bond = fresh();
let uses = 0;

/** `NAME=VALUE` written to a bond that has lived for a while. */
function setOption(input: string): void {
  if (++uses % 1000 === 0) bond = fresh();
  const at = input.indexOf('=');
  const option = input.slice(0, Math.max(0, at));
  bond.handle({ kind: 'set-option', option, value: input.slice(at + 1) }, uses);
  bond.outputs();
}

const event = {
  time: '2026-01-01T00:00:00.000Z',
  bond: 'bond0',
  severity: 'info',
  type: 'failover',
  message: 'bond0 moved from eth0 to eth1',
  from: 'eth0',
  to: 'eth1',
};
const state = {
  version: 1,
  bootId: 'x',
  netns: '1',
  bonds: [
    {
      name: 'bond0',
      bondIfindex: 1,
      lowerIfindex: 2,
      pins: 'bwl-00000000',
      policy: { version: 1, state: {} },
      ending: false,
      members: [],
      taken: [],
      filters: [],
    },
  ],
};

/** Files of configuration by the names that tell their formats. */
const CONFIGURATION: readonly (readonly [path: string, seeds: readonly string[]])[] = [
  [
    'modules.conf',
    [
      'alias bond0 bonding\noptions bond0 -o b mode=1 miimon=100 arp_ip_target=192.0.2.1\nprobeall bond0 eth0 bond0\n',
      'options bonding max_bonds=2 mode=4\ninstall bond0 /sbin/modprobe -a eth0 && modprobe bonding\n',
    ],
  ],
  [
    'ifcfg-bond0',
    [
      'DEVICE=bond0\nIPADDR=192.0.2.1\nNETMASK=255.255.255.0\nBONDING_OPTS="mode=1 miimon=$X"\n',
      'DEVICE=eth0\nMASTER=bond0\nSLAVE=yes\n',
    ],
  ],
  [
    'interfaces',
    [
      'auto bond0\niface bond0 inet static\n address 192.0.2.1/24\n bond-slaves eth0 eth1\n up ip link set eth0 master bond0\n',
    ],
  ],
  ['bond0.netdev', ['[NetDev]\nName=bond0\nKind=bond\n[Bond]\nMode=active-backup\nMIIMonitorSec=100ms\n']],
  ['bond0.network', ['[Match]\nName=eth*\n[Network]\nBond=bond0\nAddress=192.0.2.1/24\n']],
  [
    'netplan.yaml',
    [
      'network:\n  bonds:\n    bond0:\n      interfaces: [eth0]\n      parameters: {mode: active-backup, up-delay: 1s}\n',
    ],
  ],
  [
    'bond0.nmconnection',
    [
      '[connection]\ntype=bond\ninterface-name=bond0\n[bond]\nmode=active-backup\n[ipv4]\naddress1=192.0.2.1/24,192.0.2.254\nroute1=10.0.0.0/8,192.0.2.1,5\n',
      '[connection]\ntype=ethernet\ninterface-name=eth0\ncontroller=bond0\nport-type=bond\n[bond-port]\nprio=5\n',
    ],
  ],
  [
    'mwan3',
    [
      "config interface 'wan'\n\toption enabled '1'\n\tlist track_ip '192.0.2.1'\nconfig member 'm'\n\toption interface 'wan'\nconfig policy 'p'\n\tlist use_member 'm'\nconfig rule 'r'\n\toption proto 'tcp'\n\toption dest_port '25,80'\n\toption use_policy 'p'\n",
    ],
  ],
  ['team.json', ['{"device":"team0","runner":{"name":"activebackup"},"ports":{"eth0":{"prio":1}}}']],
  [
    'bondwire.yaml',
    [
      'bonds:\n  bond0:\n    options: {mode: 1, miimon: 100}\n    members: [eth0, {name: eth1, prio: 2}]\n    addresses: [192.0.2.1/24]\n',
    ],
  ],
];

function readConfiguration(path: string, input: string): void {
  const { bonds, uplink } = importFiles([{ path, text: input }]);
  const again = parseBondwireYaml({ path: 'bondwire.yaml', text: printBondwireYaml(bonds, [], uplink) });
  const isLess = again.bonds.length !== bonds.length || (again.uplink === null) !== (uplink === null);
  if (path !== 'bondwire.yaml' && isLess) throw new Error('What was written cannot be read.');
}

export const TARGETS: readonly Target[] = [
  binary('frames', allFrames, readFrame, 30),
  binary('ethernet', allFrames, frames.parseEthernet),
  binary('arp', [arp.subarray(14)], input => frames.parseArp(input)),
  binary(
    'ipv4',
    igmp.map(each => each.subarray(14)),
    input =>
      frames.parseIpv4Header(
        summed(input, 10, bytes => frames.internetChecksum(bytes, 0, ipv4Length(bytes))),
      ),
  ),
  binary('ipv6', [na.subarray(14), ...mld.map(each => each.subarray(14))], input =>
    frames.parseIpv6Header(input),
  ),
  binary(
    'igmp',
    igmp.map(each => each.subarray(38)),
    input => frames.parseIgmp(summed(input, 2, bytes => frames.internetChecksum(bytes))),
  ),
  binary(
    'mld',
    mld.map(each => each.subarray(62)),
    input => frames.parseMld(ten, ten, summed(input, 2, sumIcmpv6)),
  ),
  binary('ndisc', [na.subarray(54)], input => frames.parseNdisc(ten, ten, summed(input, 2, sumIcmpv6))),
  binary(
    'netlink messages',
    [message, netlink.emitMessage({ type: 3, flags: 0, sequence: 1, port: 0, payload: new Uint8Array(4) })],
    readNetlink,
    20,
  ),
  binary('rtnetlink link', [link], netlink.parseLink),
  binary('rtnetlink address', [attributed(8)], netlink.parseAddress),
  binary('rtnetlink route', [attributed(12)], netlink.parseRoute),
  binary('rtnetlink neighbour', [attributed(12)], netlink.parseNeighbour),
  binary('traffic control', [filter, qdisc], netlink.parseTrafficControl),
  binary('BTF', [smallBtf()], readBtf, 5),
  binary('disassembler', [new Uint8Array(16)], input => disassemble(input.subarray(0, input.length & ~7)), 2),
  text(
    'verifier log',
    ['0: (b7) r0 = 0\nR0 !read_ok\nprocessed 1 insns'],
    input => summariseVerifierLog(input),
    2,
  ),
  text(
    'options',
    OPTION_TABLE.map(spec => `${spec.name}=${spec.words[0]?.word ?? 1}`),
    setOption,
    5,
  ),
  text(
    'option words',
    ['mode=1', 'miimon=100 primary=eth0'],
    input => mayRefuse(() => parseOptionWords(input.split(' '))),
    3,
  ),
  text('CIDR', ['192.0.2.1/24', '2001:db8::1/64'], input => mayRefuse(() => checkCidr(input)), 3),
  text(
    'API bodies',
    ['{"name":"bond0","options":{"mode":"1"}}', '{"interfaces":["eth0"],"takeDown":true}'],
    input =>
      readJson(input, body => {
        for (const check of BODY_CHECKS) check(body);
      }),
  ),
  text('API addresses', ['/v1/bonds/bond0/members?x=1', '/v1/events?follow=1'], parseUrl),
  text(
    'answers of a daemon',
    [JSON.stringify(event), '{"error":{"code":"system","errno":"EIO","message":"x"}}'],
    input =>
      readJson(input, answer => {
        for (const check of [isChanged, isDaemonStatus, isErrorBody, isEventRecord, isSaidShow])
          check(answer);
      }),
  ),
  text('state file', [JSON.stringify(state)], input =>
    parseState(input, { version: STATE_VERSION, bootId: 'x' }),
  ),
  ...CONFIGURATION.map(([path, seeds]) =>
    text(`configuration ${path}`, seeds, input => readConfiguration(path, input), 1),
  ),
  text('scenarios', [printScenario(randomScenario(1)), JSON.stringify(randomScenario(2))], parseScenario, 1),
];
