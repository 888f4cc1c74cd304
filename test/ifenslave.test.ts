// The installed command `ifenslave` in an old script, on real interfaces (H04). Needs root and BPF.
import { fileURLToPath } from 'node:url';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually, World } from './support/world.js';

const IFENSLAVE = fileURLToPath(new URL('../bin/ifenslave', import.meta.url));

let world: World;
beforeEach(async () => {
  world = await World.create();
  await world.must('POST', '/v1/bonds', { name: 'bond0', options: { mode: 'active-backup', miimon: '100' } });
});
afterEach(() => world.close());

const ifenslave = (...words: string[]) =>
  world.lab.exec('host', [process.execPath, IFENSLAVE, ...words], {
    env: { ...process.env, BONDWIRE_RUN_DIR: world.bondwire.runDir },
    cwd: '/',
  });

const members = async (): Promise<readonly string[]> => (await world.bond()).members.map(({ name }) => name);

test('H04: a script of old runs unchanged: address, ifenslave, traffic, -c, -d; every step ends with 0', async () => {
  const script = join(world.folder, 'rc.bond');
  const [address = ''] = world.lab.hostAddress.split('/');
  writeFileSync(
    script,
    `set -e
PATH="${world.folder}/bin:$PATH"
mkdir -p "${world.folder}/bin"
printf '#!/bin/sh\\nexec "${process.execPath}" "${IFENSLAVE}" "$@"\\n' > "${world.folder}/bin/ifenslave"
chmod +x "${world.folder}/bin/ifenslave"
ip addr add ${address}/24 dev bond0
ip link set bond0 up
ip link set eth0 up
ifenslave bond0 eth0 eth1
`,
  );
  const env = { ...process.env, BONDWIRE_RUN_DIR: world.bondwire.runDir };
  const ran = await world.lab.exec('host', ['/bin/sh', script], { env, cwd: '/' });
  expect(ran).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(await members()).toEqual(['eth0', 'eth1']);
  await eventually('the host reaches the peer', () => world.pings(world.lab.peerIp));
  await eventually('eth1 is up', async () => (await world.bond()).members[1]?.miiStatus === 'up');
  expect((await world.bond()).active).toBe('eth0');
  expect(await ifenslave('-c', 'bond0', 'eth1')).toEqual({ status: 0, stdout: '', stderr: '' });
  expect((await world.bond()).active).toBe('eth1');
  expect(await ifenslave('--change-active', 'bond0', 'eth0')).toMatchObject({ status: 0 });
  expect((await world.bond()).active).toBe('eth0');
  const detached = await ifenslave('-d', 'bond0', 'eth0');
  expect(detached).toMatchObject({ status: 0, stdout: '' });
  // As the driver logs: the bond keeps the address of its first member.
  expect(detached.stderr).toMatch(
    /^ifenslave: warning: eth0 stays down, since bond0 lives on with its MAC address[^\n]*\n$/,
  );
  expect(await members()).toEqual(['eth1']);
  expect(await ifenslave('--detach', 'bond0', 'eth1')).toMatchObject({ status: 0 });
  expect(await members()).toEqual([]);
});

test('H04: an unnumbered bond is no error, neither to join nor to show', async () => {
  await world.ip('host', 'link set bond0 up');
  expect(await ifenslave('-f', 'bond0', 'eth0')).toEqual({ status: 0, stdout: '', stderr: '' });
  const shown = await ifenslave('bond0');
  expect(shown).toMatchObject({ status: 0, stderr: '' });
  expect(shown.stdout).toMatch(
    /^The result of SIOCGIFFLAGS on bond0 is 1443\.\nThe result of SIOCGIFADDR is 00\.00\.00\.00\.\nThe result of SIOCGIFHWADDR is type 1 {2}[0-9a-f:]{17}\.\n$/,
  );
  const all = await ifenslave('-a');
  expect(all.status).toBe(0);
  expect(all.stdout).toMatch(/SIOCGIFFLAGS on eth0 is 1[89]43\./);
});

test('H04: exit codes: 1 failed, 2 usage, 19 and 255 no such slave; good ones of a list join all the same', async () => {
  expect(await ifenslave('bond0', 'eth0')).toEqual({
    status: 1,
    stdout: '',
    stderr: "Illegal operation; the specified master interface 'bond0' is not up.\n",
  });
  await world.ip('host', 'link set bond0 up');
  const mixed = await ifenslave('bond0', 'eth0', 'eth9', 'eth1');
  expect(mixed.status).toBe(19);
  expect(mixed.stderr).toBe("Slave 'eth9': Error: get settings failed: No such device. Skipping\n");
  expect(await members()).toEqual(['eth0', 'eth1']);
  const twice = await ifenslave('bond0', 'eth0');
  expect(twice.status).toBe(1);
  expect(twice.stderr).toMatch(
    /^Illegal operation: The specified slave interface 'eth0' is already a slave\nMaster 'bond0', Slave 'eth0': Error: Enslave failed\n$/,
  );
  expect((await ifenslave('-d', 'bond0', 'eth9')).status).toBe(255);
  expect((await ifenslave('-c', 'bond0', 'eth9')).status).toBe(255);
  expect((await ifenslave('-d', 'bond0', 'lo')).status).toBe(1);
  expect((await ifenslave('eth0', 'eth1')).stderr).toMatch(/'eth0' is not a master/);
  expect((await ifenslave('bond7', 'eth1')).stderr).toMatch(
    /handshake with driver failed.*\n.*bondwire create bond7/,
  );
  expect((await ifenslave()).status).toBe(2);
  expect((await ifenslave('-d', '-c', 'bond0', 'eth0')).status).toBe(2);
  expect((await ifenslave('-x')).status).toBe(2);
  world.cut('eth1');
  await eventually('eth1 is down', async () => (await world.bond()).members[1]?.miiStatus === 'down');
  const refused = await ifenslave('-c', 'bond0', 'eth1');
  expect(refused.status).toBe(1);
  expect(refused.stderr).toMatch(/Error: Change active failed\nifenslave: active_slave=eth1 was refused/);
  await world.bondwire.stop();
  const alone = await ifenslave('bond0', 'eth1');
  expect(alone.status).toBe(1);
  expect(alone.stderr).toMatch(/handshake with driver failed\. Aborting\nifenslave: No daemon is running/);
  await world.bondwire.start();
});

test('addresses of a slave move to the bond instead of being lost', async () => {
  await world.ip('host', 'link set eth0 up');
  await world.ip('host', `addr add ${world.lab.hostAddress} dev eth0`);
  await world.ip('host', 'link set bond0 up');
  expect(await ifenslave('bond0', 'eth0', 'eth1')).toMatchObject({ status: 0, stderr: '' });
  expect(await world.ip('host', '-o addr show dev bond0')).toContain(world.lab.hostAddress);
  await eventually('the host reaches the peer', () => world.pings(world.lab.peerIp));
});
