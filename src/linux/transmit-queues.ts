// Which transmit queue of a device a frame goes into when nobody chose one: by the processor that sends it (XPS, the kernel's
// Documentation/networking/scaling.rst). The files are in sysfs, and those of one network namespace only in a sysfs of its own.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { SystemError } from './errors.js';
import { check, closeFd, libc } from './ffi.js';

const NR_FSOPEN = 430;
const NR_FSCONFIG = 431;
const NR_FSMOUNT = 432;
const FSOPEN_CLOEXEC = 1;
const FSCONFIG_CMD_CREATE = 6;
const FSMOUNT_CLOEXEC = 1;
const EINVAL = 22;
const EIO = 5;

/** Calls `work` with the path of a sysfs of the thread's network namespace; it is mounted nowhere, and gone afterwards. */
function withOwnSysfs<T>(work: (directory: string) => T): T {
  const context = check(libc().fsopen(NR_FSOPEN, 'sysfs', FSOPEN_CLOEXEC), 'fsopen(sysfs)');
  let mounted = -1;
  try {
    check(libc().fsconfig(NR_FSCONFIG, context, FSCONFIG_CMD_CREATE, null, null, 0), 'fsconfig(sysfs)');
    mounted = check(libc().fsmount(NR_FSMOUNT, context, FSMOUNT_CLOEXEC, 0), 'fsmount(sysfs)');
    return work(`/proc/thread-self/fd/${mounted}`);
  } finally {
    if (mounted >= 0) closeFd(mounted);
    closeFd(context);
  }
}

/** Processors that there may be, as `0-3` or `0,2-7`, as a mask of all up to the highest, in the form that sysfs takes. */
export function allProcessors(possible: string): string {
  const highest = Number(/(\d+)\s*$/.exec(possible)?.[1] ?? 0);
  const words: string[] = [];
  for (let bits = highest + 1; bits > 0; bits -= 32) {
    words.unshift(bits >= 32 ? 'ffffffff' : (2 ** bits - 1).toString(16).padStart(8, '0'));
  }
  return words.join(',');
}

/**
 * Frames that nobody gave a queue go into this one of `device`, on every processor. Throws SystemError: ENOENT when there is
 * no such device or queue, EPERM without CAP_SYS_ADMIN where the namespace has no sysfs of its own at /sys.
 */
export function steerTransmit(device: string, queue: number): void {
  if (device === '' || device === '.' || device === '..' || /[/\0]/.test(device)) {
    throw new SystemError('XPS', EINVAL, device, 'this is no name of an interface');
  }
  withOwnSysfs(sysfs => {
    const all = allProcessors(readFileSync(`${sysfs}/devices/system/cpu/possible`, 'latin1'));
    const queues = `${sysfs}/class/net/${device}/queues`;
    const wanted = `tx-${queue}`;
    try {
      // Granted before it is taken from others: a processor without any queue would spread its frames.
      writeFileSync(`${queues}/${wanted}/xps_cpus`, all, { flag: 'r+' });
      for (const other of readdirSync(queues)) {
        if (!other.startsWith('tx-') || other === wanted) continue;
        const file = `${queues}/${other}/xps_cpus`;
        if (/[1-9a-f]/.test(readFileSync(file, 'latin1'))) writeFileSync(file, '0', { flag: 'r+' });
      }
    } catch (error) {
      const errno = error instanceof Error && 'errno' in error ? Math.abs(Number(error.errno)) : EIO;
      throw new SystemError('XPS', errno, `${wanted} of ${device}`);
    }
  });
}
