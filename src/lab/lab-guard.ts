// Takes labs (and guests) down when the process ends, by whatever way it can notice, and removes what earlier processes left behind.
import { readdirSync, readFileSync } from 'node:fs';
import { deleteNamedNetns, listNamedNetns } from '../linux/index.js';
import { LAB_MARK, staleNames } from './names.js';
import { isAlive, removeStaleFiles } from './running-labs.js';

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

/** Sees to it that the lab, or whatever can be closed at once, is closed when the process ends. */
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

/** Programs that were started in a lab whose process is dead. */
function strays(): number[] {
  const mark = `${LAB_MARK}=`;
  return readdirSync('/proc')
    .filter(entry => /^\d+$/.test(entry))
    .map(Number)
    .filter(pid => {
      if (pid === process.pid) return false;
      try {
        const variables = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
        const labs = variables.filter(one => one.startsWith(mark)).map(one => one.slice(mark.length));
        return staleNames(labs, isAlive).length > 0;
      } catch {
        // It ended at this moment, or is another user's.
        return false;
      }
    });
}

/**
 * Removes what labs left whose process is dead: ends their programs, then takes namespaces and files away. Gives the
 * names of the namespaces.
 */
export function cleanStale(): string[] {
  for (const pid of strays()) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
  const names = staleNames(listNamedNetns(), isAlive);
  for (const name of names) deleteNamedNetns(name);
  removeStaleFiles();
  return names;
}
