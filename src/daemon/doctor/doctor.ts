// What this machine can do for bonds, and what is wrong with it: each finding with the command that mends it.
import { existsSync } from 'node:fs';
import { release } from 'node:os';
import { advice } from '../../base/index.js';
import { Toolbox } from '../../dataplane/index.js';
import {
  currentNetnsCookie,
  currentNetnsId,
  deviceChains,
  effectiveCapabilities,
  getLink,
  isErrno,
  listAddresses,
  listLinks,
  netkitAvailable,
  Rtnetlink,
  tcxAvailable,
} from '../../linux/index.js';
import { IFF, type Link } from '../../netlink/index.js';
import type { ShowBond } from '../api/api.js';
import type { ShowUplink } from '../api/uplink-api.js';
import { bypassedChains } from '../kernel/bypassed-chains.js';
import { lookAtBonds } from './doctor-bonds.js';
import { addressesOfPeople } from '../members/join-checks.js';
import { twinFindings } from './doctor-twins.js';
import { uplinkFacts, uplinkFindings } from './doctor-uplink.js';
import { isLowerEndName } from '../keeping/places.js';
import { type LoadedState, loadState } from '../keeping/state-file.js';
import { unfinishedPins } from '../kernel/unknown-bonds.js';

/** One thing that was looked at. */
export interface Finding {
  readonly name: string;
  readonly ok: boolean;
  readonly level: 'ok' | 'warning' | 'problem';
  readonly detail: string;
  readonly fix?: string;
}

/** Looks at the machine, and at the bonds that a daemon runs on it, on which it listens for LACP for `listenMs`; changes nothing. */
export async function diagnose(
  running: readonly ShowBond[] = [],
  supervised = false,
  runDir = '',
  listenMs?: number,
  uplink: ShowUplink | null = null,
): Promise<{ readonly findings: readonly Finding[] }> {
  const { left, unreadable } = running.length > 0 ? NOTHING_LEFT : withoutDaemon(runDir);
  const machine = [
    system(),
    capabilities(),
    typeInformation(),
    programs(),
    attachment(),
    pair(running),
    ...interfaces([...running, ...left]),
    ...(left.length > 0 ? [] : twins(running)),
    ...chains(running),
  ];
  return {
    findings: [
      ...machine,
      ...(await bonds(running, listenMs)),
      ...(uplink === null ? [] : lookAtUplink(uplink)),
      ...(left.length > 0 ? [abandoned(left, runDir)] : []),
      ...(unreadable === undefined ? [] : [problem('state', unreadable)]),
      ...death(running, supervised, runDir),
      ...lifetime(running),
    ],
  };
}

function lookAtUplink(uplink: ShowUplink): Finding[] {
  const netlink = Rtnetlink.open();
  try {
    return uplinkFindings(uplink, uplinkFacts(netlink, uplink));
  } finally {
    netlink.close();
  }
}

async function bonds(running: readonly ShowBond[], listenMs?: number): Promise<Finding[]> {
  if (running.length === 0) return [];
  const netlink = Rtnetlink.open();
  try {
    return await lookAtBonds(netlink, running, listenMs);
  } finally {
    netlink.close();
  }
}

/** What is at work here and no daemon looks after. */
interface Left {
  readonly left: readonly { readonly name: string }[];
  /** Why it is not known what is at work: a sentence. */
  readonly unreadable?: string;
}

const NOTHING_LEFT: Left = { left: [] };

/** Bonds that are at work here and that no daemon looks after. */
function withoutDaemon(runDir: string): Left {
  if (process.platform !== 'linux') return NOTHING_LEFT;
  const loaded = loadState(runDir, String(currentNetnsId()), currentNetnsCookie());
  if (loaded.problem !== undefined) return { left: [], unreadable: loaded.problem };
  const netlink = Rtnetlink.open();
  try {
    const left = loaded.bonds.flatMap(({ bondIfindex }) => {
      const name = getLink(netlink, bondIfindex)?.name;
      return name === undefined ? [] : [{ name }];
    });
    const unreadable = unknownProblem({ runDir, netlink }, loaded);
    return { left, ...(unreadable !== undefined && { unreadable }) };
  } finally {
    netlink.close();
  }
}

