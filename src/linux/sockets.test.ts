import { describe, expect, test } from 'vitest';
import { Ethtool } from './ethtool.js';
import { createVeth, requireLink, setLink } from './links.js';
import { addAddress, addressFromText } from './addresses.js';
import { ETH_P_ALL, PacketSocket, type ReceivedFrame } from './packet-socket.js';
import { addBpfFilter, addClsact } from './traffic-control.js';
import { loadProgram } from './bpf-program.js';
import { closeFd } from './ffi.js';
import { inScratchNetns, isRoot, scratchName } from './testing.js';
import { writeSysctl } from './sysctl.js';
import { InetSocket } from './inet-socket.js';
import { PollSet } from './wake-up.js';
import { UdpBatch } from './udp-batch.js';
import { Rtnetlink } from './rtnetlink.js';
import { createNamedNetns, deleteNamedNetns, withNetns } from './netns.js';

function pair(netlink: Rtnetlink): { near: number; far: number } {
  // Else the kernel's own IPv6 reports are heard between the frames of the test.
  writeSysctl('ipv6', 'default', 'disable_ipv6', '1');
  createVeth(netlink, { name: 'bwa', peerName: 'bwb', up: true, peerUp: true });
  return { near: requireLink(netlink, 'bwa').ifindex, far: requireLink(netlink, 'bwb').ifindex };
}

function socketPair(): { sender: PacketSocket; receiver: PacketSocket } {
  const netlink = Rtnetlink.open();
  try {
    const { near, far } = pair(netlink);
    return {
      sender: PacketSocket.open({ ifindex: near, protocol: 0 }),
      receiver: PacketSocket.open({ ifindex: far, protocol: 0x88b5 }),
    };
  } finally {
    netlink.close();
  }
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => {
    setTimeout(resolve, ms);
  });
}

function frame(protocol: number, payload: number): Uint8Array {
  const bytes = new Uint8Array(60).fill(payload);
  bytes.set([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, protocol >> 8, protocol & 0xff]);
  return bytes;
}

describe.skipIf(!isRoot)('PacketSocket', () => {
  test('a frame sent on one end arrives at the other, only of the protocol asked for', () => {
    inScratchNetns(netlink => {
      const { near, far } = pair(netlink);
      const sender = PacketSocket.open({ ifindex: near, protocol: 0 });
      const receiver = PacketSocket.open({ ifindex: far, protocol: 0x88b5, maxFrameBytes: 32 });
      try {
        expect(receiver.receive()).toBeUndefined();
        expect(sender.send(frame(0x88b6, 1))).toBe(true);
        expect(sender.send(frame(0x88b5, 2))).toBe(true);
        const got = receiver.receive();
        expect(got).toMatchObject({ length: 60, packetType: 1 });
        expect(got?.data).toEqual(frame(0x88b5, 2).subarray(0, 32));
        expect(receiver.receive()).toBeUndefined();
        expect(sender.receive()).toBeUndefined();
      } finally {
        sender.close();
        receiver.close();
        receiver.close();
      }
    });
  });

  test('auxData tells the VLAN tag that was taken off', () => {
    inScratchNetns(netlink => {
      const { near, far } = pair(netlink);
      const sender = PacketSocket.open({ ifindex: near, protocol: 0 });
      const receiver = PacketSocket.open({ ifindex: far, protocol: ETH_P_ALL, auxData: true });
      try {
        const tagged = frame(0x8100, 0);
        tagged.set([0x60, 0x07, 0x88, 0xb5], 14);
        sender.send(tagged);
        let seen: ReceivedFrame | undefined;
        for (let got = receiver.receive(); got !== undefined; got = receiver.receive()) {
          if (got.vlan !== undefined) seen = { ...got, data: got.data.slice() };
        }
        expect(seen?.vlan).toEqual({ tci: 0x6007, protocol: 0x8100 });
        expect(seen?.data.subarray(12, 14)).toEqual(Uint8Array.of(0x88, 0xb5));
      } finally {
        sender.close();
        receiver.close();
      }
    });
  });

  test('qdiscBypass sends past an egress program that drops', () => {
    inScratchNetns(netlink => {
      const { near, far } = pair(netlink);
      addClsact(netlink, near);
      const drop = Uint8Array.of(0xb7, 0, 0, 0, 2, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);
      const program = loadProgram({ type: 3, name: 'bw_drop', license: 'GPL', instructions: drop });
      addBpfFilter(netlink, { ifindex: near, direction: 'egress', preference: 1 }, program, 'bw_drop');
      const plain = PacketSocket.open({ ifindex: near, protocol: 0 });
      const bypass = PacketSocket.open({ ifindex: near, protocol: 0, qdiscBypass: true });
      const receiver = PacketSocket.open({ ifindex: far, protocol: 0x88b5 });
      try {
        plain.send(frame(0x88b5, 1));
        bypass.send(frame(0x88b5, 2));
        expect(receiver.receive()?.data[20]).toBe(2);
        expect(receiver.receive()).toBeUndefined();
      } finally {
        for (const socket of [plain, bypass, receiver]) socket.close();
        closeFd(program);
      }
    });
  });

  test('a device that is down is told as false, one that is gone throws', () => {
    inScratchNetns(netlink => {
      const { near } = pair(netlink);
      const socket = PacketSocket.open({ ifindex: near, protocol: ETH_P_ALL });
      try {
        setLink(netlink, near, { up: false });
        expect(socket.receive()).toBeUndefined();
        expect(socket.send(frame(0x88b5, 1))).toBe(false);
      } finally {
        socket.close();
      }
      expect(() => PacketSocket.open({ ifindex: 9999, protocol: 0 })).toThrow('ENODEV');
    });
  });

  test('watch() gives frames from the event loop', async () => {
    const name = scratchName();
    const path = createNamedNetns(name);
    try {
      const { sender, receiver } = withNetns(path, socketPair);
      const data = await new Promise<number>(resolve => {
        receiver.watch(got => resolve(got.data[20] ?? 0));
        sender.send(frame(0x88b5, 42));
      });
      expect(data).toBe(42);
      sender.close();
      receiver.close();
    } finally {
      deleteNamedNetns(name);
    }
  });
});

