// Telling the network of a move: gratuitous ARP, advertisements and multicast reports after a failover.
import { describe, expect, it } from 'vitest';
import { parseArp } from '../../frames/index.js';
import { cut, stackOf, started } from '../testing.js';

/** Times of the gratuitous ARPs after a failover, counted from the moment of it. */
function timing(options: Record<string, number>, inline = false): number[] {
  const bench = started({ ...options, inline_failover: inline ? 1 : 0 });
  bench.give({ kind: 'stack', devices: [stackOf()] });
  bench.forget();
  bench.link(1, { carrier: false });
  const start = inline ? bench.now : bench.now + 100;
  bench.run(start + 5000);
  return bench.sent('arp').map(at => at - start);
}

describe('peer notifications', () => {
  it('num 4, delay 300, miimon 100: 0, 200, 500, 800 ms, as in the driver', () => {
    expect(timing({ num_grat_arp: 4, peer_notif_delay: 300 })).toEqual([0, 200, 500, 800]);
  });

  it.each([
    [0, []],
    [1, [0]],
    [2, [0]],
    [3, [0, 100]],
  ])(
    'num %i without delay loses one to the tick that found the failure, as in the driver',
    (num, expected) => {
      expect(timing({ num_grat_arp: num })).toEqual(expected);
    },
  );

  it('loses none with inline failover, which does not wait for the tick', () => {
    expect(timing({ num_grat_arp: 3 }, true)).toHaveLength(3);
  });

  it.each([10, 20, 30])('sends %i of %i with miimon 10 and delay 100', num => {
    expect(timing({ miimon: 10, num_grat_arp: num, peer_notif_delay: 100 })).toHaveLength(num);
  });

  it('go out though the bond was last looked at while it was down, or had another name or address', () => {
    const bench = started({});
    bench.give({ kind: 'stack', devices: [stackOf({ adminUp: false, address: '02:00:00:00:00:77' })] });
    const flags = { promiscuous: false, allMulticast: false, adminUp: true };
    bench.give({ kind: 'bond-link', name: 'uplink0', address: '02:00:00:00:00:01', mtu: 1500, ...flags });
    bench.forget();
    cut(bench, 1);
    const [sent] = bench.outputs('send');
    const arp = parseArp(sent?.frame ?? new Uint8Array(), 14);
    expect(arp.ok && [...arp.value.senderMac]).toEqual([2, 0, 0, 0, 0, 1]);
    expect(bench.outputs('event').some(({ event }) => event.message.startsWith('Peers of uplink0'))).toBe(
      true,
    );
  });

  it('go out on every device that is up, after the plan, with the new address', () => {
    const bench = started({ fail_over_mac: 'active' });
    bench.give({
      kind: 'stack',
      devices: [
        stackOf({ address: '02:00:00:00:00:01', ipv6: ['fe80::1'] }),
        stackOf({ ifindex: 101, name: 'bond0.5', address: '02:00:00:00:00:01', ipv4: ['198.51.100.1'] }),
        stackOf({ ifindex: 102, adminUp: false }),
      ],
    });
    bench.forget();
    cut(bench, 1);
    const sends = bench.outputs('send');
    expect(sends.map(send => [send.device, send.what])).toEqual([
      [100, 'arp'],
      [100, 'na'],
      [101, 'arp'],
    ]);
    const kinds = bench.seen.map(({ output }) => output.kind);
    expect(kinds.indexOf('forward')).toBeLessThan(kinds.indexOf('send'));
    const arp = parseArp(sends[0]?.frame ?? new Uint8Array(), 14);
    expect(arp.ok && [...arp.value.senderMac]).toEqual([2, 0, 0, 0, 0, 2]);
    expect(bench.events('notified')[0]?.message).toContain(
      '2 gratuitous ARP requests and 1 neighbour advertisement',
    );
  });

  it('stop when the bond goes down', () => {
    const bench = started({ num_grat_arp: 10 });
    bench.give({ kind: 'stack', devices: [stackOf()] });
    cut(bench, 1);
    bench.up(false);
    bench.forget();
    bench.run(bench.now + 3000);
    expect(bench.sent('arp')).toEqual([]);
  });
});

describe('multicast reports', () => {
  it('follow a failover after a jiffy, then each 200 ms, resend_igmp times', () => {
    const bench = started({ resend_igmp: 3 });
    bench.give({
      kind: 'stack',
      devices: [stackOf({ ipv4Groups: ['224.0.0.1', '239.1.1.1'], ipv6Groups: ['ff02::1', 'ff02::fb'] })],
    });
    bench.forget();
    bench.link(1, { carrier: false });
    bench.run(3000);
    expect(bench.sent('igmp')).toEqual([1104, 1304, 1504]);
    expect(bench.sent('mld')).toEqual([1104, 1304, 1504]);
  });
});
