// What a bond costs: UDP each way in three sizes, TCP each way with one stream and eight, round trips, for the host itself, for a
// client that it routes for and for a guest behind a bridge; through no bond, the kernel driver's bond and Bondwire's, in one
// guest whose clock counts instructions, so that the figures repeat (`path-meter.ts`).
//
//   npm run bench:throughput [-- --kernel 6.12] [--contenders none,driver,veth,netkit] [--only NAME,...] [--runs N] [--json FILE]
//                                [--mode active-backup]
//
// veth and netkit are Bondwire's shapes; a shape that the kernel does not have is left out, and that is said; `bondwire` takes what
// comes by itself. --mode: of all bonds; those that hash do so by layer3+4, and with 802.3ad the switch aggregates. --only: figures whose names begin so. --runs: boots of the guest; the medians are told. Ends with 1
// when a figure is below what it is to be (`figures.ts`), or could not be had; the others are told all the same.
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { bondwire, bondwireShaped, type Contender, driver, plain } from './contenders.js';
import {
  type Boot,
  chooseRows,
  type Column,
  FRAME_OVERHEAD_BYTES,
  hasFailures,
  report,
  type Row,
  shortfalls,
} from './figures.js';
import { inGuest } from './guest.js';
import { datagramCost, type PathEnd, streamRate, warmUp } from './path-meter.js';
import { ThroughputStage } from './throughput-stage.js';

interface Entrant {
  readonly make: (options: readonly string[]) => Contender;
  /** The kind of device that it has to be; another one means that there is no such shape here. */
  readonly kind?: string;
}

const ENTRANTS: Readonly<Record<string, Entrant>> = {
  none: { make: plain },
  driver: { make: options => driver(...options) },
  bondwire: { make: options => bondwire(...options) },
  veth: { make: options => bondwireShaped('veth', ...options), kind: 'veth' },
  netkit: { make: options => bondwireShaped('netkit', ...options), kind: 'netkit' },
};

/** Modes that are measured, with what they need. */
const MODES: Readonly<Record<string, readonly string[]>> = {
  'active-backup': [],
  'balance-xor': ['xmit_hash_policy=layer3+4'],
  '802.3ad': ['xmit_hash_policy=layer3+4', 'lacp_rate=fast'],
  'balance-tlb': [],
  'balance-alb': [],
};

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function roundTrip(over: 'udp' | 'tcp', near: PathEnd, far: PathEnd): Promise<number> {
  const script = fileURLToPath(new URL('round-trip-main.js', import.meta.url));
  const argv = [script, over, near.address, near.namespace, far.address, far.namespace];
  const { stdout } = await promisify(execFile)(process.execPath, argv, { timeout: 300_000 });
  const ns = Number.parseFloat(stdout);
  if (!(ns > 0)) throw new Error(`The meter gave ${JSON.stringify(stdout)}`);
  return ns;
}

async function figure(stage: ThroughputStage, row: Row): Promise<number> {
  await stage.build(row.stage);
  const { near, far } = stage;
  if (row.kind === 'ping-pong') return roundTrip(row.over, near, far);
  const [from, to] = row.direction === 'out' ? [near, far] : [far, near];
  if (row.kind === 'tcp') return streamRate(from, to, row.streams);
  const before = stage.counted(row.direction);
  const { ns, sent } = datagramCost(from, to, row.frameBytes - FRAME_OVERHEAD_BYTES);
  // What is quick because it goes past the device is no bond.
  const counted = stage.counted(row.direction) - before;
  if (counted < sent) throw new Error(`The device counted ${counted} of ${sent} packets`);
  return ns;
}

