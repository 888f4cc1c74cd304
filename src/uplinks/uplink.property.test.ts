// Random lives of an uplink: what always holds, that it is deterministic, and that saving and restoring changes nothing.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UplinkChecker } from './checkers.js';
import type { Family, ProbeFailure, TimeMs, UplinkInput, UplinkOutput } from './contract.js';
import type { UplinkSettings } from './settings.js';
import { lineOf, pathOf, settingsOf } from './testing.js';
import { Uplink } from './uplink.js';

const LINES = [1, 2, 3] as const;

/** How a line treats questions until it is told otherwise. */
interface Weather {
  readonly line: number;
  readonly family: Family;
  /** Null: nothing comes back. */
  readonly rttMs: number | null;
  /** Every so many questions is lost; 0: none is. */
  readonly losesEach: number;
  readonly app: ProbeFailure | 'good';
}

type Step = { readonly waitMs: TimeMs } & ({ readonly input: UplinkInput } | { readonly weather: Weather });

const line = fc.constantFrom(...LINES);
const family = fc.constantFrom('ipv4' as const, 'ipv6' as const);
const forMs = fc.constantFrom(null, 1000, 20_000);

const input: fc.Arbitrary<UplinkInput> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ line, state: fc.constantFrom('on', 'on', 'on', 'off', 'none') }).map(
      ({ line, state }): UplinkInput => ({
        kind: 'device',
        line,
        device: state === 'none' ? null : { ifindex: line + 100, carrier: state === 'on' },
      }),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.record({ line, family, host: fc.integer({ min: 0, max: 3 }) }).map(
      ({ line, family, host }): UplinkInput => ({
        kind: 'path',
        line,
        family,
        path: host === 0 ? null : pathOf(family, host + 20),
      }),
    ),
  },
  {
    weight: 2,
    arbitrary: fc
      .oneof(
        fc.record({ kind: fc.constant('use' as const), line, forMs }),
        fc.record({ kind: fc.constant('drain' as const), line, forMs }),
        fc.record({ kind: fc.constant('release' as const) }),
        fc.record({ kind: fc.constant('refill' as const), line }),
      )
      .map((wish): UplinkInput => ({ kind: 'operator', wish })),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('traffic' as const), line, family }) },
  {
    weight: 1,
    arbitrary: fc
      .record({ line, received: fc.integer({ min: 0, max: 2000 }) })
      .map(({ line, received }): UplinkInput => ({ kind: 'bytes', line, received, sent: 0 })),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('late' as const), byMs: fc.constantFrom(200, 5000) }),
  },
  {
    weight: 1,
    arbitrary: fc
      .integer({ min: 0, max: 400 })
      .map((hours): UplinkInput => ({ kind: 'calendar', wallMs: hours * 3_600_000, offsetMs: 0 })),
  },
);

const weather: fc.Arbitrary<Weather> = fc.record({
  line,
  family,
  rttMs: fc.constantFrom(5, 20, 20, 80, 700, null, null),
  losesEach: fc.constantFrom(0, 0, 0, 2, 3, 10),
  app: fc.constantFrom('good', 'good', 'timeout', 'redirected', 'wrong'),
});

const waitMs = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(0, 1, 40, 300, 700, 900, 3000) },
  { weight: 1, arbitrary: fc.constantFrom(12_000, 40_000, 70_000) },
);
const life: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(fc.record({ waitMs, input }), fc.record({ waitMs, weather })),
  { maxLength: 24 },
);

const settings: fc.Arbitrary<UplinkSettings> = fc
  .record({
    metered: fc.constantFrom(0, 0, 1, 3),
    mode: fc.constantFrom('failover' as const, 'failover' as const, 'share' as const),
    home: fc.constantFrom({ afterMs: 5000, at: null }, { afterMs: 30_000, at: 90 }, null),
    keep: fc.boolean(),
  })
  .map(({ metered, mode, home, keep }) => {
    const lines = LINES.map(at =>
      lineOf(`line${at}`, {
        metered: at === metered,
        budget: at === metered ? { bytes: 1000, resetDay: 5 } : null,
        dns: ['192.0.2.53', '2001:db8::53'],
        http: at === 1 ? { url: 'http://192.0.2.80/x', status: 200, body: 'y' } : null,
      }),
    );
    const rules = [
      ...(keep
        ? [
            {
              match: { destinationPorts: [22, 22] as const },
              otherwise: 'selected' as const,
              keepTcpMs: 3000,
            },
          ]
        : []),
      { match: { from: '10.0.0.1/32' }, use: ['line2', 'line1'], otherwise: 'drop' as const },
    ];
    return settingsOf(lines, { mode, return: home, rules });
  });

/** What was put out, at which time. */
interface Put {
  readonly atMs: TimeMs;
  readonly output: UplinkOutput;
}

/**
 * Plays a life: answers come as the weather says, deadlines are kept. With `restartMs` the uplink is saved and restored after every step,
 * each time on a clock that stands so much later.
 */
