// What a bond costs in throughput: TCP each way and the smallest UDP packets, through no bond, the kernel driver's bond
// and Bondwire's, in one guest whose clock counts instructions, so that the ratios repeat.
//
//   npm run bench:throughput [-- --kernel 6.12] [--seconds N] [--contenders none,driver,bondwire,alone] [--json FILE]
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Lab } from '#lab';
import { bondwire, bondwireAlone, type Contender, driver, plain } from './contenders.js';
import { inGuest } from './guest.js';
import { iperf, kpps, mbps, SMALLEST_UDP } from './iperf.js';
import { table } from './table.js';

interface Figures {
  readonly name: string;
  readonly tcpOutMbps: number;
  readonly tcpInMbps: number;
  readonly udpKpps: number;
}

const CONTENDERS: Readonly<Record<string, () => Contender>> = {
  none: plain,
  driver,
  bondwire: () => bondwire(),
  alone: bondwireAlone,
};

/** Every contender gets it, so that all are measured alike. */
const SETTLE_MS = 20_000;

async function measure(contender: Contender, seconds: string): Promise<Figures> {
  const lab = await Lab.create();
  try {
    await contender.setUp(lab);
    try {
      // A daemon that has just started collects its garbage for some seconds, on the one slow processor that all share.
      await new Promise(resolve => setTimeout(resolve, SETTLE_MS));
      const tcpOut = await iperf(lab, '-t', seconds);
      const tcpIn = await iperf(lab, '-t', seconds, '-R');
      const udp = await iperf(lab, '-t', seconds, ...SMALLEST_UDP);
      return {
        name: contender.name,
        tcpOutMbps: mbps(tcpOut),
        tcpInMbps: mbps(tcpIn),
        udpKpps: kpps(udp),
      };
    } finally {
      await contender.tearDown(lab);
    }
  } finally {
    lab.close();
  }
}

function report(figures: readonly Figures[]): string {
  const rows = figures.map(({ name, tcpOutMbps, tcpInMbps, udpKpps }) => [
    name,
    tcpOutMbps.toFixed(0),
    tcpInMbps.toFixed(0),
    udpKpps.toFixed(2),
  ]);
  const ratios = (base: Figures): string[][] =>
    figures
      .filter(one => one !== base)
      .map(one => [
        `${one.name} : ${base.name}`,
        (one.tcpOutMbps / base.tcpOutMbps).toFixed(2),
        (one.tcpInMbps / base.tcpInMbps).toFixed(2),
        (one.udpKpps / base.udpKpps).toFixed(2),
      ]);
  const bases = figures.filter(({ name }) => name === 'no bond' || name === 'driver');
  const head = ['', 'TCP out', 'TCP in', 'UDP 64 B'];
  return `Mbit/s, thousand packets a second\n${table(head, rows)}\n\nRatios\n${table(head, bases.flatMap(ratios))}`;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      kernel: { type: 'string', default: '6.12' },
      seconds: { type: 'string', default: '3' },
      contenders: { type: 'string', default: 'none,driver,bondwire,alone' },
      json: { type: 'string' },
      'in-guest': { type: 'boolean', default: false },
    },
  });
  if (!values['in-guest']) {
    const args = ['--in-guest', '--seconds', values.seconds, '--contenders', values.contenders];
    const { kernel } = values;
    if (kernel !== '6.12' && kernel !== '6.1') throw new Error('The kernel is 6.12 or 6.1');
    const guest = { kernel, icount: true, timeoutSeconds: 1800 } as const;
    const figures = (await inGuest(guest, fileURLToPath(import.meta.url), args)) as Figures[];
    console.log(`\n${report(figures)}`);
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
    return;
  }
  const figures: Figures[] = [];
  for (const name of values.contenders.split(',')) {
    const make = CONTENDERS[name];
    if (make === undefined)
      throw new Error(`There is no contender ${name}; there are ${Object.keys(CONTENDERS).join(', ')}`);
    const one = await measure(make(), values.seconds);
    figures.push(one);
    console.log(
      `${one.name}: TCP out ${one.tcpOutMbps.toFixed(0)}, in ${one.tcpInMbps.toFixed(0)} Mbit/s, UDP ${one.udpKpps.toFixed(2)} kpps`,
    );
  }
  writeFileSync(join(process.env['OUT'] ?? '.', 'result.json'), JSON.stringify(figures));
}

await main();
