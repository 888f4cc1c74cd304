// Many bonds, and many members of one: whether it works, how long it takes, what the daemon needs meanwhile and to start again. Bondwire
// here, the kernel driver in a guest, which is some ten times slower. On a machine that does other things, compare processor seconds.
//
//   npm run bench:many [-- --bonds 16,64,256] [--members 64] [--only here,6.12]
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cleanStale, Lab, ManagedBondwire } from '#lab';
import { inGuest } from './guest.js';
import { table } from './table.js';

const BIN = fileURLToPath(new URL('../../bin/bondwire', import.meta.url));
/** Two for each bond. */
const OF_A_BOND = 2;
/** The daemon is idle: it settles first, then it is looked at. */
const SETTLE_MS = 10_000;
const IDLE_MS = 10_000;
/** So often a command is measured. */
const COMMANDS = 5;
/** USER_HZ. */
const TICKS_A_SECOND = 100;

interface Result {
  readonly what: string;
  readonly seconds: number;
  /** Absent for the driver, which has no process. */
  readonly daemon?: DaemonCost;
}

/** What the daemon of these bonds needs. */
interface DaemonCost {
  /** Processor seconds while the bonds were made. */
  readonly processor: number;
  readonly residentMb: number;
  /** Of one processor, in percent. */
  readonly idle: number;
  /** Milliseconds of `bondwire show`, and of `node -e 0` beside it. */
  readonly showMs: number;
  readonly nodeMs: number;
  /** Ended in order and started again: seconds until it is ready, and of the processor until then. */
  readonly restart: number;
  readonly restartProcessor: number;
}

const wait = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

async function ip(lab: Lab, ...lines: string[]): Promise<void> {
  // One batch, as fast as `ip` can be.
  const { status, stderr } = await lab.exec('host', [
    'sh',
    '-c',
    `ip -batch - <<'END'\n${lines.join('\n')}\nEND`,
  ]);
  if (status !== 0) throw new Error(`ip failed: ${stderr.trim()}`);
}

/** Interfaces `m0` and on, with carrier. */
async function interfaces(lab: Lab, count: number): Promise<string[]> {
  const names = Array.from({ length: count }, (_, nth) => `m${nth}`);
  await ip(
    lab,
    ...names.flatMap((name, nth) => [`link add ${name} type veth peer name x${nth}`, `link set x${nth} up`]),
  );
  return names;
}

function processorTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

function residentMb(pid: number): number {
  const [, kib = '0'] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
  return Number(kib) / 1024;
}

async function idleShare(pid: number): Promise<number> {
  await wait(SETTLE_MS);
  const before = processorTicks(pid);
  await wait(IDLE_MS);
  return ((processorTicks(pid) - before) / TICKS_A_SECOND / (IDLE_MS / 1000)) * 100;
}

/** In memory, as /run is where a daemon is installed; the lab unmounts it. */
function runDirInMemory(lab: Lab): string {
  const runDir = join(lab.makeRunDir(), 'run');
  mkdirSync(runDir);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=755', 'bondwire', runDir]);
  return runDir;
}

/** All of it with one daemon, in a lab of its own. */
async function withBondwire(work: (lab: Lab, bondwire: ManagedBondwire) => Promise<Result>): Promise<Result> {
  const lab = await Lab.create({ members: [] });
  try {
    const bondwire = new ManagedBondwire({
      spawn: argv => lab.spawn('host', argv),
      bin: BIN,
      runDir: runDirInMemory(lab),
    });
    await bondwire.start();
    try {
      return await work(lab, bondwire);
    } finally {
      const { stdout } = await bondwire.command(['show', '--json']);
      for (const { name } of (JSON.parse(stdout) as { bonds: { name: string }[] }).bonds)
        await bondwire.run('destroy', name);
      await bondwire.stop();
    }
  } finally {
    lab.close();
  }
}

function pidOf({ pid }: ManagedBondwire): number {
  if (pid === null) throw new Error('The daemon is gone');
  return pid;
}

const processorSeconds = (bondwire: ManagedBondwire): number =>
  processorTicks(pidOf(bondwire)) / TICKS_A_SECOND;

/** The middle of several, in milliseconds. */
async function middleMs(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < COMMANDS; i++) {
    const start = performance.now();
    await work();
    times.push(performance.now() - start);
  }
  return times.toSorted((a, b) => a - b)[Math.floor(COMMANDS / 2)] ?? Number.NaN;
}

/** Ends the daemon in order, however long its files take to go, and starts it again. */
async function restarted(bondwire: ManagedBondwire): Promise<number> {
  process.kill(pidOf(bondwire), 'SIGTERM');
  while (bondwire.pid !== null) await wait(20);
  return timed(() => bondwire.start());
}

/** Makes the bonds, and measures what came of it. */
async function measured(
  lab: Lab,
  bondwire: ManagedBondwire,
  what: string,
  make: () => Promise<void>,
): Promise<Result> {
  const before = processorSeconds(bondwire);
  const seconds = await timed(make);
  const processor = processorSeconds(bondwire) - before;
  const { stdout } = await bondwire.command(['show', '--json']);
  const { bonds } = JSON.parse(stdout) as { bonds: { active: string | null; carrier: boolean }[] };
  const working = bonds.filter(bond => bond.active !== null && bond.carrier).length;
  if (working !== bonds.length) throw new Error(`${working} of ${bonds.length} bonds work`);
  const idle = await idleShare(pidOf(bondwire));
  const resident = residentMb(pidOf(bondwire));
  const showMs = await middleMs(() => bondwire.run('show'));
  const nodeMs = await middleMs(() => lab.exec('host', [process.execPath, '-e', '0']));
  const restart = await restarted(bondwire);
  const restartProcessor = processorSeconds(bondwire);
  const daemon = { processor, residentMb: resident, idle, showMs, nodeMs, restart, restartProcessor };
  return { what, seconds, daemon };
}

