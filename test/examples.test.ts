// The files of examples/ that are for other programs: they name what Bondwire makes, and systemd takes the order that the unit asks
// for, also where the network is wanted before the basic system, as cloud-init wants it.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lowerEndName } from '../src/daemon/keeping/places.js';
import { VLAN_FILTER_PREFIX } from '../src/daemon/kernel/vlan-stack.js';

function example(name: string): string {
  return readFileSync(new URL(`../examples/${name}`, import.meta.url), 'utf8');
}

test('dhcpcd is kept off what Bondwire makes for itself, and off nothing else', () => {
  const [, patterns = ''] = /^denyinterfaces (.*)$/m.exec(example('dhcpcd.conf')) ?? [];
  // fnmatch(3) with nothing but stars.
  const denies = (iface: string): boolean =>
    patterns.split(/[ ,]+/).some(pattern => new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(iface));
  for (const iface of [lowerEndName('bond0', 0), lowerEndName('lan', 1), `${VLAN_FILTER_PREFIX}3-a`])
    expect([iface, denies(iface)]).toEqual([iface, true]);
  for (const iface of ['bond0', 'bond0.10', 'eth0', 'bwan0', 'lo'])
    expect([iface, denies(iface)]).toEqual([iface, false]);
  expect(readFileSync(new URL('../docs/howto.md', import.meta.url), 'utf8')).toContain(
    `denyinterfaces ${patterns}`,
  );
});

/** Stand-ins for units of others, with the order that those have. */
const OTHERS: Readonly<Record<string, string>> = {
  'networking.service':
    'DefaultDependencies=no\nAfter=local-fs.target network-pre.target\nBefore=network.target network-online.target shutdown.target\nConflicts=shutdown.target',
  'systemd-networkd.service':
    'DefaultDependencies=no\nAfter=systemd-udevd.service network-pre.target\nBefore=network.target multi-user.target shutdown.target\nConflicts=shutdown.target\nWants=network.target',
  // Of Debian 12 and Ubuntu 24.04.
  'cloud-init.service':
    'DefaultDependencies=no\nAfter=networking.service systemd-networkd.service\nBefore=network-online.target sysinit.target shutdown.target\nConflicts=shutdown.target',
  'NetworkManager.service':
    'After=network-pre.target dbus.service\nBefore=network.target\nWants=network.target',
};

test.runIf(existsSync('/usr/bin/systemd-analyze'))(
  'systemd finds an order with the unit, before those that use bonds (needs systemd-analyze)',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'bw-order-'));
    try {
      const verify = (unit: string): string => {
        writeFileSync(
          join(folder, 'bondwire.service'),
          unit.replace(/^ExecStart=.*$/m, 'ExecStart=/bin/true'),
        );
        const names = ['bondwire.service', ...Object.keys(OTHERS)];
        const run = spawnSync('systemd-analyze', ['verify', '--man=no', '--generators=no', ...names], {
          env: { ...process.env, SYSTEMD_UNIT_PATH: `${folder}:/usr/lib/systemd/system:/lib/systemd/system` },
          encoding: 'utf8',
        });
        return `${run.stdout}${run.stderr}`;
      };
      for (const [name, order] of Object.entries(OTHERS))
        writeFileSync(join(folder, name), `[Unit]\n${order}\n[Service]\nType=oneshot\nExecStart=/bin/true\n`);
      mkdirSync(join(folder, 'sysinit.target.d'));
      writeFileSync(join(folder, 'sysinit.target.d/wants.conf'), '[Unit]\nWants=cloud-init.service\n');
      const unit = example('bondwire.service');
      for (const name of ['networking', 'systemd-networkd', 'NetworkManager'])
        expect(unit).toMatch(new RegExp(`^Before=.*\\b${name}\\.service\\b`, 'm'));
      expect(verify(unit)).not.toMatch(/cycl/);
      // Otherwise nothing could be found.
      expect(verify(unit.replace(/^DefaultDependencies=no$/m, ''))).toMatch(/cycl/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
