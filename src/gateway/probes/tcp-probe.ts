// Connects by a line to ADDRESS:PORT; that the connection is made is the answer.
import { ERRNO, errnoName } from '../../base/index.js';
import { monotonicMs } from '../../linux/index.js';
import type { Probe } from '../../uplinks/index.js';
import { connectBy, type Connecting } from './connection.js';
import { parseEndpoint } from './endpoint.js';
import { type ProbeAnswers, type ProbeLine, unsentReason } from './probe-ways.js';

const HTTPS_PORT = 443;

/** Asks; calls back once. */
export function askTcp(probe: Probe, { device }: ProbeLine, answers: ProbeAnswers): void {
  const remote = parseEndpoint(probe.target, HTTPS_PORT);
  if (!remote.ok) return answers.failed(probe, 'unsent', remote.error);
  const sentMs = monotonicMs();
  let connecting: Connecting | undefined;
  try {
    connecting = connectBy(device, remote.value, outcome => {
      clearTimeout(timer);
      if ('socket' in outcome) {
        outcome.socket.destroy();
        answers.answered(probe, monotonicMs() - sentMs);
      } else if (outcome.errno === ERRNO.ETIMEDOUT) answers.failed(probe, 'timeout');
      else answers.failed(probe, 'refused', errnoName(outcome.errno));
    });
  } catch (error) {
    return answers.failed(probe, 'unsent', unsentReason(error));
  }
  const timer = setTimeout(() => {
    connecting?.cancel();
    answers.failed(probe, 'timeout');
  }, probe.timeoutMs).unref();
}
