// What the death of a member costs a client in balance-alb: two clients that send to the host by different members, and the cable of the
// member that is not the active one is cut. Measured is what the client of that member sends and nobody gets, as time. On this
// machine with both data planes, and in a guest beside the kernel driver's bond, by the same meter.
//
//   npm run bench:alb-deaths [-- --rounds N] [--only here,6.12,6.1] [--contenders ebpf,userspace,driver] [--json FILE]
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cleanStale, Lab, type PlaceName, startMeter } from '#lab';
import { median } from './arithmetic.js';
import { bondwire, type Contender, driver } from './contenders.js';
import { inGuest } from './guest.js';
import { table } from './table.js';

type Name = 'ebpf' | 'userspace' | 'driver';
const NAMES: readonly Name[] = ['ebpf', 'userspace', 'driver'];

interface Round {
  readonly kernel: string;
  readonly contender: Name;
  /** Packets that were sent and never came, as the time in which so many are sent. */
  readonly lostMs: number;
  /** From the first of them to the last: until the client's traffic is right again. */
  readonly rightAfterMs: number;
  readonly doubled: number;
}

/** Packets a second. Fewer in a guest, which is ten times slower. */
const RATE_HERE = 1000;
const RATE_IN_GUEST = 250;
/** The second client is the switch itself: its bridge has an address, and a table of neighbours of its own. */
const SECOND = '10.9.0.3';
/** Of the first packets: the meter's own processes need a moment to get up to speed. */
const WARM_UP_MS = 700;
/** After the death: the driver tells clients after two seconds. */
const WATCH_MS = 3500;
const PATIENCE_MS = 120_000;
const CLIENTS: readonly PlaceName[] = ['peer', 'switch'];

function contenderOf(name: Name): Contender {
  return name === 'driver' ? driver('mode=balance-alb') : bondwire('mode=balance-alb', `data_plane=${name}`);
}

function delay(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

async function until<T>(what: string, look: () => Promise<T | null>): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const seen = await look();
    if (seen !== null) return seen;
    if (performance.now() > deadline) throw new Error(`It did not happen: ${what}`);
    await delay(50);
  }
}

const mac = (lab: Lab, name: string): string => lab.link('host', name)?.address ?? '';

/** The MAC address that a client has for the host. */
async function known(lab: Lab, client: PlaceName): Promise<string | undefined> {
  const { stdout } = await lab.exec(client, ['ip', '-4', 'neigh', 'show', lab.hostIp]);
  return /lladdr (\S+)/.exec(stdout)?.[1];
}

/** The client that sends to this member, once each member has one. */
function clientOf(lab: Lab, member: string): Promise<PlaceName> {
  return until('each member has a client', async () => {
    const have = await Promise.all(CLIENTS.map(client => known(lab, client)));
    if (!lab.members.every(name => have.includes(mac(lab, name)))) return null;
    return CLIENTS[have.indexOf(mac(lab, member))] ?? null;
  });
}

async function once(lab: Lab, kernel: string, contender: Name, rate: number): Promise<Round> {
  const dying = 'eth1';
  const client = await clientOf(lab, dying);
  const meter = await startMeter({
    from: argv => lab.spawn(client, argv),
    to: argv => lab.spawn('host', argv),
    address: lab.hostIp,
    rate,
    seconds: 0,
  });
  await until('packets come', () =>
    Promise.resolve(meter.progress.received > (WARM_UP_MS * rate) / 1000 ? true : null),
  );
  // It still is the client of this member: a table that was dealt anew meanwhile would be measured as no loss.
  if ((await known(lab, client)) !== mac(lab, dying)) {
    meter.stop();
    await meter.done;
    return once(lab, kernel, contender, rate);
  }
  const at = meter.progress.sent;
  // Cuts come at any point of the monitor's interval.
  await delay(Math.random() * 100);
  lab.cut(dying);
  await delay(WATCH_MS);
  meter.stop();
  const report = await meter.done;
  lab.restore(dying);
  const runs = report.lostRuns.filter(({ first, count }) => first + count > at);
  const lost = runs.reduce((sum, { count }) => sum + count, 0);
  const [first, last] = [runs[0], runs.at(-1)];
  const span = first === undefined || last === undefined ? 0 : last.first + last.count - first.first;
  const perMs = rate / 1000;
  return {
    kernel,
    contender,
    lostMs: lost / perMs,
    rightAfterMs: span / perMs,
    doubled: report.doubled,
  };
}

