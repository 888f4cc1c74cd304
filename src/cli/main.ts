// Entry of bin/bondwire: this process's arguments, streams, signals and machine.
import { missingCapabilities } from './process/capabilities.js';
import type { Machine } from './modules.js';
import { runCli } from './run-cli.js';
import { endProcess, processTerminal } from './printing/terminal.js';

const machine: Machine = {
  daemon: async () => await import('../daemon/index.js'),
  lab: async () => await import('../lab/index.js'),
  rootless: async () => await import('./process/rootless.js'),
  missingCapabilities,
};

endProcess(await runCli(process.argv.slice(2), processTerminal(), machine));
