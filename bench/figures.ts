// The figures of bench:throughput: which there are, how they are chosen, told and held against what they are to be.
import { median, spread } from './arithmetic.js';
import { table } from './table.js';

/** Where the packets come from or go to: the host itself, a client that the host routes for, a guest behind a bridge on the bond. */
export type Stage = 'host' | 'routed' | 'bridged';
export type Direction = 'out' | 'in';

export type Measurement =
  /** Nanoseconds a datagram; `frameBytes` on the wire, its checksum included. */
  | { readonly kind: 'udp'; readonly direction: Direction; readonly frameBytes: number }
  /** Mbit/s. */
  | { readonly kind: 'tcp'; readonly direction: Direction; readonly streams: number }
  /** Nanoseconds there and back. */
  | { readonly kind: 'ping-pong'; readonly over: 'udp' | 'tcp' };

export type Row = Measurement & { readonly name: string; readonly stage: Stage };

/** Ethernet header and checksum, IPv4 and UDP headers. */
export const FRAME_OVERHEAD_BYTES: number = 14 + 4 + 20 + 8;

const DIRECTIONS: readonly Direction[] = ['out', 'in'];

function udp(stage: Stage, direction: Direction, frameBytes: number): Row {
  const where = stage === 'host' ? 'udp' : `${stage}-udp`;
  return { name: `${where}-${direction}-${frameBytes}`, stage, kind: 'udp', direction, frameBytes };
}

function tcp(stage: Stage, direction: Direction, streams: number): Row {
  const where = stage === 'host' ? 'tcp' : `${stage}-tcp`;
  return { name: `${where}-${direction}-${streams}`, stage, kind: 'tcp', direction, streams };
}

/** Of somebody behind the host: the smallest packets and one stream. */
function behind(stage: Stage): readonly Row[] {
  return DIRECTIONS.map(direction => udp(stage, direction, 64)).concat(
    DIRECTIONS.map(direction => tcp(stage, direction, 1)),
  );
}

/** Every figure, in the order in which they are measured and told. */
export const ROWS: readonly Row[] = [
  ...[64, 512, 1400].flatMap(frameBytes => DIRECTIONS.map(direction => udp('host', direction, frameBytes))),
  ...[1, 8].flatMap(streams => DIRECTIONS.map(direction => tcp('host', direction, streams))),
  { name: 'ping-pong-udp', stage: 'host', kind: 'ping-pong', over: 'udp' },
  { name: 'ping-pong-tcp', stage: 'host', kind: 'ping-pong', over: 'tcp' },
  ...behind('routed'),
  ...behind('bridged'),
];

/** The rows whose names begin with one of the words, separated by commas; all without words. Throws when a word fits none. */
export function chooseRows(only: string | undefined): readonly Row[] {
  if (only === undefined) return ROWS;
  const words = only.split(',');
  const strange = words.find(word => word === '' || !ROWS.some(({ name }) => name.startsWith(word)));
  if (strange !== undefined)
    throw new Error(
      `No figure's name begins with "${strange}"; there are ${ROWS.map(row => row.name).join(', ')}`,
    );
  return ROWS.filter(({ name }) => words.some(word => name.startsWith(word)));
}

/** What one contender gave in one boot: figures by the names of the rows, or why there is none. */
export interface Column {
  readonly contender: string;
  readonly figures: Readonly<Record<string, number>>;
  /** Why a row has no figure, by name. */
  readonly failures: Readonly<Record<string, string>>;
  /** Why the whole column has none: it failed, or there is no such thing on this kernel. */
  readonly failed?: string;
  readonly absent?: string;
}

/** The columns of one boot of a guest. */
export type Boot = readonly Column[];

function isRate(row: Row): boolean {
  return row.kind === 'tcp';
}

/** The figures of a row over all boots. */
export function valuesOf(boots: readonly Boot[], contender: string, row: Row): number[] {
  return boots
    .flatMap(columns => columns.filter(column => column.contender === contender))
    .flatMap(({ figures }) => figures[row.name] ?? []);
}

/** How quick a contender is beside another, above 1 is quicker: medians of all boots. Null where one of them has no figure. */
export function ratio(boots: readonly Boot[], contender: string, base: string, row: Row): number | null {
  const [own, other] = [valuesOf(boots, contender, row), valuesOf(boots, base, row)];
  if (own.length === 0 || other.length === 0) return null;
  return isRate(row) ? median(own) / median(other) : median(other) / median(own);
}

