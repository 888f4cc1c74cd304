// Memory shared with the kernel (mmap), as a live ArrayBuffer.
import { SystemError } from './errors.js';
import { koffi, lastErrno, libc } from './ffi.js';

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const SC_PAGESIZE = 30;

let knownPageSize = 0;

/** Bytes in a page of memory. */
export function pageSize(): number {
  if (knownPageSize === 0) knownPageSize = libc().sysconf(SC_PAGESIZE);
  return knownPageSize;
}

/** A mapped piece of memory. */
export interface MappedMemory {
  /** Live view: what the kernel writes shows here. Reading it after `unmap()` ends the process. */
  readonly buffer: ArrayBuffer;
  /** Where it is, for other threads of the process. */
  readonly address: number;
  /** Gives the memory back. The caller has dropped every view of `buffer` before. */
  readonly unmap: () => void;
}

/** Maps `length` bytes of `fd` from `offset` (a multiple of the page size), shared. */
export function mapShared(
  fd: number,
  length: number,
  options: { readonly writable: boolean; readonly offset?: number },
): MappedMemory {
  const protection = options.writable ? PROT_READ | PROT_WRITE : PROT_READ;
  const address = libc().mmap(0, length, protection, MAP_SHARED, fd, options.offset ?? 0);
  if (address < 0) throw new SystemError('mmap', lastErrno(), `file descriptor ${fd}`);
  let mapped = true;
  let buffer: ArrayBuffer | undefined;
  return {
    // Made when it is wanted: the engine takes it for memory of its own, and collects garbage the sooner.
    get buffer() {
      return (buffer ??= viewMemory(address, length));
    },
    address,
    unmap: () => {
      if (mapped) libc().munmap(address, length);
      mapped = false;
    },
  };
}

/** A live view of memory that another thread of this process has mapped; it must not be used after that unmaps it. */
export function viewMemory(address: number, length: number): ArrayBuffer {
  return koffi().view(BigInt(address), length);
}
