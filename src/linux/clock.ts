// The clock of the eBPF programs: CLOCK_MONOTONIC, which libuv reads for process.hrtime too.

/** Nanoseconds of CLOCK_MONOTONIC, as bpf_ktime_get_ns() gives them. */
export function monotonicNs(): bigint {
  return process.hrtime.bigint();
}

/** Milliseconds of CLOCK_MONOTONIC with fraction: the policy's `now`. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
