// The demo where no real network can be built: the same story on the simulated one, told at the same pace.
import { simulate, type Scenario, type Told } from '../simulator/index.js';
import { DemoScreen } from './demo-screen.js';
import { type DemoResult, failures, introduction, type LiveView, painter, summary } from './demo-text.js';

export interface SimulatedDemoOptions {
  /** Why it is not a real network: one clause. */
  readonly why: string;
  readonly seconds?: number | undefined;
  readonly keep: boolean;
  readonly colour: boolean;
  readonly write: (text: string) => void;
  readonly interrupted: AbortSignal;
}

const RATE = 1000;
const DEFAULT_SECONDS = 15;
const SHORTEST_SECONDS = 4;
const BOND = 'bond0';
const CUT_AT = 2.5 / 15;
const RESTORE_AT = 8 / 15;
const MEMBERS = ['eth0', 'eth1'] as const;

/** A host with two cables to a switch, a peer, and one cable that is cut and restored. */
function story(lengthMs: number): Scenario {
  const address = '10.9.0.1';
  return {
    version: 1,
    name: 'demo',
    summary: 'The active cable is cut and restored.',
    hosts: [
      {
        name: 'host',
        interfaces: MEMBERS.map(name => ({ name })),
        bonds: [
          {
            name: BOND,
            options: { mode: 'active-backup', miimon: '100' },
            members: MEMBERS,
            addresses: ['10.9.0.2/24'],
          },
        ],
      },
      { name: 'peer', interfaces: [{ name: 'eth0', addresses: [`${address}/24`] }] },
    ],
    switches: [{ name: 'switch' }],
    cables: [
      ...MEMBERS.map((name, i) => ({ a: `host:${name}`, b: `switch:${i + 1}` })),
      { a: 'peer:eth0', b: 'switch:3' },
    ],
    flows: [
      {
        name: 'stream',
        from: 'host',
        to: 'peer',
        address,
        packetsPerSecond: RATE,
        bytes: 64,
        startMs: 0,
        endMs: lengthMs,
      },
    ],
    events: [
      { atMs: Math.round(lengthMs * CUT_AT), do: 'cut', end: 'host:eth0' },
      { atMs: Math.round(lengthMs * RESTORE_AT), do: 'restore', end: 'host:eth0' },
    ],
    observe: { atMs: [], watch: [] },
    expect: [],
    lengthMs,
  };
}

/** Plays it. 0: the bond took over; 1: not; 130: interrupted. */
export async function runSimulatedDemo(options: SimulatedDemoOptions): Promise<number> {
  const paint = painter(options.colour);
  const say = (text: string): void => options.write(`${text}\n`);
  const seconds = Math.max(SHORTEST_SECONDS, options.seconds ?? DEFAULT_SECONDS);
  const lengthMs = seconds * 1000;
  say(paint('bold', `This is a simulated network: ${options.why}.`));
  if (options.keep) say(paint('dim', 'There is nothing to keep of it; --keep is for the real one.'));
  for (const line of introduction((CUT_AT * lengthMs) / 1000, RATE)) say(line);
  say(paint('dim', 'A host with eth0 and eth1 to a switch, and a peer.'));
  say(paint('dim', `${BOND}, active-backup with miimon=100, over eth0 and eth1.`));
  const simulated = simulate(story(lengthMs));
  if (!simulated.ok) throw new Error(simulated.error);
  const { told, flows } = simulated.value;
  const [flow] = flows;
  if (flow === undefined) throw new Error('The simulation has no stream.');
  const [cutMs, restoredMs] = [Math.round(lengthMs * CUT_AT), Math.round(lengthMs * RESTORE_AT)];
  const took = told.find(({ atMs, event }) => event.type === 'failover' && atMs >= cutMs);
  await replay(options, told, lengthMs, flow.lost, [cutMs, restoredMs]);
  if (options.interrupted.aborted) {
    say('Interrupted.');
    return 130;
  }
  const result: DemoResult = {
    sent: flow.sent,
    lost: flow.lost,
    lostWhere: `lost: ${flow.lost} by the bond`,
    refused: 0,
    doubled: flow.duplicated,
    gapAtCutMs: flow.longestGapMs,
    gapElsewhere: null,
    cutMember: 'eth0',
    cutAtS: cutMs / 1000,
    restoredAtS: restoredMs / 1000,
    activeBefore: 'eth0',
    activeWhileCut: took?.event.to ?? null,
    reason: took?.event.reason ?? null,
    noticedMs: took === undefined ? null : took.atMs - cutMs,
    receivedAfterCut: flow.received - Math.floor((cutMs / 1000) * RATE),
    leftBehind: [],
  };
  options.write(`\n${summary(result, paint)}`);
  return failures(result).length === 0 ? 0 : 1;
}

/** Tells the events when they happened, with the state of things between. */
async function replay(
  options: SimulatedDemoOptions,
  told: readonly Told[],
  lengthMs: number,
  lost: number,
  [cutMs, restoredMs]: readonly [number, number],
): Promise<void> {
  const startMs = performance.now();
  const now = (): number => Math.min(lengthMs, performance.now() - startMs);
  let active: string | null = 'eth0';
  const view = (): LiveView => {
    const atMs = now();
    const sent = Math.floor((atMs * RATE) / 1000);
    const lostSoFar = atMs < cutMs ? 0 : lost;
    const isCut = atMs >= cutMs && atMs < restoredMs;
    return {
      atS: atMs / 1000,
      active,
      cut: isCut ? ['eth0'] : [],
      sent,
      received: sent - lostSoFar,
      lost: lostSoFar,
      silentMs: 0,
    };
  };
  const screen = new DemoScreen(options.write, painter(options.colour), process.stdout.isTTY, view);
  const cable = [
    { atMs: cutMs, text: 'The cable of eth0 is cut.' },
    { atMs: restoredMs, text: 'The cable of eth0 is plugged in again.' },
  ];
  screen.event(0, `${RATE} packets a second from the host through ${BOND} to the peer.`, 'bold');
  screen.start();
  const lines = [
    ...cable.map(({ atMs, text }) => ({ atMs, text, style: 'yellow' as const, to: undefined })),
    ...told
      .filter(({ atMs }) => atMs > 0)
      .map(({ atMs, event }) => ({
        atMs,
        text: event.message,
        style: event.type === 'failover' ? ('cyan' as const) : ('dim' as const),
        to: event.type === 'failover' ? event.to : undefined,
      })),
  ].toSorted((a, b) => a.atMs - b.atMs);
  try {
    for (const { atMs, text, style, to } of lines) {
      await pause(atMs - now(), options.interrupted);
      if (options.interrupted.aborted) return;
      if (to !== undefined) active = to;
      screen.event(atMs / 1000, text, style);
    }
    await pause(lengthMs - now(), options.interrupted);
  } finally {
    screen.stop();
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted || ms <= 0) {
      resolve();
      return;
    }
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
