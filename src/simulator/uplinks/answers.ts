// What becomes of the questions that an uplink asks through its lines: each leaves by its own line, whatever is selected. (simulator)
import type { Probe, UplinkInput } from '../../uplinks/index.js';
import type { Clock } from '../clock.js';
import type { Random } from '../random.js';
import type { SimulatedLine } from './line.js';

const BYTES = 60;
const ROUTER_MS = 1;

/** How answers to a question of this kind look, where the line carries it. */
function answerOf({ kind }: Probe, line: SimulatedLine): 'good' | 'redirected' | 'none' {
  if (kind === 'http' && line.isPortal) return 'redirected';
  return kind === 'dns' && line.isDnsDead ? 'none' : 'good';
}

function isMute({ kind, target, family }: Probe, { spec }: SimulatedLine): boolean {
  const second = family === 'ipv4' ? '9.9.9.9' : '2620:fe::fe';
  return spec.muteTarget === true && kind === 'ping' && target === second;
}

/** Asks; the answer is fed when it comes, its absence when the time is over. */
export function askLine(
  probe: Probe,
  line: SimulatedLine,
  clock: Clock,
  random: Random,
  feed: (input: UplinkInput) => void,
): void {
  const askedMs = clock.now;
  const { id, family, kind, timeoutMs } = probe;
  const answered = (): void => feed({ kind: 'answered', probe: id, rttMs: clock.now - askedMs });
  const failed = (why: 'timeout' | 'unsent' | 'redirected'): void => feed({ kind: 'failed', probe: id, why });
  const nothing = (): void => {
    // A ping whose answer is late is heard all the same, and nobody tells of one that never comes.
    if (kind !== 'ping') clock.at(askedMs + timeoutMs, () => failed('timeout'));
  };
  if (line.path(family) === null || !line.carries()) {
    clock.after(ROUTER_MS, () => failed('unsent'));
    return;
  }
  if (kind === 'gateway') {
    if (line.hearsRouter()) clock.after(ROUTER_MS, answered);
    else nothing();
    return;
  }
  line.sent += BYTES;
  const up = line.carry(family, 'up', random, askedMs);
  if (up === null || isMute(probe, line)) {
    nothing();
    return;
  }
  clock.after(up, () => {
    const down = line.carry(family, 'down', random, clock.now);
    const answer = answerOf(probe, line);
    if (down === null || answer === 'none') {
      nothing();
      return;
    }
    clock.after(down, () => {
      if (!line.carries()) {
        nothing();
        return;
      }
      line.received += BYTES;
      if (answer === 'redirected') failed('redirected');
      else answered();
    });
  });
}
