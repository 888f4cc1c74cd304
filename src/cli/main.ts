// Entry of bin/bondwire: this process's arguments, streams, signals and machine.
import { missingCapabilities } from './process/capabilities.js';
import type { Machine } from './modules.js';
import { runCli } from './run-cli.js';
import { processTerminal } from './printing/terminal.js';

const machine: Machine = {
  daemon: async () => await import('../daemon/index.js'),
  lab: async () => await import('../lab/index.js'),
  rootless: async () => await import('./process/rootless.js'),
  missingCapabilities,
};

const code = await runCli(process.argv.slice(2), processTerminal(), machine);
process.exitCode = code;
// Written out before the exit, which does not wait for handles that a library left open.
process.stdout.write('', () => process.exit(code));
