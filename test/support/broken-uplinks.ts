// Uplinks with one bug each, planted to see that the proving ground catches it. Each is the real uplink with its inputs, its outputs or
// its state changed on the way.
import type { UplinkMaker } from '../../src/simulator/index.js';
import { Uplink, type Steering, type UplinkInput, type UplinkOutput } from '../../src/uplinks/index.js';
import { restoreState } from '../../src/uplinks/saving.js';
import { eachJudged, newState, selectedLine, type UplinkState } from '../../src/uplinks/state.js';

/** What a bug may change; what is absent is as it should be. */
interface Bug {
  /** Null: it is not heard. */
  input?(input: UplinkInput): UplinkInput | null;
  /** After each input. */
  state?(state: UplinkState, now: number): void;
  outputs?(outputs: UplinkOutput[], state: UplinkState): UplinkOutput[];
  steering?(steering: Steering): Steering;
}

class BrokenUplink extends Uplink {
  readonly #known: UplinkState;
  readonly #bug: Bug;

  constructor(state: UplinkState, bug: Bug) {
    super(state);
    this.#known = state;
    this.#bug = bug;
  }

  override handle(input: UplinkInput, now: number): ReturnType<Uplink['handle']> {
    const heard = this.#bug.input === undefined ? input : this.#bug.input(input);
    if (heard === null) return { ok: true, value: undefined };
    const handled = super.handle(heard, now);
    this.#bug.state?.(this.#known, now);
    return handled;
  }

  override outputs(): UplinkOutput[] {
    const outputs = super.outputs().map(output => {
      if (output.kind !== 'steer' || this.#bug.steering === undefined) return output;
      return { kind: 'steer' as const, steering: this.#bug.steering(output.steering) };
    });
    return this.#bug.outputs?.(outputs, this.#known) ?? outputs;
  }

  override steering(): Steering {
    const steering = super.steering();
    return this.#bug.steering?.(steering) ?? steering;
  }
}

function maker(bug: () => Bug, remembers = true): UplinkMaker {
  return {
    create: () => new BrokenUplink(newState(), bug()),
    restore: (saved, now) => new BrokenUplink(remembers ? restoreState(saved, now) : newState(), bug()),
  };
}

function flushes(outputs: readonly UplinkOutput[]): UplinkOutput[] {
  return outputs.filter(({ kind }) => kind === 'flush');
}

/** No bug at all: what catches the others must not catch this. */
export const untouched: UplinkMaker = maker(() => ({ outputs: outputs => outputs }));

/** Flows are ended before the kernel is steered (opnsense#10684). */
export const flushFirst: UplinkMaker = maker(() => ({
  outputs: outputs => [...flushes(outputs), ...outputs.filter(({ kind }) => kind !== 'flush')],
}));

/** Flows are never ended: those of another address stay what they are for ever. */
export const neverFlushes: UplinkMaker = maker(() => ({
  outputs: outputs => outputs.filter(({ kind }) => kind !== 'flush'),
}));

/** Running flows stay with their line and are not ended either, as mwan3 leaves them. */
export const flowsStay: UplinkMaker = maker(() => ({
  outputs: outputs => outputs.filter(({ kind }) => kind !== 'flush'),
  steering: steering => ({
    ...steering,
    flows: steering.flows.map(each => ({ ...each, by: { tcp: each.line, others: each.line } })),
  }),
}));

/** The fault of any line ends the flows of the selected one (pfsense#4159). */
export const standbyEndsFlows: UplinkMaker = maker(() => ({
  outputs: (outputs, state) =>
    outputs.flatMap(output => {
      if (output.kind !== 'event' || output.event.kind !== 'line' || output.event.family === undefined)
        return [output];
      const { family } = output.event;
      const selected = selectedLine(state, family);
      if (selected === undefined || output.event.level !== 'warning') return [output];
      return [output, { kind: 'flush', flush: 900_000, line: selected.number, family, transport: 'all' }];
    }),
}));

/** A line is taken for good as soon as it is there, unheard. */
export const unprovenIsGood: UplinkMaker = maker(() => ({
  state: (state, now) => {
    for (const { judged } of eachJudged(state)) {
      if (judged.state !== 'unproven') continue;
      judged.state = 'up';
      judged.proven = true;
      judged.lastSignMs = now;
      judged.fell = false;
    }
  },
}));

/** A silent line is waited for ten times as long. */
export const tooPatient: UplinkMaker = maker(() => ({
  input: input => {
    if (input.kind !== 'settings') return input;
    const { settings } = input;
    return { ...input, settings: { ...settings, timing: { ...settings.timing, silenceMs: 6000 } } };
  },
}));

/** A line that is back is gone back to at once. */
export const returnsAtOnce: UplinkMaker = maker(() => ({
  state: state => {
    for (const { judged } of eachJudged(state)) {
      if (judged.state === 'returning') judged.state = 'up';
      judged.fell = false;
    }
  },
}));

/** The order names the selected line twice. */
export const twiceSelected: UplinkMaker = maker(() => ({
  steering: steering => {
    const { ipv4, ipv6 } = steering.selected;
    return { ...steering, selected: { ipv4: [...ipv4, ...ipv4.slice(0, 1)], ipv6 } };
  },
}));

/** A new daemon remembers nothing. */
export const forgetful: UplinkMaker = maker(() => ({ outputs: outputs => outputs }), false);

/** IPv6 goes wherever IPv4 goes. */
export const familiesAsOne: UplinkMaker = maker(() => ({
  steering: steering => {
    const { ipv4 } = steering.selected;
    return { ...steering, selected: { ipv4, ipv6: ipv4 } };
  },
}));

/** Flows of the last line are ended although there is nowhere to go (opnsense#9789). */
export const flushesForNothing: UplinkMaker = maker(() => ({
  outputs: outputs =>
    outputs.flatMap(output => {
      if (output.kind !== 'event' || output.event.kind !== 'uplink-none') return [output];
      const family = output.event.family ?? 'ipv4';
      return [output, { kind: 'flush', flush: 900_001, line: 1, family, transport: 'all' }];
    }),
}));

/** A portal that answers is taken for the internet. */
export const portalIsGood: UplinkMaker = maker(() => ({
  input: input =>
    input.kind === 'failed' && input.why === 'redirected'
      ? { kind: 'answered', probe: input.probe, rttMs: 10 }
      : input,
}));

/** Nobody counts what a metered line uses up. */
export const uncounted: UplinkMaker = maker(() => ({
  input: input => (input.kind === 'bytes' ? null : input),
}));