async function measure(
  names: readonly Name[],
  kernel: string,
  { rounds, rate }: { rounds: number; rate: number },
): Promise<Round[]> {
  const results: Round[] = [];
  for (const name of names) {
    const lab = await Lab.create();
    const contender = contenderOf(name);
    try {
      lab.addAddress('switch', 'sw0', `${SECOND}/24`);
      await contender.setUp(lab);
      try {
        for (const address of [lab.peerIp, SECOND])
          await until(`${address} answers`, async () => {
            const { status } = await lab.exec('host', ['ping', '-c', '1', '-W', '1', address]);
            return status === 0 ? true : null;
          });
        for (let round = 0; round < rounds; round++) {
          const result = await once(lab, kernel, name, rate);
          results.push(result);
          console.log(`${kernel}  ${name}  ${result.lostMs} ms lost, right after ${result.rightAfterMs} ms`);
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

function summary(results: readonly Round[]): string {
  const keys = [...new Set(results.map(({ kernel, contender }) => `${kernel}\t${contender}`))];
  const rows = keys.map(key => {
    const rounds = results.filter(({ kernel, contender }) => `${kernel}\t${contender}` === key);
    const lost = rounds.map(({ lostMs }) => lostMs);
    const spans = rounds.map(({ rightAfterMs }) => rightAfterMs);
    const doubled = rounds.reduce((sum, round) => sum + round.doubled, 0);
    const [kernel = '', contender = ''] = key.split('\t');
    const figures = [
      rounds.length,
      median(lost),
      Math.max(...lost),
      median(spans),
      Math.max(...spans),
      doubled,
    ];
    return [kernel, contender].concat(figures.map(String));
  });
  const head = [
    'kernel',
    'bond',
    'rounds',
    'lost ms, median',
    'longest',
    'right after ms, median',
    'longest',
    'doubled',
  ];
  return table(head, rows);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '12' },
      only: { type: 'string', default: 'here,6.12' },
      contenders: { type: 'string', default: NAMES.join(',') },
      json: { type: 'string' },
      'in-guest': { type: 'boolean', default: false },
    },
  });
  const rounds = Number(values.rounds);
  const chosen = NAMES.filter(name => values.contenders.split(',').includes(name));
  if (values['in-guest']) {
    const results = await measure(chosen, process.env['BONDWIRE_GUEST'] ?? 'guest', {
      rounds,
      rate: RATE_IN_GUEST,
    });
    writeFileSync(join(process.env['OUT'] ?? '.', 'result.json'), JSON.stringify(results));
    return;
  }
  cleanStale();
  const results: Round[] = [];
  for (const where of values.only.split(',')) {
    if (where === 'here') {
      // This machine's kernel need not have the driver.
      results.push(
        ...(await measure(
          chosen.filter(name => name !== 'driver'),
          'this',
          { rounds, rate: RATE_HERE },
        )),
      );
    } else if (where === '6.12' || where === '6.1') {
      const guest = { kernel: where, icount: true, timeoutSeconds: 3600 } as const;
      const args = [
        '--in-guest',
        '--rounds',
        values.rounds,
        '--contenders',
        chosen.filter(name => name === 'driver').join(),
      ];
      results.push(...((await inGuest(guest, fileURLToPath(import.meta.url), args)) as Round[]));
    } else {
      throw new Error(`There is no place ${where}; there are here, 6.12 and 6.1`);
    }
  }
  console.log(`\n${summary(results)}`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
}

await main();
