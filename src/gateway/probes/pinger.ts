// Pings by a line: a raw socket for each device and family, opened when it is needed and again when the device is another one.
import { emitIcmpEcho, parseIcmpEcho } from '../../frames/index.js';
import { IcmpSocket, monotonicMs, type ReceivedIcmp } from '../../linux/index.js';
import type { Family, LineNumber, Probe } from '../../uplinks/index.js';
import { type ProbeAnswers, type ProbeLine, unsentReason } from './probe-ways.js';

/** Answers that come later than this are nobody's. */
const FORGOTTEN_MS = 60_000;
/** Little: ten questions a second for each line and family are 43 MB a day each way in IPv4, and 60 MB in IPv6. */
const DATA_BYTES = 8;

interface Question {
  readonly probe: Probe;
  readonly sentMs: number;
}

/** The socket of one line in one family. */
class Ear {
  readonly ifindex: number;
  readonly #family: Family;
  readonly #socket: IcmpSocket;
  readonly #answers: ProbeAnswers;
  readonly #identifier = Math.floor(Math.random() * 0x1_0000);
  readonly #asked = new Map<number, Question>();
  #sequence = 0;

  constructor(family: Family, { device, ifindex }: ProbeLine, answers: ProbeAnswers) {
    this.ifindex = ifindex;
    this.#family = family;
    this.#answers = answers;
    this.#socket = IcmpSocket.open(family, device);
    this.#socket.watch(message => this.#heard(message));
  }

  ask(probe: Probe): void {
    const now = monotonicMs();
    for (const [sequence, { sentMs }] of this.#asked) {
      if (now - sentMs < FORGOTTEN_MS) break;
      this.#asked.delete(sequence);
    }
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#asked.set(this.#sequence, { probe, sentMs: now });
    const echo = {
      family: this.#family,
      kind: 'request',
      identifier: this.#identifier,
      sequence: this.#sequence,
      data: new Uint8Array(DATA_BYTES),
    } as const;
    this.#socket.send(probe.target, emitIcmpEcho(echo));
  }

  close(): void {
    this.#socket.close();
  }

  #heard({ data, from, atMs }: ReceivedIcmp): void {
    const echo = parseIcmpEcho(this.#family, data);
    if (!echo.ok || echo.value.kind !== 'reply' || echo.value.identifier !== this.#identifier) return;
    const question = this.#asked.get(echo.value.sequence);
    if (question === undefined || question.probe.target !== from) return;
    this.#asked.delete(echo.value.sequence);
    this.#answers.answered(question.probe, Math.max(0, atMs - question.sentMs));
  }
}

/** All pings of an uplink. */
export class Pinger {
  readonly #answers: ProbeAnswers;
  readonly #ears = new Map<string, Ear>();

  constructor(answers: ProbeAnswers) {
    this.#answers = answers;
  }

  ask(probe: Probe, line: ProbeLine): void {
    try {
      this.#ear(probe, line).ask(probe);
    } catch (error) {
      this.#answers.failed(probe, 'unsent', unsentReason(error));
    }
  }

  /** The device of a line is gone, or is another one. */
  forget(line: LineNumber): void {
    for (const family of ['ipv4', 'ipv6'] as const) this.#close(`${line} ${family}`);
  }

  close(): void {
    for (const key of Array.from(this.#ears.keys())) this.#close(key);
  }

  #ear({ line, family }: Probe, way: ProbeLine): Ear {
    const key = `${line} ${family}`;
    if (this.#ears.get(key)?.ifindex !== way.ifindex) this.#close(key);
    const ear = this.#ears.get(key) ?? new Ear(family, way, this.#answers);
    this.#ears.set(key, ear);
    return ear;
  }

  #close(key: string): void {
    this.#ears.get(key)?.close();
    this.#ears.delete(key);
  }
}
