// `bondwire show` for people: a paragraph for each bond and a line for each member.
import {
  type Counters,
  redundancyOf,
  type ShowBond,
  type ShowDocument,
  type ShowMember,
} from '../../daemon/api/api.js';
import { type Alignment, type Cell, columns } from './columns.js';
import { type Fact, type Meaning, type Paint, painter } from './paint.js';
import { advice, plain } from './plain.js';
import { lacpFact, lacpLines } from './show-lacp.js';
import { byteCount, clock, count, plural, span, speed } from '../reading/units.js';

export interface TableView {
  readonly colour: boolean;
  readonly now: Date;
}

/** The daemon looks once a second. */
const JUST_MS = 2000;

const MII_MEANINGS: Readonly<Record<ShowMember['miiStatus'], Meaning>> = {
  up: 'good',
  'going down': 'doubtful',
  down: 'bad',
  'going back': 'doubtful',
};

const MEMBER_COLUMNS: readonly (readonly [string, Alignment])[] = [
  ['MEMBER', 'left'],
  ['STATE', 'left'],
  ['MII', 'left'],
  ['FAILURES', 'right'],
  ['SPEED', 'left'],
  ['OWN MAC', 'left'],
  ['RECEIVED', 'right'],
  ['', 'right'],
  ['SENT', 'right'],
  ['', 'right'],
  ['LAST RECEIVED', 'right'],
];

/** The whole text, closed by a newline. */
export function showTable({ bonds, starting }: ShowDocument, view: TableView): string {
  const text = bondsTable(bonds, starting !== undefined, view);
  if (starting === undefined) return text;
  const more = `The daemon is starting: it is still making the bonds of ${plain(starting)}.\n`;
  return text === '' ? more : `${text}\n${more}`;
}

function bondsTable(bonds: readonly ShowBond[], mayFollow: boolean, view: TableView): string {
  if (bonds.length === 0) {
    if (mayFollow) return '';
    return `No bonds. Make one with '${advice('bondwire create bond0 mode=active-backup miimon=100')}'.\n`;
  }
  const paint = painter(view.colour);
  return bonds.map(bond => bondText(bond, view, paint)).join('\n');
}

/** Whether packets leave a dead link by themselves, and what of the options keeps them from it. */
function inlineText({ inlineFailover, options }: ShowBond): string {
  if (inlineFailover) return 'on';
  if (options.inline_failover === 0) return 'off, by inline_failover=0';
  if (options.miimon === 0) return 'off: it needs miimon';
  return options.downdelay > 0 ? 'off: links wait for downdelay' : 'off';
}

function bondText(bond: ShowBond, view: TableView, paint: Paint): string {
  const facts: readonly Fact[] = [
    lacpFact(bond) ?? ['Active member', activeText(bond, view), bond.active === null ? 'bad' : undefined],
    ['Address', `${plain(bond.address)}, MTU ${bond.mtu}`],
    monitorFact(bond),
    ['Zero-loss failover', inlineText(bond), bond.inlineFailover ? 'good' : undefined],
    ['Data plane', dataPlaneText(bond)],
    ['Received', counterText(bond.rx)],
    ['Sent', sentText(bond), bond.txDropped > 0 ? 'doubtful' : undefined],
    ...awaitedFacts(bond),
  ];
  const lines = columns(
    facts.map(([name, text, meaning]) => [
      { text: name, meaning: 'faint' },
      { text, meaning },
    ]),
    ['left', 'left'],
    paint,
  );
  return [titleText(bond, paint), ...lines, '', ...memberLines(bond, paint), ...lacpLines(bond, paint)]
    .map((line, at) => (at === 0 || line === '' ? line : `  ${line}`))
    .map(line => `${line}\n`)
    .join('');
}

function titleText(bond: ShowBond, paint: Paint): string {
  const name = plain(bond.name);
  const carrier = bond.carrier ? paint('carrier up', 'good') : paint('carrier down', 'bad');
  const admin = bond.adminUp
    ? ''
    : `, ${paint('interface down', 'bad')} (bring it up: ${advice('ip link set dev {bond} up', { bond: bond.name })})`;
  return `${paint(name, 'strong')}  ${plain(bond.mode)}, ${carrier}${redundancyText(bond, paint)}${admin}`;
}

