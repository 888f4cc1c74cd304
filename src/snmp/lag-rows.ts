// Rows of IEEE8023-LAG-MIB (IEEE 802.3ad, 30C): bonds in 802.3ad as aggregators, their members as ports. Aggregators that a bond does not use
// have no interface, and so no row: a port of theirs is attached to 0, which is none.
import { parseMac } from '../base/index.js';
import type { BondFacts, InterfaceFacts, LagEnd, LagFacts, LagPortFacts } from './facts.js';
import type { ColumnSpec, TableSpec, ValueType } from './mib-rows.js';

const UINT32 = 2 ** 32;
const TRUE = 1;

/** A bond. */
export interface LagRow {
  readonly index: number;
  readonly address: string;
  readonly lag: LagFacts;
  /** Indexes of the members that are in its aggregate. */
  readonly ports: readonly number[];
  /** As far as it was heard. */
  readonly partner: LagEnd | null;
}

/** A member. */
export interface LagPortRow {
  readonly index: number;
  /** Index of the bond, 0 while its aggregate is not the bond's. */
  readonly aggregator: number;
  readonly lag: LagFacts;
  readonly port: LagPortFacts;
}

/** What a partner is before it is heard: system 0, its lowest priority, key and port 1 (the driver's values). */
const NOBODY: LagEnd = {
  systemPriority: 65535,
  system: '00:00:00:00:00:00',
  key: 1,
  portPriority: 255,
  port: 1,
  state: 0,
};

function mac(address: string): Uint8Array {
  const parsed = parseMac(address);
  return parsed.ok ? parsed.value : new Uint8Array(6);
}

/** BITS: the first bit is the highest, while LACP has it as the lowest. */
export function stateBits(state: number): Uint8Array {
  let bits = 0;
  for (let bit = 0; bit < 8; bit++) if ((state & (1 << bit)) !== 0) bits |= 0x80 >> bit;
  return Uint8Array.of(bits);
}

/** PortList: a bit for each port, that of port 1 the highest of the first byte. */
export function portList(ports: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(Math.max(0, ...ports) / 8));
  for (const port of ports) {
    const at = (port - 1) >> 3;
    bytes[at] = (bytes[at] ?? 0) | (0x80 >> ((port - 1) & 7));
  }
  return bytes;
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function column<Row>(
  number: number,
  name: string,
  type: ValueType,
  value: ColumnSpec<Row>['value'],
): ColumnSpec<Row> {
  return { number, name, type, value };
}

/** Both tables of aggregators, and all of ports, have one index. */
function index<Row extends { readonly index: number }>(number: number, name: string): ColumnSpec<Row> {
  return { number, name, type: 'Integer', index: 'hidden', value: row => row.index };
}

export const AGG_TABLE: TableSpec<LagRow> = {
  name: 'dot3adAggTable',
  oid: '1.2.840.10006.300.43.1.1.1.1',
  columns: [
    index(1, 'dot3adAggIndex'),
    column(2, 'dot3adAggMACAddress', 'OctetString', row => mac(row.address)),
    column(3, 'dot3adAggActorSystemPriority', 'Integer', row => row.lag.systemPriority),
    column(4, 'dot3adAggActorSystemID', 'OctetString', row => mac(row.lag.system)),
    column(5, 'dot3adAggAggregateOrIndividual', 'Integer', () => TRUE),
    column(6, 'dot3adAggActorAdminKey', 'Integer', row => row.lag.active?.actorKey ?? 0),
    column(7, 'dot3adAggActorOperKey', 'Integer', row => row.lag.active?.actorKey ?? 0),
    column(8, 'dot3adAggPartnerSystemID', 'OctetString', row => mac(row.lag.active?.partnerSystem ?? '')),
    column(9, 'dot3adAggPartnerSystemPriority', 'Integer', row => row.partner?.systemPriority ?? 0),
    column(10, 'dot3adAggPartnerOperKey', 'Integer', row => row.lag.active?.partnerKey ?? 0),
    column(11, 'dot3adAggCollectorMaxDelay', 'Integer', () => 0),
  ],
};

