// The transmit machine: what is wanted leaves when its turn comes, at most every third tick (IEEE 802.1AX-2008 §5.4.16, ad_tx_machine).
import { lacpduFrame, PORT_STATE } from '../../frames/index.js';
import {
  countDown,
  hasFlag,
  isQuirky,
  type LacpPort,
  type LacpRun,
  memberOfPort,
  TRANSMIT_TICKS,
} from './port.js';

/** A LACPDU leaves now (ad_lacpdu_send), with the address that the member came with. */
export function sendLacpdu(run: Pick<LacpRun, 'bond' | 'out'>, port: LacpPort): void {
  const { member, permanentAddress } = memberOfPort(run, port);
  const frame = lacpduFrame(permanentAddress, port);
  // Addresses of the state are addresses.
  if (!frame.ok) throw new Error(frame.error);
  run.out.push({ kind: 'send-through', member, frame: frame.value, what: 'lacp' });
  port.counts.lacpduOut++;
}

/**
 * Two passive ends that hear each other say nothing, as the standard wants it: in NO_PERIODIC nothing is sent. The driver answers
 * changes all the same, so that such ends join, expire and join again for ever.
 */
function mayNotSpeak({ actor, partner }: LacpPort): boolean {
  const { ACTIVITY, DEFAULTED } = PORT_STATE;
  return !hasFlag(actor, ACTIVITY) && !hasFlag(partner, ACTIVITY) && !hasFlag(actor, DEFAULTED);
}

/** One tick. */
export function transmitMachine(run: LacpRun, port: LacpPort): void {
  if (!countDown(port.counters, 'transmit')) return;
  port.counters.transmit = TRANSMIT_TICKS;
  if (!port.ntt || !port.lacpEnabled) return;
  port.ntt = false;
  if (isQuirky(run) || !mayNotSpeak(port)) sendLacpdu(run, port);
}
