// The agent's rules without a network: indexes that stay, rows, the file of users, the state file.
import { describe, expect, it } from 'vitest';
import type { InterfaceFacts } from './facts.js';
import { assignIndexes, remember } from './index-memory.js';
import { IF_TABLE, IF_X_TABLE, IP_ADDR_TABLE, IP_ADDRESS_TABLE, ipv4Rows, stackRows } from './mib-rows.js';
import { parseAgentState } from './state.js';
import { parseUsers } from './users.js';

describe('indexes (H34)', () => {
  const eth0 = { name: 'eth0', ifindex: 2 };
  const bond = { name: 'bond0', ifindex: 5 };

  it("are the kernel's at first", () => {
    expect([...assignIndexes({}, [eth0, bond])]).toEqual([
      ['eth0', 2],
      ['bond0', 5],
    ]);
  });

  it('stay with the name when the kernel numbers anew', () => {
    expect(assignIndexes({ bond0: 5 }, [{ name: 'bond0', ifindex: 9 }]).get('bond0')).toBe(5);
  });

  it('are not taken from one that is remembered, present or not, in whatever order', () => {
    const memory = { bond0: 5, eth0: 2 };
    const newcomers = [
      { name: 'a', ifindex: 5 },
      { name: 'b', ifindex: 2 },
      { name: 'bond0', ifindex: 7 },
      { name: 'c', ifindex: 7 },
    ];
    expect(Object.fromEntries(assignIndexes(memory, newcomers))).toEqual({
      a: 1_000_000,
      b: 1_000_001,
      bond0: 5,
      c: 7,
    });
  });

  it('a name of the language is a name like any other', () => {
    expect(assignIndexes({}, [{ name: 'constructor', ifindex: 3 }]).get('constructor')).toBe(3);
  });

  it('of bonds and members are remembered for good, of others while they are there', () => {
    const memory = { bond0: 5, eth0: 2, veth1: 8, tap0: 9 };
    const next = remember(
      memory,
      new Map([
        ['tap0', 9],
        ['veth2', 10],
      ]),
      new Set(['bond0', 'eth0']),
    );
    expect(next).toEqual({ bond0: 5, eth0: 2, tap0: 9, veth2: 10 });
  });
});

const INTERFACE: InterfaceFacts = {
  index: 5,
  name: 'bond0',
  alias: '',
  type: 161,
  mtu: 1500,
  speedMbps: 10_000,
  address: '02:00:00:00:00:01',
  adminUp: true,
  operStatus: 1,
  promiscuous: false,
  physical: false,
  counters: {
    rxPackets: 10,
    rxBytes: 2 ** 40 + 1,
    rxErrors: 0,
    rxDropped: 0,
    multicast: 3,
    txPackets: 2 ** 33,
    txBytes: 255,
    txErrors: 0,
    txDropped: 0,
  },
  below: [2, 3],
};

/** Values by the names of columns. */
function row<Row>(
  table: { columns: readonly { name: string; value: (row: Row) => unknown }[] },
  facts: Row,
): Record<string, unknown> {
  return Object.fromEntries(table.columns.map(({ name, value }) => [name, value(facts)]));
}

describe('rows', () => {
  it('have counters of 32 bits that wrap and of 64 bits that do not, and a speed that does not overflow', () => {
    const small = row(IF_TABLE, INTERFACE);
    expect([small['ifInOctets'], small['ifOutUcastPkts'], small['ifSpeed']]).toEqual([1, 0, 4_294_967_295]);
    expect(small['ifInUcastPkts']).toBe(7);
    const large = row(IF_X_TABLE, INTERFACE);
    expect(large['ifHCInOctets']).toEqual(Uint8Array.of(0, 0, 1, 0, 0, 0, 0, 1));
    expect(large['ifHCOutUcastPkts']).toEqual(Uint8Array.of(0, 0, 0, 2, 0, 0, 0, 0));
    expect(large['ifHighSpeed']).toBe(10_000);
    expect(small['ifPhysAddress']).toEqual(Uint8Array.of(2, 0, 0, 0, 0, 1));
    expect(row(IF_TABLE, { ...INTERFACE, address: '' })['ifPhysAddress']).toEqual(new Uint8Array(0));
  });

  it('say who stands on whom, down to nothing', () => {
    const member = (index: number): InterfaceFacts => ({ ...INTERFACE, index, below: [] });
    expect(stackRows([member(2), member(3), INTERFACE])).toEqual([
      { higher: 2, lower: 0 },
      { higher: 3, lower: 0 },
      { higher: 0, lower: 5 },
      { higher: 5, lower: 2 },
      { higher: 5, lower: 3 },
    ]);
  });

  it('name an address once, with its mask, and a link-local one with its zone', () => {
    const address = {
      index: 5,
      address: '192.0.2.1',
      prefixLength: 22,
      linkLocal: false,
      origin: 2,
      status: 1,
      broadcastBit: 1,
      created: 0,
      changed: 0,
    } as const;
    expect(row(IP_ADDR_TABLE, address)).toMatchObject({ ipAdEntIfIndex: 5, ipAdEntNetMask: '255.255.252.0' });
    const local = { ...address, address: 'fe80::1', linkLocal: true };
    expect(ipv4Rows([address, local, { ...address, index: 6 }])).toEqual([address]);
    const zoned = row(IP_ADDRESS_TABLE, local);
    expect(zoned['ipAddressAddrType']).toBe(4);
    expect((zoned['ipAddressAddr'] as Uint8Array).subarray(16)).toEqual(Uint8Array.of(0, 0, 0, 5));
  });
});

describe('the file of users', () => {
  it('is read with comments and blank lines', () => {
    expect(parseUsers('# who\n\n me SHA256 long-enough aes long-too\nyou md5 12345678\n', 'users')).toEqual({
      ok: true,
      value: [
        {
          name: 'me',
          auth: { protocol: 'sha256', password: 'long-enough' },
          priv: { protocol: 'aes', password: 'long-too' },
        },
        { name: 'you', auth: { protocol: 'md5', password: '12345678' } },
      ],
    });
  });

  it.each([
    ['me sha256', /users:1: a user has 3 or 5 words, and here are 2/],
    ['\nme rot13 12345678', /users:2: rot13 is no authentication protocol/],
    ['me sha 12345678 xor 12345678', /xor is no privacy protocol/],
    ['me sha secret7', /shorter than 8/],
    ['me sha 12345678\nme md5 12345678', /users:2: the user me is there twice/],
  ])('%j is refused, and no password is repeated', (text, says) => {
    const users = parseUsers(text, 'users');
    expect(users.ok ? '' : users.error).toMatch(says);
    expect(users.ok ? '' : users.error).not.toMatch(/12345678|secret7/);
  });
});

describe('the state file', () => {
  const state = { engineId: '80007ed9050102', engineBoots: 3, indexes: { bond0: 5 }, lasting: ['bond0'] };
  it('is taken when it is whole, and nothing else is', () => {
    expect(parseAgentState(JSON.stringify(state))).toEqual(state);
    for (const bad of ['', 'null', '[]', '{}', '{"engineId":1}'])
      expect(parseAgentState(bad)).toBeUndefined();
    const broken = [
      { engineId: 'xy' },
      { engineBoots: 0.5 },
      { indexes: { a: '1' } },
      { indexes: { a: 0 } },
      { lasting: [1] },
    ];
    for (const part of broken) expect(parseAgentState(JSON.stringify({ ...state, ...part }))).toBeUndefined();
  });
});
