// What can be wrong with a line to the internet, as words of a person and as values.

/** Seen from the gateway: `up` leaves it, `down` comes to it. */
export type Direction = 'up' | 'down';
export const DIRECTIONS: readonly Direction[] = ['up', 'down'];

/** One fault of one line. */
export type Fault =
  /** The cable is pulled at the far end: the gateway's device loses its carrier. */
  | { readonly kind: 'cut' }
  /** The provider's router neither hears nor says anything; the carrier stays. */
  | { readonly kind: 'gateway-dead' }
  /** The provider's router answers for itself; nothing passes it, and it does not say so. */
  | { readonly kind: 'dead-beyond' }
  /** Frames vanish on the wire. */
  | { readonly kind: 'silent'; readonly directions: readonly Direction[] }
  /** Frames vanish on the wire by chance. */
  | { readonly kind: 'loss'; readonly percent: number; readonly directions: readonly Direction[] }
  /** Frames take longer. */
  | { readonly kind: 'delay'; readonly ms: number; readonly directions: readonly Direction[] }
  /** HTTP is answered by the provider's own page, pings and DNS pass, everything else vanishes. */
  | { readonly kind: 'portal' }
  /** Questions for names vanish behind the provider's router. */
  | { readonly kind: 'dns-dead' };

export type FaultKind = Fault['kind'];

/** What `faultFromText()` reads, in words of its own. */
export const FAULT_FORMS: readonly string[] = [
  'cut',
  'gateway-dead',
  'dead-beyond',
  'silent [up|down]',
  'loss PERCENT [up|down]',
  'delay MS [up|down]',
  'portal',
  'dns-dead',
];

const PLAIN = ['cut', 'gateway-dead', 'dead-beyond', 'portal', 'dns-dead'] as const;

function refusal(text: string, why: string): RangeError {
  return new RangeError(`"${text}" is no fault of a line: ${why}. Faults are ${FAULT_FORMS.join(', ')}.`);
}

function directionsOf(text: string, word: string | undefined): readonly Direction[] {
  if (word === undefined) return DIRECTIONS;
  const direction = DIRECTIONS.find(one => one === word);
  if (direction === undefined) throw refusal(text, `"${word}" is no direction`);
  return [direction];
}

function amountOf(text: string, word: string | undefined, most: number): number {
  const amount = Number(word);
  if (word === undefined || word === '' || !(amount > 0 && amount <= most)) {
    throw refusal(text, `"${word ?? ''}" is not a number above 0 and up to ${most}`);
  }
  return amount;
}

/** Reads `silent`, `loss 30 down`, `delay 500`; also with hyphens for spaces. Throws RangeError with what would be one. */
export function faultFromText(text: string): Fault {
  const plain = PLAIN.find(kind => kind === text.trim());
  if (plain !== undefined) return { kind: plain };
  const [kind, ...rest] = text.trim().split(/[\s-]+/);
  const [first, second] = rest;
  if (kind === 'silent' && rest.length <= 1) return { kind, directions: directionsOf(text, first) };
  if (kind === 'loss' && rest.length <= 2) {
    return { kind, percent: amountOf(text, first, 100), directions: directionsOf(text, second) };
  }
  if (kind === 'delay' && rest.length <= 2) {
    return { kind, ms: amountOf(text, first, 60_000), directions: directionsOf(text, second) };
  }
  throw refusal(text, 'there is none of this name');
}

/** The fault in words that `faultFromText()` reads. */
export function faultText(fault: Fault): string {
  const towards = 'directions' in fault && fault.directions.length === 1 ? ` ${fault.directions[0]}` : '';
  if (fault.kind === 'loss') return `loss ${fault.percent}${towards}`;
  if (fault.kind === 'delay') return `delay ${fault.ms}${towards}`;
  return `${fault.kind}${towards}`;
}

/** What a wire does to frames of one direction. */
export interface WireState {
  readonly delayMs: number;
  /** 0 to 1. */
  readonly loss: number;
  readonly silent: boolean;
}

/** What the faults of a line make of its wire, which takes `delayMs` by itself. */
export function wireState(faults: readonly Fault[], direction: Direction, delayMs: number): WireState {
  let [delay, passes, silent] = [delayMs, 1, false];
  for (const fault of faults) {
    if (!('directions' in fault) || !fault.directions.includes(direction)) continue;
    if (fault.kind === 'silent') silent = true;
    else if (fault.kind === 'loss') passes *= 1 - fault.percent / 100;
    else delay += fault.ms;
  }
  return { delayMs: delay, loss: 1 - passes, silent };
}
