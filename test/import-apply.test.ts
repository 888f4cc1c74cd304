// Configuration as people have it makes working bonds on real interfaces (H01 to H08): import, apply, a daemon that begins with
// a bondwire.yaml. Needs root and BPF; part of test:all.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ShowDocument } from '../src/daemon/api/api.js';
import { BIN, eventually, World } from './support/world.js';

let world: World;
beforeEach(async () => {
  world = await World.create();
});
afterEach(() => world.close());

/** Writes files below the world's folder and gives their folder. */
function given(files: Readonly<Record<string, string>>): string {
  const folder = join(world.folder, 'etc');
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  return folder;
}

const run = (...words: string[]) => world.cli(['--run-dir', world.bondwire.runDir, ...words]);

/** Bonds, interfaces, addresses and routes; what happened is written into files meanwhile. */
async function network(): Promise<unknown> {
  return { ...((await world.state()) as object), files: null };
}

function member(name: string): string {
  return `DEVICE=${name}\nBOOTPROTO=none\nONBOOT=yes\nUSERCTL=no\nMASTER=bond0\nSLAVE=yes\n`;
}

/** The files of the HOWTO's Red Hat section, for the addresses of the lab. */
function redHat(more = ''): Record<string, string> {
  const [address = '', length = ''] = world.lab.hostAddress.split('/');
  expect(length).toBe('24');
  return {
    'modules.conf': 'alias bond0 bonding\noptions bond0 mode=1 miimon=100\n',
    'ifcfg-bond0': `DEVICE=bond0\nIPADDR=${address}\nNETMASK=255.255.255.0\nNETWORK=10.0.0.0\nBROADCAST=10.0.0.255\nONBOOT=yes\nBOOTPROTO=none\nUSERCTL=no\n${more}`,
    'ifcfg-eth0': member('eth0'),
    'ifcfg-eth1': member('eth1'),
  };
}

