// What the user-space data plane costs, beside the eBPF data plane and no bond, in the same run on this machine: TCP and the
// smallest UDP packets each way, round trips, processor time a frame; then what it does under more than it can carry, and
// when the active member's cable is cut.
//
//   npm run bench:userspace [-- --rounds N] [--seconds N] [--runs N] [--only plain,load,cut] [--json FILE]
//
// Contenders take turns, and the figures are medians of the rounds: other work on the machine then hits all of them alike.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { cleanStale, Lab } from '#lab';
import { UdpBatch } from '#linux';
import { bondwire, type Contender, plain } from './contenders.js';
import { iperf, kpps, mbps, SMALLEST_UDP } from './iperf.js';
import { table } from './table.js';
import { cutReport, loadReport, measureCuts, measureLoad, reached } from './userspace-load.js';

const COLUMNS = [
  'TCP out',
  'TCP in',
  'UDP out',
  'UDP in',
  'blast out',
  'blast in',
  'ping min',
  'ping avg',
] as const;
type Column = (typeof COLUMNS)[number];
type Figures = Readonly<Record<Column, number>>;

interface Contestant {
  readonly name: string;
  readonly make: () => Contender;
}

const CONTESTANTS: readonly Contestant[] = [
  { name: 'no bond', make: plain },
  { name: 'eBPF', make: () => bondwire('data_plane=ebpf') },
  { name: 'user space', make: () => bondwire('data_plane=userspace') },
];

/** The prototype's ratios to no bond, measured before this was written, on a machine of the same kind (2 processors). */
const PROTOTYPE: Readonly<Record<string, Figures>> = {
  'prototype: eBPF': {
    'TCP out': 0.86,
    'TCP in': 0.9,
    'UDP out': 0.82,
    'UDP in': 0.92,
    'blast out': 0.88,
    'blast in': 0.85,
    'ping min': 1.5,
    'ping avg': 0.84,
  },
  'prototype: rings': {
    'TCP out': 0.63,
    'TCP in': 0.72,
    'UDP out': 0.6,
    'UDP in': 0.6,
    'blast out': 1.35,
    'blast in': 1.13,
    'ping min': 6.3,
    'ping avg': 4.4,
  },
  'prototype: rings, past the qdisc': {
    'TCP out': 0.69,
    'TCP in': 0.69,
    'UDP out': 0.59,
    'UDP in': 0.52,
    'blast out': 1.19,
    'blast in': 0.85,
    'ping min': 5.9,
    'ping avg': 5.1,
  },
};

const PORT = 7008;

/**
 * Thousand datagrams a second that come through the receiving interface, from a sender that never waits. Nobody reads the
 * receiving socket, so that its reader takes no processor from the rest.
 */
function blast(lab: Lab, contender: Contender, out: boolean, seconds: number): number {
  const [from, to] = out ? (['host', 'peer'] as const) : (['peer', 'host'] as const);
  const remote = { address: out ? lab.peerIp : lab.hostIp, port: PORT };
  const device = out || contender.name === 'no bond' ? 'eth0' : 'bond0';
  const received = (): number => lab.link(to, device)?.statistics?.rxPackets ?? 0;
  const payloadBytes = 18;
  const receiver = lab.inside(to, () => UdpBatch.open({ local: remote, payloadBytes }));
  const sender = lab.inside(from, () => UdpBatch.open({ remote, batch: 64, payloadBytes }));
  try {
    const before = received();
    const start = performance.now();
    const end = start + seconds * 1000;
    while (performance.now() < end) sender.send(64);
    return (received() - before) / (performance.now() - start);
  } finally {
    sender.close();
    receiver.close();
  }
}

