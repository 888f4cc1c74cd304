// The mux machine: whether a port collects and distributes (IEEE 802.1AX-2008 §5.4.15, ad_mux_machine). Coupled control: both at once;
// independent control (coupled_control=off): it collects first, and distributes once the partner collects.
import { PORT_STATE } from '../../frames/index.js';
import { FALLBACK } from './fallback.js';
import {
  type Aggregator,
  aggregatorOf,
  countDown,
  disable,
  enable,
  hasFlag,
  hasPartner,
  isDeviceUp,
  isQuirky,
  type LacpPort,
  type LacpRun,
  memberOfPort,
  type MuxState,
  setFlags,
} from './port.js';
import { updateReady } from './selection.js';

const { SYNCHRONIZATION, COLLECTING, DISTRIBUTING } = PORT_STATE;

/** Ticks of wait_while. */
const WAIT_TICKS = 20;

/**
 * What a tick finds, the first that is true. `waits`: not all ports of its aggregator have waited long enough. `out`: an end is not in
 * sync, or its aggregator is not the active one. `in`: both are in sync; `collected`: and the partner collects.
 */
type MuxEvent = 'begin' | 'unselected' | 'waits' | 'out' | 'in' | 'collected';

/** `carrying` is collecting-distributing or collecting, as coupled_control says. */
type Next = MuxState | 'carrying';

const FRESH = {
  begin: 'detached',
  unselected: 'none',
  waits: 'none',
  out: 'none',
  in: 'none',
  collected: 'none',
} as const;

/** Every state × event. */
export const MUX_TABLE: Readonly<Record<MuxState, Readonly<Record<MuxEvent, Next>>>> = {
  none: FRESH,
  detached: {
    begin: 'detached',
    unselected: 'detached',
    waits: 'waiting',
    out: 'waiting',
    in: 'waiting',
    collected: 'waiting',
  },
  waiting: {
    begin: 'detached',
    unselected: 'detached',
    waits: 'waiting',
    out: 'attached',
    in: 'attached',
    collected: 'attached',
  },
  attached: {
    begin: 'detached',
    unselected: 'detached',
    waits: 'attached',
    out: 'attached',
    in: 'carrying',
    collected: 'carrying',
  },
  'collecting-distributing': {
    begin: 'detached',
    unselected: 'attached',
    waits: 'attached',
    out: 'attached',
    in: 'collecting-distributing',
    collected: 'collecting-distributing',
  },
  collecting: {
    begin: 'detached',
    unselected: 'attached',
    waits: 'attached',
    out: 'attached',
    in: 'collecting',
    collected: 'distributing',
  },
  distributing: {
    begin: 'detached',
    unselected: 'collecting',
    waits: 'collecting',
    out: 'collecting',
    in: 'collecting',
    collected: 'distributing',
  },
};

/** A port that joins asks for the active aggregator, one that carries only for both ends' sync. */
function isInSync({ lacp }: LacpRun, port: LacpPort, aggregator: Aggregator | null): boolean {
  if (!hasFlag(port.partner, SYNCHRONIZATION)) return false;
  if (port.mux === 'attached') return lacp.selectTicks === 0 && aggregator?.active === true;
  return hasFlag(port.actor, SYNCHRONIZATION);
}

function eventOf(run: LacpRun, port: LacpPort, aggregator: Aggregator | null): MuxEvent {
  if (port.begin) return 'begin';
  if (!port.selected) return 'unselected';
  if (port.mux === 'waiting' && !hasWaited(run, port, aggregator)) return 'waits';
  if (!isInSync(run, port, aggregator)) return 'out';
  return hasFlag(port.partner, COLLECTING) ? 'collected' : 'in';
}

function hasWaited(run: LacpRun, port: LacpPort, aggregator: Aggregator | null): boolean {
  if (countDown(port.counters, 'wait')) port.readyN = true;
  if (aggregator !== null) updateReady(run, aggregator);
  return port.ready && port.counters.wait === 0;
}

