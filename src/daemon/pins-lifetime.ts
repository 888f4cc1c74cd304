// Whether what is pinned outlives us. In a container a bpffs that was mounted inside goes with the container, and the programs
// with it: bonds would end with the daemon, which is not what the eBPF data plane is for.
import { readFileSync, readlinkSync } from 'node:fs';
import { advice, shown } from '../base/index.js';
import { BPFFS_SOURCE } from '../linux/index.js';
import { bpffsPath } from './places.js';

/** PROC_PID_INIT_INO: the process namespace that a machine starts with. */
const FIRST_PID_NAMESPACE = 'pid:[4026531836]';

/** What is wrong, and the command that mends it, to be run outside of the container. */
export interface FleetingPins {
  readonly detail: string;
  readonly fix: string;
}

/** One line of /proc/PID/mountinfo: where, how it spreads, of what type, from what. Spaces are escaped there, `\040`. */
function mountsIn(text: string): { at: string; isShared: boolean; type: string; source: string }[] {
  return text.split('\n').flatMap(line => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , , at, , ...tags] = before.split(' ');
    const [type = '', source = ''] = after.split(' ');
    return at === undefined
      ? []
      : [{ at, isShared: tags.some(tag => tag.startsWith('shared:')), type, source }];
  });
}

/**
 * True when the file system for pins is one that a daemon mounted in this very container and that nobody outside sees. One
 * that was mounted outside bears another name.
 */
export function isFleeting(directory: string, mountInfo: string, pidNamespace: string): boolean {
  if (pidNamespace === FIRST_PID_NAMESPACE) return false;
  const escaped = directory.replaceAll(' ', '\\040');
  const mount = mountsIn(mountInfo).findLast(({ at }) => at === escaped);
  return mount?.type === 'bpf' && mount.source === BPFFS_SOURCE && !mount.isShared;
}

/** Why bonds of this run directory end with the container that we are in; undefined where they do not. */
export function fleetingPins(runDir: string): FleetingPins | undefined {
  const directory = bpffsPath(runDir);
  try {
    const mountInfo = readFileSync('/proc/self/mountinfo', 'latin1');
    if (!isFleeting(directory, mountInfo, readlinkSync('/proc/self/ns/pid'))) return undefined;
  } catch {
    return undefined;
  }
  return {
    detail: `bonds on the eBPF data plane end with this container, as ${shown(directory)} is mounted in it alone`,
    fix: `outside, before the container starts: ${advice('mount -t bpf bpf DIRECTORY')}, the directory that it sees as ${directory}`,
  };
}