export const AGG_PORT_LIST_TABLE: TableSpec<LagRow> = {
  name: 'dot3adAggPortListTable',
  oid: '1.2.840.10006.300.43.1.1.2.1',
  columns: [
    // The index of dot3adAggTable; the number is beyond the columns, and none can read it.
    index(20, 'dot3adAggPortListIndex'),
    column(1, 'dot3adAggPortListPorts', 'OctetString', row => portList(row.ports)),
  ],
};

const { actor, partner }: Record<'actor' | 'partner', (row: LagPortRow) => LagEnd> = {
  actor: row => row.port.actor,
  partner: row => row.port.partner,
};

export const AGG_PORT_TABLE: TableSpec<LagPortRow> = {
  name: 'dot3adAggPortTable',
  oid: '1.2.840.10006.300.43.1.2.1.1',
  columns: [
    index(1, 'dot3adAggPortIndex'),
    column(2, 'dot3adAggPortActorSystemPriority', 'Integer', row => actor(row).systemPriority),
    column(3, 'dot3adAggPortActorSystemID', 'OctetString', row => mac(actor(row).system)),
    column(4, 'dot3adAggPortActorAdminKey', 'Integer', row => actor(row).key),
    column(5, 'dot3adAggPortActorOperKey', 'Integer', row => actor(row).key),
    column(6, 'dot3adAggPortPartnerAdminSystemPriority', 'Integer', () => NOBODY.systemPriority),
    column(7, 'dot3adAggPortPartnerOperSystemPriority', 'Integer', row => partner(row).systemPriority),
    column(8, 'dot3adAggPortPartnerAdminSystemID', 'OctetString', () => mac(NOBODY.system)),
    column(9, 'dot3adAggPortPartnerOperSystemID', 'OctetString', row => mac(partner(row).system)),
    column(10, 'dot3adAggPortPartnerAdminKey', 'Integer', () => NOBODY.key),
    column(11, 'dot3adAggPortPartnerOperKey', 'Integer', row => partner(row).key),
    column(12, 'dot3adAggPortSelectedAggID', 'Integer', row => row.aggregator),
    column(13, 'dot3adAggPortAttachedAggID', 'Integer', row => (row.port.carries ? row.aggregator : 0)),
    column(14, 'dot3adAggPortActorPort', 'Integer', row => actor(row).port),
    column(15, 'dot3adAggPortActorPortPriority', 'Integer', row => actor(row).portPriority),
    column(16, 'dot3adAggPortPartnerAdminPort', 'Integer', () => NOBODY.port),
    column(17, 'dot3adAggPortPartnerOperPort', 'Integer', row => partner(row).port),
    column(18, 'dot3adAggPortPartnerAdminPortPriority', 'Integer', () => NOBODY.portPriority),
    column(19, 'dot3adAggPortPartnerOperPortPriority', 'Integer', row => partner(row).portPriority),
    // Activity, timeout and aggregation are what is set; the rest comes about.
    column(20, 'dot3adAggPortActorAdminState', 'OctetString', row => stateBits(actor(row).state & 0x07)),
    column(21, 'dot3adAggPortActorOperState', 'OctetString', row => stateBits(actor(row).state)),
    column(22, 'dot3adAggPortPartnerAdminState', 'OctetString', () => stateBits(NOBODY.state)),
    column(23, 'dot3adAggPortPartnerOperState', 'OctetString', row => stateBits(partner(row).state)),
    column(24, 'dot3adAggPortAggregateOrIndividual', 'Integer', row =>
      (actor(row).state & 4) === 0 ? 2 : TRUE,
    ),
  ],
};

function counter(number: number, name: string, of: keyof LagPortFacts['counts']): ColumnSpec<LagPortRow> {
  return column(number, name, 'Counter32', ({ port }) => port.counts[of] % UINT32);
}

