// The periodic machine: when a LACPDU is due (IEEE 802.1AX-2008 §5.4.13, ad_periodic_machine).
import { PORT_STATE } from '../../frames/index.js';
import { countDown, hasFlag, type LacpPort, type PeriodicState } from './port.js';

/** Ticks to the next one. That in which it is wanted counts too. */
const FAST_TICKS = 9;
const SLOW_TICKS = 299;

/** Whether the counter runs, and what the partner asks for: `long` is every 30 s, `short` every second. */
type PeriodicEvent = 'off' | 'expiry' | 'running-long' | 'running-short' | 'stopped-long' | 'stopped-short';

/** Every state × event. */
export const PERIODIC_TABLE: Readonly<Record<PeriodicState, Readonly<Record<PeriodicEvent, PeriodicState>>>> =
  {
    no: {
      off: 'no',
      expiry: 'tx',
      'running-long': 'no',
      'running-short': 'no',
      'stopped-long': 'fast',
      'stopped-short': 'fast',
    },
    fast: {
      off: 'no',
      expiry: 'tx',
      'running-long': 'slow',
      'running-short': 'fast',
      'stopped-long': 'fast',
      'stopped-short': 'fast',
    },
    slow: {
      off: 'no',
      expiry: 'tx',
      'running-long': 'slow',
      'running-short': 'tx',
      'stopped-long': 'slow',
      'stopped-short': 'slow',
    },
    tx: {
      off: 'no',
      expiry: 'tx',
      'running-long': 'tx',
      'running-short': 'tx',
      'stopped-long': 'slow',
      'stopped-short': 'fast',
    },
  };

/**
 * True when the partner asks for a LACPDU every second. A port that gave its partner up goes on as if that asked so: the driver says
 * something every 30 s then, and two such ends need up to 31 s to find each other again.
 */
function asksOften({ partner, receive }: LacpPort, quirky: boolean): boolean {
  return hasFlag(partner, PORT_STATE.TIMEOUT) || (!quirky && receive === 'defaulted');
}

/** Nobody begins to speak where both ends are passive. */
function isOff({ begin, lacpEnabled, enabled, actor, partner }: LacpPort): boolean {
  const speaks = hasFlag(actor, PORT_STATE.ACTIVITY) || hasFlag(partner, PORT_STATE.ACTIVITY);
  return begin || !lacpEnabled || !enabled || !speaks;
}

function eventOf(port: LacpPort, quirky: boolean): PeriodicEvent {
  if (isOff(port)) return 'off';
  const pace = asksOften(port, quirky) ? 'short' : 'long';
  if (port.counters.periodic === 0) return `stopped-${pace}`;
  return countDown(port.counters, 'periodic') ? 'expiry' : `running-${pace}`;
}

const ENTER: Readonly<Record<PeriodicState, (port: LacpPort) => void>> = {
  no({ counters }) {
    counters.periodic = 0;
  },
  fast({ counters }) {
    counters.periodic = FAST_TICKS;
  },
  slow({ counters }) {
    counters.periodic = SLOW_TICKS;
  },
  tx(port) {
    port.counters.periodic = 0;
    port.ntt = true;
  },
};

/** One tick. */
export function periodicMachine(port: LacpPort, quirky: boolean): void {
  const next = PERIODIC_TABLE[port.periodic][eventOf(port, quirky)];
  if (next === port.periodic) return;
  port.periodic = next;
  ENTER[next](port);
}
