// Links to the real /sys: what is known is not read again until there is news of it.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SystemLinks } from './system-links.js';

let sys: string;
const BOND = { name: 'bond0', ifindex: 7 };

/** An interface, with its files and its link in class/net. */
function device(name: string, ifindex: number, ...files: readonly string[]): void {
  const real = `${sys}/devices/${name}`;
  mkdirSync(real, { recursive: true });
  for (const file of files) writeFileSync(`${real}/${file}`, '');
  writeFileSync(`${real}/ifindex`, `${ifindex}\n`);
  symlinkSync(`../../devices/${name}`, `${sys}/class/net/${name}`);
}

beforeEach(() => {
  sys = mkdtempSync(join(tmpdir(), 'bw-sys-'));
  mkdirSync(`${sys}/class/net`, { recursive: true });
  mkdirSync(`${sys}/class/block`);
  device('bond0', 7, 'mtu');
  device('eth0', 2, 'mtu');
});

afterEach(() => rmSync(sys, { recursive: true }));

const others = (links: SystemLinks) => links.others(new Set([BOND.name]));
const paths = (links: SystemLinks): string[] =>
  [...links.filesAt(BOND).keys(), ...others(links).keys()].toSorted();

test('own interfaces have a link for each file, others one for all', () => {
  const links = new SystemLinks(sys);
  expect(paths(links)).toEqual([
    'sys/class/block',
    'sys/class/net/bond0/ifindex',
    'sys/class/net/bond0/mtu',
    'sys/class/net/eth0',
    'sys/devices',
  ]);
  expect(others(links).get('sys/class/net/eth0')).toEqual({ link: `${sys}/devices/eth0` });
});

test('interfaces that come and go are seen; files of known ones when there is news of what stands on them, or all is forgotten', () => {
  const links = new SystemLinks(sys);
  paths(links);
  device('eth1', 3);
  rmSync(`${sys}/class/net/eth0`);
  expect(paths(links)).toContain('sys/class/net/eth1');
  expect(paths(links)).not.toContain('sys/class/net/eth0');

  writeFileSync(`${sys}/devices/bond0/upper_vlan5`, '');
  expect(paths(links)).not.toContain('sys/class/net/bond0/upper_vlan5');
  links.told({ ifindex: 9, name: 'vlan5', link: 7 });
  expect(paths(links)).toContain('sys/class/net/bond0/upper_vlan5');

  writeFileSync(`${sys}/devices/bond0/late`, '');
  links.forget();
  expect(paths(links)).toContain('sys/class/net/bond0/late');
});

test('a name that another interface has by now is not ours, once there was news of it', () => {
  const links = new SystemLinks(sys);
  expect(links.isOurs([BOND])).toBe(true);
  expect(links.isOurs([{ name: 'bond0', ifindex: 8 }])).toBe(false);
  writeFileSync(`${sys}/devices/bond0/ifindex`, '8\n');
  links.told({ ifindex: 8, name: 'bond0' });
  expect(links.isOurs([BOND])).toBe(false);
  expect(links.isOurs([{ name: 'none', ifindex: 1 }])).toBe(false);
});
