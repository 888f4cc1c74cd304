// Throughput of one link and of two, by modes that use both (HOWTO: "twice the speed"): the members' cables are limited by tbf,
// TCP flows go from the host to the peer. In a guest, beside the kernel driver's bond in the same run.
//
//   npm run bench:spread [-- --runs N] [--rate MBIT] [--kernel 6.12|6.1]
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Lab } from '#lab';
import { bondwire, type Contender, driver, plain } from './contenders.js';
import { inGuest } from './guest.js';
import { iperf, mbps } from './iperf.js';
import { table } from './table.js';

/** Of flows that are hashed, so many that they do not all go one way. */
const FLOWS = 8;
const SECONDS = 6;

interface Case {
  readonly contender: () => Contender;
  readonly name: string;
  readonly flows: number;
}

const ROUND_ROBIN = ['mode=balance-rr'];
const HASHED = ['mode=balance-xor', 'xmit_hash_policy=layer3+4'];
const CASES: readonly Case[] = [
  { name: 'one link', contender: plain, flows: FLOWS },
  { name: 'driver balance-rr', contender: () => driver(...ROUND_ROBIN), flows: 1 },
  { name: 'bondwire balance-rr', contender: () => bondwire(...ROUND_ROBIN), flows: 1 },
  { name: 'driver balance-xor layer3+4', contender: () => driver(...HASHED), flows: FLOWS },
  { name: 'bondwire balance-xor layer3+4', contender: () => bondwire(...HASHED), flows: FLOWS },
];

interface Result {
  readonly name: string;
  readonly flows: number;
  readonly mbps: readonly number[];
}

async function limit(lab: Lab, rate: number): Promise<void> {
  for (const member of lab.members) {
    const words = `tc qdisc replace dev ${member} root tbf rate ${rate}mbit burst 32kb latency 60ms`;
    const { status, stderr } = await lab.exec('host', words.split(' '));
    if (status !== 0) throw new Error(`${words} failed: ${stderr.trim()}`);
  }
}

async function measure(runs: number, rate: number): Promise<Result[]> {
  const results: Result[] = [];
  for (const { name, contender, flows } of CASES) {
    const lab = await Lab.create();
    const one = contender();
    try {
      await one.setUp(lab);
      try {
        await limit(lab, rate);
        const seen: number[] = [];
        for (let run = 0; run < runs; run++) {
          seen.push(mbps(await iperf(lab, '-t', String(SECONDS), '-O', '1', '-P', String(flows))));
        }
        console.log(`${name}: ${seen.map(each => each.toFixed(1)).join(' ')} Mbit/s`);
        results.push({ name, flows, mbps: seen });
      } finally {
        await one.tearDown(lab);
      }
    } finally {
      lab.close();
    }
  }
  return results;
}

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    rate: { type: 'string', default: '20' },
    kernel: { type: 'string', default: '6.12' },
    'in-guest': { type: 'boolean', default: false },
  },
});
const rate = Number(values.rate);
if (values['in-guest']) {
  execFileSync('modprobe', ['-a', 'bonding', 'sch_tbf']);
  const results = await measure(Number(values.runs), rate);
  writeFileSync(join(process.env['OUT'] ?? '.', 'result.json'), JSON.stringify(results));
} else {
  const kernel = values.kernel === '6.1' ? '6.1' : '6.12';
  const args = ['--in-guest', '--runs', values.runs, '--rate', values.rate];
  const guest = { kernel, icount: true, timeoutSeconds: 1800 } as const;
  const results = (await inGuest(guest, fileURLToPath(import.meta.url), args)) as Result[];
  const rows = results.map(each => [
    each.name,
    String(each.flows),
    each.mbps.map(one => one.toFixed(1)).join(' '),
    (each.mbps.reduce((sum, one) => sum + one, 0) / each.mbps.length / rate).toFixed(2),
  ]);
  console.log(`\nLinks of ${rate} Mbit/s.\n${table(['bond', 'TCP flows', 'Mbit/s', 'links'], rows)}`);
}
