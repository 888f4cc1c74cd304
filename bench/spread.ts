// Throughput of one link and of two, by modes that use both (HOWTO: "twice the speed"): the members' cables are limited by tbf,
// TCP flows go from the host to the peer. With 802.3ad the switch aggregates (the driver speaks LACP there for every contender). The modes that choose by
// the destination send to two addresses, half of the flows each, and are measured after two rebalances (10 s each). In a guest, beside the kernel driver's
// bond in the same run.
//
//   npm run bench:spread [-- --runs N] [--rate MBIT] [--kernel 6.12|6.1] [--only WORD]
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Lab } from '#lab';
import { aggregateSwitch, waitForAggregate } from './aggregate.js';
import { bondwire, type Contender, driver, plain } from './contenders.js';
import { inGuest } from './guest.js';
import { iperfTo, mbps } from './iperf.js';
import { table } from './table.js';

/** Of flows that are hashed, so many that they do not all go one way. */
const FLOWS = 8;
const SECONDS = 6;
/** What is sent before anything counts: a second, or two rebalances of the modes that look at the load (BOND_TLB_REBALANCE_INTERVAL). */
const BEFORE_SECONDS = { once: 1, balanced: 22 } as const;
const SECOND_ADDRESS = '10.9.0.4';
const FIRST_PORT = 5201;

interface Case {
  readonly contender: () => Contender;
  readonly name: string;
  readonly flows: number;
  /** The switch aggregates. */
  readonly aggregates?: true;
  /** Flows go to two addresses, and the load decides. */
  readonly byLoad?: true;
}

const ROUND_ROBIN = ['mode=balance-rr'];
const HASHED = ['mode=balance-xor', 'xmit_hash_policy=layer3+4'];
const LACP = ['mode=802.3ad', 'xmit_hash_policy=layer3+4', 'lacp_rate=fast'];
const ALB = ['mode=balance-alb'];
const CASES: readonly Case[] = [
  { name: 'one link', contender: plain, flows: FLOWS },
  { name: 'driver balance-rr', contender: () => driver(...ROUND_ROBIN), flows: 1 },
  { name: 'bondwire balance-rr', contender: () => bondwire(...ROUND_ROBIN), flows: 1 },
  { name: 'driver balance-xor layer3+4', contender: () => driver(...HASHED), flows: FLOWS },
  { name: 'bondwire balance-xor layer3+4', contender: () => bondwire(...HASHED), flows: FLOWS },
  { name: 'driver 802.3ad layer3+4', contender: () => driver(...LACP), flows: FLOWS, aggregates: true },
  { name: 'bondwire 802.3ad layer3+4', contender: () => bondwire(...LACP), flows: FLOWS, aggregates: true },
  { name: 'driver balance-alb', contender: () => driver(...ALB), flows: FLOWS, byLoad: true },
  { name: 'bondwire balance-alb', contender: () => bondwire(...ALB), flows: FLOWS, byLoad: true },
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

/** Mbit/s of all flows together, of which each address gets as many. */
async function run(lab: Lab, flows: number, byLoad: boolean): Promise<number> {
  const addresses = byLoad ? [lab.peerIp, SECOND_ADDRESS] : [lab.peerIp];
  const before = byLoad ? BEFORE_SECONDS.balanced : BEFORE_SECONDS.once;
  const args = ['-t', String(SECONDS), '-O', String(before), '-P', String(flows / addresses.length)];
  const reports = addresses.map((address, at) => iperfTo(lab, address, FIRST_PORT + at, ...args));
  return (await Promise.all(reports)).reduce((sum, report) => sum + mbps(report), 0);
}

async function measure(runs: number, rate: number, only: string): Promise<Result[]> {
  const results: Result[] = [];
  for (const { name, contender, flows, aggregates, byLoad } of CASES.filter(each =>
    each.name.includes(only),
  )) {
    const lab = await Lab.create();
    const one = contender();
    try {
      if (aggregates === true) await aggregateSwitch(lab);
      if (byLoad === true) lab.addAddress('peer', 'eth0', `${SECOND_ADDRESS}/24`);
      await one.setUp(lab);
      try {
        if (aggregates === true) await waitForAggregate(lab);
        await limit(lab, rate);
        const seen: number[] = [];
        for (let nth = 0; nth < runs; nth++) seen.push(await run(lab, flows, byLoad === true));
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
    only: { type: 'string', default: '' },
    'in-guest': { type: 'boolean', default: false },
  },
});
const rate = Number(values.rate);
if (values['in-guest']) {
  execFileSync('modprobe', ['-a', 'bonding', 'sch_tbf']);
  const results = await measure(Number(values.runs), rate, values.only);
  writeFileSync(join(process.env['OUT'] ?? '.', 'result.json'), JSON.stringify(results));
} else {
  const kernel = values.kernel === '6.1' ? '6.1' : '6.12';
  const args = ['--in-guest', '--runs', values.runs, '--rate', values.rate, '--only', values.only];
  const guest = { kernel, icount: true, timeoutSeconds: 3600 } as const;
  const results = (await inGuest(guest, fileURLToPath(import.meta.url), args)) as Result[];
  const rows = results.map(each => [
    each.name,
    String(each.flows),
    each.mbps.map(one => one.toFixed(1)).join(' '),
    (each.mbps.reduce((sum, one) => sum + one, 0) / each.mbps.length / rate).toFixed(2),
  ]);
  console.log(`\nLinks of ${rate} Mbit/s.\n${table(['bond', 'TCP flows', 'Mbit/s', 'links'], rows)}`);
}
