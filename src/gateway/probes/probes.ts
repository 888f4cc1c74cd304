// Asks what the policy of an uplink wants to know, each question by its line.
import { unreachable } from '../../base/index.js';
import type { LineNumber, LineSettings, Probe } from '../../uplinks/index.js';
import { askDns } from './dns-probe.js';
import { askHttp } from './http-probe.js';
import { NeighbourProbes } from './neighbour-probe.js';
import { Pinger } from './pinger.js';
import type { ProbeAnswers, ProbeLine, ProbeLines } from './probe-ways.js';
import { askTcp } from './tcp-probe.js';

export interface ProbesHost {
  readonly lines: ProbeLines;
  settings(line: LineNumber): LineSettings | undefined;
  readonly answers: ProbeAnswers;
}

/** The questions of one uplink. */
export class Probes {
  readonly #host: ProbesHost;
  readonly #answers: ProbeAnswers;
  readonly #pinger: Pinger;
  readonly #neighbours: NeighbourProbes;
  #closed = false;

  constructor(host: ProbesHost) {
    this.#host = host;
    // What was asked before the end may be answered after it.
    this.#answers = {
      answered: (probe, rttMs) => {
        if (!this.#closed) host.answers.answered(probe, rttMs);
      },
      failed: (probe, why, detail) => {
        if (!this.#closed) host.answers.failed(probe, why, detail);
      },
    };
    this.#pinger = new Pinger(this.#answers);
    this.#neighbours = new NeighbourProbes(this.#answers);
  }

  /** Asks one. The answer comes later, but for one that cannot be sent, which is told at once. */
  ask(probe: Probe): void {
    const line = this.#host.lines(probe.line);
    if (line === undefined) this.#answers.failed(probe, 'unsent', 'there is no such device');
    else this.#askBy(probe, line);
  }

  #askBy(probe: Probe, line: ProbeLine): void {
    switch (probe.kind) {
      case 'ping':
        return this.#pinger.ask(probe, line);
      case 'gateway':
        return this.#neighbours.ask(probe, line);
      case 'tcp':
        return askTcp(probe, line, this.#answers);
      case 'dns':
        return askDns(probe, line, this.#answers);
      case 'http': {
        const settings = this.#host.settings(probe.line);
        if (settings === undefined || settings.http === null)
          return this.#answers.failed(probe, 'unsent', 'there is no page to ask for');
        return askHttp(probe, { page: settings.http, servers: settings.dns }, line, this.#answers);
      }
      default:
        return unreachable(probe.kind);
    }
  }

  /** The device of a line is gone, or another one has its name. */
  forget(line: LineNumber): void {
    this.#pinger.forget(line);
    this.#neighbours.forget(line);
  }

  close(): void {
    this.#closed = true;
    this.#pinger.close();
    this.#neighbours.close();
  }
}
