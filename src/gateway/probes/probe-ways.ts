// What the probes of all kinds need of the line that they go by, and where their answers go.
import type { Family, LineNumber, LinePath, Probe, ProbeFailure } from '../../uplinks/index.js';

/** A line as it is now. */
export interface ProbeLine {
  readonly device: string;
  readonly ifindex: number;
  /** MAC address of the device; null where it has none (PPP). */
  readonly mac: string | null;
  path(family: Family): LinePath | null;
}

/** Of each question exactly one of these is called, but for a `ping`, which may stay without an answer. */
export interface ProbeAnswers {
  answered(probe: Probe, rttMs: number): void;
  failed(probe: Probe, why: ProbeFailure, detail?: string): void;
}

/** Finds a line; undefined while there is no device. */
export type ProbeLines = (line: LineNumber) => ProbeLine | undefined;

/** What a question that could not be sent is told with. */
export function unsentReason(error: unknown): string {
  if (error instanceof Error && 'code' in error) return String(error.code);
  return error instanceof Error ? error.message : String(error);
}