function absolute(row: Row, value: number): string {
  return isRate(row) ? `${value.toFixed(0)} Mbit/s` : `${value.toFixed(0)} ns`;
}

function contendersOf(boots: readonly Boot[]): string[] {
  return Array.from(new Set(boots.flatMap(columns => columns.map(({ contender }) => contender))));
}

/** Those whose figures are told; what is absent has none. */
function presentIn(boots: readonly Boot[]): string[] {
  return contendersOf(boots).filter(
    name =>
      !boots.every(columns =>
        columns.some(({ contender, absent }) => contender === name && absent !== undefined),
      ),
  );
}

/** What is held against what: the driver's own figures, and of all others their ratio to it. */
export const BASE = 'driver';

/** The table, how far boots were apart, and what failed or is absent. */
export function report(boots: readonly Boot[], rows: readonly Row[]): string {
  const names = presentIn(boots);
  const hasBase = names.includes(BASE);
  const cell = (name: string, row: Row): string => {
    const values = valuesOf(boots, name, row);
    if (values.length === 0) return '-';
    if (name === BASE || !hasBase) return absolute(row, median(values));
    return ratio(boots, name, BASE, row)?.toFixed(3) ?? absolute(row, median(values));
  };
  const ordered = hasBase ? [BASE, ...names.filter(name => name !== BASE)] : names;
  const lines = rows.map(row => [row.name, ...ordered.map(name => cell(name, row))]);
  const spreads = ordered.flatMap(name =>
    rows.map(row => valuesOf(boots, name, row)).flatMap(values => (values.length > 1 ? spread(values) : [])),
  );
  const parts = [
    hasBase ? `${BASE}: its figure; others: how quick they are beside it, above 1 is quicker` : 'Figures',
    table(['', ...ordered], lines),
  ];
  if (spreads.length > 0)
    parts.push(
      `Between ${boots.length} boots a figure differed by ${(100 * median(spreads)).toFixed(2)} % (median), ${(100 * Math.max(...spreads)).toFixed(2)} % (most)`,
    );
  return [...parts, ...remarks(boots)].join('\n');
}

/** What the reader must know of figures that are not there, a line each. */
function remarks(boots: readonly Boot[]): string[] {
  const lines = boots.flatMap(columns =>
    columns.flatMap(({ contender, failures, failed, absent }) => [
      ...(absent === undefined ? [] : [`${contender} is left out: ${absent}`]),
      ...(failed === undefined ? [] : [`${contender} failed: ${failed}`]),
      ...Object.entries(failures).map(([row, why]) => `${contender}, ${row} failed: ${why}`),
    ]),
  );
  return Array.from(new Set(lines));
}

/** True when something failed; what is absent did not. */
export function hasFailures(boots: readonly Boot[]): boolean {
  return boots.some(columns =>
    columns.some(({ failed, failures }) => failed !== undefined || Object.keys(failures).length > 0),
  );
}

/** Figures of two boots differ by as much without a reason. */
export const TOLERANCE = 0.005;

/** What a contender's ratio to the driver is to be, by the beginning of the row's name. */
const TARGETS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  veth: { 'tcp-': 0.985, 'udp-out-64': 0.92, 'udp-in-64': 0.89, 'ping-pong-': 0.91 },
  netkit: { 'tcp-': 0.99, 'udp-out-64': 0.96, 'udp-in-64': 0.89, 'ping-pong-': 0.93 },
};

/** Ratios that are below what they are to be by more than the tolerance, a line each. */
export function shortfalls(boots: readonly Boot[], rows: readonly Row[]): string[] {
  return Object.entries(TARGETS).flatMap(([contender, targets]) =>
    Object.entries(targets).flatMap(([beginning, target]) =>
      rows
        .filter(({ name }) => name.startsWith(beginning))
        .flatMap(row => {
          const seen = ratio(boots, contender, BASE, row);
          if (seen === null || seen >= target - TOLERANCE) return [];
          return [`${contender}, ${row.name}: ${seen.toFixed(3)} is below ${target}`];
        }),
    ),
  );
}