export const AGG_PORT_STATS_TABLE: TableSpec<LagPortRow> = {
  name: 'dot3adAggPortStatsTable',
  oid: '1.2.840.10006.300.43.1.2.2.1',
  columns: [
    index(20, 'dot3adAggPortStatsIndex'),
    counter(1, 'dot3adAggPortStatsLACPDUsRx', 'lacpduIn'),
    counter(2, 'dot3adAggPortStatsMarkerPDUsRx', 'markerIn'),
    counter(3, 'dot3adAggPortStatsMarkerResponsePDUsRx', 'markerResponseIn'),
    counter(4, 'dot3adAggPortStatsUnknownRx', 'unknownIn'),
    counter(5, 'dot3adAggPortStatsIllegalRx', 'illegalIn'),
    counter(6, 'dot3adAggPortStatsLACPDUsTx', 'lacpduOut'),
    counter(7, 'dot3adAggPortStatsMarkerPDUsTx', 'markerOut'),
    counter(8, 'dot3adAggPortStatsMarkerResponsePDUsTx', 'markerResponseOut'),
  ],
};

const RECEIVE_STATES: Readonly<Record<string, number>> = {
  current: 1,
  expired: 2,
  defaulted: 3,
  initialize: 4,
  'lacp-disabled': 5,
  'port-disabled': 6,
};

const MUX_STATES: Readonly<Record<string, number>> = {
  none: 1,
  detached: 1,
  waiting: 2,
  attached: 3,
  collecting: 4,
  distributing: 5,
  'collecting-distributing': 6,
};

const CHURN_STATES: Readonly<Record<string, number>> = { none: 1, churned: 2, monitoring: 3 };

export const AGG_PORT_DEBUG_TABLE: TableSpec<LagPortRow> = {
  name: 'dot3adAggPortDebugTable',
  oid: '1.2.840.10006.300.43.1.2.3.1',
  columns: [
    index(20, 'dot3adAggPortDebugIndex'),
    column(1, 'dot3adAggPortDebugRxState', 'Integer', ({ port }) => RECEIVE_STATES[port.receive] ?? 4),
    column(3, 'dot3adAggPortDebugMuxState', 'Integer', ({ port }) => MUX_STATES[port.mux] ?? 1),
    column(4, 'dot3adAggPortDebugMuxReason', 'OctetString', ({ port }) => text(port.reason)),
    column(
      5,
      'dot3adAggPortDebugActorChurnState',
      'Integer',
      ({ port }) => CHURN_STATES[port.actorChurn] ?? 3,
    ),
    column(
      6,
      'dot3adAggPortDebugPartnerChurnState',
      'Integer',
      ({ port }) => CHURN_STATES[port.partnerChurn] ?? 3,
    ),
    column(7, 'dot3adAggPortDebugActorChurnCount', 'Counter32', ({ port }) => port.actorChurnedCount),
    column(8, 'dot3adAggPortDebugPartnerChurnCount', 'Counter32', ({ port }) => port.partnerChurnedCount),
  ],
};

/** Rows of bonds and of ports, by the indexes of their interfaces. Those whose interface is gone have none. */
export function lagRows(
  interfaces: readonly InterfaceFacts[],
  bonds: readonly BondFacts[],
): { readonly bonds: LagRow[]; readonly ports: LagPortRow[] } {
  const byName = new Map(interfaces.map(each => [each.name, each]));
  const found: { bonds: LagRow[]; ports: LagPortRow[] } = { bonds: [], ports: [] };
  for (const { name, lag } of bonds) {
    const own = byName.get(name);
    if (lag === undefined || own === undefined) continue;
    const ports = lag.ports.flatMap((port): LagPortRow[] => {
      const member = byName.get(port.member);
      if (member === undefined) return [];
      return [{ index: member.index, aggregator: port.isInActive ? own.index : 0, lag, port }];
    });
    const inActive = ports.filter(({ port }) => port.isInActive);
    const partner = inActive[0]?.port.partner ?? null;
    found.ports.push(...ports);
    found.bonds.push({
      index: own.index,
      address: own.address,
      lag,
      ports: inActive.map(each => each.index),
      partner,
    });
  }
  return found;
}
