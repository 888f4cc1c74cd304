// IEEE8023-LAG-MIB: bits and lists by their places, rows by the indexes of interfaces.
import { expect, test } from 'vitest';
import type { BondFacts, InterfaceFacts, LagEnd, LagPortFacts } from './facts.js';
import {
  AGG_PORT_DEBUG_TABLE,
  AGG_PORT_LIST_TABLE,
  AGG_PORT_STATS_TABLE,
  AGG_PORT_TABLE,
  AGG_TABLE,
  lagRows,
  portList,
  stateBits,
} from './lag-rows.js';

const end = (system: string, key: number, port: number, state: number): LagEnd => ({
  systemPriority: 65535,
  system,
  key,
  portPriority: 255,
  port,
  state,
});

const PORT: LagPortFacts = {
  member: 'eth0',
  isInActive: true,
  carries: true,
  actor: end('02:00:00:00:00:01', 15, 1, 63),
  partner: end('00:1c:73:aa:bb:cc', 7, 11, 61),
  receive: 'current',
  mux: 'collecting-distributing',
  reason: '',
  actorChurn: 'none',
  partnerChurn: 'monitoring',
  actorChurnedCount: 1,
  partnerChurnedCount: 2,
  counts: {
    lacpduIn: 2 ** 32 + 5,
    lacpduOut: 6,
    unknownIn: 1,
    illegalIn: 2,
    markerIn: 3,
    markerOut: 4,
    markerResponseIn: 7,
    markerResponseOut: 8,
    markerUnknownIn: 9,
  },
};

const OUT: LagPortFacts = {
  ...PORT,
  member: 'eth1',
  isInActive: false,
  carries: false,
  receive: 'defaulted',
  mux: 'attached',
  reason: 'eth1 hears no LACPDUs',
};

const BOND: BondFacts = {
  name: 'bond0',
  speedMbps: 1000,
  members: ['eth0', 'eth1'],
  lag: {
    system: '02:00:00:00:00:01',
    systemPriority: 65535,
    active: { actorKey: 15, partnerKey: 7, partnerSystem: '00:1c:73:aa:bb:cc' },
    ports: [PORT, OUT],
  },
};

function link(name: string, index: number): InterfaceFacts {
  const counters = {
    rxPackets: 0,
    rxBytes: 0,
    rxErrors: 0,
    rxDropped: 0,
    multicast: 0,
    txPackets: 0,
    txBytes: 0,
    txErrors: 0,
    txDropped: 0,
  };
  return {
    index,
    name,
    alias: '',
    type: 6,
    mtu: 1500,
    speedMbps: null,
    address: '02:00:00:00:00:01',
    adminUp: true,
    operStatus: 1,
    promiscuous: false,
    physical: false,
    counters,
    below: [],
  };
}

const LINKS = [link('eth0', 2), link('eth1', 3), link('bond0', 9), link('bond1', 10)];

/** Values by the names of columns. */
function row<Row>(
  table: { columns: readonly { name: string; value: (row: Row) => unknown }[] },
  facts: Row | undefined,
): Record<string, unknown> {
  if (facts === undefined) throw new Error('there is no such row');
  return Object.fromEntries(table.columns.map(({ name, value }) => [name, value(facts)]));
}

test('states are BITS: activity is the highest bit', () => {
  expect([0, 1, 63, 128, 255].map(state => stateBits(state)[0])).toEqual([0, 0x80, 0xfc, 0x01, 0xff]);
});

test('lists of ports have a bit each, from the highest of the first byte on', () => {
  expect(portList([])).toEqual(new Uint8Array(0));
  expect(portList([1, 8, 9])).toEqual(Uint8Array.of(0x81, 0x80));
  expect(portList([2, 3])).toEqual(Uint8Array.of(0x60));
});

test('a bond is its aggregator, and has a row only in 802.3ad', () => {
  const { bonds } = lagRows(LINKS, [BOND, { name: 'bond1', speedMbps: null, members: [] }]);
  expect(bonds).toHaveLength(1);
  expect(row(AGG_TABLE, bonds[0])).toMatchObject({
    dot3adAggIndex: 9,
    dot3adAggActorOperKey: 15,
    dot3adAggPartnerSystemID: Uint8Array.of(0, 0x1c, 0x73, 0xaa, 0xbb, 0xcc),
    dot3adAggPartnerSystemPriority: 65535,
    dot3adAggPartnerOperKey: 7,
  });
  expect(row(AGG_PORT_LIST_TABLE, bonds[0])).toMatchObject({ dot3adAggPortListPorts: Uint8Array.of(0x40) });
});

test('a port that is in belongs to the bond, one that is out to none, and says why', () => {
  const { ports } = lagRows(LINKS, [BOND]);
  expect(row(AGG_PORT_TABLE, ports[0])).toMatchObject({
    dot3adAggPortIndex: 2,
    dot3adAggPortSelectedAggID: 9,
    dot3adAggPortAttachedAggID: 9,
    dot3adAggPortPartnerOperPort: 11,
    dot3adAggPortActorOperState: Uint8Array.of(0xfc),
    dot3adAggPortPartnerOperState: Uint8Array.of(0xbc),
  });
  expect(row(AGG_PORT_STATS_TABLE, ports[0])).toMatchObject({
    dot3adAggPortStatsLACPDUsRx: 5,
    dot3adAggPortStatsMarkerResponsePDUsTx: 8,
  });
  expect(row(AGG_PORT_TABLE, ports[1])).toMatchObject({
    dot3adAggPortSelectedAggID: 0,
    dot3adAggPortAttachedAggID: 0,
  });
  expect(row(AGG_PORT_DEBUG_TABLE, ports[1])).toMatchObject({
    dot3adAggPortDebugRxState: 3,
    dot3adAggPortDebugMuxState: 3,
    dot3adAggPortDebugMuxReason: new TextEncoder().encode('eth1 hears no LACPDUs'),
    dot3adAggPortDebugActorChurnState: 1,
    dot3adAggPortDebugPartnerChurnState: 3,
  });
});

test('what has no interface has no row', () => {
  expect(lagRows(LINKS.slice(0, 1), [BOND])).toEqual({ bonds: [], ports: [] });
  expect(lagRows([link('bond0', 9), link('eth1', 3)], [BOND]).ports.map(({ index }) => index)).toEqual([3]);
});
