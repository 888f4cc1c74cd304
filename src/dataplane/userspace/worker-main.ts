// The forwarding worker: a thread of its own, so that packets never touch the control thread's event loop. It waits for
// rings to fill and for commands, and does nothing else.
import { receiveMessageOnPort, workerData } from 'node:worker_threads';
import { unreachable } from '../../base/index.js';
import { clearWakeUp, PollSet, setThreadNice, takeSocketError, viewMemory } from '../../linux/index.js';
import { BondPort } from './bond-port.js';
import { rehearse } from './rehearsal.js';
import { forgetAhead, lookAhead } from './ring-reader.js';
import { SHARED_BYTES } from './shared-state.js';
import type { Command, Moved, WorkerStart } from './worker-commands.js';

const { wakeUp, done, port, nice } = workerData as WorkerStart;
const doneCount = new Int32Array(done);
const bonds = new Map<number, BondPort>();

/** What to do when a descriptor is ready; number 0 is the wake-up. */
interface Watched {
  readonly fd: number;
  readonly work: (nowMs: number) => void;
}

function watched(): Watched[] {
  const all: Watched[] = [];
  for (const bond of bonds.values()) {
    all.push({ fd: bond.host.fd, work: () => bond.fromHost() });
    for (const [slot, member] of bond.members) {
      all.push({ fd: member.ring.fd, work: nowMs => bond.fromMember(slot, nowMs) });
    }
  }
  return all;
}

/** Carries out what was told; false when that was to end. */
function obey(command: Command): boolean {
  switch (command.kind) {
    case 'bond': {
      const { bond, state, host, members } = command;
      const told = (from: number, to: number): void => {
        const moved: Moved = { bond, from, to, atNs: process.hrtime.bigint() };
        port.postMessage(moved);
      };
      // Not before: while it rehearses, another process's worker may have frames to carry.
      if (bonds.size === 0) setThreadNice(nice);
      const memory = { buffer: viewMemory(state, SHARED_BYTES), address: state };
      const made = new BondPort(host, memory, told);
      for (const { slot, ifindex, place } of members) made.addMember(slot, ifindex, place);
      bonds.set(bond, made);
      return true;
    }
    case 'member':
      bonds.get(command.bond)?.addMember(command.slot, command.ifindex, command.place);
      return true;
    case 'no member':
      bonds.get(command.bond)?.members.delete(command.slot);
      return true;
    case 'no bond':
      bonds.delete(command.bond);
      return true;
    case 'ring':
      lookAhead(command);
      return true;
    case 'no ring':
      forgetAhead(command.address);
      return true;
    case 'rehearse':
      rehearse();
      return true;
    case 'end':
      return false;
    default:
      return unreachable(command);
  }
}

function obeyAll(): boolean {
  clearWakeUp(wakeUp);
  let goOn = true;
  for (;;) {
    const received = receiveMessageOnPort(port);
    if (received === undefined) return goOn;
    goOn = obey(received.message as Command) && goOn;
    Atomics.add(doneCount, 0, 1);
    Atomics.notify(doneCount, 0);
  }
}

function forward(): void {
  let all = watched();
  let set = new PollSet([wakeUp, ...all.map(({ fd }) => fd)]);
  for (;;) {
    if (set.wait(-1) === 0) continue;
    if (set.isReady(0)) {
      if (!obeyAll()) return;
      all = watched();
      set = new PollSet([wakeUp, ...all.map(({ fd }) => fd)]);
      continue;
    }
    const nowMs = performance.now();
    for (const [i, { fd, work }] of all.entries()) {
      if (!set.isReady(i + 1)) continue;
      if (set.hasError(i + 1)) takeSocketError(fd);
      work(nowMs);
    }
  }
}

forward();
