// A recorded bond played back: our policy is given what the driver was given, and what it sends and shows is held against the
// recording.
import type { MacText } from '../../src/base/index.js';
import { type Bond, createBond, type Input, type MemberLink } from '../../src/policy/index.js';
import type { Recording, Shown } from './lacp-recording.js';

/** The driver's tick where HZ is 250: 26 jiffies. Its MII monitor, asked for 100 ms, has the same. */
export const TICK_MS = 104;

/** Delays are in ticks of the MII monitor, so they are as much longer. */
const STRETCHED: ReadonlySet<string> = new Set(['miimon', 'updelay', 'downdelay']);

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
  readonly refusals: readonly string[];
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], pair => Number.parseInt(pair, 16));
}

const MII: Readonly<Record<string, string>> = { fail: 'going-down', back: 'going-back' };

/** What our bond shows, in the words of the recordings. */
function shownBy(bond: Bond): Shown {
  const { lacp, members, carrier } = bond.snapshot();
  const shown = new Map<string, string>([['carrier', carrier ? '1' : '0']]);
  const active = lacp?.active ?? null;
  shown.set('agg', active === null ? '-' : String(active.id));
  shown.set('nports', active === null ? '-' : String(active.ports));
  shown.set('key', active === null ? '-' : String(active.actorKey));
  shown.set('pkey', active === null ? '-' : String(active.partnerKey));
  shown.set('pmac', active === null ? '-' : active.partnerSystem);
  for (const { member, name, link, state, linkFailureCount } of members) {
    const port = lacp?.ports.find(each => each.member === member);
    shown.set(`${name}.mii`, MII[link] ?? link);
    shown.set(`${name}.role`, state);
    shown.set(`${name}.failures`, String(linkFailureCount));
    shown.set(`${name}.agg`, port?.aggregator === null ? '-' : String(port?.aggregator));
    if (port === undefined || port.aggregator === null) continue;
    for (const end of ['actor', 'partner'] as const) {
      const { systemPriority, system, key, portPriority, port: number, state: flags } = port[end];
      shown.set(`${name}.${end}`, [systemPriority, system, key, portPriority, number, flags].join(','));
    }
    const { actorChurn, partnerChurn, actorChurnedCount, partnerChurnedCount } = port;
    shown.set(
      `${name}.churn`,
      [actorChurn, partnerChurn, actorChurnedCount, partnerChurnedCount].join(','),
    );
  }
  return shown;
}

