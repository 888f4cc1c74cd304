// What the process that carries the lab's wires is started with, and what it says.

/** What the process is told. */
export interface WireSettings {
  readonly controlFile: string;
  readonly controlLength: number;
  readonly seed: number;
  readonly wires: readonly {
    /** Names of the two ends, the gateway's and the provider's. */
    readonly near: string;
    readonly far: string;
    readonly bytesPerSecond: number | null;
  }[];
}

/** It carries frames. */
export const WIRE_READY = 'ready\n';
