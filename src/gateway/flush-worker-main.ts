// The flushing thread: to end flows the kernel walks over the whole connection tracking table in the thread that asks, for as long as that
// takes on a busy machine. Probes and failovers do not wait for that.
import { parentPort, workerData } from 'node:worker_threads';
import { flushFlows, openNetfilter, type Rtnetlink, withNetns } from '../linux/index.js';
import type { FlushCommand, Flushed, FlushStart } from './flush-commands.js';

const { netns } = workerData as FlushStart;
let netfilter: Rtnetlink | undefined;

function obey({ number, filter, transport, keep }: FlushCommand): Flushed {
  try {
    const ended = withNetns(netns, () => {
      netfilter ??= openNetfilter();
      return flushFlows(netfilter, filter, transport, keep);
    });
    return { number, ended };
  } catch (error) {
    return { number, ended: null, reason: error instanceof Error ? error.message : String(error) };
  }
}

const port = parentPort;
port?.on('message', (command: FlushCommand) => {
  port.postMessage(obey(command));
});