/** A port that has to wait again some time. */
function mustWaitAgain(run: LacpRun, port: LacpPort, aggregator: Aggregator | null): void {
  if (port.mux !== 'waiting' && port.mux !== 'attached') return;
  port.readyN = false;
  if (aggregator !== null) updateReady(run, aggregator);
}

type Act = (run: LacpRun, port: LacpPort, aggregator: Aggregator | null) => void;

/** One without a partner goes on carrying without LACP, unless lacp_fallback=off. */
const stopCarrying: Act = (run, port, aggregator) => {
  const isAlone = aggregator === null || !hasPartner(aggregator);
  if (!isAlone || run.bond.numbers.lacp_fallback === FALLBACK.OFF) disable(run, memberOfPort(run, port));
};

const carry: Act = (run, port, aggregator) => {
  if (aggregator?.active === true) enable(memberOfPort(run, port));
};

/**
 * It receives and does not send. The driver says so to the partner, and drops all the same what comes in: nothing reads the flag
 * that it sets (bond_set_slave_rx_enabled_flags).
 */
const collect: Act = (run, port, aggregator) => {
  if (aggregator === null || !hasPartner(aggregator)) return;
  const member = memberOfPort(run, port);
  member.state = 'backup';
  if (isQuirky(run) || !aggregator.active || member.link !== 'up' || !isDeviceUp(member)) return;
  member.inactive = false;
};

const ENTER: Readonly<Record<MuxState, Act>> = {
  none() {},
  detached(run, port, aggregator) {
    setFlags(port.actor, SYNCHRONIZATION | COLLECTING | DISTRIBUTING, false);
    stopCarrying(run, port, aggregator);
    port.ntt = true;
  },
  waiting(_run, port) {
    port.counters.wait = WAIT_TICKS;
  },
  attached(run, port, aggregator) {
    setFlags(port.actor, SYNCHRONIZATION, aggregator?.active === true);
    setFlags(port.actor, COLLECTING | DISTRIBUTING, false);
    stopCarrying(run, port, aggregator);
    port.ntt = true;
  },
  'collecting-distributing'(run, port, aggregator) {
    setFlags(port.actor, SYNCHRONIZATION | COLLECTING | DISTRIBUTING, true);
    carry(run, port, aggregator);
    port.ntt = true;
  },
  collecting(run, port, aggregator) {
    setFlags(port.actor, SYNCHRONIZATION | COLLECTING, true);
    setFlags(port.actor, DISTRIBUTING, false);
    collect(run, port, aggregator);
    port.ntt = true;
  },
  distributing(run, port, aggregator) {
    setFlags(port.actor, SYNCHRONIZATION | DISTRIBUTING, true);
    carry(run, port, aggregator);
  },
};

/** What a tick sees to in a state that stays: the MII monitor may have put the member out of use and back meanwhile. */
const STAY: Readonly<Record<MuxState, Act>> = {
  none() {},
  detached() {},
  waiting() {},
  attached(run, port, aggregator) {
    if (aggregator?.active === true) setFlags(port.actor, SYNCHRONIZATION, true);
    // It may have carried without LACP until somebody answered. The driver lets it go on, though that one is not in sync.
    if (!isQuirky(run)) stopCarrying(run, port, aggregator);
  },
  'collecting-distributing': carry,
  collecting: collect,
  distributing: carry,
};

/** One tick. */
export function muxMachine(run: LacpRun, port: LacpPort): void {
  const aggregator = aggregatorOf(run.lacp, port);
  const event = eventOf(run, port, aggregator);
  const found = MUX_TABLE[port.mux][event];
  const carrying = run.bond.numbers.coupled_control === 1 ? 'collecting-distributing' : 'collecting';
  const next = found === 'carrying' ? carrying : found;
  if (next === port.mux) {
    STAY[next](run, port, aggregator);
    return;
  }
  if (event === 'unselected') mustWaitAgain(run, port, aggregator);
  port.mux = next;
  ENTER[next](run, port, aggregator);
}