function bondsOf(names: readonly string[], count: number): [string, string[]][] {
  return Array.from({ length: count }, (_, nth) => [
    `bond${nth}`,
    names.slice(OF_A_BOND * nth, OF_A_BOND * (nth + 1)),
  ]);
}

function manyBonds(count: number): Promise<Result> {
  return withBondwire(async (lab, bondwire) => {
    const names = await interfaces(lab, OF_A_BOND * count);
    const what = `bondwire: ${count} bonds of ${OF_A_BOND}, ${2 * count} commands`;
    return measured(lab, bondwire, what, async () => {
      for (const [bond, members] of bondsOf(names, count)) {
        await bondwire.run('create', bond, 'mode=active-backup', 'miimon=100');
        await bondwire.run('enslave', bond, ...members);
        lab.setUp('host', bond, true);
      }
    });
  });
}

/** The same by one command that reads a file. */
function manyBondsOfFile(count: number): Promise<Result> {
  return withBondwire(async (lab, bondwire) => {
    const names = await interfaces(lab, OF_A_BOND * count);
    const file = join(lab.makeRunDir(), 'bondwire.yaml');
    const wishes = bondsOf(names, count).map(
      ([bond, members]) =>
        `  ${bond}:\n    options: { mode: active-backup, miimon: 100 }\n    members: [${members.join(', ')}]\n`,
    );
    writeFileSync(file, `version: 1\nbonds:\n${wishes.join('')}`);
    return measured(lab, bondwire, `bondwire: ${count} bonds of ${OF_A_BOND}, one file`, async () => {
      await bondwire.run('apply', file);
    });
  });
}

function manyMembers(count: number): Promise<Result> {
  return withBondwire(async (lab, bondwire) => {
    const names = await interfaces(lab, count);
    return measured(lab, bondwire, `bondwire: one bond of ${count}, 2 commands`, async () => {
      await bondwire.run('create', 'bond0', 'mode=active-backup', 'miimon=100');
      await bondwire.run('enslave', 'bond0', ...names);
      lab.setUp('host', 'bond0', true);
    });
  });
}

async function withDriver(counts: readonly number[], members: number): Promise<Result[]> {
  const results: Result[] = [];
  for (const bonds of [...counts, null]) {
    const lab = await Lab.create({ members: [] });
    try {
      const names = await interfaces(lab, bonds === null ? members : OF_A_BOND * bonds);
      const wanted: [string, string[]][] = bonds === null ? [['bond0', names]] : bondsOf(names, bonds);
      const lines = wanted.flatMap(([bond, own]) =>
        [`link add ${bond} type bond mode active-backup miimon 100`].concat(
          own.map(member => `link set ${member} master ${bond}`),
          `link set ${bond} up`,
        ),
      );
      const seconds = await timed(() => ip(lab, ...lines));
      const what = bonds === null ? `one bond of ${members}` : `${bonds} bonds of ${OF_A_BOND}`;
      results.push({ what: `driver: ${what}, one batch of ip`, seconds });
    } finally {
      lab.close();
    }
  }
  return results;
}

async function measure(counts: readonly number[], members: number): Promise<Result[]> {
  const results: Result[] = [];
  for (const bonds of counts) results.push(await manyBonds(bonds), await manyBondsOfFile(bonds));
  return [...results, await manyMembers(members)];
}

/** The columns of a daemon's cost; empty for the driver. */
function costColumns(daemon: DaemonCost | undefined): string[] {
  if (daemon === undefined) return COST_COLUMNS.map(() => '');
  const { processor, residentMb: mb, idle, showMs, nodeMs, restart, restartProcessor } = daemon;
  return [
    processor.toFixed(1),
    mb.toFixed(0),
    idle.toFixed(1),
    `${showMs.toFixed(0)} (${nodeMs.toFixed(0)})`,
    restart.toFixed(1),
    restartProcessor.toFixed(1),
  ];
}

const COST_COLUMNS = [
  'CPU seconds',
  'resident MB',
  'idle % of a CPU',
  'show ms (node -e 0)',
  'restart s',
  'CPU seconds',
];

const { values } = parseArgs({
  options: {
    bonds: { type: 'string', default: '64' },
    members: { type: 'string', default: '64' },
    only: { type: 'string', default: 'here,6.12' },
    'in-guest': { type: 'boolean', default: false },
  },
});
const counts = values.bonds.split(',').map(Number);
const members = Number(values.members);
if (values['in-guest']) {
  execFileSync('modprobe', ['bonding', 'max_bonds=0']);
  const results = await withDriver(counts, members);
  writeFileSync(join(process.env['OUT'] ?? '.', 'result.json'), JSON.stringify(results));
} else {
  cleanStale();
  const rows: string[][] = [];
  for (const where of values.only.split(',')) {
    const args = ['--in-guest', '--bonds', values.bonds, '--members', values.members];
    const guest = { kernel: where === '6.1' ? '6.1' : '6.12', icount: true, timeoutSeconds: 1800 } as const;
    const results =
      where === 'here'
        ? await measure(counts, members)
        : ((await inGuest(guest, fileURLToPath(import.meta.url), args)) as Result[]);
    for (const { what, seconds, daemon } of results)
      rows.push([where, what, seconds.toFixed(1), ...costColumns(daemon)]);
  }
  console.log(table(['where', 'what', 'seconds', ...COST_COLUMNS], rows));
}