describe('import --apply', () => {
  test('H03 H05: modules.conf and ifcfg files make an active-backup bond that works and fails over', async () => {
    const folder = given(redHat());
    const { status, stdout, stderr } = await run('import', '--apply', join(folder, 'modules.conf'), folder);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toMatch(/modules\.conf:2: ok: bond0: mode=active-backup\.$/m);
    expect(stdout).toMatch(/ifcfg-eth1:5: ok: eth1 is a member of bond0\.$/m);
    expect(stdout).toMatch(/^bond0 was made: members eth0, eth1; address \S+; up\.$/m);
    // How they are kept from coming back is offered, and not done.
    expect(stdout).toMatch(/^\+# options bond0 mode=1 miimon=100$/m);
    expect(readFileSync(join(folder, 'modules.conf'), 'utf8')).toContain('\noptions bond0');
    const bond = await world.bond();
    expect(bond).toMatchObject({ mode: 'active-backup', adminUp: true, active: 'eth0' });
    expect(bond.options).toMatchObject({ miimon: 100, slaves: ['eth0', 'eth1'] });
    await eventually('the host reaches the peer', () => world.pings(world.lab.peerIp));
    world.cut('eth0');
    await eventually('eth1 is active', async () => (await world.bond()).active === 'eth1');
    expect(await world.pings(world.lab.peerIp)).toBe(true);
    const again = await run('import', '--apply', folder);
    expect(again).toMatchObject({ status: 0, stderr: '' });
    expect(again.stdout).toMatch(/^bond0 is as described:/m);
  });

  test('H05 H07: MTU, MACADDR and GATEWAY of ifcfg-bond0 are carried out, members follow now and later', async () => {
    const peer = world.lab.peerIp;
    const folder = given(redHat(`MTU=1400\nMACADDR=02:00:5E:00:00:42\nGATEWAY=${peer}\n`));
    expect(await run('import', '--apply', folder)).toMatchObject({ status: 0, stderr: '' });
    expect(await world.bond()).toMatchObject({ mtu: 1400, address: '02:00:5e:00:00:42' });
    expect(world.lab.link('host', 'eth0')).toMatchObject({ mtu: 1400, address: '02:00:5e:00:00:42' });
    expect(world.lab.link('host', 'eth1')).toMatchObject({ mtu: 1400 });
    expect(await world.ip('host', 'route show default')).toContain(`default via ${peer} dev bond0`);
    await world.ip('host', 'link set bond0 mtu 1300');
    await eventually('the members follow', () => world.lab.link('host', 'eth1')?.mtu === 1300);
    expect(world.lab.link('host', 'eth0')?.mtu).toBe(1300);
  });

  test('with an error in a file nothing is applied, and the recursion of a probeall is told', async () => {
    const files = redHat();
    const folder = given({
      ...files,
      'modules.conf': `${files['modules.conf']}probeall bond0 eth0 eth1 bond0\n`,
    });
    const before = await world.state();
    const { status, stdout, stderr } = await run('import', '--apply', folder);
    expect(status).toBe(1);
    expect(stdout).toMatch(/modules\.conf:3: error: This is an endless recursion: bond0 → bond0\./);
    expect(stderr).toMatch(/^bondwire: Nothing was applied, because of the errors above/);
    expect(await world.state()).toEqual(before);
  });

  test('a card that a file means by its MAC address is not the bridge of that address, and may be found by another name', async () => {
    const mac = world.lab.link('host', 'eth1')?.address ?? '';
    await world.ip('host', `link add bwupper address ${mac} type bridge`);
    expect(world.lab.link('host', 'bwupper')?.address).toBe(mac);
    await world.ip('host', 'link property add dev eth0 altname bwaltname');
    const folder = given({
      'ifcfg-bond0': 'DEVICE=bond0\nBONDING_OPTS="mode=1 miimon=100"\n',
      'ifcfg-card': `HWADDR=${mac}\nMASTER=bond0\nSLAVE=yes\n`,
      '10.network': '[Match]\nName=bwalt*\n[Network]\nBond=bond0\n',
    });
    const { status, stdout } = await run('import', folder);
    expect(status).toBe(0);
    expect(stdout).toContain('members: [eth1, eth0]');
  });

  test('applied again, the priorities and the active member of the file move no traffic', async () => {
    const members = '[eth0, {name: eth1, prio: 10}]';
    const folder = given({
      'bondwire.yaml': `version: 1\nbonds:\n  bond0:\n    options: {mode: active-backup, miimon: 100, active_slave: eth0}\n    members: ${members}\n`,
    });
    const file = join(folder, 'bondwire.yaml');
    expect(await run('apply', file)).toMatchObject({ status: 0 });
    expect((await world.bond()).active).toBe('eth0');
    const before = (await run('events', '--json')).stdout;
    expect(await run('apply', file)).toMatchObject({ status: 0, stderr: '' });
    const since = (await run('events', '--json')).stdout.slice(before.length);
    expect(since).not.toMatch(/"type":"(?:failover|option)"/);
  });

  test('an active member without a link is warned of, and the bond is made with the others', async () => {
    const folder = given({
      'bondwire.yaml': `version: 1\nbonds:\n  bond0:\n    options: {mode: active-backup, miimon: 100, active_slave: eth0}\n    members: [eth0, eth1]\n    addresses: [${world.lab.hostAddress}]\n`,
    });
    world.cut('eth0');
    const made = await run('apply', join(folder, 'bondwire.yaml'));
    expect(made).toMatchObject({ status: 0, stderr: expect.stringMatching(/active_slave=eth0 was not set/) });
    expect((await world.bond()).active).toBe('eth1');
    await eventually('the host reaches the peer', () => world.pings(world.lab.peerIp));
  });

  test('what was made is removed again when a later bond cannot be made', async () => {
    const folder = given({
      'bondwire.yaml':
        'bonds:\n  bond0:\n    options: {mode: active-backup, miimon: 100}\n    members: [eth0]\n    take_down: true\n' +
        '  bond1:\n    options: {mode: active-backup, miimon: 100}\n    members: [eth1, eth77]\n    take_down: true\n',
    });
    // The first time up changes a device for good (its qdisc).
    for (const name of ['eth0', 'eth1']) {
      await world.ip('host', `link set ${name} up`);
      await world.ip('host', `link set ${name} down`);
    }
    await world.settled();
    const before = await network();
    const { status, stderr } = await run('apply', join(folder, 'bondwire.yaml'));
    expect(status).toBe(1);
    expect(stderr).toMatch(/bond0, bond1 removed again, because what follows failed\./);
    expect(stderr).toMatch(/eth77 cannot join bond1: there is no such interface/);
    await world.settled();
    expect(await network()).toEqual(before);
  });
});

describe('bonds by options of the module', () => {
  test('H01 H02: max_bonds=3 makes bond0 to bond2, each with all options; mode is a number or a word', async () => {
    const folder = given({
      'modprobe.d/bonding.conf':
        'options bonding max_bonds=3 mode=1 miimon=0x64 updelay=200 num_grat_arp=300\n',
    });
    const { status, stdout } = await run('import', '--apply', folder);
    expect(status).toBe(0);
    expect(stdout).toMatch(/:1: warning: num_grat_arp=300 is not 0 to 255, so the module takes 1\./);
    const { bonds } = (await world.must('GET', '/v1/bonds')) as ShowDocument;
    expect(bonds.map(({ name }) => name)).toEqual(['bond0', 'bond1', 'bond2']);
    for (const { options } of bonds) {
      expect(options).toMatchObject({ mode: 'active-backup', miimon: 100, updelay: 200, num_grat_arp: 1 });
    }
    const word = await run('create', 'bond7', 'mode=active-backup', 'miimon=100');
    const number = await run('create', 'bond8', 'mode=1', 'miimon=100');
    expect([word.status, number.status]).toEqual([0, 0]);
    expect((await world.bond('bond8')).options).toEqual((await world.bond('bond7')).options);
  });

  test('H03 H06: several bonds by "-o", each with options and members of its own', async () => {
    const folder = given({
      'modules.conf':
        '# two bonds\nalias bond0 bonding\nalias bond1 bonding\nprobeall bond1 eth1 bonding\n' +
        'options bond0 mode=1 miimon=100\noptions bond1 -o bonding1 mode=active-backup \\\n  miimon=50 primary=eth1\n',
      'ifcfg-eth0': member('eth0'),
    });
    expect((await run('import', '--apply', folder)).status).toBe(0);
    expect((await world.bond('bond0')).options).toMatchObject({
      miimon: 100,
      primary: null,
      slaves: ['eth0'],
    });
    expect((await world.bond('bond1')).options).toMatchObject({
      miimon: 50,
      primary: 'eth1',
      slaves: ['eth1'],
    });
  });

  test('H06: 64 bonds at once, each with its own options', async () => {
    const bonds = Array.from(
      { length: 64 },
      (_, at) => `  bond${at}:\n    options: {mode: active-backup, miimon: ${100 + at}}\n    up: false\n`,
    );
    const folder = given({ 'bondwire.yaml': `bonds:\n${bonds.join('')}` });
    expect(await run('apply', join(folder, 'bondwire.yaml'))).toMatchObject({ status: 0, stderr: '' });
    const shown = (await world.must('GET', '/v1/bonds')) as ShowDocument;
    expect(shown.bonds.length).toBe(64);
    for (const { name, options } of shown.bonds)
      expect(options.miimon, name).toBe(100 + Number(name.slice(4)));
  });

  test('H08: a bond without a monitor is made, with a warning that names the fix', async () => {
    const folder = given({
      'modprobe.d/bonding.conf': 'alias bond0 bonding\noptions bond0 mode=active-backup\n',
    });
    const { status, stdout, stderr } = await run('import', '--apply', folder);
    expect(status).toBe(0);
    expect(stdout).toMatch(/warning: bond0 watches no links, .*miimon=100/);
    expect(stderr).toMatch(/warning: bond0 watches no links, .*miimon=100/);
    expect((await world.bond()).options.miimon).toBe(0);
  });
});

describe('bondwire.yaml', () => {
  test('import writes it, check finds it right, apply makes members with options, a second apply adds what is missing', async () => {
    const folder = given({
      interfaces: `auto bond0\niface bond0 inet static\n  address ${world.lab.hostAddress}\n  bond-mode active-backup\n  bond-miimon 100\n  bond-slaves eth0\n  bond-primary eth0\n`,
    });
    const file = join(world.folder, 'bondwire.yaml');
    const written = await run('import', '-o', file, join(folder, 'interfaces'));
    expect(written).toMatchObject({ status: 0, stderr: '' });
    expect(written.stdout).toContain(`Written to ${file}.`);
    expect(await run('check', file)).toEqual({
      status: 0,
      stdout: `${file} is right: 1 bond.\n`,
      stderr: '',
    });
    expect((await run('apply', file)).status).toBe(0);
    expect((await world.bond()).options.slaves).toEqual(['eth0']);
    const text = readFileSync(file, 'utf8');
    writeFileSync(
      file,
      text.replace('[eth0]', '[eth0, {name: eth1, prio: 7}]').replace('miimon: 100', 'miimon: 50'),
    );
    const second = await run('apply', file);
    expect(second.status).toBe(0);
    expect((await world.bond()).options).toMatchObject({
      miimon: 50,
      slaves: ['eth0', 'eth1'],
      prio: ['eth0:0', 'eth1:7'],
    });
  });

  test('members of a bond that is there exchange their queues', async () => {
    const queues = (first: number, second: number) =>
      `bonds:\n  bond0:\n    options: {mode: active-backup, miimon: 100}\n    members: [{name: eth0, queue_id: ${first}}, {name: eth1, queue_id: ${second}}]\n`;
    const file = join(given({ 'bondwire.yaml': queues(1, 2) }), 'bondwire.yaml');
    expect(await run('apply', file)).toMatchObject({ status: 0, stderr: '' });
    expect((await world.bond()).options.queue_id).toEqual(['eth0:1', 'eth1:2']);
    writeFileSync(file, queues(2, 1));
    expect(await run('apply', file)).toMatchObject({ status: 0, stderr: '' });
    expect((await world.bond()).options.queue_id).toEqual(['eth0:2', 'eth1:1']);
  });

  test('a daemon that begins with one makes its bonds; with errors in it, it does not begin', async () => {
    const folder = given({
      'good.yaml': `bonds:\n  bond5:\n    options: {mode: active-backup, miimon: 100}\n    members: [eth0, eth1]\n    take_down: true\n    addresses: [${world.lab.hostAddress}]\n`,
      'bad.yaml': 'bonds:\n  bond5:\n    options: {mode: active-backup, miimom: 100}\n',
    });
    await world.bondwire.stop();
    const bad = await run('daemon', '--config', join(folder, 'bad.yaml'));
    expect(bad.status).toBe(1);
    expect(bad.stderr).toMatch(/bad\.yaml:3:36: error: miimom=100 was refused: .*did you mean miimon\?/);
    const child = world.lab.spawn('host', [
      process.execPath,
      BIN,
      'daemon',
      '--config',
      join(folder, 'good.yaml'),
      '--run-dir',
      world.bondwire.runDir,
    ]);
    try {
      await eventually('the bond is there', async () => (await run('show', 'bond5')).status === 0);
      await eventually('the host reaches the peer', () => world.pings(world.lab.peerIp));
      expect((await run('destroy', 'bond5')).status).toBe(0);
    } finally {
      const gone = new Promise(resolve => {
        child.once('exit', resolve);
      });
      child.kill('SIGTERM');
      await gone;
    }
  });

  test('a daemon that begins with one does without a member that is missing, and does not leave a bond that is at work', async () => {
    const folder = given({
      'bondwire.yaml': `bonds:\n  bond5:\n    options: {mode: active-backup, miimon: 100, active_slave: bwgone}\n    members:\n      - eth0\n      - {name: bwgone, prio: 3}\n    addresses: [${world.lab.hostAddress}]\n`,
    });
    await world.bondwire.stop();
    const argv = [process.execPath, BIN, 'daemon', '--run-dir', world.bondwire.runDir, '--config'];
    for (const said of [
      /warning: bwgone is not there; bond5 does without it until it appears/,
      /warning: bwgone is not there.*found at work/s,
    ]) {
      const child = world.lab.spawn('host', [...argv, join(folder, 'bondwire.yaml')]);
      let text = '';
      child.stdout?.on('data', data => (text += String(data)));
      child.stderr?.on('data', data => (text += String(data)));
      const gone = new Promise(resolve => {
        child.once('exit', resolve);
      });
      try {
        await eventually('it is ready', () => text.includes('ready at'));
        expect(text).toMatch(said);
        await eventually('the host reaches the peer', () => world.pings(world.lab.peerIp));
        if (text.includes('found at work')) expect((await run('destroy', 'bond5')).status).toBe(0);
      } finally {
        child.kill('SIGTERM');
        await gone;
      }
    }
    await world.bondwire.start();
    expect(await world.must('GET', '/v1/status')).toMatchObject({ bonds: [], adopted: [] });
  });

  test('a route whose destination has another way is refused by apply, and warned of at the start of a daemon', async () => {
    const { lab, bondwire } = world;
    const folder = given({
      'bondwire.yaml': `bonds:\n  bond5:\n    options: {mode: active-backup, miimon: 100}\n    members: [eth0, eth1]\n    take_down: true\n    addresses: [${lab.hostAddress}]\n    routes:\n      - {to: 198.51.100.0/24, via: ${lab.peerIp}}\n      - {to: default, via: ${lab.peerIp}}\n`,
    });
    const file = join(folder, 'bondwire.yaml');
    await world.ip('host', 'link add bwother type veth peer name bwotherp');
    await world.ip('host', 'addr add 203.0.113.1/24 dev bwother');
    for (const end of ['bwother', 'bwotherp']) await world.ip('host', `link set ${end} up`);
    await world.ip('host', 'route add default via 203.0.113.9 dev bwother');
    const routes = (): Promise<string> => world.ip('host', 'route show');
    const before = await routes();
    const refused = await run('apply', file);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain(
      `there is another one via 203.0.113.9 dev bwother. Let this one take its place ('ip route del default via 203.0.113.9 dev bwother && (bondwire --run-dir ${bondwire.runDir} apply FILE || ip route add default via 203.0.113.9 dev bwother)'), or leave this one out.`,
    );
    expect(await routes()).toBe(before);
    expect(await world.must('GET', '/v1/status')).toMatchObject({ bonds: [] });

    await bondwire.stop();
    const argv = [process.execPath, BIN, 'daemon', '--run-dir', bondwire.runDir, '--config', file];
    const child = lab.spawn('host', argv);
    let text = '';
    child.stdout?.on('data', data => (text += String(data)));
    child.stderr?.on('data', data => (text += String(data)));
    const gone = new Promise(resolve => {
      child.once('exit', resolve);
    });
    try {
      await eventually('it is ready', () => text.includes('ready at'));
      expect(text).toContain('warning: The route to default by');
      expect(await routes()).toMatch(/^198\.51\.100\.0\/24 via .* dev bond5/m);
      expect(await routes()).toMatch(/^default via 203\.0\.113\.9 dev bwother/m);
      // What was said to do helps; the same way again is no error, also as one of several.
      await world.ip('host', 'route del default via 203.0.113.9 dev bwother');
      for (let times = 0; times < 2; times++) expect((await run('apply', file)).stderr).toBe('');
      expect(await routes()).toMatch(/^default via .* dev bond5/m);
      const ways = `nexthop via 203.0.113.9 dev bwother nexthop via ${lab.peerIp} dev bond5`;
      await world.ip('host', `route replace default ${ways}`);
      expect((await run('apply', file)).stderr).toBe('');
    } finally {
      child.kill('SIGTERM');
      await gone;
    }
  });

  test('what check has against routes Linux has too; on_link makes one by a gateway in no network of the bond', async () => {
    const file = (routes: string): string =>
      join(
        given({
          'bondwire.yaml': `bonds:\n  bond5:\n    options: {mode: active-backup, miimon: 100}\n    members: [eth0]\n    take_down: true\n    addresses: [192.0.2.1/24, 198.51.100.7/32]\n    routes: [${routes}]\n`,
        }),
        'bondwire.yaml',
      );
    const good = file('{to: default, via: 203.0.113.9, on_link: true}, {to: 10.0.0.0/8, via: 192.0.2.9}');
    expect(await run('check', good)).toMatchObject({ status: 0, stderr: '' });
    for (let times = 0; times < 2; times++)
      expect(await run('apply', good)).toMatchObject({ status: 0, stderr: '' });
    expect(await world.ip('host', 'route show default')).toMatch(
      /^default via 203\.0\.113\.9 dev bond5 onlink/,
    );
    for (const [to, via, status] of [
      ['10.1.0.0/16', '192.0.2.255', 1],
      ['192.0.2.0/24', '192.0.2.9', 1],
      ['10.1.0.0/16', '198.51.100.8', 0],
    ] as const) {
      const checked = await run('check', file(`{to: ${to}, via: "${via}"}`));
      expect(checked.status, `${to} ${via}`).toBe(status);
      expect(checked.stderr).toContain(`The route to ${to} by ${via} `);
      const asked = await world.ask('POST', '/v1/bonds/bond5/routes', { routes: [{ to, via }] });
      expect(asked.status, `${to} ${via}`).not.toBe(200);
    }
  });

  test('a member that the file has by an alternative name is that member, however often it is applied', async () => {
    const alternative = 'bw-a-very-long-alternative-name';
    await world.ip('host', `link property add dev eth1 altname ${alternative}`);
    const folder = given({
      'bondwire.yaml': `bonds:\n  bond5:\n    options: {mode: active-backup, miimon: 100}\n    members: [eth0, {name: ${alternative}, prio: 4}]\n    take_down: true\n`,
    });
    for (let times = 0; times < 2; times++) {
      const applied = await run('apply', join(folder, 'bondwire.yaml'));
      expect(applied).toMatchObject({ status: 0, stderr: '' });
      const bond = await world.bond('bond5');
      expect(bond.members.map(({ name }) => name)).toEqual(['eth0', 'eth1']);
      expect(bond.options.prio).toEqual(['eth0:0', 'eth1:4']);
    }
  });

  test('apply without a daemon ends with 3, and a file that is not there with 1', async () => {
    const folder = given({
      'bondwire.yaml': 'bonds:\n  bond0:\n    options: {mode: active-backup, miimon: 100}\n',
    });
    await world.bondwire.stop();
    expect((await run('apply', join(folder, 'bondwire.yaml'))).status).toBe(3);
    expect(await run('apply', join(folder, 'nothing.yaml'))).toMatchObject({ status: 1 });
    expect((await run('import', join(folder, 'nothing'))).stderr).toMatch(
      /nothing cannot be read: no such file or directory\./,
    );
  });
});
