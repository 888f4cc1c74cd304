// What the death of a supervised daemon costs a bond on the user-space data plane: how long until the next daemon begins, is
// ready, and carries packets, and what is lost of a steady stream.
//
//   npm run bench:deaths [-- --runs N] [--rate N]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { unmountFileSystem } from '#linux';
import {
  cleanStale,
  Lab,
  ManagedBondwire,
  measureLoss,
  type MeterOptions,
  type MeterReport,
  startMeter,
} from '#lab';
import { table } from './table.js';
import { untilSent } from './until-sent.js';

const SECONDS = 4;
const DEATH_AT_S = 2;
const PATIENCE_MS = 20_000;

interface Death {
  readonly direction: string;
  readonly begunMs: number;
  readonly readyMs: number;
  readonly report: MeterReport;
}

function delay(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

/** Looks every millisecond until the supervisor or a daemon has written it; gives the time. */
async function written(bondwire: ManagedBondwire, pattern: RegExp): Promise<number> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!pattern.test(bondwire.log)) {
    if (performance.now() > deadline) throw new Error(`Nobody wrote ${pattern.source}: ${bondwire.log}`);
    await delay(1);
  }
  return performance.now();
}

/** Process id of the daemon that became ready last. */
function daemonPid(bondwire: ManagedBondwire): number {
  const pid = Array.from(bondwire.log.matchAll(/ready at .*\(pid (\d+)\)/g)).at(-1)?.[1];
  if (pid === undefined) throw new Error(`No daemon says that it is ready: ${bondwire.log}`);
  return Number(pid);
}

async function once(
  lab: Lab,
  bondwire: ManagedBondwire,
  direction: 'out' | 'in',
  rate: number,
): Promise<Death> {
  const [from, to] = direction === 'out' ? (['host', 'peer'] as const) : (['peer', 'host'] as const);
  const meter = await startMeter({
    from: argv => lab.spawn(from, argv),
    to: argv => lab.spawn(to, argv),
    address: direction === 'out' ? lab.peerIp : lab.hostIp,
    rate,
    seconds: SECONDS,
  });
  await untilSent(meter, rate * DEATH_AT_S);
  const pid = daemonPid(bondwire);
  const killed = performance.now();
  process.kill(pid, 'SIGKILL');
  const begun = await written(bondwire, new RegExp(`started in place of the one that died \\(pid ${pid}\\)`));
  const ready = await written(
    bondwire,
    new RegExp(`in place of the one that died \\(pid ${pid}\\)\\n[^]*ready at `),
  );
  return { direction, begunMs: begun - killed, readyMs: ready - killed, report: await meter.done };
}

async function measure(runs: number, rate: number): Promise<Death[]> {
  const lab = await Lab.create();
  const runDir = mkdtempSync(join(tmpdir(), 'bw-deaths-'));
  const bondwire = new ManagedBondwire({
    spawn: argv => lab.spawn('host', argv),
    bin: fileURLToPath(new URL('../../bin/bondwire', import.meta.url)),
    runDir,
    daemonArgs: ['--supervise'],
  });
  try {
    await bondwire.start();
    await bondwire.run('create', 'bond0', 'mode=active-backup', 'miimon=100', 'data_plane=userspace');
    await bondwire.run('enslave', 'bond0', ...lab.members);
    lab.setUp('host', 'bond0', true);
    lab.addAddress('host', 'bond0', lab.hostAddress);
    const meter: Pick<MeterOptions, 'from' | 'to' | 'address'> = {
      from: argv => lab.spawn('host', argv),
      to: argv => lab.spawn('peer', argv),
      address: lab.peerIp,
    };
    for (let attempt = 0; (await measureLoss({ ...meter, rate: 500, seconds: 0.2 })).lost > 0; attempt++) {
      if (attempt === 20) throw new Error('No traffic gets through');
    }
    const deaths: Death[] = [];
    for (const direction of ['out', 'in'] as const) {
      for (let run = 0; run < runs; run++) {
        // A daemon that died soon after its start would be started again later and later.
        await delay(11_000 - 1000 * SECONDS);
        deaths.push(await once(lab, bondwire, direction, rate));
      }
    }
    return deaths;
  } finally {
    await bondwire.stop();
    lab.close();
    unmountFileSystem(`${runDir}/bpf`);
    rmSync(runDir, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { runs: { type: 'string', default: '5' }, rate: { type: 'string', default: '1000' } },
  });
  cleanStale();
  const deaths = await measure(Number(values.runs), Number(values.rate));
  const rows = deaths.map(({ direction, begunMs, readyMs, report }) => [
    direction,
    begunMs.toFixed(0),
    readyMs.toFixed(0),
    report.longestGapMs.toFixed(0),
    String(report.sent),
    String(report.lost),
    String(report.doubled),
    report.senderStallMs.toFixed(0),
  ]);
  const head = [
    'stream',
    'next begins ms',
    'ready ms',
    'longest gap ms',
    'sent',
    'lost',
    'doubled',
    'sender stalled ms',
  ];
  console.log(table(head, rows));
}

await main();
