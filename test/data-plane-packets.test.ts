// Whatever the host sends through a bond, or the wire brings, arrives byte for byte on both data planes: super packets, jumbo
// frames, fragments, tags, short frames; and what the stack notes beside a packet as far as it can be kept. Needs root.
import { createCipheriv, createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Assembler, BPF_PROG_TYPES, link, R1, R2, R6, SK_BUFF } from '../src/ebpf/index.js';
import {
  addAddress,
  addBpfFilter,
  addClsact,
  addressFromText,
  BPF_MAP_TYPES,
  closeFd,
  createMap,
  ETH_P_ALL,
  loadProgram,
  lookupMap,
  PacketSocket,
  type ReceivedFrame,
  requireLink,
  setLink,
  UdpBatch,
} from '../src/linux/index.js';
import type { BondDataPlane, DataPlaneKind } from '../src/dataplane/index.js';
import { setSocketOption } from '../src/linux/ffi.js';
import { DataPlaneStage, NEVER, planFor } from './support/data-plane-stage.js';

const MEGABYTE = 1024 * 1024;
const BYTES = 16 * MEGABYTE;
const PORT = 4711;

/** Sends BYTES that look random and tells the digest of what it receives; both ends of a connection run it. */
const TALKER = `
  const [role, host, bytes] = process.argv.slice(1);
  const net = require('node:net'), crypto = require('node:crypto');
  const talk = socket => {
    const hash = crypto.createHash('sha256'), cipher = crypto.createCipheriv('aes-128-ctr', Buffer.alloc(16, role), Buffer.alloc(16));
    socket.on('data', data => hash.update(data));
    socket.on('end', () => { console.log(hash.digest('hex')); process.exitCode = 0; socket.server?.close(); server?.close(); });
    let left = Number(bytes);
    const more = () => {
      while (left > 0) {
        const size = Math.min(left, 262144);
        left -= size;
        if (!socket.write(cipher.update(Buffer.alloc(size)))) return void socket.once('drain', more);
      }
      socket.end();
    };
    more();
  };
  let server;
  if (role === 'server') {
    server = net.createServer({ allowHalfOpen: true }, talk).listen(${PORT}, host, () => console.error('ready'));
  } else talk(net.connect({ port: ${PORT}, host, allowHalfOpen: true }));`;

function digest(role: string): string {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, role), Buffer.alloc(16));
  return createHash('sha256')
    .update(cipher.update(Buffer.alloc(BYTES)))
    .digest('hex');
}

/** A neighbour that was asked for before a port of the switch forwards is asked for again after a second. */
const PATIENCE = { timeout: 10_000 };
/** A datagram is sent so often, and waited for so long before it is sent again. */
const TRIES = 4;
const TRY_MS = 2000;
const HOST_IPV6 = 'fd00:9::2';
const PEER_IPV6 = 'fd00:9::1';

let stage: DataPlaneStage;
let plane: BondDataPlane | undefined;
beforeEach(async () => {
  stage = await DataPlaneStage.create({}, { ipv6: true });
  for (const member of stage.lab.members)
    setLink(stage.lab.netlink('host'), stage.ifindex(member), { addrGenMode: 'none' });
});
afterEach(() => {
  plane?.close();
  plane = undefined;
  stage.close();
});

/** The bond with addresses; its members have its MAC, as the policy would give it. */
function bondWithAddresses(kind: DataPlaneKind, mtu = 1500): void {
  const { lab } = stage;
  const netlink = lab.netlink('host');
  if (mtu !== 1500) {
    for (const name of ['p0', 'p1', 'up0', 'sw0'])
      setLink(lab.netlink('switch'), requireLink(lab.netlink('switch'), name).ifindex, { mtu });
    setLink(lab.netlink('peer'), requireLink(lab.netlink('peer'), 'eth0').ifindex, { mtu });
  }
  plane = stage.bondOfAll(mtu, kind);
  const { address } = requireLink(netlink, 'bond0');
  for (const member of lab.members)
    setLink(netlink, stage.ifindex(member), { mtu, ...(address !== undefined && { address }) });
  lab.addAddress('host', 'bond0', lab.hostAddress);
  addAddress(netlink, addressFromText(stage.ifindex('bond0'), `${HOST_IPV6}/64`));
  const peer = lab.netlink('peer');
  addAddress(peer, addressFromText(requireLink(peer, 'eth0').ifindex, `${PEER_IPV6}/64`));
}