/** Microseconds: the least and the mean. */
async function ping(lab: Lab): Promise<{ readonly min: number; readonly average: number }> {
  const { stdout } = await lab.exec('host', ['ping', '-q', '-c', '250', '-i', '0.004', lab.peerIp]);
  const [, min, average] = /= ([\d.]+)\/([\d.]+)\//.exec(stdout) ?? [];
  if (min === undefined || average === undefined) throw new Error(`ping said: ${stdout.trim()}`);
  return { min: Number(min) * 1000, average: Number(average) * 1000 };
}

async function measure({ make }: Contestant, seconds: number): Promise<Figures> {
  const lab = await Lab.create();
  const contender = make();
  const time = ['-t', String(seconds)];
  try {
    await contender.setUp(lab);
    try {
      await reached(lab);
      const { min, average } = await ping(lab);
      return {
        'ping min': min,
        'ping avg': average,
        'TCP out': mbps(await iperf(lab, ...time)),
        'TCP in': mbps(await iperf(lab, ...time, '-R')),
        'UDP out': kpps(await iperf(lab, ...time, ...SMALLEST_UDP)),
        'UDP in': kpps(await iperf(lab, ...time, ...SMALLEST_UDP, '-R')),
        'blast out': blast(lab, contender, true, seconds),
        'blast in': blast(lab, contender, false, seconds),
      };
    } finally {
      await contender.tearDown(lab);
    }
  } finally {
    lab.close();
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function mediansOf(rounds: readonly Figures[]): Figures {
  const pairs = COLUMNS.map(column => [column, median(rounds.map(round => round[column]))]);
  return Object.fromEntries(pairs) as Record<Column, number>;
}

function report(results: ReadonlyMap<string, readonly Figures[]>): string {
  const medians = new Map(Array.from(results, ([name, rounds]) => [name, mediansOf(rounds)]));
  const cells = (figures: Figures, digits: number): string[] =>
    COLUMNS.map(column => figures[column].toFixed(digits));
  const head = ['', ...COLUMNS];
  const absolute = Array.from(medians, ([name, figures]) => [name, ...cells(figures, 0)]);
  const base = medians.get('no bond');
  const rows: string[][] = [];
  for (const [name, figures] of medians) {
    if (base === undefined || figures === base) continue;
    rows.push([name, ...COLUMNS.map(column => (figures[column] / base[column]).toFixed(2))]);
  }
  for (const [name, figures] of Object.entries(PROTOTYPE)) rows.push([name, ...cells(figures, 2)]);
  return [
    'TCP in Mbit/s, UDP and blast in thousand frames of 64 bytes a second that arrive, ping in microseconds',
    table(head, absolute),
    '',
    'Ratios to no bond (TCP, UDP, blast: more is better; ping: less)',
    table(head, rows),
  ].join('\n');
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '3' },
      runs: { type: 'string', default: '5' },
      only: { type: 'string', default: 'plain,load,cut' },
      json: { type: 'string' },
    },
  });
  cleanStale();
  const parts = values.only.split(',');
  const results = new Map<string, Figures[]>();
  const said: string[] = [];
  if (parts.includes('plain')) {
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const contestant of CONTESTANTS) {
        const figures = await measure(contestant, Number(values.seconds));
        results.set(contestant.name, [...(results.get(contestant.name) ?? []), figures]);
        const text = COLUMNS.map(column => `${column} ${figures[column].toFixed(0)}`).join('  ');
        console.log(`round ${round + 1}  ${contestant.name}: ${text}`);
      }
    }
    said.push(report(results));
  }
  const load = parts.includes('load') ? await measureLoad(Number(values.seconds)) : [];
  if (load.length > 0) said.push(loadReport(load));
  const cuts = parts.includes('cut') ? await measureCuts(Number(values.runs)) : [];
  if (cuts.length > 0) said.push(cutReport(cuts));
  console.log(`\n${said.join('\n\n')}`);
  if (values.json !== undefined) {
    const everything = { plain: Object.fromEntries(results), load, cuts };
    writeFileSync(values.json, `${JSON.stringify(everything, null, 2)}\n`);
  }
}

await main();
