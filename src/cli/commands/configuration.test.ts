import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { gatherFiles } from '../files/gather-files.js';
import { run } from '../test-support/command.js';
import { fakeDaemon, type FakeDaemon, refuse, reply, temporaryRunDir } from '../test-support/fake-daemon.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bondwire-config-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function given(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}

const MODULES = 'alias bond0 bonding\noptions bond0 mode=1 miimon=100\n';

describe('bondwire import', () => {
  test('writes the file to standard output and the report to standard error', async () => {
    given({ 'modules.conf': MODULES });
    const { code, out, err } = await run(['import', join(folder, 'modules.conf')]);
    expect(code).toBe(0);
    expect(out).toContain('bonds:\n  bond0:\n    options:\n      mode: active-backup\n      miimon: 100\n');
    expect(err).toContain(`${folder}/modules.conf:2: ok: bond0: mode=active-backup.\n`);
    expect(err).toMatch(/\n1 file read \(modprobe\): 1 bond \(bond0\), 0 errors, 1 warning\.\n$/);
  });

  test('-o writes it to a file, and the report goes to standard output', async () => {
    given({ 'modules.conf': MODULES });
    const file = join(folder, 'out.yaml');
    const { code, out, err } = await run(['import', folder, '-o', file]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain(`Written to ${file}.\n`);
    expect(readFileSync(file, 'utf8')).toContain('mode: active-backup');
    expect((await run(['check', file])).out).toBe(`${file} is right: 1 bond.\n`);
    expect((await run(['import', folder, '-o', join(folder, 'no', 'where')])).err).toMatch(
      /where cannot be written: /,
    );
  });

  test('a FIFO in a folder is told and not waited for; a link to /dev/null masks the file of its name', async () => {
    given({
      'etc/systemd/network/10-bond0.netdev':
        '[NetDev]\nName=bond0\nKind=bond\n[Bond]\nMode=active-backup\nMIIMonitorSec=1s\n',
      'usr/lib/systemd/network/20-eth0.network': '[Match]\nName=eth0\n[Network]\nBond=bond0\n',
      'usr/lib/systemd/network/30-eth1.network': '[Match]\nName=eth1\n[Network]\nBond=bond0\n',
    });
    const network = join(folder, 'etc/systemd/network');
    execFileSync('mkfifo', [join(network, '40-pipe.network')]);
    symlinkSync('/dev/null', join(network, '20-eth0.network'));
    const { code, out, err } = await run(['import', folder]);
    expect(code).toBe(0);
    expect(out).toContain('members: [eth1]');
    expect(err).toContain('40-pipe.network is no file that holds text; it was passed over.');
    expect(err).toContain('20-eth0.network:1: note: This file is empty: there is no 20-eth0.network.');
  });

  test('folders that are links are read once, hidden files and those that nothing sources are not, links that lead nowhere are told', async () => {
    given({
      'network/interfaces': 'source interfaces.d/a*\nauto bond0\n',
      'real/a-bond': 'iface bond0 inet manual\n  bond-slaves eth0 eth1\n  bond-mode 1\n  bond-miimon 100\n',
      'real/other': 'iface bond1 inet manual\n  bond-slaves eth2\n  bond-mode 1\n  bond-miimon 100\n',
      'netplan/.hidden.yaml': 'network: {bonds: {bond2: {}}}\n',
    });
    symlinkSync('../real', join(folder, 'network', 'interfaces.d'));
    symlinkSync('loop.network', join(folder, 'network', 'loop.network'));
    symlinkSync('..', join(folder, 'network', 'up'));
    const { code, out, err } = await run(['import', folder]);
    expect({ code, bonds: out.match(/^ {2}\w+:$/gm) }).toEqual({ code: 0, bonds: ['  bond0:'] });
    expect(err).toMatch(
      /interfaces\.d\/other:1: warning: No source line of .* leads to this file, so it was left out/,
    );
    expect(err).toMatch(/loop\.network:1: warning: .* cannot be read: /);
  });

  test.skipIf(process.getuid?.() !== 0)(
    'a folder that may not be read is told (needs root to become somebody else)',
    () => {
      given({
        'etc/system-connections/bond0.nmconnection': '[connection]\ntype=bond\ninterface-name=bond0\n',
      });
      given({ 'etc/netplan/1.yaml': 'network: {version: 2}\n' });
      chmodSync(folder, 0o755);
      chmodSync(join(folder, 'etc/system-connections'), 0o700);
      const script = `import(${JSON.stringify(new URL('../files/gather-files.js', import.meta.url).pathname.replace('/src/', '/dist/'))}).then(m => {
        process.setgroups([]); process.setgid(65534); process.setuid(65534);
        console.log(JSON.stringify(m.gatherFiles([process.argv[1]]).problems));
      })`;
      // It becomes somebody else who might not be able to read this working tree, so it loads first.
      const seen = execFileSync(process.execPath, ['-e', script, join(folder, 'etc')], { encoding: 'utf8' });
      expect(JSON.parse(seen)).toEqual([
        {
          file: join(folder, 'etc/system-connections'),
          line: 1,
          message: expect.stringMatching(/cannot be read: permission denied/) as unknown,
        },
      ]);
    },
  );

  test('an error makes 1, and the file is written all the same', async () => {
    given({ 'modules.conf': `${MODULES}probeall bond0 eth0 bond0\n` });
    const { code, out, err } = await run(['import', folder]);
    expect(code).toBe(1);
    expect(out).toContain('bond0:');
    expect(err).toContain(':3: error: This is an endless recursion: bond0 → bond0.');
  });

  test('--json has bonds, findings and files; it goes neither with --apply nor with -o', async () => {
    given({ 'modules.conf': MODULES });
    const { code, out } = await run(['import', '--json', folder]);
    expect(code).toBe(0);
    const document = JSON.parse(out) as {
      bonds: { name: string }[];
      findings: { level: string }[];
      files: unknown;
    };
    expect(document.bonds.map(({ name }) => name)).toEqual(['bond0']);
    expect(document.findings.filter(({ level }) => level !== 'understood')).toMatchObject([
      { level: 'warning', place: { line: 1 } },
    ]);
    expect(document.files).toEqual([{ path: join(folder, 'modules.conf'), format: 'modules' }]);
    expect((await run(['import', '--json', '--apply', folder])).code).toBe(2);
  });

  test('lines of mwan3 are an uplink, in the report, the file and --json', async () => {
    given({
      'etc/config/mwan3': "config interface 'wan'\n\toption enabled '1'\n\tlist track_ip '192.0.2.1'\n",
      'etc/config/network': "config interface 'wan'\n\toption proto 'pppoe'\n\toption device 'eth1'\n",
    });
    const file = join(folder, 'made.yaml');
    const { code, out } = await run(['import', folder, '-o', file]);
    expect(code).toBe(0);
    expect(out).toMatch(/2 files read \(mwan3\): 0 bonds, an uplink of 1 line, 0 errors, 3 warnings\.\n/);
    expect(readFileSync(file, 'utf8')).toContain('wan: {device: pppoe-wan, targets: [192.0.2.1, 1.1.1.1]}');
    expect((await run(['check', file])).code).toBe(0);
    const { uplink } = JSON.parse((await run(['import', '--json', folder])).out) as {
      uplink: { lines: { device: string }[] };
    };
    expect(uplink.lines.map(({ device }) => device)).toEqual(['pppoe-wan']);
  });

  test('no path is usage; one that is not there, or holds nothing that is read, is refused', async () => {
    expect((await run(['import'])).code).toBe(2);
    expect(await run(['import', join(folder, 'nothing')])).toEqual({
      code: 1,
      out: '',
      err: `bondwire: ${folder}/nothing cannot be read: no such file or directory.\n`,
    });
    given({ 'readme.md': 'x' });
    expect((await run(['import', folder])).err).toMatch(/no file there has a name of a format that is read/);
  });
});

describe('gatherFiles()', () => {
  test('walks folders for the names that say so, passes over copies, reads each file once', () => {
    given({
      'modprobe.d/a.conf': '',
      'modprobe.d/a.conf~': '',
      'net/ifcfg-eth0': '',
      'net/ifcfg-eth0.bak': '',
      'net/ifup': '',
      'netplan/x.yaml': '',
      'other/x.yaml': '',
      'systemd/network/b.netdev': '',
      'teamd/team0.conf': '',
      hosts: '',
    });
    symlinkSync(folder, join(folder, 'loop'));
    const found = gatherFiles([folder, join(folder, 'net/ifcfg-eth0')]).files.map(({ path }) =>
      path.slice(folder.length + 1),
    );
    expect(found).toEqual([
      'modprobe.d/a.conf',
      'net/ifcfg-eth0',
      'netplan/x.yaml',
      'systemd/network/b.netdev',
      'teamd/team0.conf',
    ]);
  });

  test('follows source and source-directory, also in circles, and tells what leads nowhere', () => {
    given({
      interfaces: `source ${folder}/interfaces.d/*.cfg\nsource more/[ab]\nsource-directory listed\nsource gone\n`,
      'interfaces.d/one.cfg': `auto bond0\nsource ${folder}/interfaces\n`,
      'interfaces.d/two': 'auto bond1\n',
      'more/a': 'auto bond2\n',
      'more/c': 'auto bond3\n',
      'listed/eth0': 'auto bond4\n',
      'listed/not.read': 'auto bond5\n',
    });
    const { files, problems } = gatherFiles([join(folder, 'interfaces')]);
    expect(files.map(({ path }) => path.slice(folder.length + 1))).toEqual([
      'interfaces',
      'interfaces.d/one.cfg',
      'more/a',
      'listed/eth0',
    ]);
    expect(problems).toEqual([
      { file: join(folder, 'interfaces'), line: 4, message: 'gone leads to no file.' },
    ]);
  });

  test('a link that leads nowhere is told when it was found, and refused when it was named', () => {
    given({ 'modprobe.d/a.conf': '' });
    symlinkSync(join(folder, 'gone'), join(folder, 'modprobe.d/b.conf'));
    const { files, problems } = gatherFiles([folder]);
    expect(files.length).toBe(1);
    expect(problems).toEqual([
      {
        file: join(folder, 'modprobe.d/b.conf'),
        line: 1,
        message: `${folder}/modprobe.d/b.conf cannot be read: no such file or directory.`,
      },
    ]);
    expect(() => gatherFiles([join(folder, 'modprobe.d/b.conf')])).toThrow(/cannot be read/);
  });

  test('refuses what is too large', () => {
    given({ 'modules.conf': '#'.repeat(1024 * 1024 + 1) });
    expect(() => gatherFiles([join(folder, 'modules.conf')])).toThrow(/larger than 1 MiB/);
  });
});

describe('bondwire check', () => {
  test('tells what is wrong with line and column', async () => {
    given({ 'b.yaml': 'bonds:\n  bond0:\n    options: {mode: 1, miimon: soon}\n' });
    const { code, out, err } = await run(['check', join(folder, 'b.yaml')]);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain(
      'b.yaml:3:24: error: miimon=soon was refused: it must be a number from 0 to 2147483647.\n',
    );
    expect(err).toMatch(/b\.yaml has 1 error; see above\.\n$/);
  });
});

describe('bondwire apply', () => {
  const runDir = temporaryRunDir();
  let daemon: FakeDaemon;
  afterEach(() => daemon.close());
  afterAll(() => runDir.remove());

  const apply = (...flags: readonly string[]) =>
    run(['apply', ...flags, join(folder, 'b.yaml')], { runDir: runDir.path });
  const FILE =
    'bonds:\n  bond0:\n    options: {mode: active-backup, miimon: 50, active_slave: eth1}\n    members: [eth0, {name: eth1, prio: 3}]\n' +
    '    take_down: true\n    addresses: [192.0.2.1/24]\n    routes: [{to: default, via: 192.0.2.254}]\n    mtu: 9000\n    mac: 02:00:00:00:00:42\n';

  test('one request has all that the file says; what became of each bond is told', async () => {
    given({ 'b.yaml': `${FILE}  bond1:\n    options: {mode: 1, miimon: 100}\n    up: false\n` });
    daemon = await fakeDaemon(runDir.path, (_seen, response) =>
      reply(response, 200, {
        done: true,
        bonds: [
          { name: 'bond0', outcome: 'made', warnings: ['w.'], removed: [], undone: [] },
          { name: 'bond1', outcome: 'changed', warnings: [], removed: ['the member eth9'], undone: [] },
        ],
      }),
    );
    expect(await apply('--take-addresses')).toEqual({
      code: 0,
      out:
        'bond0 was made: members eth0, eth1; address 192.0.2.1/24; up.\n' +
        'bond1 has lost the member eth9: the file does not have it any more.\n' +
        'bond1 is as described: no members; not brought up.\n',
      err: 'bondwire: warning: w.\n',
    });
    expect(daemon.seen).toEqual([
      {
        method: 'PUT',
        url: '/v1/config',
        body: {
          bonds: [
            {
              name: 'bond0',
              options: { mode: 'active-backup', miimon: '50', active_slave: 'eth1' },
              members: [
                { name: 'eth0', options: {} },
                { name: 'eth1', options: { prio: '3' } },
              ],
              takeDown: true,
              addresses: ['192.0.2.1/24'],
              routes: [{ to: 'default', via: '192.0.2.254' }],
              mtu: 9000,
              mac: '02:00:00:00:00:42',
              up: true,
            },
            {
              name: 'bond1',
              options: { mode: '1', miimon: '100' },
              members: [],
              takeDown: false,
              addresses: [],
              routes: [],
              mtu: null,
              mac: null,
              up: false,
            },
          ],
          takeDown: false,
          takeAddresses: true,
        },
      },
    ]);
  });

  test('what became of all else when something is refused is told before that', async () => {
    given({ 'b.yaml': FILE });
    daemon = await fakeDaemon(runDir.path, (_seen, response) =>
      reply(response, 404, {
        error: {
          code: 'unknown-interface',
          errno: 'ENODEV',
          message: 'eth9 cannot join bond0.',
          undone: ['bond0 removed again, because what follows failed.'],
        },
      }),
    );
    expect(await apply()).toEqual({
      code: 1,
      out: '',
      err: 'bondwire: bond0 removed again, because what follows failed.\nbondwire: eth9 cannot join bond0.\n',
    });
  });

  test('an uplink that was imported goes to the daemon, with its device', async () => {
    given({ mwan3: "config interface 'eth7'\n\toption enabled '1'\n\tlist track_ip '192.0.2.1'\n" });
    daemon = await fakeDaemon(runDir.path, (_seen, response) =>
      reply(response, 200, { done: true, warnings: [] }),
    );
    const wished = await run(['import', '--apply', join(folder, 'mwan3')], { runDir: runDir.path });
    expect(wished).toMatchObject({ code: 0, err: '' });
    expect(wished.out).toMatch(/uplink0 is as described: 1 line\.\n$/);
    expect(daemon.calls()).toEqual(['PUT /v1/uplink']);
    expect(daemon.seen[0]?.body).toMatchObject({ name: 'uplink0', lines: [{ device: 'eth7' }] });
  });

  test('a daemon of an earlier version takes no whole file, and what to do is said', async () => {
    given({ 'b.yaml': FILE });
    daemon = await fakeDaemon(runDir.path, (_seen, response) =>
      refuse(response, 404, 'not-found', 'There is nothing at PUT /v1/config.'),
    );
    const { code, err } = await apply();
    expect(code).toBe(1);
    expect(err).toMatch(/^bondwire: The daemon is of an earlier version, .* start the one of this version/);
  });
});
