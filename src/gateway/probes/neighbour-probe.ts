// Asks a line's gateway for its link address (ARP, neighbour solicitation): whether the ISP's router is there, whatever it forwards.
import { parseProbeAnswer, probeFrame } from '../../frames/index.js';
import { monotonicMs, PacketSocket, PROBE_ANSWERS } from '../../linux/index.js';
import type { LineNumber, Probe } from '../../uplinks/index.js';
import { type ProbeAnswers, type ProbeLine, unsentReason } from './probe-ways.js';

const ETH_P_ALL = 0x0003;

interface Question {
  readonly probe: Probe;
  readonly sentMs: number;
  readonly timer: NodeJS.Timeout;
}

interface Ear {
  readonly ifindex: number;
  readonly socket: PacketSocket;
  /** One a gateway: an answer is one for all that ask for it. */
  readonly asked: Map<string, Question>;
}

/** The questions of an uplink to its gateways. */
export class NeighbourProbes {
  readonly #answers: ProbeAnswers;
  readonly #ears = new Map<LineNumber, Ear>();

  constructor(answers: ProbeAnswers) {
    this.#answers = answers;
  }

  ask(probe: Probe, line: ProbeLine): void {
    const sender = line.path(probe.family)?.address ?? null;
    if (line.mac === null) return this.#answers.failed(probe, 'unsent', 'the device has no link addresses');
    const frame = probeFrame({ mac: line.mac, sender, target: probe.target, vlans: [] });
    if (!frame.ok) return this.#answers.failed(probe, 'unsent', frame.error);
    try {
      const { socket, asked } = this.#ear(probe.line, line);
      this.#end(asked, probe.target);
      const timer = setTimeout(() => {
        asked.delete(probe.target);
        this.#answers.failed(probe, 'timeout');
      }, probe.timeoutMs).unref();
      asked.set(probe.target, { probe, sentMs: monotonicMs(), timer });
      if (!socket.send(frame.value)) {
        this.#end(asked, probe.target, 'ENETDOWN');
      }
    } catch (error) {
      this.#answers.failed(probe, 'unsent', unsentReason(error));
    }
  }

  forget(line: LineNumber): void {
    const ear = this.#ears.get(line);
    if (ear === undefined) return;
    this.#ears.delete(line);
    for (const target of Array.from(ear.asked.keys())) this.#end(ear.asked, target, 'ENODEV');
    ear.socket.close();
  }

  close(): void {
    for (const line of Array.from(this.#ears.keys())) this.forget(line);
  }

  /** A question that another one takes the place of, or that was not sent. */
  #end(asked: Map<string, Question>, target: string, unsent?: string): void {
    const question = asked.get(target);
    if (question === undefined) return;
    asked.delete(target);
    clearTimeout(question.timer);
    if (unsent === undefined) this.#answers.failed(question.probe, 'timeout');
    else this.#answers.failed(question.probe, 'unsent', unsent);
  }

  #ear(number: LineNumber, { ifindex }: ProbeLine): Ear {
    if (this.#ears.get(number)?.ifindex !== ifindex) this.forget(number);
    const known = this.#ears.get(number);
    if (known !== undefined) return known;
    const socket = PacketSocket.open({ ifindex, protocol: ETH_P_ALL, filter: PROBE_ANSWERS });
    const asked = new Map<string, Question>();
    socket.watch(({ data }) => {
      const answer = parseProbeAnswer(data);
      if (!answer.ok || !answer.value.isReply) return;
      const question = asked.get(answer.value.sender);
      if (question === undefined) return;
      asked.delete(answer.value.sender);
      clearTimeout(question.timer);
      this.#answers.answered(question.probe, monotonicMs() - question.sentMs);
    });
    const ear = { ifindex, socket, asked };
    this.#ears.set(number, ear);
    return ear;
  }
}
