// eBPF links by bpf(2): a program attached to an interface (TCX, kernel 6.6; netkit, kernel 6.7), which stays as long as its
// file descriptor or pin does.
import { BpfAttr, bpf } from './bpf-syscall.js';

/** Attach types of TCX. */
export const BPF_TCX_INGRESS = 46;
export const BPF_TCX_EGRESS = 47;

/** Attaches a program to an interface, after those that are there; gives the link's file descriptor. EINVAL: no TCX in this kernel. */
export function createTcxLink(programFd: number, ifindex: number, attachType: number): number {
  const attr = new BpfAttr(64).u32(0, programFd).u32(4, ifindex).u32(8, attachType);
  return bpf('BPF_LINK_CREATE', attr, `interface ${ifindex}`);
}

/** Attach type of what the primary device of a netkit pair sends. */
export const BPF_NETKIT_PRIMARY = 54;

/** The same at what the primary device of a netkit pair sends. */
export function createNetkitLink(programFd: number, ifindex: number): number {
  return createTcxLink(programFd, ifindex, BPF_NETKIT_PRIMARY);
}

/** Swaps the program of a link without a gap. */
export function updateLink(linkFd: number, programFd: number): void {
  bpf('BPF_LINK_UPDATE', new BpfAttr(16).u32(0, linkFd).u32(4, programFd), `link fd ${linkFd}`);
}

/** Detaches a link at once, even when it is pinned or others hold it. One that is detached already stays so. */
export function detachLink(linkFd: number): void {
  bpf('BPF_LINK_DETACH', new BpfAttr(8).u32(0, linkFd), `link fd ${linkFd}`);
}