/** Plays one bond of a recording back, with these options besides, as often as it is made anew. */
export function replay(
  recording: Recording,
  name: string,
  besides: readonly (readonly [string, string])[],
): Replayed {
  const devices = new Map<string, Device>(
    recording.ports.map(({ name: port, address, speedMbps, duplex }, at) => [
      port,
      {
        index: at + 1,
        name: port,
        address,
        carrier: true,
        speedMbps,
        duplex: duplex === 'full' || duplex === 'half' ? duplex : null,
      },
    ]),
  );
  const sent: { atMs: number; port: string; frame: string }[] = [];
  const shown: { fromMs: number; shown: Shown }[] = [];
  const refusals: string[] = [];
  let bond: Bond | null = null;
  let adminUp = false;

  const linkOf = (device: Device): MemberLink => ({
    name: device.name,
    address: bond?.members().find(({ member }) => member === device.index)?.address ?? device.address,
    mtu: 1500,
    adminUp: true,
    carrier: device.carrier,
    speedMbps: device.speedMbps,
    duplex: device.duplex,
  });
  const nameOf = (index: number): string =>
    [...devices.values()].find(device => device.index === index)?.name ?? '';
  const look = (atMs: number): void => {
    if (bond === null) return;
    for (const output of bond.outputs()) {
      if (output.kind !== 'send-through') continue;
      sent.push({ atMs, port: nameOf(output.member), frame: hexOf(output.frame) });
    }
    shown.push({ fromMs: atMs, shown: shownBy(bond) });
  };
  const give = (input: Input, atMs: number): void => {
    const handled = bond?.handle(input, atMs);
    if (handled?.ok === false) refusals.push(handled.error.errno);
    look(atMs);
  };
  const runUntil = (atMs: number): void => {
    for (;;) {
      const due = bond?.deadline() ?? null;
      if (due === null || due > atMs) return;
      give({ kind: 'time' }, due);
    }
  };
  const told = (atMs: number, change: { adminUp: boolean; address?: MacText }): void => {
    if (bond === null) return;
    const { mtu, address } = bond.facts();
    const flags = { promiscuous: false, allMulticast: false };
    give({ kind: 'bond-link', name, mtu, address, ...flags, ...change }, atMs);
  };

  for (const line of recording.lines) {
    if ('bond' in line && line.bond !== name) continue;
    const { atMs } = line;
    runUntil(atMs);
    switch (line.kind) {
      case 'add': {
        const options = line.options.map(([option, value]): [string, string] => [
          option,
          STRETCHED.has(option) ? String(Number(value) * (TICK_MS / 100)) : value,
        ]);
        const made = createBond({
          name,
          address: '02:00:00:00:00:99',
          addressIsRandom: true,
          mtu: 1500,
          options: [...options, ...besides],
        });
        if (!made.ok) throw new Error(made.error.message);
        bond = made.value;
        look(atMs);
        break;
      }
      case 'join': {
        const device = devices.get(line.port);
        if (device === undefined) throw new Error(`No port ${line.port}`);
        const link = linkOf(device);
        const about = { member: device.index, permanentAddress: device.address, canSetAddress: true };
        give({ kind: 'join', ...about, link: { ...link, adminUp: false } }, atMs);
        give({ kind: 'opened', member: device.index, link }, atMs);
        break;
      }
      case 'leave':
        give({ kind: 'leave', member: devices.get(line.port)?.index ?? 0, cause: 'released' }, atMs);
        break;
      case 'del':
        for (const { member } of Array.from(bond?.members() ?? []))
          give({ kind: 'leave', member, cause: 'released' }, atMs);
        bond = null;
        break;
      case 'up':
      case 'down':
        adminUp = line.kind === 'up';
        told(atMs, { adminUp });
        runUntil(atMs);
        break;
      case 'address':
        told(atMs, { adminUp, address: line.address });
        break;
      case 'set':
        give({ kind: 'set-option', option: line.option, value: line.value }, atMs);
        break;
      case 'speed':
      case 'carrier': {
        const device = devices.get(line.port);
        const isMember = bond?.members().some(({ member }) => member === device?.index) === true;
        if (device === undefined) break;
        if (line.kind === 'carrier') device.carrier = line.on;
        else {
          device.speedMbps = line.speed;
          device.duplex = line.duplex === 'full' || line.duplex === 'half' ? line.duplex : null;
        }
        // A TAP says nothing of another speed until something else happens to it.
        if (isMember && line.kind === 'carrier')
          give({ kind: 'member-link', member: device.index, link: linkOf(device) }, atMs);
        break;
      }
      case 'rx': {
        const device = devices.get(line.port);
        const isMember = bond?.members().some(({ member }) => member === device?.index) === true;
        if (device !== undefined && isMember)
          give({ kind: 'slow-frame', member: device.index, frame: bytesOf(line.frame) }, atMs);
        break;
      }
      default:
        break;
    }
  }
  return { sent, shown, refusals };
}

/** What of a recording and a replay is not the same: nothing, where all is well. */
export function differences(recording: Recording, name: string, replayed: Replayed): string[] {
  const found: string[] = [];
  const members = new Set(
    recording.lines.flatMap(line => (line.kind === 'join' && line.bond === name ? [line.port] : [])),
  );
  for (const port of members) {
    const theirs = recording.lines.flatMap(line => (line.kind === 'tx' && line.port === port ? [line] : []));
    const ours = replayed.sent.filter(each => each.port === port);
    for (let at = 0; at < Math.max(theirs.length, ours.length); at++) {
      const [their, our] = [theirs[at], ours[at]];
      if (their?.frame !== our?.frame) {
        found.push(`${port}, frame ${at}: driver ${their?.atMs} ${their?.frame}, ours ${our?.atMs} ${our?.frame}`);
        break;
      }
      if (Math.abs((their?.atMs ?? 0) - (our?.atMs ?? 0)) > TICK_MS)
        found.push(`${port}, frame ${at}: driver at ${their?.atMs}, ours at ${our?.atMs}`);
    }
  }
  let from = 0;
  for (const line of recording.lines) {
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
