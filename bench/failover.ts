// What a failover costs: packets lost, doubled and refused, and the longest gap, when the carrier of the active member is
// cut under a steady stream. On this machine, and in guests beside the kernel driver's bond.
//
//   npm run bench:failover [-- --runs N] [--only here,6.12,6.1] [--contenders bondwire,driver] [--same-index] [--json FILE]
//
// --same-index: members whose carrier news are held back by the kernel, as those of physical devices are.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cleanStale, Lab, type MeterReport, measureLoss, reportLine, startMeter } from '#lab';
import { bondwire, type Contender, driver } from './contenders.js';
import { inGuest } from './guest.js';
import { table } from './table.js';
import { untilSent } from './until-sent.js';

/** The same thing done some times over. */
interface Scenario {
  readonly contender: 'bondwire' | 'bondwire inline_failover=0' | 'driver';
  readonly rate: number;
  readonly cut: boolean;
}

interface Run extends Scenario {
  readonly kernel: string;
  readonly report: MeterReport;
  /** Frames that the cut member took while it still had its carrier, and that its cable did not deliver. */
  readonly inCable: number;
}

const HERE: readonly Scenario[] = [
  { contender: 'bondwire', rate: 2000, cut: false },
  { contender: 'bondwire', rate: 2000, cut: true },
  { contender: 'bondwire', rate: 50_000, cut: false },
  { contender: 'bondwire', rate: 50_000, cut: true },
  { contender: 'bondwire inline_failover=0', rate: 2000, cut: true },
];
const GUEST: readonly Scenario[] = [
  { contender: 'driver', rate: 1000, cut: false },
  { contender: 'driver', rate: 1000, cut: true },
  { contender: 'bondwire', rate: 1000, cut: false },
  { contender: 'bondwire', rate: 1000, cut: true },
  { contender: 'bondwire inline_failover=0', rate: 1000, cut: true },
];
const SECONDS = 3;
const WARM_UP_MS = 500;
/** The meter lists gaps from this length on. */
const LISTED_GAP_MS = 5;
const CUT_AT_S = 1;
const RESTORE_AT_S = 2;

function contenderOf(scenario: Scenario): Contender {
  if (scenario.contender === 'driver') return driver();
  return scenario.contender === 'bondwire' ? bondwire() : bondwire('inline_failover=0');
}

function delay(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

function stream(lab: Lab, rate: number, seconds: number): Parameters<typeof startMeter>[0] {
  return {
    from: argv => lab.spawn('host', argv),
    to: argv => lab.spawn('peer', argv),
    address: lab.peerIp,
    rate,
    seconds,
  };
}

async function untilTrafficFlows(lab: Lab): Promise<void> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const report = await measureLoss(stream(lab, 500, 0.2));
    if (report.lost === 0) return;
  }
  throw new Error('No traffic gets through');
}

/** One stream; the active member's cable is cut a third through it, and plugged in again after two thirds. */
async function once(
  lab: Lab,
  contender: Contender,
  scenario: Scenario,
): Promise<Pick<Run, 'report' | 'inCable'>> {
  const active = await contender.active(lab);
  const swallowedBefore = lab.swallowed;
  const meter = await startMeter(stream(lab, scenario.rate, SECONDS));
  if (scenario.cut) {
    if (active === null) throw new Error('No member is active before the cut');
    await untilSent(meter, scenario.rate * CUT_AT_S);
    const before = meter.progress.received;
    lab.cut(active);
    await untilSent(meter, scenario.rate * RESTORE_AT_S);
    const whileCut = meter.progress.received - before;
    lab.restore(active);
    if (whileCut <= 0) throw new Error('No packet arrived while the cable was cut');
  }
  const report = await meter.done;
  if (scenario.cut && (await contender.active(lab)) === active) {
    throw new Error(`${active} is still the active member although its cable was cut`);
  }
  return { report, inCable: lab.swallowed - swallowedBefore };
}

