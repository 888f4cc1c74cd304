// Labs that run on this machine, one file each, so that a command in another terminal can find them.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unmountFileSystem } from '../linux/index.js';

/** Where the files are; a folder beside each for what the lab's programs write. */
const RUNNING_DIR = '/run/bondwire-lab';

/** What another process must know to cut a cable. */
export interface RunningLab {
  readonly pid: number;
  /** Names of the namespaces. */
  readonly host: string;
  readonly switch: string;
  /** Members by name, with the switch's end of each cable. */
  readonly cables: Readonly<Record<string, string>>;
}

/** True when the process exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function fileOf(pid: number): string {
  return join(RUNNING_DIR, `${pid}.json`);
}

/** Makes a lab known. */
export function announce(lab: RunningLab): void {
  mkdirSync(RUNNING_DIR, { recursive: true, mode: 0o755 });
  writeFileSync(fileOf(lab.pid), `${JSON.stringify(lab)}\n`);
}

/** Takes a lab's file away. */
export function withdraw(pid: number): void {
  rmSync(fileOf(pid), { force: true });
}

/** Labs whose process is alive. Files of dead ones are removed. */
export function runningLabs(): RunningLab[] {
  let files: string[];
  try {
    files = readdirSync(RUNNING_DIR).filter(file => file.endsWith('.json'));
  } catch {
    return [];
  }
  const labs: RunningLab[] = [];
  for (const file of files) {
    try {
      const lab = JSON.parse(readFileSync(join(RUNNING_DIR, file), 'utf8')) as RunningLab;
      if (isAlive(lab.pid)) labs.push(lab);
      else withdraw(lab.pid);
    } catch {
      // It was withdrawn at this moment, or is being written.
    }
  }
  return labs;
}

/** A new folder for a daemon of this process's lab. */
export function makeRunDir(): string {
  mkdirSync(RUNNING_DIR, { recursive: true, mode: 0o755 });
  return mkdtempSync(join(RUNNING_DIR, `${process.pid}-`));
}

/** Removes such a folder with what is mounted in it. */
export function removeRunDir(directory: string): void {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map(line => line.split(' ')[1] ?? '')
    .filter(path => path.startsWith(`${directory}/`));
  for (const path of mounts.toReversed()) unmountFileSystem(path);
  // A program that was just killed may still be writing there.
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
}

/** Removes what processes left here that are dead. */
export function removeStaleFiles(): void {
  let names: string[];
  try {
    names = readdirSync(RUNNING_DIR);
  } catch {
    return;
  }
  for (const name of names) {
    const owner = /^(\d+)[-.]/.exec(name)?.[1];
    if (owner !== undefined && !isAlive(Number(owner))) removeRunDir(join(RUNNING_DIR, name));
  }
}
