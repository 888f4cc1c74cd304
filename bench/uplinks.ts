// What a fault of the first line costs those behind a gateway with two lines, with Bondwire and with what others do: milliseconds
// until each kind of traffic was right again (least/median/most), and how many questions were bad meanwhile and at the return.
//
//   npm run bench:uplinks [-- --runs N] [--methods bondwire,mwan3,mwan3-tuned,ping-script] [--only cut,silent,…]
//                         [--families ipv4,ipv6] [--back SECONDS] [--json FILE]
//
// Both families are measured in the same run. mwan3 with its defaults takes two and a half minutes a run. Needs root, ip, nft and ping.
import { appendFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import {
  cleanStale,
  FAMILIES,
  type Family,
  FLOWS,
  faultFromText,
  IspLab,
  judge,
  type Sample,
  UplinkMeter,
} from '#lab';
import { monotonicMs } from '#linux';
import { BondwireUplink } from './rivals/bondwire-uplink.js';
import type { Method } from './rivals/method.js';
import { Mwan3 } from './rivals/mwan3.js';
import { PingScript } from './rivals/ping-script.js';
import { MWAN3_DEFAULTS, MWAN3_TUNED } from './rivals/score.js';
import { type UplinkRun, uplinkTable } from './uplink-figures.js';

const METHODS: Readonly<Record<string, () => Method>> = {
  bondwire: () => new BondwireUplink(),
  mwan3: () => new Mwan3('mwan3', MWAN3_DEFAULTS),
  'mwan3-tuned': () => new Mwan3('mwan3-tuned', MWAN3_TUNED),
  'ping-script': () => new PingScript(),
};
const FAULTS = [
  'cut',
  'gateway-dead',
  'dead-beyond',
  'silent',
  'silent up',
  'silent down',
  'loss 30 down',
  'delay 500 down',
  'dns-dead',
  'portal',
];
/** As people configure it, so that nobody has to be told of the lab's addresses. */
const TARGETS = {
  first: { ipv4: '1.1.1.1', ipv6: '2606:4700:4700::1111' },
  second: { ipv4: '9.9.9.9', ipv6: '2620:fe::fe' },
};
const FIRST_LINE = 'wan0';
const WELL_MS = 2000;
const WELL_WITHIN_MS = 60_000;
const BEFORE_MS = 3000;
/** Nothing in a method's own rhythm is to fall together with ours. */
const BEFORE_SPREAD_MS = 1000;
const AFTERWARDS_MS = 2000;

function delay(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

/** Nearly all questions of the last moments were answered, of each kind. */
function isWell(samples: readonly Sample[], families: readonly Family[]): boolean {
  const fromMs = monotonicMs() - WELL_MS;
  const recent = samples.filter(({ sentMs }) => sentMs >= fromMs);
  return families.every(family =>
    FLOWS.every(flow => {
      const own = recent.filter(sample => sample.family === family && sample.flow === flow);
      return own.length > 0 && own.filter(({ rttMs }) => rttMs !== null).length >= 0.95 * own.length;
    }),
  );
}

async function untilWell(meter: UplinkMeter, families: readonly Family[], method: Method): Promise<void> {
  const deadlineMs = monotonicMs() + WELL_WITHIN_MS;
  while (!isWell(meter.samples, families)) {
    if (monotonicMs() > deadlineMs) {
      const said = method.events.map(({ what }) => what).slice(-5);
      throw new Error(`Traffic does not flow with ${method.name}. It said: ${said.join('; ')}`);
    }
    await delay(100);
  }
}

interface Experiment {
  readonly method: Method;
  readonly fault: string;
  readonly families: readonly Family[];
  readonly backSeconds: number;
  readonly seed: number;
}

async function once({ method, fault, families, backSeconds, seed }: Experiment): Promise<UplinkRun> {
  const lines = [{ delayMs: 5 }, { delayMs: 20, providerNat: true }];
  const lab = await IspLab.create({
    lines,
    servers: TARGETS,
    seed,
    defaultRoutes: method.name === 'bondwire',
  });
  try {
    await lab.startServers();
    await method.start(lab, families);
    const meter = await UplinkMeter.start(lab, { families });
    await untilWell(meter, families, method);
    const sinceMs = monotonicMs();
    await delay(BEFORE_MS + Math.random() * BEFORE_SPREAD_MS);
    const load = loadavg()[0] ?? 0;
    const { fromMs } = lab.setFault(FIRST_LINE, fault);
    await delay(1000 * method.patienceSeconds(faultFromText(fault).kind));
    const cleared = lab.clearFault(FIRST_LINE);
    if (backSeconds > 0) await delay(backSeconds * 1000 + AFTERWARDS_MS);
    await meter.stop();
    await method.stop();
    return {
      method: method.name,
      fault,
      verdicts: judge(meter.samples, { sinceMs, momentMs: fromMs, untilMs: cleared.fromMs }),
      back: backSeconds > 0 ? judge(meter.samples, { momentMs: cleared.toMs }) : [],
      events: method.events.map(({ atMs, what }) => ({ ms: Math.round(atMs - fromMs), what })),
      load,
      stallMs: meter.stallMs,
    };
  } finally {
    lab.close();
  }
}

function chosen<T extends string>(text: string, from: readonly T[], what: string): T[] {
  return text.split(',').map(word => {
    const one = from.find(name => name === word);
    if (one === undefined) throw new RangeError(`"${word}" is no ${what}. There are ${from.join(', ')}.`);
    return one;
  });
}

/** Words such as `loss-30-down` are faults too, also those that are not measured unless somebody asks. */
function faultsOf(text: string | undefined): readonly string[] {
  if (text === undefined) return FAULTS;
  const faults = text.split(',');
  for (const fault of faults) faultFromText(fault);
  return faults;
}

function count(text: string, least: number, option: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < least)
    throw new RangeError(`${option} ${text}: a whole number from ${least} on`);
  return number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '3' },
      methods: { type: 'string', default: Object.keys(METHODS).join(',') },
      only: { type: 'string' },
      families: { type: 'string', default: FAMILIES.join(',') },
      back: { type: 'string', default: '12' },
      json: { type: 'string' },
    },
  });
  const methods = chosen(values.methods, Object.keys(METHODS), 'method');
  const families = chosen(values.families, FAMILIES, 'family');
  const faults = faultsOf(values.only);
  const [runCount, backSeconds] = [count(values.runs, 1, '--runs'), count(values.back, 0, '--back')];
  cleanStale();
  const runs: UplinkRun[] = [];
  const failures: string[] = [];
  for (const fault of faults) {
    for (const name of methods) {
      for (let seed = 1; seed <= runCount; seed++) {
        const method = METHODS[name]?.();
        if (method === undefined) continue;
        try {
          const run = await once({ method, fault, families, backSeconds, seed });
          runs.push(run);
          if (values.json !== undefined) appendFileSync(values.json, `${JSON.stringify(run)}\n`);
          console.log(
            `${uplinkTable([run], families).split('\n').slice(1).join('\n')}  load ${run.load.toFixed(1)}`,
          );
        } catch (error) {
          const why = error instanceof Error ? error.message : String(error);
          failures.push(`${name}, ${fault}: ${why}`);
          console.log(failures.at(-1));
        }
      }
    }
  }
  console.log(`\n${uplinkTable(runs, families)}`);
  for (const failure of failures) console.log(`failed: ${failure}`);
  if (failures.length > 0) process.exitCode = 1;
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = error instanceof RangeError ? 2 : 1;
});
