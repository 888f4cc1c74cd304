// Markers: a partner asks whether all that it sent has arrived, and is answered at once (IEEE 802.1AX-2008 §5.5).
import { MARKER_TLV, markerResponse, type SlowFrame } from '../../frames/index.js';
import { isQuirky, type LacpPort, type LacpRun, memberOfPort } from './port.js';

/** Slow protocols send at most 10 frames a second (IEEE 802.3 Annex 57A). The driver answers every marker. */
const EACH_MS = 100;
const AT_ONCE = 10;

/** True when one more may be answered now. */
function mayAnswer(port: LacpPort, now: number): boolean {
  const from = Math.max(port.markersUntilMs, now);
  if (from - now > (AT_ONCE - 1) * EACH_MS) return false;
  port.markersUntilMs = from + EACH_MS;
  return true;
}

/** A marker came in on a port. */
export function markerHeard(
  run: LacpRun,
  port: LacpPort,
  { tlv, body }: Extract<SlowFrame, { kind: 'marker' }>,
): void {
  if (tlv === MARKER_TLV.RESPONSE) port.counts.markerResponseIn++;
  else if (tlv === MARKER_TLV.INFORMATION) answer(run, port, body);
  else port.counts.markerUnknownIn++;
}

function answer(run: LacpRun, port: LacpPort, body: Uint8Array): void {
  port.counts.markerIn++;
  const quirky = isQuirky(run);
  if (!quirky && !mayAnswer(port, run.now)) return;
  const { member, permanentAddress } = memberOfPort(run, port);
  const frame = markerResponse(permanentAddress, body, quirky);
  if (!frame.ok) throw new Error(frame.error);
  run.out.push({ kind: 'send-through', member, frame: frame.value, what: 'lacp' });
  port.counts.markerResponseOut++;
}
