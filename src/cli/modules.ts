// What the commands expect of the rooms that do the work. They are loaded only by the commands that need them, so
// that --help, show and the like stay quick.

import type { DataPlanes, SocketKeeper } from '../daemon/index.js';
import type { ShowBond } from '../daemon/api/api.js';
import type { ShowUplink } from '../daemon/api/uplink-api.js';
import type { Terminal } from './printing/terminal.js';

/** Started by `bondwire daemon` and `bondwire run`. */
export interface RunningDaemon {
  started(): void;
  close(how: 'leave-in-place' | 'remove-everything'): Promise<void>;
}

/** One thing that `bondwire doctor` looked at. */
export interface Finding {
  readonly name: string;
  readonly ok: boolean;
  readonly level: 'ok' | 'warning' | 'problem';
  readonly detail: string;
  readonly fix?: string;
}

export interface DaemonModule {
  /** Listens on the control socket of `runDir` when the promise is kept. */
  readonly startDaemon: (options: {
    runDir: string;
    logToStderr?: boolean;
    planes?: DataPlanes;
    starting?: { readonly file: string; readonly key: string };
  }) => Promise<RunningDaemon>;
  /** What a daemon that waits for its turn does ahead. */
  readonly prepareDaemon: (keeper: SocketKeeper) => DataPlanes;
  /** `running`: the bonds of a daemon, to be looked at too; `supervised`: as that one says; `runDir`: where it is; `listenMs`: how long it listens for LACP; `uplink`: that of the daemon. */
  readonly diagnose: (
    running?: readonly ShowBond[],
    supervised?: boolean,
    runDir?: string,
    listenMs?: number,
    uplink?: ShowUplink | null,
  ) => Promise<{ findings: readonly Finding[] }>;
}

export interface LabModule {
  /** Returns the exit code. */
  readonly runDemo: (options: {
    keep: boolean;
    seconds: number | undefined;
    /** Absolute path of the bondwire command. */
    bin: string;
    colour: boolean;
    write: (text: string) => void;
  }) => Promise<number>;
  /** Two daemons that speak LACP; `supervised`: without a lease. Returns the exit code. */
  readonly runLacpDemo: (options: {
    seconds: number | undefined;
    supervised: boolean;
    bin: string;
    colour: boolean;
    write: (text: string) => void;
  }) => Promise<number>;
  /** An office with two internet lines. Returns the exit code. */
  readonly runUplinkDemo: (options: {
    bin: string;
    colour: boolean;
    write: (text: string) => void;
  }) => Promise<number>;
  /** `runDemo` where no real network can be built, on a simulated one; `why` is a clause. Returns the exit code. */
  readonly runSimulatedDemo: (options: {
    why: string;
    keep: boolean;
    seconds: number | undefined;
    colour: boolean;
    write: (text: string) => void;
    interrupted: AbortSignal;
  }) => Promise<number>;
  /** Returns the exit code. */
  readonly labCommand: (
    verb: 'cut' | 'restore' | 'status',
    iface: string | undefined,
    write: (text: string) => void,
  ) => Promise<number>;
}

export interface RootlessModule {
  /** Why nobody can be root of a user namespace here: a clause; undefined when it works. */
  readonly rootlessRefusal: (terminal: Terminal) => Promise<string | undefined>;
  /** Runs a command in one; returns its exit code. */
  readonly runRootless: (terminal: Terminal, command: readonly string[]) => Promise<number>;
}

/** The rooms and the machine as the commands see them; tests give their own. */
export interface Machine {
  daemon(): Promise<DaemonModule>;
  lab(): Promise<LabModule>;
  rootless(): Promise<RootlessModule>;
  /** Those of the named capabilities that this process lacks; every one where there is no Linux. */
  missingCapabilities(wanted: readonly string[]): readonly string[];
}
