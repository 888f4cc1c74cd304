// The file system that keeps a daemon's pins. It is found once, when the daemon starts, and a descriptor of it is kept: whoever
// started us may end, mounts may change. Whether pins there outlive us is seen by whether process 1 has the file system mounted.
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmdirSync } from 'node:fs';
import { basename } from 'node:path';
import type { PinStore } from '../../dataplane/index.js';
import {
  BPFFS_SOURCE,
  type HeldDirectory,
  holdDirectory,
  isBpffs,
  isErrno,
  mayFindObjects,
  mountBpffs,
  parseMounts,
  unmountFileSystem,
  withHostMounts,
} from '../../linux/index.js';

/** PROC_PID_INIT_INO: the process namespace that a machine starts with. */
const FIRST_PID_NAMESPACE = 'pid:[4026531836]';

/** Directory of the bpffs. */
export function bpffsPath(runDir: string): string {
  return `${runDir}/bpf`;
}

/**
 * True when a file system stays mounted when we are gone. `ours` and `first` are /proc/PID/mountinfo of this process and of process 1.
 * Process 1 of the machine has it mounted, or, in a container, somebody else mounted it: a container's process 1 ends with it.
 */
export function outlivesUs(device: string, pidNamespace: string, ours: string, first: string): boolean {
  const isThis = (mount: { readonly device: string }): boolean => mount.device === device;
  if (pidNamespace === FIRST_PID_NAMESPACE) return parseMounts(first).some(isThis);
  const mount = parseMounts(ours).findLast(isThis);
  return mount !== undefined && mount.source !== BPFFS_SOURCE;
}

/** Nothing where it may not be read (hidepid=2). */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** The place for pins of one daemon. */
export class PinPlace implements PinStore {
  readonly #directory: string;
  readonly #held: HeldDirectory | undefined;
  #lasts: boolean | undefined;
  /** Why there can be no eBPF data plane here, as far as pins go. */
  readonly problem: string | undefined;

  private constructor(directory: string, held: HeldDirectory | undefined, problem: string | undefined) {
    this.#directory = directory;
    this.#held = held;
    this.problem = problem;
  }

  /** Mounts the bpffs of a run directory, which may be there from an earlier daemon. Without one, and where it goes with us, programs are found by their ids. */
  static open(runDir: string): PinPlace {
    const directory = bpffsPath(runDir);
    const { held, why } = withHostMounts(() => mounted(directory));
    const place = new PinPlace(directory, held, undefined);
    if (mayFindObjects() || place.lasts()) return place;
    held?.close();
    const gone = `${directory} is mounted in this mount namespace alone, and without CAP_SYS_ADMIN what is at work cannot be found otherwise`;
    return new PinPlace(directory, undefined, why ?? gone);
  }

  reach(pins: string): string | undefined {
    return this.#held === undefined ? undefined : `${this.#held.path}/${basename(pins)}`;
  }

  /** Looked at anew in each turn of the event loop: file systems are unmounted. */
  lasts(): boolean {
    if (this.#lasts === undefined) {
      this.#lasts = this.#look();
      setImmediate(() => {
        this.#lasts = undefined;
      }).unref();
    }
    return this.#lasts;
  }

  #look(): boolean {
    if (this.#held === undefined) return false;
    const ours = textOf('/proc/self/mountinfo');
    return outlivesUs(
      this.#held.device,
      readlinkSync('/proc/self/ns/pid'),
      ours,
      textOf('/proc/1/mountinfo'),
    );
  }

  /** Lets go of it; unmounts it when nothing is pinned there any more. */
  close(): void {
    const held = this.#held;
    const directory = this.#directory;
    if (held === undefined) return;
    withHostMounts(() => {
      try {
        // A kernel may have files of its own there (maps.debug).
        if (readdirSync(held.path).some(name => name.startsWith('bwl-'))) return;
        if (isBpffs(directory)) unmountFileSystem(directory);
        rmdirSync(directory);
      } catch {
        // In use by somebody who looks into it: it goes with the machine.
      }
    });
    held.close();
  }
}

/** The bpffs there; or why there can be none, for want of permission or in the kernel. */
function mounted(directory: string): { readonly held?: HeldDirectory; readonly why?: string } {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (!isBpffs(directory)) {
    try {
      mountBpffs(directory);
    } catch (error) {
      if (!isErrno(error, 'EPERM', 'EACCES', 'ENODEV')) throw error;
      return { why: (error as Error).message };
    }
  }
  return { held: holdDirectory(directory) };
}
