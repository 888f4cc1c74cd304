// Rows of the tables that the agent serves: IF-MIB (RFC 2863) and the address tables of IP-MIB (RFC 4293).
import { parseIpv4, parseIpv6, parseMac } from '../base/index.js';
import type { AddressFacts, InterfaceFacts } from './facts.js';

/** Types of values, by the names of the SNMP library. */
export type ValueType =
  | 'Integer'
  | 'OctetString'
  | 'OID'
  | 'IpAddress'
  | 'Counter32'
  | 'Gauge32'
  | 'TimeTicks'
  | 'Counter64';

/** A table: its place, its columns, which of them are the index, and how a fact becomes a row. */
export interface TableSpec<Row> {
  readonly name: string;
  /** Of the entry, below which the columns are. */
  readonly oid: string;
  readonly columns: readonly ColumnSpec<Row>[];
}

export interface ColumnSpec<Row> {
  readonly number: number;
  readonly name: string;
  readonly type: ValueType;
  /** Part of the index; `hidden`: not to be read as a column of its own (not-accessible). */
  readonly index?: 'shown' | 'hidden';
  readonly value: (row: Row) => number | string | Uint8Array;
}

const UINT32 = 2 ** 32;
const LARGEST_GAUGE = UINT32 - 1;

const TRUE = 1;
const FALSE = 2;
const truth = (value: boolean): number => (value ? TRUE : FALSE);
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** Eight bytes, most significant first: the library takes a counter in no shorter form. */
function counter64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

function macBytes(address: string): Uint8Array {
  const parsed = parseMac(address);
  return parsed.ok ? parsed.value : new Uint8Array(0);
}

/** What came in and was not multicast; the kernel counts multicasts apart. */
function unicastIn({ counters }: InterfaceFacts): number {
  return Math.max(0, counters.rxPackets - counters.multicast);
}

export const IF_TABLE: TableSpec<InterfaceFacts> = {
  name: 'ifTable',
  oid: '1.3.6.1.2.1.2.2.1',
  columns: [
    { number: 1, name: 'ifIndex', type: 'Integer', index: 'shown', value: row => row.index },
    { number: 2, name: 'ifDescr', type: 'OctetString', value: row => text(row.name) },
    { number: 3, name: 'ifType', type: 'Integer', value: row => row.type },
    { number: 4, name: 'ifMtu', type: 'Integer', value: row => row.mtu },
    {
      number: 5,
      name: 'ifSpeed',
      type: 'Gauge32',
      value: row => Math.min(LARGEST_GAUGE, (row.speedMbps ?? 0) * 1_000_000),
    },
    { number: 6, name: 'ifPhysAddress', type: 'OctetString', value: row => macBytes(row.address) },
    { number: 7, name: 'ifAdminStatus', type: 'Integer', value: row => (row.adminUp ? 1 : 2) },
    { number: 8, name: 'ifOperStatus', type: 'Integer', value: row => row.operStatus },
    // Not known: 0 stands for "before the agent began".
    { number: 9, name: 'ifLastChange', type: 'TimeTicks', value: () => 0 },
    { number: 10, name: 'ifInOctets', type: 'Counter32', value: row => row.counters.rxBytes % UINT32 },
    { number: 11, name: 'ifInUcastPkts', type: 'Counter32', value: row => unicastIn(row) % UINT32 },
    { number: 13, name: 'ifInDiscards', type: 'Counter32', value: row => row.counters.rxDropped % UINT32 },
    { number: 14, name: 'ifInErrors', type: 'Counter32', value: row => row.counters.rxErrors % UINT32 },
    { number: 16, name: 'ifOutOctets', type: 'Counter32', value: row => row.counters.txBytes % UINT32 },
    { number: 17, name: 'ifOutUcastPkts', type: 'Counter32', value: row => row.counters.txPackets % UINT32 },
    { number: 19, name: 'ifOutDiscards', type: 'Counter32', value: row => row.counters.txDropped % UINT32 },
    { number: 20, name: 'ifOutErrors', type: 'Counter32', value: row => row.counters.txErrors % UINT32 },
  ],
};

export const IF_X_TABLE: TableSpec<InterfaceFacts> = {
  name: 'ifXTable',
  oid: '1.3.6.1.2.1.31.1.1.1',
  columns: [
    // The index of ifTable, which this table goes on; the number is beyond the columns, and none can read it.
    { number: 20, name: 'ifIndex', type: 'Integer', index: 'hidden', value: row => row.index },
    { number: 1, name: 'ifName', type: 'OctetString', value: row => text(row.name) },
    {
      number: 2,
      name: 'ifInMulticastPkts',
      type: 'Counter32',
      value: row => row.counters.multicast % UINT32,
    },
    { number: 6, name: 'ifHCInOctets', type: 'Counter64', value: row => counter64(row.counters.rxBytes) },
    { number: 7, name: 'ifHCInUcastPkts', type: 'Counter64', value: row => counter64(unicastIn(row)) },
    {
      number: 8,
      name: 'ifHCInMulticastPkts',
      type: 'Counter64',
      value: row => counter64(row.counters.multicast),
    },
    { number: 10, name: 'ifHCOutOctets', type: 'Counter64', value: row => counter64(row.counters.txBytes) },
    {
      number: 11,
      name: 'ifHCOutUcastPkts',
      type: 'Counter64',
      value: row => counter64(row.counters.txPackets),
    },
    { number: 14, name: 'ifLinkUpDownTrapEnable', type: 'Integer', value: () => 2 },
    { number: 15, name: 'ifHighSpeed', type: 'Gauge32', value: row => row.speedMbps ?? 0 },
    { number: 16, name: 'ifPromiscuousMode', type: 'Integer', value: row => truth(row.promiscuous) },
    { number: 17, name: 'ifConnectorPresent', type: 'Integer', value: row => truth(row.physical) },
    { number: 18, name: 'ifAlias', type: 'OctetString', value: row => text(row.alias) },
    { number: 19, name: 'ifCounterDiscontinuityTime', type: 'TimeTicks', value: () => 0 },
  ],
};

