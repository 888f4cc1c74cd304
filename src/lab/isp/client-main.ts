// The meter's process: a client inside that uses the internet in several ways at once, and tells what it gets.
//
//   node dist/lab/isp/client-main.js JSON      in the client's namespace; ends when its standard input is closed
import { monotonicMs, setThreadRealTime } from '../../linux/index.js';
import { type Asker, ExistingTcp, existingUdp, newDns, newHttp, newUdp, type Tell } from './client-flows.js';
import {
  type Family,
  type Flow,
  type Happening,
  INTERVALS,
  type MeterMessage,
  type MeterSettings,
  type Sample,
} from './meter-samples.js';

const PRIORITY = 10;
const TELL_MS = 50;
/** Answers are waited for so long after the last question. */
const LINGER_MS = 1100;

let samples: Sample[] = [];
let happenings: Happening[] = [];
let stallMs = 0;

function write(message: MeterMessage): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function flush(): void {
  if (samples.length === 0 && happenings.length === 0) return;
  write({ kind: 'samples', samples, happenings, stallMs });
  [samples, happenings, stallMs] = [[], [], 0];
}

type Make = (family: Family, to: { readonly echo: string; readonly dns: string }, tell: Tell) => Asker;

const MAKERS: Readonly<Record<Flow, Make>> = {
  'udp-existing': (family, { echo }, tell) => existingUdp(family, echo, tell),
  'udp-new': (family, { echo }, tell) => newUdp(family, echo, tell),
  'tcp-existing': (family, { echo }, tell) =>
    new ExistingTcp(family, echo, tell, happening => happenings.push(happening)),
  'http-new': (family, { echo }, tell) => newHttp(family, echo, tell),
  'dns-new': (family, { dns }, tell) => newDns(family, dns, tell),
};

function askerOf(flow: Flow, family: Family, { echo, dns }: MeterSettings): Asker {
  const tell: Tell = (sentMs, rttMs) => samples.push({ flow, family, sentMs, rttMs });
  return MAKERS[flow](family, { echo: echo[family], dns: dns[family] }, tell);
}

/** Calls `work` at a steady pace; what was missed is left out, and told as a stall. */
function steadily(intervalMs: number, work: () => void): () => void {
  let dueMs = monotonicMs() + intervalMs;
  let timer: NodeJS.Timeout;
  const next = (): void => {
    const nowMs = monotonicMs();
    const lateMs = nowMs - dueMs;
    stallMs = Math.max(stallMs, lateMs);
    dueMs = lateMs > intervalMs ? nowMs + intervalMs : dueMs + intervalMs;
    work();
    timer = setTimeout(next, Math.max(0, dueMs - monotonicMs()));
  };
  timer = setTimeout(next, intervalMs);
  return () => clearTimeout(timer);
}

function run(settings: MeterSettings): void {
  setThreadRealTime(PRIORITY);
  const askers = settings.families.flatMap(family =>
    settings.flows.map(flow => askerOf(flow, family, settings)),
  );
  write({ kind: 'started', atMs: monotonicMs() });
  const stops = askers.map(asker => steadily(INTERVALS[asker.flow], () => asker.ask()));
  const telling = setInterval(flush, TELL_MS);
  const end = (): void => {
    for (const stop of stops.splice(0)) stop();
    setTimeout(() => {
      clearInterval(telling);
      flush();
      for (const asker of askers) asker.close();
    }, LINGER_MS);
  };
  process.stdin.on('end', end).on('error', end).resume();
}

const [text] = process.argv.slice(2);
if (text === undefined) {
  process.stderr.write('Use: client-main.js JSON\n');
  process.exitCode = 2;
} else {
  run(JSON.parse(text) as MeterSettings);
}
