// Settings of one interface under /proc/sys/net, in the network namespace that the thread is in.
import { readFileSync, writeFileSync } from 'node:fs';
import { SystemError } from './errors.js';

/** Which protocol's settings. */
export type SysctlFamily = 'ipv4' | 'ipv6';

const EINVAL = 22;
const EIO = 5;

/**
 * Path of net.FAMILY.conf.IFACE.SETTING. The name is one path component, so dots in it are dots (sysctl(8)'s
 * dotted notation is not used); what would leave the directory is refused with EINVAL.
 */
function settingPath(family: SysctlFamily, iface: string, setting: string): string {
  for (const part of [iface, setting]) {
    if (part === '' || part === '.' || part === '..' || part.includes('/') || part.includes('\0')) {
      throw new SystemError('sysctl', EINVAL, `net.${family}.conf`, `"${part}" is not one path component`);
    }
  }
  return `/proc/sys/net/${family}/conf/${iface}/${setting}`;
}

function errnoOf(error: unknown): number {
  const errno = error instanceof Error && 'errno' in error ? Number(error.errno) : Number.NaN;
  return Number.isNaN(errno) ? EIO : Math.abs(errno);
}

function advice(errno: number): string {
  if (errno === 30)
    return 'this /proc/sys is mounted read-only; run where it may be written, or set it from outside';
  if (errno === 13 || errno === 1)
    return 'this needs root, or CAP_NET_ADMIN in the namespace that owns the interface';
  return '';
}

/** Value of `setting` for the interface (or `all`, `default`), without its newline; undefined when there is no such setting. */
export function readSysctl(family: SysctlFamily, iface: string, setting: string): string | undefined {
  const path = settingPath(family, iface, setting);
  try {
    return readFileSync(path, 'latin1').trimEnd();
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 2) return undefined;
    throw new SystemError('read', errno, path, advice(errno));
  }
}

/** Writes `setting`; false when there is no such setting (interface gone, or IPv6 not in the kernel). */
export function writeSysctl(family: SysctlFamily, iface: string, setting: string, value: string): boolean {
  const path = settingPath(family, iface, setting);
  try {
    writeFileSync(path, value, { flag: 'r+' });
    return true;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 2) return false;
    throw new SystemError(`write of "${value}"`, errno, path, advice(errno));
  }
}
