// The user-space data plane under more than it can carry (is every lost frame counted, does memory stay bounded, does the daemon
// still answer), below that (is nothing lost), and when the active member's cable is cut.
import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { Lab, type Meter, type MeterReport, reportLine, startMeter } from '#lab';
import { bondwire, type Contender } from './contenders.js';
import { table } from './table.js';
import { untilSent } from './until-sent.js';

/** Clock ticks of /proc/PID/stat are hundredths of a second on every architecture that Linux has now. */
const TICK_US = 10_000;
const ASK_EVERY_MS = 50;
const BELOW_RATES = [20_000, 50_000] as const;
const CUT_RATES = [1000, 20_000] as const;
const CUT_SECONDS = 3;
const NEAR_MS = 150;

interface LoadResult {
  readonly what: string;
  readonly sentKpps: number;
  /** Frames that went into the bond, and what became of them on the host. */
  readonly entered: number;
  readonly left: number;
  readonly counted: number;
  readonly lostPercent: number;
  readonly residentMiB: { readonly before: number; readonly most: number };
  /** `mostByDaemon`: the longest without the time that the asking process itself waited for a processor. */
  readonly answersMs: { readonly median: number; readonly most: number; readonly mostByDaemon: number };
  readonly commandMs: number;
  /** Microseconds a frame of the forwarding thread: in programs, and in the kernel on its behalf. */
  readonly userUs: number;
  readonly kernelUs: number;
}

interface CutResult {
  readonly rate: number;
  readonly report: MeterReport;
  /** Packets lost within NEAR_MS of the cut or of its end. */
  readonly lostNear: number;
  /** Frames that the cut member's device dropped: what its cable did not deliver, and what it refused and was sent again. */
  readonly inCable: number;
  /** Frames that the data plane itself lost and counted. */
  readonly counted: number;
}

function delay(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

/** Waits until the host reaches the peer: a port of the switch learns to forward a moment after its carrier is there. */
export async function reached(lab: Lab): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    const { status } = await lab.exec('host', ['ping', '-c', '1', '-W', '1', lab.peerIp]);
    if (status === 0) return;
  }
  throw new Error('The peer is not reached');
}

/** A bond on the user-space data plane, its daemon, and what can be asked of both. */
class Subject {
  readonly lab: Lab;
  readonly contender: Contender;
  readonly pid: number;
  readonly runDir: string;

  private constructor(lab: Lab, contender: Contender) {
    const { pid, runDir } = contender.daemon?.() ?? {};
    if (pid === undefined || runDir === undefined) throw new Error('There is no daemon');
    this.lab = lab;
    this.contender = contender;
    this.pid = pid;
    this.runDir = runDir;
  }

  static async with<T>(work: (subject: Subject) => Promise<T>): Promise<T> {
    const lab = await Lab.create();
    const contender = bondwire('data_plane=userspace');
    try {
      await contender.setUp(lab);
      try {
        const subject = new Subject(lab, contender);
        await reached(lab);
        return await work(subject);
      } finally {
        await contender.tearDown(lab);
      }
    } finally {
      lab.close();
    }
  }

  /** The answer to `GET /v1/bonds/bond0`, and how long it took. */
  show(): Promise<{ readonly text: string; readonly ms: number }> {
    const start = performance.now();
    return new Promise((resolve, reject) => {
      const asked = request(
        { socketPath: `${this.runDir}/control.sock`, path: '/v1/bonds/bond0' },
        answer => {
          let text = '';
          answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
          answer.once('end', () => resolve({ text, ms: performance.now() - start }));
        },
      );
      asked.once('error', reject);
      asked.end();
    });
  }

  /** Frames that the data plane lost and says so: rings full, members busy, and so on. */
  async counted(): Promise<number> {
    const { text } = await this.show();
    const detail = /"dataPlaneDetail":\s*"([^"]*)"/.exec(text)?.[1];
    if (detail === undefined) throw new Error(`bond0 was not shown: ${text}`);
    return Array.from(detail.matchAll(/(\d+) frames/g)).reduce((sum, [, count]) => sum + Number(count), 0);
  }

  packets(name: string, direction: 'rx' | 'tx'): number {
    const statistics = this.lab.link('host', name)?.statistics;
    return (direction === 'tx' ? statistics?.txPackets : statistics?.rxPackets) ?? 0;
  }

  /** Frames that a member's device took and could not deliver (tx_dropped). */
  async undelivered(member: string): Promise<number> {
    const { stdout } = await this.lab.exec('host', ['ip', '-j', '-s', 'link', 'show', 'dev', member]);
    const [link] = JSON.parse(stdout) as { stats64?: { tx?: { dropped?: number } } }[];
    return link?.stats64?.tx?.dropped ?? 0;
  }

  stream(rate: number, out: boolean): Promise<Meter> {
    const [from, to] = out ? (['host', 'peer'] as const) : (['peer', 'host'] as const);
    return startMeter({
      from: argv => this.lab.spawn(from, argv),
      to: argv => this.lab.spawn(to, argv),
      address: out ? this.lab.peerIp : this.lab.hostIp,
      rate,
      seconds: 0,
    });
  }
}

