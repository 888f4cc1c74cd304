// A recorded bond played back: our policy is given what the driver was given, and what it sends and shows is held against the
// recording.
import type { MacText } from '../../src/base/index.js';
import { type Bond, createBond, type Input, type MemberLink } from '../../src/policy/index.js';
import type { Line, RecordedPort, Recording, Shown } from './lacp-recording.js';

/** The driver's tick where HZ is 250: 26 jiffies. Its MII monitor, asked for 100 ms, has the same. */
export const TICK_MS = 104;

/** So much before or after a tick of LACP the pass of the MII monitor is that belongs to it. */
const ASIDE_MS = 0.01;

/** The monitor runs by itself no more; it is asked for each pass. */
const NEVER_MS = '2000000000';

interface Device {
  readonly index: number;
  readonly name: string;
  readonly address: MacText;
  carrier: boolean;
  speedMbps: number;
  duplex: 'full' | 'half' | null;
}

/** What one bond did. */
export interface Replayed {
  readonly sent: readonly { readonly atMs: number; readonly port: string; readonly frame: string }[];
  /** What it showed from a time on. */
  readonly shown: readonly { readonly fromMs: number; readonly shown: Shown }[];
  /** Options that were refused. */
  readonly refused: readonly string[];
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], pair => Number.parseInt(pair, 16));
}

function duplexOf(text: string): Device['duplex'] {
  return text === 'full' || text === 'half' ? text : null;
}

const MII: Readonly<Record<string, string>> = { fail: 'going-down', back: 'going-back' };

/** What our bond shows, in the words of the recordings. */
function shownBy(bond: Bond): Shown {
  const { lacp, members, carrier, adminUp } = bond.snapshot();
  const active = lacp?.active ?? null;
  const shown = new Map<string, string>([
    // Of a bond that is down it cannot be read.
    ['carrier', adminUp ? String(Number(carrier)) : '-'],
    ['agg', String(active?.id ?? '-')],
    ['nports', String(active?.ports ?? '-')],
    ['key', String(active?.actorKey ?? '-')],
    ['pkey', String(active?.partnerKey ?? '-')],
    ['pmac', active?.partnerSystem ?? '-'],
  ]);
  for (const { member, name, link, state, linkFailureCount } of members) {
    const port = lacp?.ports.find(each => each.member === member);
    shown.set(`${name}.mii`, MII[link] ?? link);
    shown.set(`${name}.role`, state);
    shown.set(`${name}.failures`, String(linkFailureCount));
    shown.set(`${name}.agg`, String(port?.aggregator ?? '-'));
    if (port === undefined || port.aggregator === null) continue;
    for (const end of ['actor', 'partner'] as const) {
      const { systemPriority, system, key, portPriority, port: number, state: flags } = port[end];
      shown.set(`${name}.${end}`, [systemPriority, system, key, portPriority, number, flags].join(','));
    }
    const { actorChurn, partnerChurn, actorChurnedCount, partnerChurnedCount } = port;
    shown.set(`${name}.churn`, [actorChurn, partnerChurn, actorChurnedCount, partnerChurnedCount].join(','));
  }
  return shown;
}

/** What is said of a bond, and how frames come and go, in one mode. */
export interface ReplayStyle {
  readonly shown: (bond: Bond) => Shown;
  /** Which work was armed last when the bond was set up: in the first tick it is the second. */
  readonly armedLast: 'mii' | 'mode';
  readonly heard: (member: number, frame: Uint8Array) => Input;
  /** What the data plane makes of a frame of the host, right before the policy hears of it. */
  readonly sent?: (
    bond: Bond,
    frame: Uint8Array,
    atMs: number,
  ) => { readonly member: number; readonly frame: Uint8Array };
}

export const LACP_STYLE: ReplayStyle = {
  shown: shownBy,
  armedLast: 'mode',
  heard: (member, frame) => ({ kind: 'slow-frame', member, frame }),
};