async function measure(
  scenarios: readonly Scenario[],
  { runs, kernel, sameIndex }: { runs: number; kernel: string; sameIndex: boolean },
): Promise<Run[]> {
  const results: Run[] = [];
  for (const scenario of scenarios) {
    const lab = await Lab.create({ sameIndex });
    const contender = contenderOf(scenario);
    try {
      await contender.setUp(lab);
      try {
        await untilTrafficFlows(lab);
        for (let run = 0; run < runs; run++) {
          const { report, inCable } = await once(lab, contender, scenario);
          results.push({ ...scenario, kernel, report, inCable });
          const what = `${kernel}  ${scenario.contender}  ${scenario.rate}/s  ${scenario.cut ? 'cut' : 'uncut'}`;
          console.log(`${what}  ${reportLine(report)}${lostAt(report, scenario.rate)}`);
          // The member that was cut must be a backup again before the next run.
          await delay(500);
        }
      } finally {
        await contender.tearDown(lab);
      }
    } finally {
      lab.close();
    }
  }
  return results;
}

/** When packets were lost: the numbers say it, because the stream is steady. */
function lostAt(report: MeterReport, rate: number): string {
  const runs = report.lostRuns.map(({ first, count }) => `${count} at ${(first / rate).toFixed(3)} s`);
  return runs.length === 0 ? '' : `  lost ${runs.slice(0, 8).join(', ')}${runs.length > 8 ? ', …' : ''}`;
}

/** The longest gap that is not the start's: the meter's own processes need a moment to get up to speed. */
function longestGapMs(report: MeterReport): number {
  const gaps = report.gaps.filter(gap => gap.atMs >= WARM_UP_MS).map(gap => gap.lengthMs);
  return Math.max(Math.min(report.longestGapMs, LISTED_GAP_MS), ...gaps);
}

function summary(results: readonly Run[]): string {
  const groups = new Map<string, Run[]>();
  for (const run of results) {
    const key = [run.kernel, run.contender, run.rate, run.cut].join('\t');
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  const list = (runs: readonly Run[], pick: (report: MeterReport) => number): string =>
    runs.map(run => String(Math.round(pick(run.report) * 10) / 10)).join(' ');
  const rows = [...groups.values()].map(runs => {
    const [first] = runs;
    return [
      first?.kernel ?? '',
      first?.contender ?? '',
      String(first?.rate ?? ''),
      first?.cut === true ? 'cut' : 'uncut',
      String(first?.report.sent ?? ''),
      list(runs, report => report.lost),
      // Of the others' losses all are such: they went on sending into the dead member.
      first?.contender === 'bondwire' ? runs.map(run => run.inCable).join(' ') : '',
      list(runs, report => report.refused),
      list(runs, report => report.doubled),
      list(runs, longestGapMs),
      list(runs, report => report.senderStallMs),
    ];
  });
  const head = [
    'kernel',
    'bond',
    'rate',
    'cable',
    'sent',
    'lost',
    'of it in the cut cable',
    'refused',
    'doubled',
    'longest gap ms',
    'sender stalled ms',
  ];
  return table(head, rows);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '5' },
      only: { type: 'string', default: 'here,6.12,6.1' },
      contenders: { type: 'string', default: 'bondwire,driver' },
      'same-index': { type: 'boolean', default: false },
      json: { type: 'string' },
      'in-guest': { type: 'boolean', default: false },
    },
  });
  const runs = Number(values.runs);
  const sameIndex = values['same-index'];
  const wanted = values.contenders.split(',');
  const chosen = (scenarios: readonly Scenario[]): Scenario[] =>
    scenarios.filter(scenario => wanted.includes(scenario.contender.split(' ')[0] ?? ''));
  if (values['in-guest']) {
    const kernel = process.env['BONDWIRE_GUEST'] ?? 'guest';
    const results = await measure(chosen(GUEST), { runs, kernel, sameIndex });
    writeFileSync(join(process.env['OUT'] ?? '.', 'result.json'), JSON.stringify(results));
    return;
  }
  cleanStale();
  const results: Run[] = [];
  for (const where of values.only.split(',')) {
    if (where === 'here') {
      results.push(...(await measure(chosen(HERE), { runs, kernel: 'this', sameIndex })));
    } else if (where === '6.12' || where === '6.1') {
      // Counting instructions: on a busy machine the lab's own cut of a cable takes so long that it loses packets itself.
      const guest = { kernel: where, icount: true, timeoutSeconds: 1800 } as const;
      const args = ['--in-guest', '--runs', values.runs, '--contenders', values.contenders];
      if (sameIndex) args.push('--same-index');
      results.push(...((await inGuest(guest, fileURLToPath(import.meta.url), args)) as Run[]));
    } else {
      throw new Error(`There is no place ${where}; there are here, 6.12 and 6.1`);
    }
  }
  console.log(`\n${summary(results)}`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
}

await main();