/** An IPv6 address can be bound to a moment after it is there: the kernel looks for doubles by a thread of its own. */
async function bound(open: () => UdpBatch): Promise<UdpBatch> {
  for (let tries = 0; ; tries++) {
    try {
      return open();
    } catch (error) {
      if (tries === 100) throw error;
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  }
}

/** Sends one datagram each way and gives what arrived. */
async function exchange(
  ipv6: boolean,
  bytes: number,
  prepare?: (socket: UdpBatch) => void,
  count = 1,
): Promise<void> {
  const { lab } = stage;
  const at = { host: ipv6 ? HOST_IPV6 : lab.hostIp, peer: ipv6 ? PEER_IPV6 : lab.peerIp };
  for (const [from, to] of [
    ['host', 'peer'],
    ['peer', 'host'],
  ] as const) {
    const receiver = await bound(() =>
      lab.inside(to, () =>
        UdpBatch.open({ local: { address: at[to], port: PORT }, payloadBytes: bytes / count }),
      ),
    );
    const sender = lab.inside(from, () =>
      UdpBatch.open({ remote: { address: at[to], port: PORT }, batch: 1, payloadBytes: bytes }),
    );
    try {
      prepare?.(sender);
      for (let i = 0; i < bytes; i++) sender.outgoing[i] = (i * 7 + (i >> 8)) & 0xff;
      let parts: Uint8Array[] = [];
      const receive = (): number => {
        const came = receiver.receive();
        for (let i = 0; i < came; i++) {
          parts.push(
            receiver.incoming.slice(i * receiver.stride, i * receiver.stride + (receiver.lengths[i] ?? 0)),
          );
        }
        return parts.length;
      };
      // A busy machine drops fragments (net.core.netdev_max_backlog is shared by all): what comes is looked at, not whether.
      for (let tries = 1; parts.length !== count; tries++) {
        receive();
        parts = [];
        expect(sender.send(1)).toBe(1);
        if (tries === TRIES) await expect.poll(receive, PATIENCE).toBe(count);
        for (let waited = 0; receive() < count && waited < TRY_MS; waited += 5) {
          await new Promise(resolve => setTimeout(resolve, 5));
        }
      }
      expect(Buffer.concat(parts).equals(sender.outgoing.subarray(0, bytes)), `${from} to ${to}`).toBe(true);
    } finally {
      sender.close();
      receiver.close();
    }
  }
}

function segment(socket: UdpBatch): void {
  setSocketOption(socket.fd, 17, 103, 1000, 'UDP_SEGMENT');
}

const head = (...type: number[]): number[] => [...Buffer.alloc(6, 0xff), 2, 0, 0, 0, 0, 9, ...type];
const filled = (start: readonly number[], length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => start[i] ?? (i * 13) & 0xff);
/** IPv6, payload length to fill, next header hop-by-hop, then destination options, then 59: none. */
const extensions = [
  ...head(0x86, 0xdd),
  0x60,
  0,
  0,
  0,
  0,
  36,
  0,
  64,
  ...Buffer.alloc(15),
  1,
  ...Buffer.alloc(15),
  2,
  60,
  0,
  1,
  4,
  0,
  0,
  0,
  0,
  59,
  0,
  1,
  4,
  0,
  0,
  0,
  0,
];
const cases: readonly (readonly [string, Uint8Array])[] = [
  ['one byte behind the header', filled(head(0x88, 0xb5), 15)],
  ['17 bytes', filled(head(0x88, 0xb5), 17)],
  ['59 bytes', filled(head(0x88, 0xb5), 59)],
  ['60 bytes', filled(head(0x88, 0xb5), 60)],
  ['a whole frame', filled(head(0x88, 0xb5), 1514)],
  ['802.3 with a length', filled(head(0, 50), 64)],
  ['a VLAN tag with priority', filled(head(0x81, 0x00, 0xa1, 0x23, 0x88, 0xb5), 100)],
  ['a priority tag (VLAN 0)', filled(head(0x81, 0x00, 0xe0, 0x00, 0x88, 0xb5), 100)],
  ['two tags (802.1ad)', filled(head(0x88, 0xa8, 0x00, 0x0a, 0x81, 0x00, 0x00, 0x14, 0x88, 0xb5), 200)],
  ['a whole frame with a tag', filled(head(0x81, 0x00, 0x00, 0x05, 0x88, 0xb5), 1518)],
  ['IPv6 with extension headers', filled(extensions, 90)],
];
const jumbo = ['a jumbo frame', filled(head(0x88, 0xb5), 9014)] as const;

/** Sends a frame from one end and gives it as the other has it, tags put back where they were. */
function sent(from: 'host' | 'peer', frame: Uint8Array): string | undefined {
  const { lab } = stage;
  const open = (place: 'host' | 'peer', protocol: number): PacketSocket =>
    lab.inside(place, () =>
      PacketSocket.open({
        ifindex: requireLink(lab.netlink(place), place === 'host' ? 'bond0' : 'eth0').ifindex,
        protocol,
        auxData: true,
      }),
    );
  const sender = open(from, 0);
  const receiver = open(from === 'host' ? 'peer' : 'host', ETH_P_ALL);
  try {
    sender.send(frame);
    const next = (): ReceivedFrame | undefined => {
      for (let tries = 0; tries < 500; tries++) {
        const came = receiver.receive();
        if (came !== undefined) return came;
        Atomics.wait(NEVER, 0, 0, 1);
      }
      return undefined;
    };
    for (let came = next(); came !== undefined; came = next()) {
      const bytes = [...came.data];
      if (came.vlan !== undefined) {
        const { protocol, tci } = came.vlan;
        bytes.splice(12, 0, protocol >> 8, protocol & 255, tci >> 8, tci & 255);
      }
      // Others are the stack's own.
      if (bytes[6] === 2 && bytes[11] === 9) return Buffer.from(bytes).toString('hex');
    }
    return undefined;
  } finally {
    sender.close();
    receiver.close();
  }
}

describe.each(['ebpf', 'userspace'] as const)('%s', kind => {
  describe('streams', () => {
    const offloads = ['as they are', 'off'] as const;
    test.each([
      ['IPv4', 1500, 'as they are'],
      ['IPv6', 1500, 'as they are'],
      ['IPv4', 9000, 'as they are'],
      ['IPv4', 1500, 'off'],
    ] satisfies [string, number, (typeof offloads)[number]][])(
      '%s, MTU %i, offloads %s: both ways at once',
      async (family, mtu, offload) => {
        const { lab } = stage;
        bondWithAddresses(kind, mtu);
        if (offload === 'off') {
          for (const name of ['bond0', 'bwl-00c0ffee', 'eth0']) {
            await lab.exec('host', [
              'ethtool',
              '-K',
              name,
              'tx',
              'off',
              'tso',
              'off',
              'gso',
              'off',
              'gro',
              'off',
            ]);
          }
        }
        const address = family === 'IPv4' ? lab.peerIp : PEER_IPV6;
        const node = process.execPath;
        const server = lab.spawn('peer', [node, '-e', TALKER, 'server', address, String(BYTES)]);
        let heard = '';
        server.stdout?.on('data', data => (heard += String(data)));
        const ended = new Promise(resolve => server.once('close', resolve));
        await new Promise(resolve => server.stderr?.once('data', resolve));
        const client = await lab.exec('host', [node, '-e', TALKER, 'client', address, String(BYTES)]);
        await ended;
        expect([client.stdout.trim(), heard.trim()]).toEqual([digest('server'), digest('client')]);
        const { txBytes = 0n, txPackets = 1n } = lab.link('host', 'bond0')?.statistics ?? {};
        const mean = Number(txBytes) / Number(txPackets);
        // Super packets go through whole; without offloads there are none.
        if (offload === 'off') expect(mean).toBeLessThan(1515);
        else if (mtu === 1500) expect(mean).toBeGreaterThan(1600);
      },
    );
  });

  describe('datagrams', () => {
    test.each([
      ['eight bytes', 8],
      ['one frame', 1400],
      ['many fragments', 60_000],
    ])('%s, IPv4 and IPv6', async (_, bytes) => {
      bondWithAddresses(kind);
      await exchange(false, bytes);
      // Fragments of IPv6 carry an extension header.
      await exchange(true, bytes);
    });

    test('segmented by the device (UDP_SEGMENT)', async () => {
      bondWithAddresses(kind);
      await exchange(false, 40_000, segment, 40);
      await exchange(true, 40_000, segment, 40);
    });
  });

  describe('frames', () => {
    test.each([1500, 9000])('MTU %i', mtu => {
      bondWithAddresses(kind, mtu);
      for (const [name, frame] of mtu === 9000 ? [...cases, jumbo] : cases) {
        const wanted = Buffer.from(frame).toString('hex');
        expect(sent('host', frame), `${name}, out`).toBe(wanted);
        expect(sent('peer', frame), `${name}, in`).toBe(wanted);
      }
    });

    test('after a failover too', () => {
      bondWithAddresses(kind);
      stage.lab.cut('eth0');
      for (const [name, frame] of cases)
        expect(sent('host', frame), name).toBe(Buffer.from(frame).toString('hex'));
      plane?.apply(planFor([stage.ifindex('eth1')]));
      for (const [name, frame] of cases)
        expect(sent('peer', frame), name).toBe(Buffer.from(frame).toString('hex'));
    });
  });
});

test('eBPF: priority and mark of the socket are there at the member', async () => {
  bondWithAddresses('ebpf');
  const netlink = stage.lab.netlink('host');
  const ifindex = stage.ifindex('eth0');
  const map = createMap({
    type: BPF_MAP_TYPES.BPF_MAP_TYPE_ARRAY,
    keySize: 4,
    valueSize: 8,
    maxEntries: 1,
  });
  // Notes both of packets that have the socket's mark; some of the stack's own have another.
  const program = new Assembler('look')
    .mov(R6, R1)
    .loadMapValue(R2, 'seen')
    .load('u32', R1, R6, SK_BUFF.mark)
    .jne(R1, 77, 'done')
    .store('u32', R2, 0, R1)
    .load('u32', R1, R6, SK_BUFF.priority)
    .store('u32', R2, 4, R1)
    .label('done')
    .exitWith(-1)
    .build();
  const type = BPF_PROG_TYPES.BPF_PROG_TYPE_SCHED_CLS;
  const instructions = link(program, { maps: { seen: map } });
  const fd = loadProgram({ name: program.name, type, license: 'GPL', instructions });
  addClsact(netlink, ifindex);
  addBpfFilter(netlink, { ifindex, direction: 'egress', preference: 1 }, fd, 'look');
  closeFd(fd);
  await exchange(false, 100, socket => {
    setSocketOption(socket.fd, 1, 36, 77, 'SO_MARK');
    setSocketOption(socket.fd, 1, 12, 5, 'SO_PRIORITY');
  });
  const seen = lookupMap(map, new Uint8Array(4), 8) ?? new Uint8Array(8);
  closeFd(map);
  expect([...new Uint32Array(seen.buffer)]).toEqual([77, 5]);
});