/** Why a daemon would refuse to start for what is at work and in no book. */
function unknownProblem(
  machine: Parameters<typeof unfinishedPins>[0],
  loaded: LoadedState,
): string | undefined {
  try {
    unfinishedPins(machine, loaded);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function abandoned(left: readonly { readonly name: string }[], runDir: string): Finding {
  return warning(
    'daemon',
    `none answers at ${runDir}; what it left at work (${left.map(({ name }) => name).join(', ')}) goes on without: no failure is counted or told, the ARP monitor does not ask, user-space bonds carry nothing`,
    advice('bondwire daemon --run-dir {runDir}', { runDir }),
  );
}

/** What happens when the daemon dies, where packets depend on it. */
function death(running: readonly ShowBond[], supervised: boolean, runDir: string): Finding[] {
  const names = running.filter(({ dataPlane }) => dataPlane === 'userspace').map(({ name }) => name);
  if (names.length === 0) return [];
  const of = names.join(', ');
  return [
    supervised
      ? good('daemon', `when it dies, packets of ${of} wait until the supervisor has started it again`)
      : warning(
          'daemon',
          `packets of ${of} stop when it dies: the daemon forwards them, and nobody starts it again`,
          `end it and start '${advice('bondwire daemon --supervise --run-dir {runDir}', { runDir })}'`,
        ),
  ];
}

/** Bonds whose packets stop although they are on the eBPF data plane. */
function lifetime(running: readonly ShowBond[]): Finding[] {
  return running.flatMap(({ name, lifetimeProblem }) => {
    if (lifetimeProblem === undefined) return [];
    const fix =
      'end the daemon by SIGTERM and start it again, without BONDWIRE_ATTACH=tcx: it then attaches filters, which stay';
    return [warning(name, `it ends with the daemon: ${lifetimeProblem}`, fix)];
  });
}

const good = (name: string, detail: string): Finding => ({ name, ok: true, level: 'ok', detail });
const warning = (name: string, detail: string, fix?: string): Finding => ({
  name,
  ok: false,
  level: 'warning',
  detail,
  ...(fix !== undefined && { fix }),
});
const problem = (name: string, detail: string, fix?: string): Finding => ({
  name,
  ok: false,
  level: 'problem',
  detail,
  ...(fix !== undefined && { fix }),
});

function system(): Finding {
  if (process.platform !== 'linux') {
    return problem('system', `this is ${process.platform}; bonds are made on Linux`, 'run it on Linux');
  }
  return good('system', `Linux ${release()} on ${process.arch}`);
}

function capabilities(): Finding {
  const held = effectiveCapabilities();
  const missing = (['CAP_NET_ADMIN', 'CAP_NET_RAW'] as const).filter(capability => !held.has(capability));
  if (missing.length > 0) {
    const fix = `run it as root (by sudo), or as root of a network of its own ('${advice('bondwire rootless')}')`;
    return problem('permission', `missing: ${missing.join(', ')}`, fix);
  }
  const forEbpf = (['CAP_SYS_ADMIN', 'CAP_BPF', 'CAP_PERFMON'] as const).filter(
    capability => !held.has(capability) && !held.has('CAP_SYS_ADMIN'),
  );
  if (forEbpf.length === 0) return good('permission', 'all capabilities that are needed');
  return warning('permission', `without ${forEbpf.join(', ')} bonds are forwarded in user space`);
}

function typeInformation(): Finding {
  if (existsSync('/sys/kernel/btf/vmlinux')) return good('BTF', 'the kernel describes its types');
  return warning(
    'BTF',
    'no /sys/kernel/btf/vmlinux: carriers cannot be read on every packet, so failover waits for miimon',
    'use a kernel built with CONFIG_DEBUG_INFO_BTF=y (all large distributions have it)',
  );
}

function programs(): Finding {
  try {
    const toolbox = Toolbox.probe();
    if (toolbox.readerProblem !== undefined) return warning('eBPF', toolbox.readerProblem);
    return good('eBPF', `programs load; ${toolbox.describeReader()}`);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const fix = isErrno(error, 'EPERM', 'EACCES')
      ? 'run it as root, outside of lockdown'
      : 'use Linux 5.8 or newer';
    const what = `bonds are forwarded in user space: slower, and packets stop when the daemon does ('${advice('bondwire daemon --supervise')}' starts it again)`;
    return warning('eBPF', `${text}; ${what}`, fix);
  }
}

function attachment(): Finding {
  const tcx = tcxAvailable();
  if (tcx === undefined) return warning('attachment', 'could not be tried without permission');
  if (tcx) return good('attachment', 'TCX links');
  return good('attachment', 'clsact filters (TCX links came with Linux 6.6; both work)');
}

/** What bonds are made as here, and those at work that are something else. */
function pair(running: readonly ShowBond[]): Finding {
  const hasNetkit = netkitAvailable();
  if (hasNetkit === undefined) return warning('pair', 'could not be tried without permission');
  if (!hasNetkit)
    return good('pair', 'veth (netkit pairs, which send quicker, came with Linux 6.7; both work)');
  const netlink = Rtnetlink.open();
  try {
    const others = running
      .filter(({ dataPlane }) => dataPlane === 'ebpf')
      .map(({ name }) => name)
      .filter(name => getLink(netlink, name)?.info?.kind === 'veth');
    if (others.length === 0) return good('pair', 'netkit');
    const why = 'by an earlier version, or as links end with the daemon or the environment asked for it';
    return good('pair', `netkit; ${others.join(', ')} was made as veth (${why}), which works too`);
  } finally {
    netlink.close();
  }
}

/** Interfaces that a driver bond or team holds, and what it means. */
function interfaces(running: readonly { readonly name: string }[]): Finding[] {
  if (process.platform !== 'linux') return [];
  const netlink = Rtnetlink.open();
  try {
    const links = listLinks(netlink);
    const masters = links.filter(link => ['bond', 'team'].includes(link.info?.kind ?? ''));
    const held = masters.map(master => {
      const members = links.filter(link => link.master === master.ifindex).map(({ name = '' }) => name);
      return warning(
        'interfaces',
        `${master.name} is a ${master.info?.kind} of the kernel and holds ${members.join(', ') || 'nothing'}`,
        freeing(netlink, links, master, members),
      );
    });
    const usable = links.filter(
      link => link.hardwareType === 1 && (link.flags & IFF.IFF_LOOPBACK) === 0 && !isStacked(link.info?.kind),
    );
    const bonds = new Set(running.map(({ name }) => name));
    const names = usable
      .map(({ name = '' }) => name)
      .filter(name => !bonds.has(name) && !isLowerEndName(name))
      .join(', ');
    return [...held, good('interfaces', `Ethernet interfaces here: ${names || 'none'}`)];
  } finally {
    netlink.close();
  }
}

/** How its members can be had. To delete a master may cut off the machine, and so may to take its last member. */
function freeing(
  netlink: Rtnetlink,
  links: readonly Link[],
  master: Link,
  members: readonly string[],
): string {
  const iface = members.at(-1);
  const stacked = links.some(link => link.link === master.ifindex || link.master === master.ifindex);
  if (
    iface === undefined &&
    !stacked &&
    !addressesOfPeople(listAddresses(netlink, { ifindex: master.ifindex }), master).length
  )
    return `it is in nobody's way; ${advice('ip link del dev {master}', { master: master.name ?? '' })}`;
  if (members.length < 2 || iface === undefined)
    return `as it may carry this machine's traffic, move what it carries first: docs/import.md tells how`;
  return `to use ${iface} here, while the others go on: ${advice('ip link set dev {iface} nomaster', { iface })}`;
}

/** Chains of nftables on members that the bond's frames do not pass. */
function chains(running: readonly ShowBond[]): Finding[] {
  if (running.length === 0) return [];
  const all = deviceChains();
  return running.flatMap(({ name, members }) =>
    bypassedChains(
      all,
      name,
      members.map(member => member.name),
    ).map(detail =>
      warning(name, detail, `have the chain on ${name} itself (device ${name}), which sees them`),
    ),
  );
}

/** MAC addresses that two have. Whose members another daemon's bonds have is not known. */
function twins(running: readonly ShowBond[]): Finding[] {
  if (process.platform !== 'linux') return [];
  const netlink = Rtnetlink.open();
  try {
    const links = listLinks(netlink);
    const ends = links.filter(({ name }) => isLowerEndName(name ?? '')).length;
    return ends > running.length ? [] : twinFindings(links, running);
  } finally {
    netlink.close();
  }
}

function isStacked(kind: string | undefined): boolean {
  return ['bond', 'team', 'bridge', 'vlan', 'macvlan', 'ipvlan', 'ifb'].includes(kind ?? '');
}
