// How long a gateway's event loop stands still while the flows of a line are ended in a long connection tracking table, by the thread of
// its own and, for comparison, by the loop itself.
//
//   npm run bench:flush [-- --flows 100000]
import { parseArgs } from 'node:util';
import { FlowFlusher } from '#gateway';
import {
  createNamedNetns,
  deleteNamedNetns,
  flushFlows,
  openNetfilter,
  type Rtnetlink,
  withNetns,
} from '#linux';
import { newFlow } from '#netlink';
import { table } from './table.js';

const { values } = parseArgs({ options: { flows: { type: 'string', default: '100000' } } });
const FLOWS = Number(values.flows);
const MASK = 0x3f00_0000;
const LINE_MARK = 0x0100_0000;
const PORTS = 50_000;
const AF_INET = 2;

/** Half of the flows belong to line 1. */
function fill(netfilter: Rtnetlink): void {
  for (let from = 0; from < FLOWS; from += 1000) {
    const requests = Array.from({ length: Math.min(1000, FLOWS - from) }, (_, place) => {
      const number = from + place;
      return {
        ...newFlow({
          source: Uint8Array.of(10, 0, 0, 1 + Math.floor(number / PORTS)),
          destination: Uint8Array.of(192, 0, 2, 1),
          sourcePort: 1000 + (number % PORTS),
          destinationPort: 53,
          protocol: 17,
          mark: LINE_MARK * (1 + (number % 2)),
          seconds: 3600,
        }),
        target: 'flow',
      };
    });
    const failed = netfilter.requestAll(requests).find(error => error !== undefined);
    if (failed !== undefined) throw failed;
  }
}

/** Runs `act` and gives its result, how long it took and the longest time in which the event loop did nothing else. */
async function watched<T>(act: () => T | Promise<T>): Promise<{ result: T; ms: number; gapMs: number }> {
  let last = performance.now();
  let gapMs = 0;
  const look = (): void => {
    const now = performance.now();
    gapMs = Math.max(gapMs, now - last);
    last = now;
  };
  const timer = setInterval(look, 1);
  await new Promise(resolve => setTimeout(resolve, 200));
  gapMs = 0;
  const start = performance.now();
  const result = await act();
  const ms = performance.now() - start;
  look();
  clearInterval(timer);
  return { result, ms, gapMs };
}

function row(what: string, { ms, gapMs }: { ms: number; gapMs: number }, ended: unknown): string[] {
  return [what, String(ended), ms.toFixed(1), gapMs.toFixed(1)];
}

const name = `bw${process.pid}f`;
const path = createNamedNetns(name);
const netfilter = withNetns(path, () => openNetfilter());
const flusher = withNetns(path, () => new FlowFlusher(MASK, { failed: sentence => console.error(sentence) }));
try {
  flusher.start();
  const idle = await watched(() => new Promise(resolve => setTimeout(resolve, 200)));
  fill(netfilter);
  const apart = await watched(() => flusher.flush(1, 'ipv4', 'all'));
  flusher.spare(1, 'ipv4');
  withNetns(path, () => flushFlows(netfilter, { family: AF_INET, mark: 0, mask: 0 }, 'all'));
  fill(netfilter);
  const filter = { family: AF_INET, mark: LINE_MARK, mask: MASK };
  const inLoop = await watched(() => withNetns(path, () => flushFlows(netfilter, filter, 'all')));
  console.log(
    table(
      ['', 'ended', 'took ms', 'loop stood still ms'],
      [
        row('nothing', idle, ''),
        row(`${FLOWS} flows, in the thread`, apart, apart.result),
        row(`${FLOWS} flows, in the loop`, inLoop, inLoop.result),
      ],
    ),
  );
} finally {
  await flusher.close();
  netfilter.close();
  deleteNamedNetns(name);
}