/** A bond of a recording, made as our policy. */
class Player {
  readonly sent: { atMs: number; port: string; frame: string }[] = [];
  readonly shown: { fromMs: number; shown: Shown }[] = [];
  readonly refused: string[] = [];
  readonly #name: string;
  readonly #besides: readonly (readonly [string, string])[];
  readonly #devices: ReadonlyMap<string, Device>;
  #bond: Bond | null = null;
  /** What it showed last, as text. */
  #last = '';
  /** Time of its last tick and its number since the bond was set up; null while it is down. */
  #tick: { atMs: number; nth: number; readonly miiAhead: boolean } | null = null;

  readonly #style: ReplayStyle;

  constructor(
    name: string,
    ports: readonly RecordedPort[],
    besides: readonly (readonly [string, string])[],
    style: ReplayStyle,
  ) {
    this.#name = name;
    this.#style = style;
    this.#besides = besides;
    const devices = ports.map(({ name: port, address, speedMbps, duplex }, at): [string, Device] => [
      port,
      { index: at + 1, name: port, address, carrier: true, speedMbps, duplex: duplexOf(duplex) },
    ]);
    this.#devices = new Map(devices);
  }

  /** Ticks until then. */
  runUntil(atMs: number): void {
    for (;;) {
      const tick = this.#tick;
      if (tick === null || tick.atMs + TICK_MS > atMs) return;
      tick.atMs += TICK_MS;
      tick.nth++;
      this.#runTick(tick);
    }
  }

  /**
   * One tick of LACP and one pass of the MII monitor. In the kernel both are works whose timers run out in the same jiffy, and of
   * such timers that runs first which was armed last: so they take turns, and the monitor begins. Where its work was armed a jiffy
   * before that of LACP it is always first.
   */
  #runTick({ atMs, nth, miiAhead }: { atMs: number; nth: number; miiAhead: boolean }): void {
    const isMiiFirst = miiAhead || nth % 2 === (this.#style.armedLast === 'mode' ? 0 : 1);
    if (isMiiFirst) this.#miiPass(atMs - ASIDE_MS);
    const due = this.#bond?.deadline() ?? null;
    // Sums of fractions differ in their last digits.
    const isDue = due !== null && Math.abs(due - atMs) < ASIDE_MS / 2;
    this.#give({ kind: 'time' }, isDue ? due : atMs);
    if (!isMiiFirst) this.#miiPass(atMs + ASIDE_MS);
  }

