// Macvlan and VLAN devices on a bond that are in another network namespace, as those of containers are: after a failover the switch has
// them at the new port, although they send nothing. On real interfaces; needs root; part of test:all.
import { afterEach, test } from 'vitest';
import { createNamedNetns, deleteNamedNetns, getLink, Rtnetlink, withNetns } from '../src/linux/index.js';
import { scratchName } from '../src/linux/testing.js';
import { closeStages, Stage, until } from './support/stage.js';
import { HAS_VLAN } from './support/vlan.js';

const namespaces: string[] = [];

afterEach(async () => {
  await closeStages();
  for (const name of namespaces.splice(0)) deleteNamedNetns(name);
});

/** A namespace in which `ip` is run. */
function container(stage: Stage) {
  const name = scratchName();
  const path = createNamedNetns(name);
  namespaces.push(name);
  return {
    name,
    path,
    ip: (...args: string[]) => stage.run('host', 'ip', '-n', name, ...args),
    mac: (device: string): string =>
      withNetns(path, () => {
        const netlink = Rtnetlink.open();
        try {
          return getLink(netlink, device)?.address ?? '';
        } finally {
          netlink.close();
        }
      }),
  };
}

/** The ports of the switch at which it has learned an address. */
async function portsOf(stage: Stage, mac: string): Promise<string[]> {
  const lines = (await stage.run('switch', 'bridge', 'fdb', 'show')).split('\n');
  return lines.filter(line => line.startsWith(mac)).map(line => line.split(' ')[2] ?? '');
}

const CASES = [
  ['ebpf', 'macvlan', []],
  ['userspace', 'macvlan', []],
  ['ebpf', 'VLAN', ['5']],
  ['userspace', 'macvlan on a VLAN', ['5']],
] as const;

test.each(CASES.filter(([, , vlans]) => HAS_VLAN || vlans.length === 0))(
  '%s: a %s there',
  async (data_plane, kind, [vlan]) => {
    const stage = await Stage.open();
    await stage.bond({ data_plane });
    const { name, ip, mac } = container(stage);
    const device = kind === 'VLAN' ? 'v0' : 'm0';
    if (vlan !== undefined) {
      const there = kind === 'VLAN' ? ['netns', name] : [];
      await stage.ip('link', 'add', 'link', 'bond0', 'name', 'v0', ...there, 'type', 'vlan', 'id', vlan);
    }
    if (kind !== 'VLAN') {
      const below = vlan === undefined ? 'bond0' : 'v0';
      if (vlan !== undefined) await stage.ip('link', 'set', 'v0', 'up');
      // Made here and moved, as some do, or made there at once, as others.
      const at = vlan === undefined ? [] : ['netns', name];
      await stage.ip('link', 'add', 'link', below, 'name', 'm0', ...at, 'type', 'macvlan', 'mode', 'bridge');
      if (vlan === undefined) await stage.ip('link', 'set', 'm0', 'netns', name);
    }
    if (kind === 'VLAN') await ip('link', 'set', device, 'address', '02:00:00:00:77:01');
    await ip('link', 'set', device, 'up');
    await ip('addr', 'add', '10.9.5.50/24', 'dev', device);
    const own = mac(device);
    const { active } = await stage.show();
    const other = active === 'eth0' ? 'eth1' : 'eth0';
    await stage.api.set('bond0', { options: { active_slave: other } });
    await until('the switch has it at the new port', async () =>
      (await portsOf(stage, own)).includes(stage.lab.cables[other] ?? ''),
    );
    // Nobody asks: a link that goes finds what was seen before.
    await new Promise(resolve => setTimeout(resolve, 3000));
    stage.lab.cut(other);
    await stage.active(active);
    await until('the switch has it at the first port', async () =>
      (await portsOf(stage, own)).includes(stage.lab.cables[active ?? ''] ?? ''),
    );
  },
);

test('No look keeps a namespace that everybody else has left', async () => {
  const stage = await Stage.open();
  await stage.bond();
  const { name, ip } = container(stage);
  await stage.ip('link', 'add', 'link', 'bond0', 'name', 'm0', 'type', 'macvlan', 'mode', 'bridge');
  await stage.ip('link', 'set', 'm0', 'netns', name);
  await ip('link', 'set', 'm0', 'up');
  const uc = async (): Promise<string> => stage.run('host', 'bridge', 'fdb', 'show', 'dev', 'bond0');
  const mac = /link\/ether (\S+)/.exec(await ip('link', 'show', 'm0'))?.[1] ?? '';
  await until('the bond listens to it', async () => (await uc()).includes(mac));
  await new Promise(resolve => setTimeout(resolve, 2500));
  deleteNamedNetns(name);
  await until('the device is gone with its namespace', async () => !(await uc()).includes(mac));
});