/** One interface on another; 0 stands for nothing above, or nothing below. */
export interface StackRow {
  readonly higher: number;
  readonly lower: number;
}

export const IF_STACK_TABLE: TableSpec<StackRow> = {
  name: 'ifStackTable',
  oid: '1.3.6.1.2.1.31.1.2.1',
  columns: [
    { number: 1, name: 'ifStackHigherLayer', type: 'Integer', index: 'hidden', value: row => row.higher },
    { number: 2, name: 'ifStackLowerLayer', type: 'Integer', index: 'hidden', value: row => row.lower },
    { number: 3, name: 'ifStackStatus', type: 'Integer', value: () => 1 },
  ],
};

/** Which stands on which; every interface has something above it and something below, be it nothing. */
export function stackRows(interfaces: readonly InterfaceFacts[]): StackRow[] {
  const beneath = new Set(interfaces.flatMap(({ below }) => below));
  return interfaces.flatMap(({ index, below }) => [
    ...(beneath.has(index) ? [] : [{ higher: 0, lower: index }]),
    ...(below.length === 0 ? [0] : below).map(lower => ({ higher: index, lower })),
  ]);
}

export const IP_ADDR_TABLE: TableSpec<AddressFacts> = {
  name: 'ipAddrTable',
  oid: '1.3.6.1.2.1.4.20.1',
  columns: [
    { number: 1, name: 'ipAdEntAddr', type: 'IpAddress', index: 'shown', value: row => row.address },
    { number: 2, name: 'ipAdEntIfIndex', type: 'Integer', value: row => row.index },
    { number: 3, name: 'ipAdEntNetMask', type: 'IpAddress', value: row => maskText(row.prefixLength) },
    { number: 4, name: 'ipAdEntBcastAddr', type: 'Integer', value: row => row.broadcastBit },
    { number: 5, name: 'ipAdEntReasmMaxSize', type: 'Integer', value: () => 65535 },
  ],
};

/** InetAddressType and InetAddress: IPv4, IPv6, or IPv6 with the index of its link. */
function inetAddress(row: AddressFacts): { readonly type: number; readonly bytes: Uint8Array } {
  const ipv4 = parseIpv4(row.address);
  if (ipv4.ok) return { type: 1, bytes: ipv4.value };
  const ipv6 = parseIpv6(row.address);
  const bytes = ipv6.ok ? ipv6.value : new Uint8Array(16);
  if (!row.linkLocal) return { type: 2, bytes };
  const zoned = new Uint8Array(20);
  zoned.set(bytes);
  new DataView(zoned.buffer).setUint32(16, row.index);
  return { type: 4, bytes: zoned };
}

export const IP_ADDRESS_TABLE: TableSpec<AddressFacts> = {
  name: 'ipAddressTable',
  oid: '1.3.6.1.2.1.4.34.1',
  columns: [
    {
      number: 1,
      name: 'ipAddressAddrType',
      type: 'Integer',
      index: 'hidden',
      value: row => inetAddress(row).type,
    },
    {
      number: 2,
      name: 'ipAddressAddr',
      type: 'OctetString',
      index: 'hidden',
      value: row => inetAddress(row).bytes,
    },
    { number: 3, name: 'ipAddressIfIndex', type: 'Integer', value: row => row.index },
    { number: 4, name: 'ipAddressType', type: 'Integer', value: () => 1 },
    // zeroDotZero: the table of prefixes is not served.
    { number: 5, name: 'ipAddressPrefix', type: 'OID', value: () => '0.0' },
    { number: 6, name: 'ipAddressOrigin', type: 'Integer', value: row => row.origin },
    { number: 7, name: 'ipAddressStatus', type: 'Integer', value: row => row.status },
    { number: 8, name: 'ipAddressCreated', type: 'TimeTicks', value: row => row.created },
    { number: 9, name: 'ipAddressLastChanged', type: 'TimeTicks', value: row => row.changed },
    { number: 10, name: 'ipAddressRowStatus', type: 'Integer', value: () => 1 },
    { number: 11, name: 'ipAddressStorageType', type: 'Integer', value: () => 2 },
  ],
};

/** Of each IPv4 address only the first owner: the table has no room for more. */
export function ipv4Rows(addresses: readonly AddressFacts[]): AddressFacts[] {
  const seen = new Set<string>();
  return addresses.filter(({ address }) => {
    if (address.includes(':') || seen.has(address)) return false;
    seen.add(address);
    return true;
  });
}

function maskText(prefixLength: number): string {
  return [0, 8, 16, 24]
    .map(start => 256 - 2 ** (8 - Math.min(8, Math.max(0, prefixLength - start))))
    .join('.');
}