  /** A pass begins when its time is set. */
  #miiPass(atMs: number): void {
    this.#bond?.handle({ kind: 'set-option', option: 'miimon', value: NEVER_MS }, atMs);
    this.#give({ kind: 'time' }, atMs);
  }

  play(line: Line): void {
    const { atMs } = line;
    switch (line.kind) {
      case 'add':
        this.#add(line.options, atMs);
        return;
      case 'join': {
        const device = this.#device(line.port);
        const link = this.#linkOf(device);
        const about = { member: device.index, permanentAddress: device.address, canSetAddress: true };
        this.#give({ kind: 'join', ...about, link: { ...link, adminUp: false } }, atMs);
        this.#give({ kind: 'opened', member: device.index, link }, atMs);
        return;
      }
      case 'leave':
        this.#give({ kind: 'leave', member: this.#device(line.port).index, cause: 'released' }, atMs);
        return;
      case 'del':
        this.#setUp(false, atMs);
        for (const { member } of Array.from(this.#bond?.members() ?? []))
          this.#give({ kind: 'leave', member, cause: 'released' }, atMs);
        return;
      case 'up':
        this.#setUp(true, atMs);
        this.#tick = { atMs, nth: 0, miiAhead: line.miiAhead };
        this.#runTick(this.#tick);
        return;
      case 'down':
        this.#setUp(false, atMs);
        return;
      case 'address':
        this.#told({ address: line.address }, atMs);
        return;
      case 'set':
        this.#give({ kind: 'set-option', option: line.option, value: line.value }, atMs);
        return;
      case 'speed': {
        const device = this.#device(line.port);
        device.speedMbps = line.speed;
        device.duplex = duplexOf(line.duplex);
        // A TAP says nothing of it until something else happens.
        return;
      }
      case 'carrier': {
        const device = this.#device(line.port);
        device.carrier = line.on;
        if (this.#has(device))
          this.#give({ kind: 'member-link', member: device.index, link: this.#linkOf(device) }, atMs);
        return;
      }
      case 'rx': {
        const device = this.#device(line.port);
        if (this.#has(device)) this.#give(this.#style.heard(device.index, bytesOf(line.frame)), atMs);
        return;
      }
      case 'sent':
        this.#send(bytesOf(line.frame), atMs);
        return;
      case 'tx':
      case 'state':
        return;
      default:
        line satisfies never;
    }
  }

  #send(frame: Uint8Array, atMs: number): void {
    const bond = this.#bond;
    const sent = bond === null ? undefined : this.#style.sent?.(bond, frame, atMs);
    const device = [...this.#devices.values()].find(({ index }) => index === sent?.member);
    if (sent !== undefined && device !== undefined)
      this.sent.push({ atMs, port: device.name, frame: hexOf(sent.frame) });
    this.#give({ kind: 'arp-frame', member: null, frame }, atMs);
  }

  #add(options: readonly (readonly [string, string])[], atMs: number): void {
    const about = { name: this.#name, address: '02:00:00:00:00:99', addressIsRandom: true, mtu: 1500 };
    const made = createBond({ ...about, options: [...options, ...this.#besides] });
    if (!made.ok) throw new Error(made.error.message);
    this.#bond = made.value;
    this.#look(atMs);
  }

  #device(port: string): Device {
    const device = this.#devices.get(port);
    if (device === undefined) throw new Error(`No port ${port}`);
    return device;
  }

  #has({ index }: Device): boolean {
    return this.#bond?.members().some(({ member }) => member === index) === true;
  }

  #linkOf({ index, name, address, carrier, speedMbps, duplex }: Device): MemberLink {
    const given = this.#bond?.members().find(({ member }) => member === index)?.address;
    return { name, address: given ?? address, mtu: 1500, adminUp: true, carrier, speedMbps, duplex };
  }

  #setUp(adminUp: boolean, atMs: number): void {
    this.#tick = null;
    this.#told({ adminUp }, atMs);
  }

  #told(change: { adminUp?: boolean; address?: MacText }, atMs: number): void {
    if (this.#bond === null) return;
    const { mtu, address, adminUp } = this.#bond.facts();
    const link = { name: this.#name, mtu, address, adminUp, promiscuous: false, allMulticast: false };
    this.#give({ kind: 'bond-link', ...link, ...change }, atMs);
  }

  #give(input: Input, atMs: number): void {
    const handled = this.#bond?.handle(input, atMs);
    if (input.kind === 'set-option' && handled?.ok === false) this.refused.push(input.option);
    this.#look(atMs);
  }

  #look(atMs: number): void {
    if (this.#bond === null) return;
    for (const output of this.#bond.outputs()) {
      if (output.kind !== 'send-through') continue;
      const device = [...this.#devices.values()].find(({ index }) => index === output.member);
      // What is sent into a cut cable was not recorded.
      if (device?.carrier === true) this.sent.push({ atMs, port: device.name, frame: hexOf(output.frame) });
    }
    const shown = this.#style.shown(this.#bond);
    const text = JSON.stringify([...shown]);
    if (text !== this.#last) this.shown.push({ fromMs: atMs, shown });
    this.#last = text;
  }
}

/** Plays one bond of a recording back, with these options besides. */
export function replay(
  { ports, lines }: Recording,
  name: string,
  besides: readonly (readonly [string, string])[],
  style: ReplayStyle = LACP_STYLE,
): Replayed {
  const player = new Player(name, ports, besides, style);
  const mine = new Set(
    lines.flatMap(line => (line.kind === 'join' && line.bond === name ? [line.port] : [])),
  );
  for (const line of lines) {
    if ('bond' in line ? line.bond !== name : !mine.has(line.port)) continue;
    player.runUntil(line.atMs);
    player.play(line);
  }
  player.runUntil(endOf(lines) + TICK_MS);
  return player;
}

function endOf(lines: readonly Line[]): number {
  return Math.max(...lines.map(({ atMs }) => atMs));
}

/** What of a recording and a replay is not the same: nothing, where all is well. */
export function differences({ lines }: Recording, name: string, replayed: Replayed): string[] {
  return [
    ...optionDifferences(lines, name, replayed),
    ...frameDifferences(lines, name, replayed),
    ...stateDifferences(lines, name, replayed),
  ];
}

function optionDifferences(lines: readonly Line[], name: string, { refused }: Replayed): string[] {
  const theirs = lines.flatMap(line =>
    line.kind === 'set' && line.bond === name && line.refused ? [line.option] : [],
  );
  return theirs.join() === refused.join() ? [] : [`refused: driver ${theirs.join()}, ours ${refused.join()}`];
}

/** Every frame, byte for byte and in order, at most a tick sooner or later. */
function frameDifferences(lines: readonly Line[], name: string, { sent }: Replayed): string[] {
  const found: string[] = [];
  const end = endOf(lines);
  const ports = new Set(
    lines.flatMap(line => (line.kind === 'join' && line.bond === name ? [line.port] : [])),
  );
  for (const port of ports) {
    const theirs = lines.flatMap(line => (line.kind === 'tx' && line.port === port ? [line] : []));
    const ours = sent.filter(each => each.port === port);
    // What would have followed after the recording's end.
    while (ours.length > theirs.length && (ours.at(-1)?.atMs ?? 0) > end - TICK_MS) ours.pop();
    for (let at = 0; at < Math.max(theirs.length, ours.length); at++) {
      const [their, our] = [theirs[at], ours[at]];
      const isLate = Math.abs((their?.atMs ?? 0) - (our?.atMs ?? 0)) > TICK_MS;
      if (their?.frame === our?.frame && !isLate) continue;
      const text = (frame: typeof our): string => `${frame?.atMs} ${frame?.frame}`;
      found.push(`${port}, frame ${at}: driver ${text(their)}, ours ${text(our)}`);
      break;
    }
  }
  return found;
}

/** Every state that the driver showed, in order, at most a tick sooner or later. */
function stateDifferences(lines: readonly Line[], name: string, replayed: Replayed): string[] {
  const found: string[] = [];
  let from = 0;
  for (const line of lines) {
    if (line.kind !== 'state' || line.bond !== name) continue;
    const at = replayed.shown.findIndex(
      ({ fromMs, shown }, nth) =>
        nth >= from &&
        fromMs <= line.atMs + TICK_MS &&
        (replayed.shown[nth + 1]?.fromMs ?? Infinity) >= line.atMs - TICK_MS &&
        isSame(shown, line.shown),
    );
    if (at === -1) found.push(`state at ${line.atMs}: ${unlike(replayed, line.atMs, line.shown)}`);
    else from = at;
  }
  return found;
}

function isSame(ours: Shown, theirs: Shown): boolean {
  return ours.size === theirs.size && [...theirs].every(([field, value]) => ours.get(field) === value);
}

function unlike({ shown }: Replayed, atMs: number, theirs: Shown): string {
  const ours = shown.findLast(({ fromMs }) => fromMs <= atMs)?.shown ?? new Map<string, string>();
  const fields = new Set([...theirs.keys(), ...ours.keys()]);
  return [...fields]
    .filter(field => ours.get(field) !== theirs.get(field))
    .map(field => `${field} driver ${theirs.get(field)}, ours ${ours.get(field)}`)
    .join('; ');
}
