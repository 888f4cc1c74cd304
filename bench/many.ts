// Many bonds, and many members of one: whether it works, how long it takes, what the daemon needs meanwhile. Bondwire here, the kernel
// driver in a guest, which is some ten times slower.
//
//   npm run bench:many [-- --bonds 64] [--members 64] [--only here,6.12]
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
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
/** USER_HZ. */
const TICKS_A_SECOND = 100;

interface Result {
  readonly what: string;
  readonly seconds: number;
  readonly residentMb: number | null;
  /** Of one processor, in percent. */
  readonly idle: number | null;
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

/** All of it with one daemon, in a lab of its own. */
async function withBondwire(work: (lab: Lab, bondwire: ManagedBondwire) => Promise<Result>): Promise<Result> {
  const lab = await Lab.create({ members: [] });
  try {
    const bondwire = new ManagedBondwire({
      spawn: argv => lab.spawn('host', argv),
      bin: BIN,
      runDir: lab.makeRunDir(),
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

async function measured(bondwire: ManagedBondwire, what: string, seconds: number): Promise<Result> {
  const { pid } = bondwire;
  if (pid === null) throw new Error('The daemon is gone');
  const { stdout } = await bondwire.command(['show', '--json']);
  const { bonds } = JSON.parse(stdout) as { bonds: { active: string | null; carrier: boolean }[] };
  const working = bonds.filter(bond => bond.active !== null && bond.carrier).length;
  if (working !== bonds.length) throw new Error(`${working} of ${bonds.length} bonds work`);
  const idle = await idleShare(pid);
  return { what, seconds, residentMb: residentMb(pid), idle };
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
    const seconds = await timed(async () => {
      for (const [bond, members] of bondsOf(names, count)) {
        await bondwire.run('create', bond, 'mode=active-backup', 'miimon=100');
        await bondwire.run('enslave', bond, ...members);
        lab.setUp('host', bond, true);
      }
    });
    return measured(bondwire, `bondwire: ${count} bonds of ${OF_A_BOND}, ${2 * count} commands`, seconds);
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
    const seconds = await timed(async () => {
      await bondwire.run('apply', file);
    });
    return measured(bondwire, `bondwire: ${count} bonds of ${OF_A_BOND}, one file`, seconds);
  });
}

function manyMembers(count: number): Promise<Result> {
  return withBondwire(async (lab, bondwire) => {
    const names = await interfaces(lab, count);
    const seconds = await timed(async () => {
      await bondwire.run('create', 'bond0', 'mode=active-backup', 'miimon=100');
      await bondwire.run('enslave', 'bond0', ...names);
      lab.setUp('host', 'bond0', true);
    });
    return measured(bondwire, `bondwire: one bond of ${count}, 2 commands`, seconds);
  });
}

async function withDriver(bonds: number, members: number): Promise<Result[]> {
  const results: Result[] = [];
  for (const isMany of [true, false]) {
    const lab = await Lab.create({ members: [] });
    try {
      const names = await interfaces(lab, isMany ? OF_A_BOND * bonds : members);
      const wanted: [string, string[]][] = isMany ? bondsOf(names, bonds) : [['bond0', names]];
      const lines = wanted.flatMap(([bond, own]) =>
        [`link add ${bond} type bond mode active-backup miimon 100`].concat(
          own.map(member => `link set ${member} master ${bond}`),
          `link set ${bond} up`,
        ),
      );
      const seconds = await timed(() => ip(lab, ...lines));
      const what = isMany ? `${bonds} bonds of ${OF_A_BOND}` : `one bond of ${members}`;
      results.push({ what: `driver: ${what}, one batch of ip`, seconds, residentMb: null, idle: null });
    } finally {
      lab.close();
    }
  }
  return results;
}

async function measure(bonds: number, members: number): Promise<Result[]> {
  return [await manyBonds(bonds), await manyBondsOfFile(bonds), await manyMembers(members)];
}

const { values } = parseArgs({
  options: {
    bonds: { type: 'string', default: '64' },
    members: { type: 'string', default: '64' },
    only: { type: 'string', default: 'here,6.12' },
    'in-guest': { type: 'boolean', default: false },
  },
});
const [bonds, members] = [Number(values.bonds), Number(values.members)];
if (values['in-guest']) {
  execFileSync('modprobe', ['bonding', 'max_bonds=0']);
  const results = await withDriver(bonds, members);
  writeFileSync(join(process.env['OUT'] ?? '.', 'result.json'), JSON.stringify(results));
} else {
  cleanStale();
  const rows: string[][] = [];
  for (const where of values.only.split(',')) {
    const args = ['--in-guest', '--bonds', values.bonds, '--members', values.members];
    const guest = { kernel: where === '6.1' ? '6.1' : '6.12', icount: true, timeoutSeconds: 1800 } as const;
    const results =
      where === 'here'
        ? await measure(bonds, members)
        : ((await inGuest(guest, fileURLToPath(import.meta.url), args)) as Result[]);
    for (const { what, seconds, residentMb: mb, idle } of results) {
      rows.push([
        where,
        what,
        seconds.toFixed(1),
        mb?.toFixed(0) ?? '',
        idle === null ? '' : idle.toFixed(1),
      ]);
    }
  }
  console.log(table(['where', 'what', 'seconds', 'resident MB', 'idle % of a CPU'], rows));
}
