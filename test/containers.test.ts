// The recipe of docs/containers.md without a Docker engine: the daemon with the capabilities that its command line gives, in
// namespaces of its own, where nothing but the run directory can be written. Needs root; part of test:all.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { ShowDocument } from '../src/daemon/api/api.js';
import { collect } from '../src/lab/managed-bondwire.js';
import { BIN } from './support/stage.js';

const PAGE = readFileSync(fileURLToPath(new URL('../docs/containers.md', import.meta.url)), 'utf8');

/** As Docker prepares a container, then as somebody inside. */
const PREPARE = `
  set -e
  mount --make-rprivate /
  mount -t tmpfs tmpfs /run
  for place in /proc/sys /sys /; do mount --bind $place $place; mount -o remount,ro,bind $place; done
  ip link set lo up
  ip link add eth0 type veth peer name p0; ip link add eth1 type veth peer name p1
  ip link add br0 type bridge; ip addr add 10.99.0.1/24 dev br0
  ip link set p0 master br0 up; ip link set p1 master br0 up; ip link set br0 up
  exec "$@"`;
const USE = `
  set -e
  grep CapEff /proc/self/status
  for file in /root/bw-written /proc/sys/net/ipv4/ip_forward; do if test -w $(dirname $file); then echo $file; fi; done
  ${BIN} daemon >&2 & daemon=$!
  until ${BIN} create bond0 mode=active-backup miimon=50 2>/dev/null; do sleep 0.2; done
  ${BIN} enslave bond0 eth0 eth1
  ip link set bond0 up; ip addr add 10.99.0.2/24 dev bond0
  ping -c 1 -W 5 10.99.0.1 >/dev/null && echo reached
  ip link set p0 down
  until ${BIN} show bond0 --json | grep -q '"active": "eth1"'; do sleep 0.1; done
  ping -c 1 -W 5 10.99.0.1 >/dev/null && echo reached again
  ${BIN} show bond0 --json > /run/shown
  kill $daemon; wait $daemon
  echo shown; cat /run/shown`;

test('The daemon works in a container with the capabilities of docs/containers.md, and none besides', async () => {
  const command = /^docker run .*$/m.exec(PAGE)?.[0] ?? '';
  expect(command).toContain('--cap-drop ALL');
  expect(command).toContain('--security-opt no-new-privileges');
  const names = Array.from(command.matchAll(/--cap-add (\w+)/g), ([, name = '']) => name);
  const compose = /cap_add: \[([^\]]*)\]/.exec(PAGE)?.[1]?.split(', ');
  expect(compose).toEqual(names);
  const bounding = ['-all', ...names.map(name => `+${name.toLowerCase()}`)].join(',');
  const inside = [
    'setpriv',
    `--bounding-set=${bounding}`,
    '--inh-caps=-all',
    '--no-new-privs',
    'sh',
    '-c',
    USE,
  ];
  const contained = [
    'unshare',
    '--mount',
    '--net',
    '--pid',
    '--fork',
    '--mount-proc',
    'sh',
    '-c',
    PREPARE,
    'sh',
  ];
  const [file = '', ...args] = [...contained, ...inside];
  const { status, stdout, stderr } = await collect(spawn(file, args, { stdio: 'pipe' }));
  expect(status, stderr).toBe(0);
  const [said = '', json = ''] = stdout.split('shown\n');
  // CAP_NET_ADMIN and CAP_NET_RAW are bits 12 and 13.
  expect(said.split('\n')).toEqual([
    expect.stringMatching(/^CapEff:\s+0000000000003000$/),
    'reached',
    'reached again',
    '',
  ]);
  expect(stderr).toMatch(/no packets go through bond0 until the next daemon/);
  const [bond] = (JSON.parse(json) as ShowDocument).bonds;
  expect(bond).toMatchObject({ dataPlane: 'userspace', active: 'eth1', inlineFailover: true });
}, 120_000);
