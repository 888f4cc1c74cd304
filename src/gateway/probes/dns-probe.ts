// Asks a DNS server by a line for the name servers of the root: any server that works has them, and no name needs to be chosen.
import { monotonicMs } from '../../linux/index.js';
import type { Probe } from '../../uplinks/index.js';
import { answerCode, askServer } from './dns-question.js';
import { parseEndpoint } from './endpoint.js';
import { type ProbeAnswers, type ProbeLine, unsentReason } from './probe-ways.js';

const DNS_PORT = 53;
/** Answers of a server that is at work: the name is there, or it is not. */
const GOOD_CODES: ReadonlySet<string> = new Set(['NOERROR', 'NXDOMAIN']);

/** Asks; calls back once. */
export function askDns(probe: Probe, { device }: ProbeLine, answers: ProbeAnswers): void {
  const server = parseEndpoint(probe.target, DNS_PORT);
  if (!server.ok) return answers.failed(probe, 'unsent', server.error);
  const sentMs = monotonicMs();
  let close: () => void;
  try {
    close = askServer(device, server.value, { type: 'NS', class: 'IN', name: '.' }, outcome => {
      clearTimeout(timer);
      if ('error' in outcome) return answers.failed(probe, 'refused', unsentReason(outcome.error));
      const code = answerCode(outcome.answer);
      if (GOOD_CODES.has(code)) answers.answered(probe, monotonicMs() - sentMs);
      else answers.failed(probe, 'wrong', code);
    });
  } catch (error) {
    return answers.failed(probe, 'unsent', unsentReason(error));
  }
  const timer = setTimeout(() => {
    close();
    answers.failed(probe, 'timeout');
  }, probe.timeoutMs).unref();
}
