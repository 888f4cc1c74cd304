// Recordings of the kernel driver's 802.3ad and balance-alb (test/golden/lacp, test/golden/alb), read back: what was done, what came in, what the driver sent and
// what it showed.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Fields of a bond and its ports as the driver shows them, by name; see the README beside the recordings. */
export type Shown = ReadonlyMap<string, string>;

/** One line of a recording. Times in milliseconds. */
export type Line = { readonly atMs: number } & (
  | { readonly kind: 'add'; readonly bond: string; readonly options: readonly (readonly [string, string])[] }
  | { readonly kind: 'del' | 'down'; readonly bond: string }
  /** `miiAhead`: see the README beside the recordings. */
  | { readonly kind: 'up'; readonly bond: string; readonly miiAhead: boolean }
  | { readonly kind: 'join' | 'leave'; readonly bond: string; readonly port: string }
  | {
      readonly kind: 'set';
      readonly bond: string;
      readonly option: string;
      readonly value: string;
      readonly refused: boolean;
    }
  | { readonly kind: 'address'; readonly bond: string; readonly address: string }
  | { readonly kind: 'carrier'; readonly port: string; readonly on: boolean }
  | { readonly kind: 'speed'; readonly port: string; readonly speed: number; readonly duplex: string }
  | { readonly kind: 'rx' | 'tx'; readonly port: string; readonly frame: string }
  /** The host gave the bond a frame to send. */
  | { readonly kind: 'sent'; readonly bond: string; readonly frame: string }
  | { readonly kind: 'state'; readonly bond: string; readonly shown: Shown }
);

export interface RecordedPort {
  readonly name: string;
  readonly address: string;
  readonly speedMbps: number;
  readonly duplex: string;
}

export interface Recording {
  readonly name: string;
  readonly ports: readonly RecordedPort[];
  readonly lines: readonly Line[];
}

const LACPDU_BYTES = 124;

/** `HEX` or `HEX*BYTES`: what is left out at the end is zero. */
function frameOf(text: string): string {
  const [hex = '', bytes = String(LACPDU_BYTES)] = text.split('*');
  return hex.padEnd(2 * Number(bytes), '0');
}

function pairs(words: readonly string[]): (readonly [string, string])[] {
  return Array.from({ length: words.length / 2 }, (_, at) => [words[2 * at] ?? '', words[2 * at + 1] ?? '']);
}

function lineOf(text: string, shownOf: Map<string, Shown>): Line {
  const [time = '', kind = '', subject = '', ...rest] = text.split(' ');
  const [first = '', second = '', third = ''] = rest;
  const atMs = Math.round(Number(time) * 1e4) / 10;
  switch (kind) {
    case 'add':
      return { atMs, kind, bond: subject, options: pairs(rest) };
    case 'del':
    case 'down':
      return { atMs, kind, bond: subject };
    case 'up':
      return { atMs, kind, bond: subject, miiAhead: first === 'mii-ahead' };
    case 'join':
    case 'leave':
      return { atMs, kind, bond: subject, port: first };
    case 'set': {
      const [option = '', value = ''] = first.split('=');
      return { atMs, kind, bond: subject, option, value, refused: second === 'refused' };
    }
    case 'address':
      return { atMs, kind, bond: subject, address: first };
    case 'carrier':
      return { atMs, kind, port: subject, on: first === 'on' };
    case 'speed':
      return { atMs, kind, port: subject, speed: Number(first), duplex: second };
    case 'rx':
    case 'tx':
      return { atMs, kind, port: subject, frame: frameOf(first) };
    case 'sent':
      return { atMs, kind, bond: subject, frame: frameOf(first) };
    case 'state': {
      const shown = new Map(shownOf.get(subject));
      for (const field of rest) {
        const at = field.indexOf('=');
        if (at === field.length - 1) shown.delete(field.slice(0, at));
        else shown.set(field.slice(0, at), field.slice(at + 1));
      }
      shownOf.set(subject, shown);
      return { atMs, kind, bond: subject, shown };
    }
    default:
      throw new Error(`No line of a recording: ${text} ${third}`);
  }
}

/** The recording in a file of a folder. */
export function readRecording(folder: string, file: string): Recording {
  const shownOf = new Map<string, Shown>();
  const ports: RecordedPort[] = [];
  const lines: Line[] = [];
  for (const text of readFileSync(join(folder, file), 'utf8').split('\n')) {
    if (text === '' || text.startsWith('#') || text.split(' ')[1] === '#') continue;
    if (text.startsWith('port ')) {
      const [, name = '', address = '', speed = '', duplex = ''] = text.split(' ');
      ports.push({ name, address, speedMbps: Number(speed), duplex });
    } else lines.push(lineOf(text, shownOf));
  }
  return { name: file.replace(/\.txt$/, ''), ports, lines };
}

/** Files of recordings in a folder. */
export function recordingsOf(folder: string): string[] {
  return readdirSync(folder).filter(file => file.endsWith('.txt'));
}
