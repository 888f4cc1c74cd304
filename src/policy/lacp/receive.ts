// The receive machine: what is known of the partner (IEEE 802.1AX-2008 §5.4.12, as the driver's ad_rx_machine has it).
import { type Lacpdu, type LacpEnd, PORT_STATE } from '../../frames/index.js';
import { isFullDuplex } from './keys.js';
import {
  countDown,
  isLikeNobody,
  isSamePartner,
  type LacpPort,
  type LacpState,
  type ReceiveState,
  recordNobody,
  setFlags,
} from './port.js';

const { ACTIVITY, AGGREGATION, EXPIRED, DEFAULTED, SYNCHRONIZATION, TIMEOUT } = PORT_STATE;

/** Ticks of current_while. */
const SHORT_TICKS = 30;
const LONG_TICKS = 900;

/** What a pass finds, the first that is true. `expiry`: current_while came to its end. */
type ReceiveEvent = 'begin' | 'disabled' | 'pdu' | 'expiry' | 'lacp' | 'no-lacp';

/** `initialize` goes on to port-disabled at once. `lost`: a LACPDU is of no use here, and the pass goes on without it. */
type Next = ReceiveState | 'initialize' | 'lost';

/** Every state × event. */
export const RECEIVE_TABLE: Readonly<Record<ReceiveState, Readonly<Record<ReceiveEvent, Next>>>> = {
  'port-disabled': {
    begin: 'initialize',
    disabled: 'port-disabled',
    pdu: 'lost',
    expiry: 'port-disabled',
    lacp: 'expired',
    'no-lacp': 'lacp-disabled',
  },
  'lacp-disabled': {
    begin: 'initialize',
    disabled: 'port-disabled',
    pdu: 'lost',
    expiry: 'lacp-disabled',
    lacp: 'lacp-disabled',
    'no-lacp': 'lacp-disabled',
  },
  expired: {
    begin: 'initialize',
    disabled: 'port-disabled',
    pdu: 'current',
    expiry: 'defaulted',
    lacp: 'expired',
    'no-lacp': 'expired',
  },
  defaulted: {
    begin: 'initialize',
    disabled: 'port-disabled',
    pdu: 'current',
    expiry: 'defaulted',
    lacp: 'defaulted',
    'no-lacp': 'defaulted',
  },
  current: {
    begin: 'initialize',
    disabled: 'port-disabled',
    pdu: 'current',
    expiry: 'expired',
    lacp: 'current',
    'no-lacp': 'current',
  },
};

function eventOf(port: LacpPort, pdu: Lacpdu | null): ReceiveEvent {
  if (port.begin) return 'begin';
  if (!port.enabled) return 'disabled';
  if (pdu !== null && RECEIVE_TABLE[port.receive].pdu !== 'lost') return 'pdu';
  // Also when a LACPDU came that is of no use.
  if (countDown(port.counters, 'receive')) return 'expiry';
  return port.lacpEnabled ? 'lacp' : 'no-lacp';
}

/** What entering a state does, and what each LACPDU that comes in it does. */
const ENTER: Readonly<Record<ReceiveState | 'initialize', (port: LacpPort, pdu: Lacpdu | null) => void>> = {
  initialize(port) {
    port.lacpEnabled = isFullDuplex(port.actor.key);
    port.selected = false;
    recordNobody(port);
    setFlags(port.actor, EXPIRED, false);
  },
  // What is known of the partner is kept, and so is the aggregator.
  'port-disabled'(port) {
    setFlags(port.partner, SYNCHRONIZATION, false);
  },
  'lacp-disabled'(port) {
    port.selected = false;
    recordNobody(port);
    setFlags(port.partner, AGGREGATION, false);
    setFlags(port.actor, EXPIRED, false);
  },
  expired(port) {
    setFlags(port.partner, SYNCHRONIZATION, false);
    setFlags(port.partner, TIMEOUT, true);
    port.counters.receive = SHORT_TICKS;
    setFlags(port.actor, EXPIRED, true);
    port.churnBegins = true;
  },
  defaulted(port) {
    if (!isLikeNobody(port.partner)) port.selected = false;
    recordNobody(port);
    setFlags(port.actor, EXPIRED, false);
  },
  current(port, pdu) {
    if (pdu !== null) record(port, pdu);
  },
};

/** One pass: with a LACPDU that came in, or with null at a tick. */
export function receiveMachine(port: LacpPort, pdu: Lacpdu | null, quirky: boolean): void {
  const { receive: before } = port;
  const event = eventOf(port, pdu);
  const next = RECEIVE_TABLE[before][event];
  if (event === 'begin' || (event === 'pdu' && before !== 'current')) port.churnBegins = true;
  if (event === 'pdu') port.counters.receive = 0;
  if (next === 'initialize') ENTER.initialize(port, null);
  port.receive = next === 'initialize' || next === 'lost' ? 'port-disabled' : next;
  const isNews = next === 'initialize' || port.receive !== before || pdu !== null;
  // The driver stops current_while before it looks whether the LACPDU is its own, and never starts it again then.
  if (!isNews || (quirky && event === 'pdu' && isOwn(port, pdu))) return;
  ENTER[port.receive](port, pdu);
}

/** What a port said itself came back to it, or to another port of its bond. */
export function isOwn(port: LacpPort, pdu: Lacpdu | null): boolean {
  return pdu?.actor.system === port.actor.system;
}

/** updateSelected, updateNTT, recordPDU. */
function record(port: LacpPort, { actor: theirs, partner: ours }: Lacpdu): void {
  const { actor, partner } = port;
  if (!isSamePartner(theirs, partner)) port.selected = false;
  const compared = ACTIVITY | TIMEOUT | SYNCHRONIZATION | AGGREGATION;
  const isNamed = isSamePartner(ours, actor);
  if (!isNamed || ((ours.state ^ actor.state) & compared) !== 0) port.ntt = true;
  port.unseen = isNamed ? 0 : port.unseen + 1;
  const isMatched = isNamed || (theirs.state & AGGREGATION) === 0;
  Object.assign(partner, synchronized(theirs, isMatched));
  setFlags(actor, DEFAULTED | EXPIRED, false);
  port.counters.receive = silenceTicks(port);
}

/** Nobody listened until now: silence of that time is no evidence against the partner. */
export function restartSilence(lacp: LacpState | null): void {
  for (const port of lacp?.ports ?? [])
    if (port.receive === 'current' && port.counters.receive > 0) port.counters.receive = silenceTicks(port);
}

/** The partner is not to be believed any more: it has to say anew what it says, and soon. */
export function giveUpOn(port: LacpPort): void {
  port.receive = 'expired';
  ENTER.expired(port, null);
}

/** Ticks of silence after which the partner is given up. */
export function silenceTicks({ actor }: Pick<LacpPort, 'actor'>): number {
  return (actor.state & TIMEOUT) === 0 ? LONG_TICKS : SHORT_TICKS;
}

/** The partner is in sync only with one that it knows. */
function synchronized(end: LacpEnd, isMatched: boolean): LacpEnd {
  return isMatched ? end : { ...end, state: end.state & ~SYNCHRONIZATION };
}
