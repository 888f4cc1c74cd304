// balance-tlb on real interfaces, as the switch sees it: whose address is behind which port, what leaves where, learning packets.
// That no packet is lost at a failover is test/modes-failover.test.ts. Needs root.
import { afterEach, describe, expect, test } from 'vitest';
import { capture } from './support/capture.js';
import { HAS_VLAN } from './support/vlan.js';
import { eventually, World } from './support/world.js';

let world: World;
afterEach(() => world.close());

async function build(options: Readonly<Record<string, string>>): Promise<void> {
  world = await World.create();
  await world.must('POST', '/v1/bonds', {
    name: 'bond0',
    options: { mode: 'balance-tlb', miimon: '50', ...options },
  });
  await world.must('POST', '/v1/bonds/bond0/members', { interfaces: ['eth0', 'eth1'] });
  await world.must('POST', '/v1/bonds/bond0/up', {});
  world.lab.addAddress('host', 'bond0', world.lab.hostAddress);
  await eventually('the peer answers', async () => (await world.pings(world.lab.peerIp)) || undefined);
}

const mac = (name: string): string => (world.lab.link('host', name)?.address ?? '').replaceAll(':', '');
const port = (member: string): string => world.lab.cables[member] ?? '';

/** Of a frame's text: which way it went, to whom, from whom, and its EtherType. */
function parts(line: string): { way: string; to: string; from: string; type: string } {
  const [way = '', bytes = ''] = line.split(' ');
  return { way, to: bytes.slice(0, 12), from: bytes.slice(12, 24), type: bytes.slice(24, 28) };
}

describe('balance-tlb (H16)', () => {
  test.each(['ebpf', 'userspace'])(
    'flows leave by all members with the addresses of these; all comes back by the active one (%s)',
    async plane => {
      await build({ tlb_dynamic_lb: '0', xmit_hash_policy: 'layer3+4', data_plane: plane });
      const [bond, own] = [mac('bond0'), mac('eth1')];
      expect(mac('eth0')).toBe(bond);
      expect(own).not.toBe(bond);
      const seen = {
        eth0: capture(world.lab, 'switch', port('eth0')),
        eth1: capture(world.lab, 'switch', port('eth1')),
      };
      // Each ping is a flow of its own.
      for (let flow = 0; flow < 12; flow++) {
        await eventually('an answer', async () => (await world.pings(world.lab.peerIp)) || undefined);
      }
      // From the host a frame comes in at the switch.
      const ip = (member: 'eth0' | 'eth1', way: string): ReturnType<typeof parts>[] =>
        seen[member].seen.map(parts).filter(frame => frame.type === '0800' && frame.way === way);
      const answers = (): number => ip('eth0', 'out').filter(frame => frame.to === bond).length;
      await eventually('every answer was captured', () => answers() >= 12);
      for (const each of Object.values(seen)) each.stop();
      expect(ip('eth0', 'in').length).toBeGreaterThan(0);
      expect(ip('eth1', 'in').length).toBeGreaterThan(0);
      expect(new Set(ip('eth0', 'in').map(frame => frame.from))).toEqual(new Set([bond]));
      expect(new Set(ip('eth1', 'in').map(frame => frame.from))).toEqual(new Set([own]));
      expect(ip('eth1', 'out').filter(frame => frame.to === bond)).toEqual([]);
      // The switch has learnt the bond's address on one port only, so ARP went by the active member.
      expect(seen.eth1.seen.map(parts).filter(frame => frame.way === 'in' && frame.type === '0806')).toEqual(
        [],
      );
    },
  );

  test('learning packets every lp_interval on every member, and at a failover at once', async () => {
    await build({ lp_interval: '1' });
    const [bond, own] = [mac('bond0'), mac('eth1')];
    const at = {
      eth0: capture(world.lab, 'switch', port('eth0')),
      eth1: capture(world.lab, 'switch', port('eth1')),
    };
    const learnt = (member: 'eth0' | 'eth1'): string[] =>
      at[member].seen
        .map(parts)
        .filter(frame => frame.type === '9000' && frame.way === 'in' && frame.from === frame.to)
        .map(frame => frame.from);
    await eventually('two rounds', () => learnt('eth0').length >= 2 && learnt('eth1').length >= 2);
    expect(new Set(learnt('eth0'))).toEqual(new Set([bond]));
    expect(new Set(learnt('eth1'))).toEqual(new Set([own]));
    const lengths = at.eth0.seen
      .filter(line => line.includes(`${bond}${bond}9000`))
      .map(line => line.split(' ')[1]?.length);
    expect(new Set(lengths)).toEqual(new Set([2 * 60]));
    world.cut('eth0');
    await eventually('the other has the address', () => mac('eth1') === bond && mac('eth0') === own);
    await eventually('it is learnt there', () => learnt('eth1').includes(bond));
    for (const each of Object.values(at)) each.stop();
    world.lab.restore('eth0');
  });

  test.for([false, true])(
    'they teach what stands on the bond (VLAN devices: %s)',
    async (tagged, { skip }) => {
      skip(tagged && !HAS_VLAN, 'this kernel has no VLAN devices');
      await build({ lp_interval: '1' });
      const [bond, own] = [mac('bond0'), mac('eth1')];
      const [low, high, single] = ['020000000a01', '020000000a02', '020000000a03'];
      const withColons = (text: string): string => (text.match(/../g) ?? []).join(':');
      const add = (name: string, below: string, rest: string): Promise<unknown> =>
        world.ip('host', `link add link ${below} name ${name} ${rest}`);
      await add('mac0', 'bond0', `address ${withColons(low)} type macvlan mode bridge`);
      if (tagged) {
        await add('bond0.5', 'bond0', 'type vlan id 5');
        await add('bond0.6', 'bond0', `address ${withColons(single)} type vlan id 6`);
        await add('mac5', 'bond0.5', `address ${withColons(high)} type macvlan mode bridge`);
      }
      const rounds = async (taught: Readonly<Record<'eth0' | 'eth1', readonly string[]>>): Promise<void> => {
        const at = {
          eth0: capture(world.lab, 'switch', port('eth0')),
          eth1: capture(world.lab, 'switch', port('eth1')),
        };
        const learnt = (member: 'eth0' | 'eth1'): string[] => {
          const found = at[member].seen.flatMap(line => {
            const [, tag, address] = /^in( vlan \d+)? ([0-9a-f]{12})\2.*9000/.exec(line) ?? [];
            return address === undefined ? [] : [`${address}${tag ?? ''}`];
          });
          return [...new Set(found)].sort();
        };
        const wanted = { eth0: [...taught.eth0].sort(), eth1: [...taught.eth1].sort() };
        await eventually(
          'a round on both',
          () => [...wanted.eth0, ...wanted.eth1].length === learnt('eth0').length + learnt('eth1').length,
        ).catch(() => undefined);
        for (const each of Object.values(at)) each.stop();
        expect({ eth0: learnt('eth0'), eth1: learnt('eth1') }).toEqual(wanted);
      };
      const other = (address: string): string[] => (tagged ? [address, `${address} vlan 5`] : [address]);
      const active = (address: string): string[] => [
        ...other(address),
        low,
        ...(tagged ? [`${single} vlan 6`, `${high} vlan 5`] : []),
      ];
      await rounds({ eth0: active(bond), eth1: other(own) });
      await world.must('PATCH', '/v1/bonds/bond0/options', { options: { active_slave: 'eth1' } });
      await eventually('the other is active', () => mac('eth1') === bond);
      await rounds({ eth0: other(own), eth1: active(bond) });
    },
  );
});