function play(
  settings: UplinkSettings,
  steps: readonly Step[],
  after: (uplink: Uplink, input: UplinkInput, outputs: readonly UplinkOutput[], now: TimeMs) => void,
  restartMs: TimeMs | null = null,
): Put[] {
  let uplink = new Uplink();
  let now = 1000;
  /** How much later the clock of the uplink stands. */
  let ahead = 0;
  const put: Put[] = [];
  const weathers = new Map<string, Weather>();
  let coming: { atMs: TimeMs; input: UplinkInput }[] = [];
  const feed = (input: UplinkInput): void => {
    uplink.handle(input, now + ahead);
    const outputs = uplink.outputs();
    after(uplink, input, outputs, now + ahead);
    for (const output of outputs) {
      put.push({ atMs: now, output });
      if (output.kind === 'probe') coming.push(...answersTo(output.probe, weathers, now));
      if (output.kind === 'steer') coming.push({ atMs: now + 1, input: { kind: 'steered' } });
      if (output.kind === 'flush')
        coming.push({ atMs: now + 2, input: { kind: 'flushed', flush: output.flush, ended: 2 } });
    }
  };
  const pass = (until: TimeMs): void => {
    for (;;) {
      const next = coming.reduce<(typeof coming)[number] | undefined>(
        (first, each) => (first === undefined || each.atMs < first.atMs ? each : first),
        undefined,
      );
      const due = (uplink.deadline() ?? Number.POSITIVE_INFINITY) - ahead;
      const at = Math.min(due, next?.atMs ?? Number.POSITIVE_INFINITY);
      if (at > until) break;
      now = Math.max(now, at);
      if (next !== undefined && next.atMs <= due) {
        coming = coming.filter(each => each !== next);
        feed(next.input);
      } else feed({ kind: 'time' });
    }
    now = until;
  };
  feed({ kind: 'settings', settings });
  for (const at of LINES) {
    feed({ kind: 'device', line: at, device: { ifindex: at + 100, carrier: true } });
    for (const of of ['ipv4', 'ipv6'] as const)
      feed({ kind: 'path', line: at, family: of, path: pathOf(of, at + 10) });
  }
  pass(now + 1000);
  for (const step of steps) {
    if ('weather' in step) weathers.set(`${step.weather.line} ${step.weather.family}`, step.weather);
    else feed(step.input);
    if (restartMs !== null) {
      const paper: unknown = JSON.parse(JSON.stringify(uplink.save(now + ahead)));
      ahead += restartMs;
      uplink = Uplink.restore(paper, now + ahead);
    }
    pass(now + step.waitMs);
  }
  return put;
}

function answersTo(
  probe: Extract<UplinkOutput, { kind: 'probe' }>['probe'],
  weathers: ReadonlyMap<string, Weather>,
  now: TimeMs,
): { atMs: TimeMs; input: UplinkInput }[] {
  const { rttMs, losesEach, app } = weathers.get(`${probe.line} ${probe.family}`) ?? {
    rttMs: 20,
    losesEach: 0,
    app: 'good',
  };
  const fails = (why: ProbeFailure, afterMs: TimeMs): { atMs: TimeMs; input: UplinkInput }[] =>
    probe.kind === 'ping' ? [] : [{ atMs: now + afterMs, input: { kind: 'failed', probe: probe.id, why } }];
  if (rttMs === null || (losesEach > 0 && probe.id % losesEach === 0))
    return fails('timeout', probe.timeoutMs);
  if ((probe.kind === 'dns' || probe.kind === 'http') && app !== 'good') return fails(app, rttMs);
  return [{ atMs: now + rttMs, input: { kind: 'answered', probe: probe.id, rttMs } }];
}

describe('Uplink in random lives', () => {
  it('keeps what always holds', () => {
    fc.assert(
      fc.property(settings, life, (settings, steps) => {
        const checker = new UplinkChecker();
        play(settings, steps, (uplink, input, outputs, now) => {
          // Most answers change nothing; what follows of time is found at the next tick.
          if (input.kind === 'answered' && outputs.length === 0) return;
          const problems = checker.check(uplink, input, outputs, now);
          if (problems.length > 0) throw new Error(problems.join('; '));
        });
      }),
      { numRuns: 30 },
    );
  });

  it('gives the same outputs for the same inputs', () => {
    fc.assert(
      fc.property(settings, life, (settings, steps) => {
        expect(play(settings, steps, () => {})).toEqual(play(settings, steps, () => {}));
      }),
      { numRuns: 3 },
    );
  });

  it('goes on the same when it is saved and restored at any moment, on a clock of another start', () => {
    fc.assert(
      fc.property(settings, life, (settings, steps) => {
        const plain = play(settings, steps, () => {});
        expect(play(settings, steps, () => {}, 77_777)).toEqual(plain);
      }),
      { numRuns: 8 },
    );
  });

  it('has words for every state', () => {
    fc.assert(
      fc.property(settings, life, (settings, steps) => {
        play(settings, steps, (uplink, _input, outputs, now) => {
          if (!outputs.some(({ kind }) => kind === 'event')) return;
          const texts = [...uplink.explain(now), JSON.stringify(uplink.snapshot(now))];
          expect(texts.filter(text => /undefined|NaN|Infinity/.test(text))).toEqual([]);
        });
      }),
      { numRuns: 3 },
    );
  });
});
