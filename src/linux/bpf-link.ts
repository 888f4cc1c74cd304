// eBPF links by bpf(2): a program attached to an interface (TCX, kernel 6.6 and later), which stays as long as its
// file descriptor or pin does.
import { BpfAttr, bpf, tryBpf } from './bpf-syscall.js';
import { SystemError } from './errors.js';

/** Attach type of TCX: frames that an interface received. */
export const BPF_TCX_INGRESS = 46;

/** Attaches a program to an interface, after those that are there; gives the link's file descriptor. EINVAL: no TCX in this kernel. */
export function createTcxLink(programFd: number, ifindex: number, attachType: number): number {
  const attr = new BpfAttr(64).u32(0, programFd).u32(4, ifindex).u32(8, attachType);
  return bpf('BPF_LINK_CREATE', attr, `interface ${ifindex}`);
}

/** Detaches a link at once, even when it is pinned or others hold it; false when its interface is gone. */
export function detachLink(linkFd: number): boolean {
  const result = tryBpf('BPF_LINK_DETACH', new BpfAttr(8).u32(0, linkFd));
  // ENOLINK: detached before, or the interface went.
  if (result === -67) return false;
  if (result < 0) throw new SystemError('bpf(BPF_LINK_DETACH)', -result, `link fd ${linkFd}`);
  return true;
}
