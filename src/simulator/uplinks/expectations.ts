// Whether a simulated uplink did what its file expects. (simulator)
import type { Expectation, UplinkScenario } from './scenario.js';
import type { SimulatedUplink } from './simulate.js';

/** Sentences, one for each expectation that was not kept. */
export function unmetOfUplink({ expect, lengthMs }: UplinkScenario, simulated: SimulatedUplink): string[] {
  return expect.flatMap(each => unmet(each, simulated, lengthMs));
}

function unmet(each: Expectation, simulated: SimulatedUplink, lengthMs: number): string[] {
  if ('selected' in each) {
    const { atMs, family = 'ipv4', selected } = each;
    const last = simulated.selections.findLast(one => one.family === family && one.atMs <= atMs);
    const line = last?.line ?? null;
    return line === selected
      ? []
      : [`selected (${family}): is ${line ?? 'none'} at ${atMs} ms, expected ${selected ?? 'none'}`];
  }
  if ('traffic' in each) return unmetOfTraffic(each, simulated);
  const { event, cause, to, sinceMs = 0, untilMs = lengthMs, atLeast = 0 } = each;
  const { atMost = Number.POSITIVE_INFINITY } = each;
  const count = simulated.told.filter(
    told =>
      told.event.kind === event &&
      (cause === undefined || told.event.cause === cause) &&
      (to === undefined || told.event.to === to) &&
      told.atMs >= sinceMs &&
      told.atMs <= untilMs,
  ).length;
  if (count >= atLeast && count <= atMost) return [];
  const which = [event, ...(cause === undefined ? [] : [cause]), ...(to === undefined ? [] : [`to ${to}`])];
  const wanted = count < atLeast ? `at least ${atLeast}` : `at most ${atMost}`;
  return [`events ${which.join(' ')}: ${count} from ${sinceMs} to ${untilMs} ms, expected ${wanted}`];
}

function unmetOfTraffic(
  each: Extract<Expectation, { traffic: string }>,
  simulated: SimulatedUplink,
): string[] {
  const totals = simulated.traffic.find(({ name }) => name === each.traffic);
  if (totals === undefined) return [`there was no traffic ${each.traffic}`];
  const limits = [
    ['lost', totals.lost, each.lostAtMost],
    ['connections ended', totals.ended, each.endedAtMost],
    ['longest gap in ms', totals.longestGapMs, each.longestGapAtMostMs],
  ] as const;
  return limits.flatMap(([what, is, most]) =>
    most !== undefined && is > most ? [`${each.traffic} ${what}: is ${is}, expected at most ${most}`] : [],
  );
}
