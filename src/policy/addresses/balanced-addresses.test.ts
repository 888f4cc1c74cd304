// Learning packets of balance-tlb (H16; alb_send_learning_packets): what each member sends at a tick. Which addresses members
// have is in test/scenarios/tlb-*.json, beside the driver.
import { expect, test } from 'vitest';
import { formatMac } from '../../base/index.js';
import { parseEthernet } from '../../frames/index.js';
import { Bench, stackOf } from '../testing.js';

const own = (member: number): string => `02:00:00:00:00:0${member}`;

/** The frames of the next tick, by member: source, and VLAN id if tagged. */
function taught(bench: Bench): Record<number, string[]> {
  bench.forget();
  bench.run(bench.now + 1000);
  const sent: Record<number, string[]> = {};
  for (const { member, frame } of bench.outputs('send-through')) {
    const decoded = parseEthernet(frame);
    if (!decoded.ok) throw new Error(decoded.error);
    const { destination, source, vlanTags, etherType } = decoded.value;
    expect([etherType, formatMac(destination)]).toEqual([0x9000, formatMac(source)]);
    expect(frame.length).toBe(60 + 4 * vlanTags.length);
    const address = formatMac(source);
    (sent[member] ??= []).push(
      [address, ...vlanTags.map(({ tpid, tci }) => `${tpid.toString(16)}/${tci}`)].join(' '),
    );
  }
  return sent;
}

test('own address by each, again with the tags of VLAN devices that have the bond’s; addresses that others have of their own by the active', () => {
  const bench = new Bench({ mode: 'balance-tlb', lp_interval: 1 }, [1, 2]);
  bench.up();
  bench.run(1500);
  const bond = bench.bond.snapshot().address;
  const device = (ifindex: number, address: string, extra: Parameters<typeof stackOf>[0]) =>
    stackOf({ ifindex, name: `d${ifindex}`, address, ...extra });
  const five = { tpid: 0x8100, tci: 5 };
  const six = { tpid: 0x88a8, tci: 6 };
  bench.give({
    kind: 'stack',
    devices: [
      stackOf({ address: bond }),
      device(101, bond, { taught: { kind: 'vlan', tag: five }, adminUp: false }),
      device(102, '02:00:00:00:0a:06', { taught: { kind: 'vlan', tag: six } }),
      device(103, '02:00:00:00:0b:01', { taught: { kind: 'macvlan', tag: null } }),
      device(104, '02:00:00:00:0b:05', { taught: { kind: 'macvlan', tag: five } }),
      device(105, '02:00:00:00:0c:01', {}),
    ],
  });
  const [a1, a2] = [bench.member(1).address, bench.member(2).address];
  expect([a1, a2]).toEqual([bond, own(2)]);
  expect(taught(bench)).toEqual({
    1: [a1, `${a1} 8100/5`, '02:00:00:00:0a:06 88a8/6', '02:00:00:00:0b:01', '02:00:00:00:0b:05 8100/5'],
    2: [a2, `${a2} 8100/5`],
  });
  // One that is down teaches nothing, and the other takes over what is taught by the active one.
  bench.link(1, { carrier: false });
  bench.run(bench.now + 500);
  expect(taught(bench)).toEqual({
    2: [bond, `${bond} 8100/5`, '02:00:00:00:0a:06 88a8/6', '02:00:00:00:0b:01', '02:00:00:00:0b:05 8100/5'],
  });
});