/** Memory of a process that is its own and in use, in MiB: the rings are not among it, they are the kernel's. */
function residentMiB(pid: number): number {
  const [, kib = '0'] = /^RssAnon:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1024;
}

/** Milliseconds that this thread was ready to run and did not, as others had the processors. */
function waitedMs(): number {
  const [, waitedNs = 0] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8')
    .split(' ')
    .map(Number);
  return waitedNs / 1e6;
}

/** Ticks in programs and in the kernel, by thread. */
function threadTimes(pid: number): Map<string, readonly [number, number]> {
  const times = new Map<string, readonly [number, number]>();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    times.set(thread, [Number(fields[11]), Number(fields[12])]);
  }
  return times;
}

/** What the thread that did most used between two looks: the forwarding worker. */
function busiest(
  before: ReadonlyMap<string, readonly [number, number]>,
  after: ReadonlyMap<string, readonly [number, number]>,
): readonly [number, number] {
  let most: readonly [number, number] = [0, 0];
  for (const [thread, [user, kernel]] of after) {
    const [userBefore, kernelBefore] = before.get(thread) ?? [0, 0];
    const used = [user - userBefore, kernel - kernelBefore] as const;
    if (used[0] + used[1] > most[0] + most[1]) most = used;
  }
  return most;
}

async function loaded(subject: Subject, what: string, rate: number, out: boolean, seconds: number) {
  const enters = (): number =>
    out ? subject.packets('bond0', 'tx') : subject.packets('eth0', 'rx') + subject.packets('eth1', 'rx');
  const leaves = (): number =>
    out ? subject.packets('eth0', 'tx') + subject.packets('eth1', 'tx') : subject.packets('bond0', 'rx');
  const start = { entered: enters(), left: leaves(), counted: await subject.counted() };
  const before = residentMiB(subject.pid);
  const times = threadTimes(subject.pid);
  const meter = await subject.stream(rate, out);
  const over = new AbortController();
  const answers: number[] = [];
  let mostByDaemon = 0;
  let most = before;
  const watch = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const waited = waitedMs();
      const { ms } = await subject.show();
      answers.push(ms);
      mostByDaemon = Math.max(mostByDaemon, ms - (waitedMs() - waited));
      most = Math.max(most, residentMiB(subject.pid));
      await delay(ASK_EVERY_MS);
    }
  };
  const watching = watch();
  await delay(seconds * 500);
  const asked = performance.now();
  await subject.contender.active(subject.lab);
  const commandMs = performance.now() - asked;
  await delay(seconds * 500);
  meter.stop();
  const report = await meter.done;
  over.abort();
  await watching;
  // What still waits in rings.
  await delay(200);
  const [userTicks, kernelTicks] = busiest(times, threadTimes(subject.pid));
  const left = leaves() - start.left;
  answers.sort((a, b) => a - b);
  return {
    what,
    sentKpps: report.sent / report.sendingMs,
    entered: enters() - start.entered,
    left,
    counted: (await subject.counted()) - start.counted,
    lostPercent: (100 * (report.lost - report.overflowed)) / report.sent,
    residentMiB: { before, most },
    answersMs: {
      median: answers[Math.floor(answers.length / 2)] ?? 0,
      most: answers.at(-1) ?? 0,
      mostByDaemon,
    },
    commandMs,
    userUs: (userTicks * TICK_US) / left,
    kernelUs: (kernelTicks * TICK_US) / left,
  } satisfies LoadResult;
}

