// What `bondwire show` says of LACP: with whom the bond agreed, a line for each port, and what keeps a port out.
import { LACP_FLAGS, type ShowBond, type ShowLacpEnd, type ShowMember } from '../../daemon/api/api.js';
import { plural } from '../reading/units.js';
import { type Alignment, type Cell, columns } from './columns.js';
import type { Fact, Paint } from './paint.js';
import { plain } from './plain.js';

/** Nobody: what a port has as the system of its partner before it heard one. */
const NOBODY = '00:00:00:00:00:00';

const PORT_COLUMNS: readonly (readonly [string, Alignment])[] = [
  ['PORT', 'left'],
  ['LACP', 'left'],
  ['AGGREGATOR', 'right'],
  ['KEY', 'right'],
  ['OURS', 'left'],
  ['THEIRS', 'left'],
  ['PARTNER', 'left'],
  ['ITS PORT', 'right'],
  ['ITS KEY', 'right'],
];

/** In 802.3ad, what stands where other modes have their active member. */
export function lacpFact({ mode, lacp, members, options }: ShowBond): Fact | undefined {
  if (mode !== '802.3ad') return undefined;
  const active = lacp?.active ?? null;
  if (active === null) return ['LACP', 'no active aggregator', 'bad'];
  const carrying = members.filter(member => member.lacp?.carries === true).length;
  const share = `${carrying} of ${plural(members.length, 'port')} ${carrying === 1 ? 'carries' : 'carry'}`;
  const rate = `rate ${plain(options.lacp_rate)}`;
  if (active.partnerSystem === NOBODY)
    return ['LACP', `no partner speaks it; ${share} without it, ${rate}`, 'doubtful'];
  const partner = `partner ${plain(active.partnerSystem)} key ${active.partnerKey}`;
  const meaning = carrying === 0 ? 'bad' : carrying < members.length ? 'doubtful' : undefined;
  return ['LACP', `${share}, aggregator ${active.id}, ${partner}, ${rate}`, meaning];
}

/** Lines of the ports; none in other modes. */
export function lacpLines({ members }: ShowBond, paint: Paint): string[] {
  const ports = members.filter(({ lacp }) => lacp !== undefined);
  if (ports.length === 0) return [];
  const table = columns(
    [PORT_COLUMNS.map(([text]): Cell => ({ text, meaning: 'faint' })), ...ports.map(portCells)],
    PORT_COLUMNS.map(([, alignment]) => alignment),
    paint,
  );
  const why = ports.flatMap(({ lacp }) =>
    lacp?.explanation == null ? [] : [paint(`${plain(lacp.explanation.text)}.`, 'doubtful')],
  );
  return ['', ...table, ...why];
}

function portCells({ name, lacp }: ShowMember): Cell[] {
  if (lacp === undefined) return [{ text: plain(name) }];
  const { partner } = lacp;
  const isHeard = partner.system !== NOBODY;
  return [
    { text: plain(name) },
    lacp.carries ? { text: 'carries', meaning: 'good' } : { text: 'out', meaning: 'doubtful' },
    { text: lacp.aggregator === null ? '-' : String(lacp.aggregator) },
    { text: String(lacp.actor.key) },
    { text: flagsText(lacp.actor) },
    { text: isHeard ? flagsText(partner) : '-' },
    { text: isHeard ? plain(partner.system) : '-' },
    { text: isHeard ? String(partner.port) : '-' },
    { text: isHeard ? String(partner.key) : '-' },
  ];
}

/** A letter for each flag that is set. */
function flagsText({ state }: ShowLacpEnd): string {
  return LACP_FLAGS.map(({ letter, bit }) => ((state & bit) === 0 ? '-' : letter)).join('');
}
