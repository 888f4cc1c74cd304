// A switch that speaks LACP by a script: each of its ports says what it is told to, every so often, and names whom it heard last. It
// forwards nothing. (simulator)
import type { MacText } from '../base/index.js';
import {
  type LacpEnd,
  lacpduFrame,
  MARKER_TLV,
  markerResponse,
  parseSlowFrame,
  PORT_STATE,
} from '../frames/index.js';
import type { Cable, Port } from './cable.js';
import type { Clock } from './clock.js';
import { type Frame, frameOf } from './frame.js';
import { bytesOf } from './frame-bytes.js';
import type { PartnerPortSpec, PartnerSpec } from './scenario.js';

const NOBODY: LacpEnd = {
  systemPriority: 0,
  system: '00:00:00:00:00:00',
  key: 0,
  portPriority: 0,
  port: 0,
  state: 0,
};

const LETTERS = 'ATGSCDFE';

/** Flags of a port as letters, one each from bit 0 on: Activity, Timeout, aGgregation, Synchronization, Collecting, Distributing, deFaulted, Expired. */
export function flagLetters(state: number): string {
  return Array.from(LETTERS)
    .filter((_, bit) => (state & (1 << bit)) !== 0)
    .join('');
}

function flagsOf(letters: string): number {
  return Array.from(letters).reduce((state, letter) => state | (1 << LETTERS.indexOf(letter)), 0);
}

const { ACTIVITY, TIMEOUT, AGGREGATION, SYNCHRONIZATION, COLLECTING, DISTRIBUTING } = PORT_STATE;
const READY = ACTIVITY | TIMEOUT | AGGREGATION | SYNCHRONIZATION | COLLECTING | DISTRIBUTING;
const DEFAULT_EVERY_MS = 1000;
const SECOND_MS = 1000;
const DEFAULT_KEY = 1000;

class PartnerPort implements Port {
  readonly end: string;
  cable: Cable | null = null;
  readonly #owner: LacpPartner;
  readonly #mac: MacText;
  readonly #clock: Clock;
  #spec: PartnerPortSpec;
  #heard: LacpEnd = NOBODY;
  /** Markers of the last second that it answered. */
  #answeredMs: number[] = [];
  /** Which of its beats counts: others belong to a pace that it had before. */
  #pace = 0;

  constructor(owner: LacpPartner, spec: PartnerPortSpec, mac: MacText, clock: Clock) {
    this.#owner = owner;
    this.#spec = spec;
    this.#mac = mac;
    this.#clock = clock;
    this.end = `${owner.name}:${spec.name}`;
    clock.after(0, () => this.#beat(0));
  }

  get name(): string {
    return this.#spec.name;
  }

  isOn(): boolean {
    return this.#owner.isPowered;
  }

  receive(frame: Frame): void {
    if (frame.cargo.kind !== 'bytes') return;
    const read = parseSlowFrame(bytesOf(frame));
    if (!read.ok) return;
    if (read.value.kind === 'lacpdu') this.#heard = read.value.pdu.actor;
    if (read.value.kind === 'marker' && read.value.tlv === MARKER_TLV.INFORMATION)
      this.#answer(read.value.body);
  }

  #answer(marker: Uint8Array): void {
    const { now } = this.#clock;
    this.#answeredMs = this.#answeredMs.filter(atMs => now - atMs < SECOND_MS);
    if (this.#answeredMs.length >= (this.#spec.answers ?? 0)) return;
    this.#answeredMs.push(now);
    const frame = markerResponse(this.#mac, marker, false);
    if (frame.ok && this.isOn()) this.cable?.send(this, frameOf(frame.value), 0);
  }

  carrierChanged(): void {}

  /** It says something else from now on, at once for the first time. */
  change(spec: PartnerPortSpec): void {
    this.#spec = { ...this.#spec, ...spec };
    this.#beat(++this.#pace);
  }

  #beat(pace: number): void {
    const { everyMs = DEFAULT_EVERY_MS } = this.#spec;
    if (pace !== this.#pace || everyMs === 0) return;
    this.#send();
    this.#clock.after(everyMs, () => this.#beat(pace));
  }

  #send(): void {
    const {
      systemPriority = 65_535,
      system,
      key = DEFAULT_KEY,
      portPriority = 255,
      port,
      flags,
    } = this.#spec;
    const actor: LacpEnd = {
      systemPriority,
      system: system ?? this.#owner.system,
      key,
      portPriority,
      port: port ?? this.#owner.numberOf(this),
      state: flags === undefined ? READY : flagsOf(flags),
    };
    const frame = lacpduFrame(this.#mac, {
      actor,
      partner: this.#spec.names === false ? NOBODY : this.#heard,
    });
    if (frame.ok && this.isOn()) this.cable?.send(this, frameOf(frame.value), 0);
  }
}

export class LacpPartner {
  readonly name: string;
  readonly system: MacText;
  isPowered: boolean = true;
  readonly #ports: readonly PartnerPort[];

  /** `nth`: place among the partners of the scenario; addresses follow from it. */
  constructor({ name, ports }: PartnerSpec, nth: number, clock: Clock) {
    this.name = name;
    const address = (port: number): MacText => `02:b1:00:${byte(nth)}:00:${byte(port)}`;
    this.system = address(0);
    this.#ports = ports.map((port, at) => new PartnerPort(this, port, address(at + 1), clock));
  }

  port(name: string): PartnerPort | undefined {
    return this.#ports.find(port => port.name === name);
  }

  numberOf(port: PartnerPort): number {
    return this.#ports.indexOf(port) + 1;
  }

  setPowered(powered: boolean): void {
    this.isPowered = powered;
    for (const { cable } of this.#ports) cable?.refresh();
  }
}

function byte(number: number): string {
  return (number & 0xff).toString(16).padStart(2, '0');
}