/** Steady streams that it can carry, and more than it can, each way. */
export function measureLoad(seconds: number): Promise<LoadResult[]> {
  return Subject.with(async subject => {
    const results: LoadResult[] = [];
    for (const out of [true, false]) {
      const way = out ? 'out' : 'in';
      for (const rate of [...BELOW_RATES, 2_000_000]) {
        const name = rate > 1_000_000 ? 'as fast as can be' : `${rate / 1000} kpps`;
        const result = await loaded(subject, `${name}, ${way}`, rate, out, seconds);
        results.push(result);
        console.log(`${result.what}: ${JSON.stringify(result)}`);
      }
    }
    return results;
  });
}

export function loadReport(results: readonly LoadResult[]): string {
  const head = [
    'stream',
    'sent kpps',
    'lost %',
    'into the bond',
    'out of it',
    'counted as lost',
    'unaccounted',
    'memory MiB',
    'answer ms',
    'most',
    'by daemon',
    'command ms',
    'us/frame in JS',
    'in kernel',
  ];
  const rows = results.map(one => [
    one.what,
    one.sentKpps.toFixed(1),
    one.lostPercent.toFixed(3),
    String(one.entered),
    String(one.left),
    String(one.counted),
    String(one.entered - one.left - one.counted),
    `${one.residentMiB.before.toFixed(0)}, most ${one.residentMiB.most.toFixed(0)}`,
    one.answersMs.median.toFixed(1),
    one.answersMs.most.toFixed(1),
    one.answersMs.mostByDaemon.toFixed(1),
    one.commandMs.toFixed(0),
    one.userUs.toFixed(2),
    one.kernelUs.toFixed(2),
  ]);
  return `Under load\n${table(head, rows)}`;
}

/** Milliseconds since the stream began. */
function sinceStart(meter: Meter): number {
  return performance.timeOrigin + performance.now() - (meter.startedAt ?? Number.NaN);
}

/** The active member's cable is cut a third through a stream, and plugged in again after two thirds. */
export async function measureCuts(runs: number): Promise<CutResult[]> {
  const results: CutResult[] = [];
  for (const rate of CUT_RATES) {
    await Subject.with(async subject => {
      for (let run = 0; run < runs; run++) {
        const active = await subject.contender.active(subject.lab);
        if (active === null) throw new Error('No member is active before the cut');
        const dropped = await subject.undelivered(active);
        const countedBefore = await subject.counted();
        const meter = await subject.stream(rate, true);
        await untilSent(meter, (rate * CUT_SECONDS) / 3);
        const cutMs = sinceStart(meter);
        subject.lab.cut(active);
        await untilSent(meter, (rate * CUT_SECONDS * 2) / 3);
        const restoredMs = sinceStart(meter);
        subject.lab.restore(active);
        await untilSent(meter, rate * CUT_SECONDS);
        meter.stop();
        const report = await meter.done;
        if ((await subject.contender.active(subject.lab)) === active) {
          throw new Error(`${active} is still the active member although its cable was cut`);
        }
        const inCable = (await subject.undelivered(active)) - dropped;
        const counted = (await subject.counted()) - countedBefore;
        const lostNear = report.lostRuns
          .filter(({ first }) =>
            [cutMs, restoredMs].some(at => Math.abs((1000 * first) / rate - at) < NEAR_MS),
          )
          .reduce((sum, { count }) => sum + count, 0);
        results.push({ rate, report, lostNear, inCable, counted });
        console.log(
          `user space, ${rate}/s, cut: ${reportLine(report)}; of it near the cut ${lostNear}; dropped by the member ${inCable}; counted ${counted}`,
        );
        await delay(500);
      }
    });
  }
  return results;
}

export function cutReport(results: readonly CutResult[]): string {
  const head = [
    'rate',
    'sent',
    'lost',
    'near the cut',
    'dropped by the cut member',
    'counted by the bond',
    'refused',
    'doubled',
    'longest gap ms',
  ];
  const rows = CUT_RATES.map(rate => {
    const mine = results.filter(result => result.rate === rate);
    const list = (pick: (result: CutResult) => number): string =>
      mine.map(result => String(Math.round(pick(result) * 10) / 10)).join(' ');
    return [
      String(rate),
      list(result => result.report.sent),
      list(result => result.report.lost),
      list(result => result.lostNear),
      list(result => result.inCable),
      list(result => result.counted),
      list(result => result.report.refused),
      list(result => result.report.doubled),
      list(result => result.report.longestGapMs),
    ];
  });
  return `The active member's cable is cut under a stream\n${table(head, rows)}`;
}