function redundancyText(bond: ShowBond, paint: Paint): string {
  const redundancy = redundancyOf(bond);
  if (redundancy === 'one') return `, ${paint('one usable member only', 'bad')}`;
  return redundancy === 'never' ? `, ${paint('one member only', 'doubtful')}` : '';
}

function activeText({ active, activeSince }: ShowBond, { now }: TableView): string {
  const name = active === null ? 'none' : plain(active);
  if (activeSince === undefined) return name;
  const time = new Date(activeSince);
  return `${name}, since ${clock(time, now, false)} (${span(now.getTime() - time.getTime())})`;
}

function monitorFact({ options }: ShowBond): Fact {
  const miimon = numberOf(options['miimon']);
  const arpInterval = numberOf(options['arp_interval']);
  const parts: string[] = [];
  if (miimon > 0) {
    const delays = `up delay ${numberOf(options['updelay'])} ms, down delay ${numberOf(options['downdelay'])} ms`;
    parts.push(`MII every ${miimon} ms, ${delays}`);
  }
  if (arpInterval > 0) parts.push(`ARP every ${arpInterval} ms`);
  if (parts.length > 0) return ['Link monitor', parts.join('; ')];
  return ['Link monitor', 'none, so failures may go unnoticed (set miimon=100)', 'doubtful'];
}

/** An option's value as a number, whether it came as one or as text; 0 for none. */
function numberOf(value: unknown): number {
  const number = Number(value ?? 0);
  return Number.isFinite(number) ? number : 0;
}

const DATA_PLANES: Readonly<Record<string, string>> = { ebpf: 'eBPF', userspace: 'user space' };

function dataPlaneText({ dataPlane, dataPlaneDetail }: ShowBond): string {
  const name: string = DATA_PLANES[dataPlane] ?? plain(dataPlane);
  return dataPlaneDetail === '' ? name : `${name}: ${plain(dataPlaneDetail)}`;
}

function awaitedFacts({ awaited }: ShowBond): Fact[] {
  if (awaited.length === 0) return [];
  return [['Awaited', `${awaited.map(plain).join(', ')}, to join when there`, 'doubtful']];
}

function counterText({ packets, bytes }: Counters): string {
  return `${plural(packets, 'packet')} (${byteCount(bytes)})`;
}

function sentText({ tx, txDropped }: ShowBond): string {
  return txDropped > 0
    ? `${counterText(tx)}, ${count(txDropped)} that no member could take`
    : counterText(tx);
}

function memberLines(bond: ShowBond, paint: Paint): string[] {
  if (bond.members.length === 0) {
    const joining = plain(
      advice('bondwire enslave --take-down --take-addresses {bond} IFACE', { bond: bond.name }),
    );
    return [`No members. Add one with '${joining}'.`];
  }
  return columns(
    [
      MEMBER_COLUMNS.map(([text]): Cell => ({ text, meaning: 'faint' })),
      ...bond.members.map(member => memberCells(member, member.name === bond.active)),
    ],
    MEMBER_COLUMNS.map(([, alignment]) => alignment),
    paint,
  );
}

function memberCells(member: ShowMember, isActive: boolean): Cell[] {
  return [
    { text: plain(member.name), meaning: isActive ? 'strong' : undefined },
    { text: plain(member.state), meaning: member.state === 'active' ? 'good' : undefined },
    { text: plain(member.miiStatus), meaning: MII_MEANINGS[member.miiStatus] },
    { text: count(member.linkFailureCount), meaning: member.linkFailureCount > 0 ? 'doubtful' : undefined },
    { text: speedText(member) },
    { text: plain(member.permanentAddress) },
    { text: count(member.rx.packets) },
    { text: byteCount(member.rx.bytes) },
    { text: count(member.tx.packets) },
    { text: byteCount(member.tx.bytes) },
    heardCell(member),
  ];
}

/** When something last came in. */
function heardCell({ lastReceivedMs, silence }: ShowMember): Cell {
  if (silence !== null) return { text: `silent for ${span(silence.forMs)}`, meaning: 'bad' };
  if (lastReceivedMs === null) return { text: '-' };
  return { text: lastReceivedMs < JUST_MS ? 'now' : `${span(lastReceivedMs)} ago` };
}

function speedText({ speedMbps, duplex }: ShowMember): string {
  if (speedMbps === null) return duplex ?? '-';
  return duplex === null ? speed(speedMbps) : `${speed(speedMbps)} ${duplex}`;
}
