// However a daemon is started (a unit's sandbox, `ip netns exec`, a container, cron, an ssh that ends), its bonds go on when whoever
// started it is gone, and when it has ended; the next one takes them over. Needs root; part of test:all.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import type { ShowDocument } from '../src/daemon/api/api.js';
import { Lab } from '../src/lab/index.js';
import { collect } from '../src/lab/managed-bondwire.js';
import { unmountFileSystem } from '../src/linux/index.js';
import { BIN, until } from './support/stage.js';

const TEST_MS = 240_000;
/** What the README asks for. */
const CAPABILITIES = ['net_admin', 'net_raw', 'bpf', 'perfmon', 'sys_admin'];
const BOUNDING = `--bounding-set=-all,${CAPABILITIES.map(name => `+${name}`).join(',')}`;
/** What a sandbox hides, as PrivateTmp does; not what is tested, where that is there. */
const HIDDEN = BIN.startsWith('/tmp/') ? '/mnt' : '/tmp';
const SANDBOX = `mount --make-rslave / && mount -t tmpfs tmpfs ${HIDDEN} && mount --make-rshared /`;

/** How each starts `$@` in the namespace NS: a script for sh. What it leaves running is the daemon. */
const START_UPS: readonly (readonly [what: string, script: (ns: string) => string])[] = [
  [
    'a unit with a sandbox of its own and five capabilities',
    ns =>
      `setsid -f nsenter --net=/run/netns/${ns} unshare --mount --propagation slave sh -c '${SANDBOX} && exec setpriv ${BOUNDING} --inh-caps=-all "$@"' sh "$@"`,
  ],
  ['ip netns exec', ns => `setsid -f ip netns exec ${ns} "$@"`],
  ['nsenter', ns => `setsid -f nsenter --net=/run/netns/${ns} "$@"`],
  ['unshare', ns => `setsid -f nsenter --net=/run/netns/${ns} unshare --mount "$@"`],
  [
    'a container',
    ns =>
      `setsid -f nsenter --net=/run/netns/${ns} unshare --mount --pid --fork --mount-proc sh -c 'mount --make-rprivate / && exec "$@"' sh "$@"`,
  ],
  [
    'cron',
    ns =>
      `cd / && env -i PATH="$PATH" setsid -f sh -c 'exec nsenter --net=/run/netns/${ns} "$@"' sh "$@" </dev/null`,
  ],
  ['an ssh that ends', ns => `setsid sh -c 'nohup ip netns exec ${ns} "$@" & sleep 1; exit' sh "$@"`],
];

let lab: Lab | undefined;
let runDir = '';

/** Processes of the machine that are daemons of our run directory. */
function daemons(): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .filter(pid => {
      try {
        const argv = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
        const isNode = readFileSync(`/proc/${pid}/comm`, 'latin1').trim() !== 'unshare';
        return isNode && argv[0] === process.execPath && argv.includes(runDir) && argv.includes('daemon');
      } catch {
        return false;
      }
    });
}

async function ended(signal: NodeJS.Signals): Promise<void> {
  for (const pid of daemons()) process.kill(pid, signal);
  await until('the daemon has ended', () => daemons().length === 0);
}

afterEach(async () => {
  await ended('SIGKILL');
  lab?.close();
  lab = undefined;
  unmountFileSystem(`${runDir}/bpf`);
  rmSync(runDir, { recursive: true, force: true });
});

/** Runs `bondwire` with these arguments; it must succeed. */
async function bondwire(...args: string[]): Promise<string> {
  const child = spawn(process.execPath, [BIN, ...args, '--run-dir', runDir], { stdio: 'pipe' });
  const { status, stdout, stderr } = await collect(child);
  expect(status, `${args.join(' ')}: ${stderr}`).toBe(0);
  return stdout;
}

/** Starts a daemon; whoever started it is gone when this is done. */
async function start(script: string): Promise<void> {
  const argv = [process.execPath, BIN, 'daemon', '--run-dir', runDir];
  const starter = spawn('sh', ['-c', script, 'sh', ...argv], { stdio: 'ignore' });
  await new Promise<void>(resolve => starter.once('exit', () => resolve()));
  await until('it answers', async () => {
    const child = spawn(process.execPath, [BIN, 'show', '--run-dir', runDir], { stdio: 'pipe' });
    return (await collect(child)).status === 0;
  });
}

async function reached({
  peerIp,
  exec,
}: {
  peerIp: string;
  exec: (argv: string[]) => Promise<{ status: number | null }>;
}) {
  await until('the host reaches the peer', async () => {
    const { status } = await exec(['ping', '-c', '3', '-i', '0.2', '-W', '1', peerIp]);
    return status === 0;
  });
}

test.each(START_UPS)(
  'Started by %s',
  async (_, script) => {
    const built = await Lab.create();
    lab = built;
    // Not below /tmp, which a sandbox hides.
    runDir = mkdtempSync('/run/bw-start-');
    const way = script(built.host);
    const place = { peerIp: built.peerIp, exec: (argv: string[]) => built.exec('host', argv) };
    await start(way);
    await bondwire('create', 'bond0', 'mode=active-backup', 'miimon=100', 'data_plane=ebpf');
    await bondwire('enslave', '--take-down', 'bond0', 'eth0');
    built.addAddress('host', 'bond0', built.hostAddress);
    built.setUp('host', 'bond0', true);
    await reached(place);
    await ended('SIGTERM');
    await reached(place);
    // As it is without anybody: failover too, once the next one has had the second member join.
    await start(way);
    const { bonds } = JSON.parse(await bondwire('show', '--json')) as ShowDocument;
    expect(bonds.map(({ name, lifetimeProblem }) => [name, lifetimeProblem])).toEqual([['bond0', undefined]]);
    expect(await bondwire('events', '--bond', 'bond0')).toContain(
      'was found at work and is looked after again',
    );
    expect(await bondwire('events', '--bond', 'bond0')).not.toContain('made anew');
    await bondwire('enslave', '--take-down', 'bond0', 'eth1');
    await ended('SIGKILL');
    built.cut('eth0');
    await reached(place);
    await start(way);
    await bondwire('destroy', 'bond0');
    const left = await built.exec('host', [
      'sh',
      '-c',
      'ip -o link; tc filter show dev eth0 ingress; tc qdisc show dev eth0',
    ]);
    expect(left.stdout).not.toMatch(/bond0|bwl-|bondwire|clsact/);
  },
  TEST_MS,
);