describe.skipIf(!isRoot)('watches and errors', () => {
  test('frames come again after the interface was down', async () => {
    const name = scratchName();
    const path = createNamedNetns(name);
    try {
      const { sender, receiver } = withNetns(path, socketPair);
      const netlink = withNetns(path, () => Rtnetlink.open());
      const far = requireLink(netlink, 'bwb').ifindex;
      let frames = 0;
      receiver.watch(() => frames++);
      setLink(netlink, far, { up: false });
      await pause(20);
      setLink(netlink, far, { up: true });
      await pause(20);
      sender.send(frame(0x88b5, 1));
      await pause(20);
      expect(frames).toBe(1);
      for (const open of [sender, receiver, netlink]) open.close();
    } finally {
      deleteNamedNetns(name);
    }
  });

  test('datagrams come after a refusal by ICMP', async () => {
    const name = scratchName();
    const path = createNamedNetns(name);
    try {
      const local = { address: '127.0.0.1', port: 4711 };
      const remote = { address: '127.0.0.1', port: 4712 };
      const one = withNetns(path, () => UdpBatch.open({ local, remote }));
      let datagrams = 0;
      one.watch(count => {
        datagrams += count;
      });
      one.send(1);
      await pause(20);
      const two = withNetns(path, () => UdpBatch.open({ local: remote, remote: local }));
      two.send(3);
      await pause(20);
      expect(datagrams).toBe(3);
      one.close();
      two.close();
    } finally {
      deleteNamedNetns(name);
    }
  });
});

describe.skipIf(!isRoot)('Ethtool', () => {
  test('a veth tells link, speed, driver and offloads; what it cannot say is undefined', () => {
    inScratchNetns(netlink => {
      const { far } = pair(netlink);
      const ethtool = Ethtool.open();
      try {
        expect(ethtool.linkDetected('bwa')).toBe(true);
        setLink(netlink, far, { up: false });
        expect(ethtool.linkDetected('bwa')).toBe(false);
        expect(ethtool.linkSettings('bwa')).toEqual({
          speedMbps: 10000,
          duplex: 'full',
          autonegotiation: false,
        });
        expect(ethtool.driverInfo('bwa')?.driver).toBe('veth');
        expect(ethtool.permanentAddress('bwa')).toBeUndefined();
        expect([ethtool.miiPhy('bwa'), ethtool.miiRegister('bwa', 0, 1)]).toEqual([undefined, undefined]);
        expect(ethtool.features('bwa')?.get('tx-tcp-segmentation')?.active).toBe(true);
        expect(ethtool.setFeatureGroup('bwa', 'tso', false)).toBe(true);
        expect(ethtool.features('bwa')?.get('tx-tcp-segmentation')?.active).toBe(false);
        for (const answer of [
          ethtool.linkDetected('bwnone'),
          ethtool.linkSettings('lo'),
          ethtool.features('bwnone'),
          ethtool.setFeatureGroup('bwnone', 'gro', true),
        ]) {
          expect(answer).toBeUndefined();
        }
      } finally {
        ethtool.close();
      }
    });
  });
});

