// `bondwire uplink show`: which line is selected, and a row for each line and family that it has.
import { FAMILIES, type Family } from '../../uplinks/index.js';
import type { ShowUplink } from '../../daemon/api/uplink-api.js';
import { byteCount, span } from '../reading/units.js';
import { type Cell, columns } from './columns.js';
import { type Meaning, painter } from './paint.js';
import { plain } from './plain.js';

type Line = ShowUplink['lines'][number];
type State = Line['families'][Family]['state'];

const MEANINGS: Readonly<Record<State, Meaning | undefined>> = {
  absent: 'faint',
  unproven: 'doubtful',
  up: 'good',
  down: 'bad',
  dead: 'bad',
  bad: 'doubtful',
  returning: 'doubtful',
  spent: 'doubtful',
  drained: 'faint',
};
const HEADS = ['line', 'family', 'state', 'rtt', 'loss', 'last sign', 'today', 'why'] as const;

/** The whole text. */
export function uplinkTable(uplink: ShowUplink, colour: boolean): string {
  const paint = painter(colour);
  // A family that no line has is not worth a row.
  const families = FAMILIES.filter(family => uplink.lines.some(line => line.families[family].path !== null));
  const shown = families.length === 0 ? (['ipv4'] as const) : families;
  const rows = uplink.lines.flatMap(line => shown.map((family, at) => rowOf(line, family, at === 0)));
  const head = HEADS.map((text): Cell => ({ text, meaning: 'faint' }));
  const body = columns(
    [head, ...rows],
    ['left', 'left', 'left', 'right', 'right', 'right', 'right', 'left'],
    paint,
  );
  const wishes =
    uplink.use === null ? [] : [`  asked for: ${plain(uplink.use.line)}${forText(uplink.use.forMs)}`];
  return `${[headline(uplink, shown), ...wishes, ...body.map(line => ` ${line}`)].join('\n')}\n`;
}

/** `office  ipv4 by fibre since 3 d, ipv6 by none`. */
function headline({ name, selected }: ShowUplink, families: readonly Family[]): string {
  const parts = families.map(family => {
    const { line, forMs, noneForMs, sharing } = selected[family];
    if (noneForMs !== null) return `${family}: no line works since ${span(noneForMs)}`;
    if (sharing.length > 1) return `${family} shared by ${sharing.map(plain).join(', ')}`;
    return line === null
      ? `${family}: no line is proven yet`
      : `${family} by ${plain(line)} since ${span(forMs)}`;
  });
  return `${plain(name)}  ${parts.join('; ')}`;
}

function rowOf(line: Line, family: Family, isFirst: boolean): Cell[] {
  const { state, rttMs, lossPercent, lastSignMs, why, isSelected } = line.families[family];
  const name = `${plain(line.name)}${isSelected ? ' *' : ''}`;
  return [
    { text: name, meaning: isSelected ? 'strong' : undefined },
    { text: family },
    { text: state, meaning: MEANINGS[state] },
    { text: rttMs === null ? '-' : `${rttMs < 10 ? rttMs.toFixed(1) : Math.round(rttMs)} ms` },
    { text: lossPercent === null ? '-' : `${Math.round(lossPercent)} %` },
    { text: lastSignMs === null ? '-' : age(lastSignMs) },
    { text: isFirst ? byteCount(line.todayBytes) : '' },
    { text: plain(why) },
  ];
}

/** The last sign of a line that lives is some milliseconds old. */
function age(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : span(ms);
}

function forText(forMs: number | null): string {
  return forMs === null ? ', until it is released' : `, for ${span(forMs)} more`;
}
