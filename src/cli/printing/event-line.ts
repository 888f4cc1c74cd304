// One event as a line for people: when, where, what, why, and what it cost.
import type { EventRecord } from '../../daemon/api/api.js';
import { type Meaning, painter } from './paint.js';
import { plain } from './plain.js';
import { clock, plural } from '../reading/units.js';

const MEANINGS: Readonly<Record<EventRecord['severity'], Meaning | undefined>> = {
  info: undefined,
  warning: 'doubtful',
  error: 'bad',
};

/** `11:22:33.456 bond0 failover eth0 → eth1: eth0 lost its carrier; outage 0 ms, 0 packets lost`. */
export function eventLine(
  event: EventRecord,
  view: { readonly colour: boolean; readonly now: Date },
): string {
  const paint = painter(view.colour);
  const time = clock(new Date(event.time), view.now, true);
  const where = event.uplink ?? event.bond;
  const bond = where === '' ? 'bondwire' : where;
  const text = plain(event.message);
  const isMove = event.type === 'uplink-failover' || event.type === 'uplink-return';
  const [what, why] =
    (event.type === 'failover' || isMove) && event.to !== undefined
      ? [wayText(event), plain(event.reason ?? event.message)]
      : [event.type, text];
  const severity = event.severity === 'info' ? '' : `${event.severity}: `;
  return `${paint(time, 'faint')} ${plain(bond)} ${paint(what, MEANINGS[event.severity])}: ${severity}${why}${cost(event)}`;
}

/** `fibre → dsl`; the first line that is used comes from nowhere. */
function wayText({ type, uplink, from, to }: EventRecord): string {
  if (uplink !== undefined && (from === null || from === undefined)) return `selected ${nameOf(to)}`;
  return `${type.replace('uplink-', '')} ${nameOf(from)} → ${nameOf(to)}`;
}

function nameOf(member: string | null | undefined): string {
  return member === null || member === undefined ? 'none' : plain(member);
}

function cost({ outageMs, lostPackets }: EventRecord): string {
  const parts: string[] = [];
  if (outageMs !== undefined) parts.push(`outage ${Number(outageMs.toFixed(1))} ms`);
  if (lostPackets !== undefined) parts.push(`${plural(lostPackets, 'packet')} lost`);
  return parts.length === 0 ? '' : `; ${parts.join(', ')}`;
}