async function measure(
  name: string,
  { make, kind }: Entrant,
  mode: string,
  rows: readonly Row[],
): Promise<Column> {
  const figures: Record<string, number> = {};
  const failures: Record<string, string> = {};
  try {
    const absent = await ThroughputStage.with(make(optionsOf(mode)), mode === '802.3ad', async stage => {
      const made = await stage.kind();
      if (kind !== undefined && made !== kind)
        return `this kernel and this version make bonds of ${made ?? 'no'} kind`;
      for (const row of rows) {
        try {
          const value = await figure(stage, row);
          figures[row.name] = value;
          console.log(`${name} ${row.name} ${value.toFixed(1)}`);
        } catch (error) {
          failures[row.name] = textOf(error);
          console.log(`${name} ${row.name} failed: ${textOf(error)}`);
        }
      }
      return undefined;
    });
    return { contender: name, figures, failures, ...(absent !== undefined && { absent }) };
  } catch (error) {
    console.log(`${name} failed: ${textOf(error)}`);
    return { contender: name, figures, failures, failed: textOf(error) };
  }
}

function optionsOf(mode: string): readonly string[] {
  const options = MODES[mode];
  if (options === undefined)
    throw new Error(`There is no figure of mode ${mode}; there are ${Object.keys(MODES).join(', ')}`);
  return [`mode=${mode}`, ...options];
}

function entrants(names: string): [string, Entrant][] {
  return names.split(',').map(name => {
    const entrant = ENTRANTS[name];
    if (entrant === undefined)
      throw new Error(`There is no contender ${name}; there are ${Object.keys(ENTRANTS).join(', ')}`);
    return [name, entrant];
  });
}

async function inside(contenders: string, mode: string, rows: readonly Row[]): Promise<void> {
  await warmUp();
  const columns: Column[] = [];
  for (const [name, entrant] of entrants(contenders)) columns.push(await measure(name, entrant, mode, rows));
  const kernel = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim();
  writeFileSync(join(process.env['OUT'] ?? '.', 'result.json'), JSON.stringify({ kernel, columns }));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      kernel: { type: 'string', default: '6.12' },
      contenders: { type: 'string', default: 'none,driver,veth,netkit' },
      only: { type: 'string' },
      runs: { type: 'string', default: '1' },
      json: { type: 'string' },
      mode: { type: 'string', default: 'active-backup' },
      'in-guest': { type: 'boolean', default: false },
    },
  });
  const { kernel, contenders, only, json, mode } = values;
  const rows = chooseRows(only);
  if (values['in-guest']) {
    await inside(contenders, mode, rows);
    return;
  }
  entrants(contenders);
  optionsOf(mode);
  if (mode === '802.3ad' && contenders.split(',').includes('none'))
    throw new Error('A switch that aggregates needs a bond at the other end: leave the contender none out');
  if (kernel !== '6.12' && kernel !== '6.1') throw new Error('The kernel is 6.12 or 6.1');
  if (!/^[1-9]\d?$/.test(values.runs)) throw new Error('--runs takes a number from 1 to 99');
  const guest = { kernel, icount: true, timeoutSeconds: 3600 } as const;
  const args = ['--in-guest', '--contenders', contenders, '--mode', mode];
  if (only !== undefined) args.push('--only', only);
  const boots: Boot[] = [];
  let release = '';
  for (let run = 0; run < Number(values.runs); run++) {
    const one = (await inGuest(guest, fileURLToPath(import.meta.url), args)) as {
      readonly kernel: string;
      readonly columns: Boot;
    };
    release = one.kernel;
    boots.push(one.columns);
    // After each boot, so that a later one which breaks down takes nothing along.
    if (json !== undefined) writeFileSync(json, `${JSON.stringify({ kernel: release, boots }, null, 2)}\n`);
  }
  // The other modes have no targets of their own: their ratios are read beside those of balance-xor.
  const below = mode === 'active-backup' ? shortfalls(boots, rows) : [];
  console.log(`\nLinux ${release}, ${boots.length} boots\n${report(boots, rows)}`);
  for (const line of below) console.log(line);
  if (below.length > 0 || hasFailures(boots)) process.exitCode = 1;
}

await main();
