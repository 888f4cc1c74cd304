// The clock of the eBPF programs: CLOCK_MONOTONIC, which libuv reads for process.hrtime too; and that of a thread's work.
import { check, libc } from './ffi.js';

const CLOCK_THREAD_CPUTIME_ID = 3;
/** A struct timespec. */
const timespec = new BigInt64Array(2);
const timespecBytes = new Uint8Array(timespec.buffer);

/** Nanoseconds of CLOCK_MONOTONIC, as bpf_ktime_get_ns() gives them. */
export function monotonicNs(): bigint {
  return process.hrtime.bigint();
}

/** Milliseconds of CLOCK_MONOTONIC with fraction: the policy's `now`. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/** Milliseconds of processor that the calling thread has had. */
export function threadCpuMs(): number {
  check(libc().clock_gettime(CLOCK_THREAD_CPUTIME_ID, timespecBytes), 'clock_gettime');
  return Number(timespec[0]) * 1000 + Number(timespec[1]) / 1e6;
}
