// The rule `lacp`: what must hold of an 802.3ad bond at any time, whatever its partners say.
import type { BondSnapshot, LacpSnapshot, PortSnapshot } from '../policy/index.js';
import { PORT_STATE } from '../frames/index.js';

/** At most one LACPDU in so many ms leaves by a port, but for the last one. */
const LEAST_MS = 300;
/** A tick: what a LACPDU changes is acted upon at the next. */
const TICK_MS = 104;
/** Beyond ticks that were late. */
const SLACK_MS = 5;

/** What the rules look at: of a bond, or of a channel group of a switch. */
export interface SeenLacp {
  readonly lacp?: LacpSnapshot | undefined;
  readonly members: readonly Pick<BondSnapshot['members'][number], 'member' | 'name'>[];
  readonly options: Pick<BondSnapshot['options'], 'lacp_fallback' | 'lacp_quirks'>;
}

/** LACPDUs of a port so far, and when the last one left, where that is known. */
interface Sent {
  readonly count: number;
  readonly atMs: number | null;
}

function isOn(state: number, flag: number): boolean {
  return (state & flag) !== 0;
}

export class LacpRules {
  readonly #sent = new Map<string, Sent>();
  /** Since when a port sends that may not. */
  readonly #since = new Map<string, number>();

  /** Sentences on what does not hold; `senders` are members that the data plane sends through. `lateMs`: how late a tick may be. */
  faults(of: string, snapshot: SeenLacp, senders: readonly string[], now: number, lateMs: number): string[] {
    const { lacp, members } = snapshot;
    if (lacp === undefined) return senders.length === 0 ? [] : [`${senders.join(' ')} send without a port`];
    const faults: string[] = [];
    const actives = new Set(lacp.ports.filter(port => port.isInActive).map(port => port.aggregator));
    if (actives.size > 1) faults.push(`aggregators ${[...actives].join(' and ')} are active at once`);
    for (const port of lacp.ports) {
      const name = members.find(({ member }) => member === port.member)?.name ?? '';
      faults.push(...this.#paceFaults(`${of} ${name}`, name, port, now, lateMs));
      const key = `${of} ${name}`;
      if (!senders.includes(name) || mayCarry(port, snapshot)) this.#since.delete(key);
      else if (now - (this.#since.get(key) ?? now) > TICK_MS + lateMs + SLACK_MS)
        faults.push(`${name} sends, and LACP does not let it`);
      else this.#since.set(key, this.#since.get(key) ?? now);
    }
    return faults;
  }

  #paceFaults(key: string, name: string, { counts }: PortSnapshot, now: number, lateMs: number): string[] {
    const known = this.#sent.get(key);
    const count = counts.lacpduOut;
    if (known === undefined || count < known.count) {
      // A new daemon, or a new port.
      this.#sent.set(key, { count, atMs: null });
      return [];
    }
    if (count === known.count) return [];
    this.#sent.set(key, { count, atMs: now });
    const apartMs = known.atMs === null ? Infinity : now - known.atMs;
    return apartMs < LEAST_MS - lateMs - SLACK_MS ? [`${name} sent LACPDUs ${apartMs} ms apart`] : [];
  }
}

/**
 * Both ends are in sync and it distributes; or nobody answers, and its aggregate is the one that carries without LACP (with
 * lacp_fallback=static all do, with off none), which it does until wait_while is over where somebody answers then; with the driver's
 * quirks until it is in sync once.
 */
function mayCarry({ actor, partner, mux, isInActive }: PortSnapshot, snapshot: SeenLacp): boolean {
  const { lacp, options } = snapshot;
  const { lacp_fallback: fallback, lacp_quirks: quirks } = options;
  const isAlone = lacp?.active?.partnerSystem === '00:00:00:00:00:00';
  if (isAlone && fallback === 'static') return true;
  if (!isInActive) return false;
  const inSync = [actor, partner].every(({ state }) => isOn(state, PORT_STATE.SYNCHRONIZATION));
  if (inSync && isOn(actor.state, PORT_STATE.DISTRIBUTING) && mux.includes('distributing')) return true;
  if (fallback === 'off') return false;
  return isAlone || mux === 'detached' || mux === 'waiting' || (mux === 'attached' && quirks === 1);
}
