// The loss meter's two processes, also of use by hand:
//
//   node dist/lab/meter-main.js recv PORT SECONDS            start this one first; it ends when the sender does
//   node dist/lab/meter-main.js send IP PORT RATE SECONDS    RATE datagrams a second
//
// Options: --bytes N (payload), --run N (which stream), --json (lines for a program, which ends the process by closing
// its standard input). SECONDS 0 is until Ctrl-C.
import { parseArgs } from 'node:util';
import type { ReceiverMessage, SenderMessage } from './meter-messages.js';
import { receiveStream } from './meter-receive.js';
import { sendStream } from './meter-send.js';

const USAGE =
  'Use: meter-main.js recv PORT SECONDS | send IP PORT RATE SECONDS [--bytes N] [--run N] [--json]';

function numberOf(text: string | undefined, least: number): number {
  const number = Number(text);
  if (text === undefined || text === '' || !(number >= least))
    throw new RangeError(`${USAGE}\n"${text ?? ''}" is not one of these numbers`);
  return number;
}

/** A result for people; progress is for programs only. */
function sentence(message: SenderMessage | ReceiverMessage): string | null {
  if (message.kind !== 'result') return null;
  if ('refusedBy' in message) {
    const reasons = Object.entries(message.refusedBy).map(([name, count]) => `${count} ${name}`);
    return `sent ${message.sent}  refused ${message.refused}${reasons.length > 0 ? ` (${reasons.join(', ')})` : ''}`;
  }
  const { received, missing, doubled, reordered, foreign, longestGapMs, longestGapAtMs } = message;
  return [
    `received ${received}  missing ${missing}${message.total === null ? ' (the end was not heard)' : ''}`,
    `doubled ${doubled}  reordered ${reordered}  foreign ${foreign}`,
    `longest gap ${longestGapMs.toFixed(1)} ms at ${(longestGapAtMs / 1000).toFixed(2)} s`,
  ].join('  ');
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      run: { type: 'string' },
      bytes: { type: 'string', default: '64' },
      json: { type: 'boolean', default: false },
    },
  });
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  if (values.json) process.stdin.on('end', stop).on('error', stop).resume();
  const tell = (message: SenderMessage | ReceiverMessage): void => {
    const text = values.json ? JSON.stringify(message) : sentence(message);
    if (text !== null) process.stdout.write(`${text}\n`);
  };
  const [verb, ...rest] = positionals;
  const common = { tell, stop: stopping.signal };
  if (verb === 'recv' && rest.length === 2) {
    const run = values.run === undefined ? null : numberOf(values.run, 0);
    await receiveStream({ ...common, port: numberOf(rest[0], 1), seconds: numberOf(rest[1], 0), run });
  } else if (verb === 'send' && rest.length === 4) {
    await sendStream({
      ...common,
      address: rest[0] ?? '',
      port: numberOf(rest[1], 1),
      rate: numberOf(rest[2], 0.001),
      seconds: numberOf(rest[3], 0),
      bytes: numberOf(values.bytes, 1),
      run: values.run === undefined ? process.pid : numberOf(values.run, 0),
    });
  } else {
    throw new RangeError(USAGE);
  }
  // Standard input may still be open.
  process.stdin.destroy();
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof RangeError ? 2 : 1;
  process.stdin.destroy();
});
