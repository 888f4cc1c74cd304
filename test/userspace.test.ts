// The user-space data plane under the daemon (issue 5): failover without loss, a daemon that dies, everything put back, who
// chooses it, and packets that would break a careless forwarder. Real interfaces; needs root and tcpdump.
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { afterEach, describe, expect, test } from 'vitest';
import { forwarder } from '../src/dataplane/userspace/forwarder.js';
import { internetChecksum } from '../src/frames/index.js';
import { PacketSocket, requireLink } from '../src/linux/index.js';
import { DataPlaneStage, NEVER, planFor } from './support/data-plane-stage.js';
import { pictureOf, untilAsBefore } from './support/picture.js';
import { closeStages, Stage, until } from './support/stage.js';
import { expectNothingLost, Traffic } from './support/traffic.js';

afterEach(closeStages);

const RATE = 1000;

describe('A bond with data_plane=userspace', () => {
  test('loses nothing when the active cable is cut, tells of it, and comes back', async () => {
    const stage = await Stage.open();
    await stage.bond({ data_plane: 'userspace' });
    const bond = await stage.show();
    expect([bond.dataPlane, bond.inlineFailover, bond.options['data_plane']]).toEqual([
      'userspace',
      true,
      'userspace',
    ]);
    const traffic = await Traffic.start(stage, RATE);
    for (const [cut, other] of [
      ['eth0', 'eth1'],
      ['eth1', 'eth0'],
    ] as const) {
      stage.lab.cut(cut);
      await stage.active(other);
      await traffic.flowing();
      stage.lab.restore(cut);
      await stage.up(cut);
    }
    expectNothingLost(await traffic.report('two failovers'));
    const failovers = (await stage.events()).filter(
      event => event.type === 'failover' && event.from !== null,
    );
    expect(failovers.map(({ from, to, lostPackets }) => [from, to, lostPackets])).toEqual([
      ['eth0', 'eth1', 0],
      ['eth1', 'eth0', 0],
    ]);
  });

  test('interface, addresses and members survive the daemon; the next one carries on', async () => {
    const stage = await Stage.open();
    await stage.bond({ data_plane: 'userspace' });
    const address = stage.mac('bond0');
    await stage.bondwire.stop('SIGKILL');
    const ping = await stage.lab.exec('host', ['ping', '-c', '1', '-W', '1', stage.lab.peerIp]);
    expect(ping.status).not.toBe(0);
    expect(await stage.ip('addr', 'show', 'dev', 'bond0')).toContain(stage.lab.hostAddress);
    await stage.bondwire.start();
    await stage.reached();
    expect(stage.mac('bond0')).toBe(address);
    stage.lab.cut('eth0');
    await stage.active('eth1');
    await stage.reached();
    expect((await stage.api.status()).adopted).toEqual(['bond0']);
  });

  test('leaves everything as it was', async () => {
    const stage = await Stage.open({ ipv6: true });
    for (const name of stage.lab.members) {
      await stage.ip('link', 'set', name, 'up');
      await stage.ip('link', 'set', name, 'down');
    }
    const before = await pictureOf(stage);
    await stage.bond({ data_plane: 'userspace' });
    await stage.api.destroy('bond0');
    await untilAsBefore(stage, before, (now, then) => expect(now).toEqual(then));
  });

  test('what it has is told, and it keeps it', async () => {
    const stage = await Stage.open();
    await stage.api.create({
      name: 'bond0',
      options: { mode: 'active-backup', miimon: '100', data_plane: 'userspace' },
    });
    await stage.api.create({ name: 'bond1', options: { mode: 'active-backup', miimon: '100' } });
    const created = (await stage.events()).filter(event => event.type === 'data-plane' && event.bond !== '');
    expect(created.map(event => event.message)).toEqual([
      expect.stringMatching(
        /^bond0 was created \(user-space data plane, as data_plane=userspace asked for it/,
      ),
      expect.stringMatching(/^bond1 was created \(eBPF data plane, as eBPF works here and is quicker/),
    ]);
    await expect(stage.api.set('bond0', { options: { data_plane: 'ebpf' } })).rejects.toThrow(
      'data_plane=ebpf was refused: bond0 has data_plane=userspace since it was created; destroy it and create it again.',
    );
    await expect(
      stage.api.create({ name: 'bond2', options: { mode: 'active-backup', data_plane: 'dpdk' } }),
    ).rejects.toThrow(/data_plane=dpdk was refused/);
  });

  test('its daemon runs before other programs as long as the bond is there, so that it answers while frames keep it busy', async () => {
    const stage = await Stage.open();
    const { pid } = await stage.api.status();
    // Of all its threads: field 19 of the line, the 17th after the name.
    const nices = (): number[] =>
      readdirSync(`/proc/${pid}/task`).map(thread => {
        const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
      });
    const usual = getPriority();
    const different = (): number[] => nices().filter(nice => nice !== usual);
    await stage.api.create({ name: 'bond1', options: { mode: 'active-backup', data_plane: 'ebpf' } });
    expect(different()).toEqual([]);
    await stage.bond({ data_plane: 'userspace' });
    expect(nices().filter(nice => nice !== usual - 10)).toEqual([]);
    await stage.api.destroy('bond0');
    await until('its worker is gone', () => different().length === 0);
  });

  test('goes through a queueing discipline that somebody gives a member, from then on and until it is taken away', async () => {
    const stage = await Stage.open();
    await stage.bond({ data_plane: 'userspace', primary: 'eth0' });
    await stage.active('eth0');
    await stage.reached();
    const host = (line: string) => stage.lab.exec('host', line.split(' '));
    /** Packets that member's discipline has counted. */
    const queued = async (): Promise<number> => {
      const { stdout } = await host('tc -s qdisc show dev eth0 root');
      return Number(/ (\d+) pkt /.exec(stdout)?.[1] ?? Number.NaN);
    };
    const pings = () => host(`ping -c 3 -i 0.1 -W 1 ${stage.lab.peerIp}`);
    expect(await host('tc qdisc add dev eth0 root pfifo limit 50')).toMatchObject({ status: 0 });
    await until('frames go through it', async () => {
      const before = await queued();
      await pings();
      return (await queued()) >= before + 3;
    });
    expect(await host('tc qdisc del dev eth0 root')).toMatchObject({ status: 0 });
    // Frames that go past it are not seen by captures either.
    await until('frames go past what is there by itself', async () => {
      const capture = host('timeout 2 tcpdump -Q out -c 1 -i eth0 icmp');
      await new Promise(resolve => setTimeout(resolve, 500));
      const [{ status }, { status: captured }] = [await pings(), await capture];
      return status === 0 && captured === 124;
    });
  });

  test('carries TCP in both directions byte by byte, segments and checksums left to the ends', async () => {
    const stage = await Stage.open();
    await stage.bond({ data_plane: 'userspace' });
    const bytes = randomBytes(30_000_000);
    const wanted = createHash('sha256').update(bytes).digest('hex');
    for (const [server, client, address] of [
      ['peer', 'host', stage.lab.peerIp],
      ['host', 'peer', stage.lab.hostIp],
    ] as const) {
      const receive = stage.lab.exec(server, [
        process.execPath,
        '-e',
        `const h=require('crypto').createHash('sha256');require('net').createServer(s=>{s.on('data',d=>h.update(d));s.on('end',()=>{console.log(h.digest('hex'));process.exit()})}).listen(5001)`,
      ]);
      const send = stage.lab.spawn(client, [
        process.execPath,
        '-e',
        `const net=require('net');const go=()=>{const s=net.connect(5001,'${address}');s.on('error',()=>setTimeout(go,50));s.on('connect',()=>process.stdin.pipe(s))};go()`,
      ]);
      send.stdin?.end(bytes);
      expect((await receive).stdout.trim()).toBe(wanted);
    }
  }, 60_000);
});

/** The frames that arrive, tags put back, as hexadecimal text. */
function carried(stage: DataPlaneStage, direction: 'out' | 'in', frames: readonly Uint8Array[]): string[] {
  const { lab } = stage;
  const open = (place: 'host' | 'peer', protocol: number): PacketSocket =>
    lab.inside(place, () => {
      const { ifindex } = requireLink(lab.netlink(place), place === 'host' ? 'bond0' : 'eth0');
      return PacketSocket.open({ ifindex, protocol, auxData: true, maxFrameBytes: 70_000 });
    });
  const [from, to] = direction === 'out' ? (['host', 'peer'] as const) : (['peer', 'host'] as const);
  const receiver = open(to, 3);
  const sender = open(from, 0);
  const got: string[] = [];
  try {
    for (const frame of frames) sender.send(frame);
    for (let quiet = 0; quiet < 60 && got.length < frames.length; quiet++) {
      Atomics.wait(NEVER, 0, 0, 1);
      for (let one = receiver.receive(); one !== undefined; one = receiver.receive()) {
        const { data, vlan } = one;
        const hex = Buffer.from(data).toString('hex');
        const tag =
          vlan === undefined
            ? ''
            : vlan.protocol.toString(16).padStart(4, '0') + vlan.tci.toString(16).padStart(4, '0');
        got.push(hex.slice(0, 24) + tag + hex.slice(24));
        quiet = 0;
      }
    }
    return got;
  } finally {
    sender.close();
    receiver.close();
  }
}

/** A broadcast frame with these bytes after the addresses, as long as wished. */
function frame(head: string, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.fill(0xff, 0, 6).fill(0x02, 6, 12);
  for (let i = 12; i < length; i++) bytes[i] = i & 0xff;
  bytes.set(Buffer.from(head, 'hex').subarray(0, Math.max(0, length - 12)), 12);
  return bytes;
}

/** IPv4 of this header length (words) and fragment field, `length` bytes from the header on. */
function ipv4(words: number, fragment: number, length: number): Uint8Array {
  const bytes = frame('0800', 14 + length);
  const view = new DataView(bytes.buffer, 14);
  bytes.fill(1, 14, 14 + 4 * words);
  view.setUint8(0, 0x40 | words);
  view.setUint16(2, length);
  view.setUint16(6, fragment);
  view.setUint16(10, 0);
  view.setUint16(10, internetChecksum(bytes.subarray(14, 14 + 4 * words)));
  return bytes;
}

/** IPv6 whose first extension header is of this kind. */
function ipv6(next: number, length: number): Uint8Array {
  const bytes = frame('86dd', 14 + length);
  const view = new DataView(bytes.buffer, 14);
  view.setUint32(0, 0x60000000);
  view.setUint16(4, length - 40);
  view.setUint8(6, next);
  // The extension header: nothing follows, eight bytes long, all of it padding.
  bytes.set([59, 0, 1, 4, 0, 0, 0, 0], 54);
  return bytes;
}

/** Short enough to be read when it differs. */
function shape(hex: string): string {
  return `${hex.slice(24, 80)} ${hex.length / 2} ${createHash('sha1').update(hex).digest('hex').slice(0, 8)}`;
}

test('Frames of all shapes pass unchanged, both ways: tags, fragments, extension headers, runts, jumbo', async () => {
  const stage = await DataPlaneStage.create();
  try {
    const plane = stage.userspaceBond(9000);
    for (const place of ['host', 'switch', 'peer'] as const) {
      const names =
        place === 'host' ? stage.lab.members : place === 'peer' ? ['eth0'] : ['p0', 'p1', 'up0', 'sw0'];
      for (const name of names) {
        const args = ['ip', 'link', 'set', name, 'mtu', '9000'];
        expect((await stage.lab.exec(place, args)).status).toBe(0);
      }
    }
    for (const member of stage.lab.members) stage.host(() => plane.addMember(stage.ifindex(member)));
    plane.apply(planFor(stage.lab.members.map(member => stage.ifindex(member))));
    const frames = [
      // Tagged once, with priority; tagged twice (802.1ad); a tag with next to nothing behind it.
      frame('8100600a88b5', 60),
      frame('88a8000f8100001088b5', 200),
      frame('8100000188b5', 20),
      // IPv4: a first and a last fragment, and one with options; longer than it says, so padded.
      ipv4(5, 0x2000, 46),
      ipv4(5, 0x0003, 1500),
      ipv4(6, 0x4000, 46),
      // IPv6: hop-by-hop, routing, fragment and destination headers.
      ipv6(0, 48),
      ipv6(43, 86),
      ipv6(44, 1400),
      ipv6(60, 1500),
      // Runts: the header alone, and one byte more.
      frame('88b5', 14),
      frame('88b5', 15),
      // As long as the MTU allows, alone and tagged.
      frame('88b5', 9014),
      frame('8100006488b5', 9018),
      ipv4(5, 0x4000, 4000),
    ];
    const wanted = frames.map(bytes => shape(Buffer.from(bytes).toString('hex')));
    for (const direction of ['out', 'in'] as const) {
      expect(carried(stage, direction, frames).map(shape)).toEqual(wanted);
    }
  } finally {
    stage.close();
  }
});

test('A worker that fails is replaced; what came meanwhile is not lost', async () => {
  const stage = await DataPlaneStage.create();
  try {
    const plane = stage.userspaceBond();
    for (const member of stage.lab.members) stage.host(() => plane.addMember(stage.ifindex(member)));
    plane.apply(planFor(stage.lab.members.map(member => stage.ifindex(member))));
    expect(stage.passed('out')).toBe(20);
    const before = forwarder.restarts;
    const { sent } = stage.counted('eth0');
    forwarder.interrupt();
    // This thread has not heard of it yet: nobody forwards.
    expect(stage.passed('out')).toBe(0);
    await until('another worker runs', () => forwarder.restarts === before + 1);
    await until('what waited is sent', () => stage.counted('eth0').sent >= sent + 20);
    // Once, wherever the failure was.
    expect(stage.counted('eth0').sent).toBe(sent + 20);
    expect([stage.passed('out'), stage.passed('in')]).toEqual([20, 20]);
  } finally {
    stage.close();
  }
});
