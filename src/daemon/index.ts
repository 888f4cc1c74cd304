// What the command line and others may use of `daemon`.
export * from './api/api.js';
export { type DataPlanes, prepareDaemon } from './kernel/data-planes.js';
export { type DaemonOptions, type RunningDaemon, startDaemon } from './daemon.js';
export type { Starting } from './starting.js';
export { diagnose, type Finding } from './doctor/doctor.js';
export type { KeptSocket, SocketKeeper, TakenSocket } from '../dataplane/index.js';
