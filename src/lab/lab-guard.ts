// Takes labs down when the process ends, by whatever way it can notice, and removes what earlier processes left behind.
import { deleteNamedNetns, listNamedNetns } from '../linux/index.js';
import { staleNames } from './names.js';
import { isAlive } from './running-labs.js';

interface Closable {
  close(): unknown;
}

const open = new Map<Closable, 'close' | 'leave'>();
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

function closeAll(): void {
  for (const lab of open.keys()) lab.close();
}

function onSignal(signal: NodeJS.Signals): void {
  const nobodyElse = process.listenerCount(signal) === 1;
  for (const [lab, wish] of open) if (wish === 'close') lab.close();
  // Where nobody else listens the signal has its usual effect.
  if (nobodyElse) {
    process.removeListener(signal, onSignal);
    process.kill(process.pid, signal);
  }
}

function listen(on: boolean): void {
  if (on) process.on('exit', closeAll);
  else process.removeListener('exit', closeAll);
}

function listenToSignals(): void {
  const wanted = [...open.values()].includes('close');
  for (const signal of SIGNALS) {
    process.removeListener(signal, onSignal);
    if (wanted) process.on(signal, onSignal);
  }
}

/** Sees to it that the lab is closed when the process ends. */
export function guard(lab: Closable, onSignalWish: 'close' | 'leave'): void {
  if (open.size === 0) listen(true);
  open.set(lab, onSignalWish);
  listenToSignals();
}

/** The lab is closed by its owner. */
export function release(lab: Closable): void {
  open.delete(lab);
  if (open.size === 0) listen(false);
  listenToSignals();
}

/** Removes the namespaces of labs whose process is dead; gives their names. */
export function cleanStale(): string[] {
  const names = staleNames(listNamedNetns(), isAlive);
  for (const name of names) deleteNamedNetns(name);
  return names;
}