describe.skipIf(!isRoot)('UdpBatch', () => {
  for (const address of ['127.0.0.1', '::1']) {
    test(`datagrams to ${address} arrive with their numbers`, () => {
      inScratchNetns(() => {
        const receiver = UdpBatch.open({ local: { address, port: 0 }, batch: 64, payloadBytes: 18 });
        const sender = UdpBatch.open({ remote: receiver.localEndpoint(), batch: 32, payloadBytes: 18 });
        try {
          expect(receiver.receive()).toBe(-11);
          for (let round = 0; round < 4; round++) {
            for (let i = 0; i < 32; i++) sender.outgoingWords[(i * sender.stride) / 4] = round * 32 + i;
            expect(sender.send(32)).toBe(32);
          }
          const numbers: number[] = [];
          for (let count = receiver.receive(); count > 0; count = receiver.receive()) {
            for (let i = 0; i < count; i++) {
              expect(receiver.lengths[i]).toBe(18);
              numbers.push(receiver.incomingWords[(i * receiver.stride) / 4] ?? -1);
            }
          }
          expect(numbers).toEqual(Array.from({ length: 128 }, (_, i) => i));
        } finally {
          sender.close();
          receiver.close();
        }
      });
    });
  }

  test('send() gives the errno when nobody listens or nobody can be reached', () => {
    inScratchNetns(netlink => {
      const { near } = pair(netlink);
      addAddress(netlink, addressFromText(near, '192.0.2.1/24'));
      const sender = UdpBatch.open({ remote: { address: '127.0.0.1', port: 9 } });
      try {
        expect(sender.send(1)).toBe(1);
        expect(sender.send(1)).toBe(-111);
      } finally {
        sender.close();
      }
      expect(() => UdpBatch.open({ remote: { address: '203.0.113.1', port: 9 } })).toThrow('ENETUNREACH');
      expect(() => UdpBatch.open({ remote: { address: 'nowhere', port: 9 } })).toThrow('EINVAL');
    });
  });
});

describe.skipIf(!isRoot)('InetSocket', () => {
  const anyPort = { address: '127.0.0.1', port: 0 };

  /** What comes, waited for. */
  function received(socket: InetSocket): number[] {
    const into = new Uint8Array(64);
    const waiting = new PollSet([socket.fd]);
    for (let tries = 0; tries < 100; tries++) {
      const length = socket.receive(into);
      if (length !== -11) return length < 0 ? [length] : Array.from(into.subarray(0, length));
      waiting.wait(100);
    }
    return [];
  }

  test('a datagram arrives whole and alone; nothing that waits is -EAGAIN', () => {
    inScratchNetns(() => {
      using near = InetSocket.udp(anyPort);
      using far = InetSocket.udp(anyPort);
      near.connect(far.local());
      far.connect(near.local());
      expect(far.receive(new Uint8Array(8))).toBe(-11);
      expect(near.send(Uint8Array.of(1, 2, 3), 3)).toBe(3);
      expect(near.send(Uint8Array.of(4, 5, 6), 1)).toBe(1);
      expect(received(far)).toEqual([1, 2, 3]);
      expect(received(far)).toEqual([4]);
      expect(far.receive(new Uint8Array(8))).toBe(-11);
    });
  });

  test('a stream is accepted, carries bytes both ways, and its end is 0 bytes', () => {
    inScratchNetns(() => {
      using listener = InetSocket.tcp(anyPort);
      listener.listen();
      expect(listener.accept()).toBeUndefined();
      using near = InetSocket.tcp(anyPort);
      near.connect(listener.local());
      new PollSet([listener.fd]).wait(10_000);
      const far = listener.accept();
      if (far === undefined) throw new Error('The connection did not come');
      expect(near.send(Uint8Array.of(7, 8), 2)).toBe(2);
      expect(received(far)).toEqual([7, 8]);
      expect(far.send(Uint8Array.of(9), 1)).toBe(1);
      expect(received(near)).toEqual([9]);
      far.close();
      expect(received(near)).toEqual([]);
    });
  });

  test('what cannot be opened or reached is refused with its errno', () => {
    inScratchNetns(() => {
      expect(() => InetSocket.udp({ address: '203.0.113.1', port: 0 })).toThrow('EADDRNOTAVAIL');
      using socket = InetSocket.udp(anyPort);
      expect(() => socket.connect({ address: '203.0.113.1', port: 9 })).toThrow(/EINVAL|ENETUNREACH/);
      expect(() => socket.listen()).toThrow('EOPNOTSUPP');
    });
  });
});
