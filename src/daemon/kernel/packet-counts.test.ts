// /proc/net/dev as a kernel prints it.
import { expect, test } from 'vitest';
import { PacketTable } from './packet-counts.js';

const TEXT = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 1208     12    0    0    0     0          0         0     1208      13    0    0    0     0       0          0
enp0s31f6.100: 98765432109 87654321    1    2    0     0          0         3 12345678 7654321    0    0    0     0       0          0
`;

/** What a table that read these texts, one after the other, says in the end. */
function counted(...texts: readonly string[]): [string, number, number][] {
  const table = new PacketTable();
  for (const text of texts) table.read(Buffer.from(text));
  return table.names().map(name => {
    const { rxPackets = -1, txPackets = -1 } = table.get(name) ?? {};
    return [name, rxPackets, txPackets];
  });
}

test('PacketTable gives received and sent packets by name', () => {
  expect(counted(TEXT)).toEqual([
    ['lo', 12, 13],
    ['enp0s31f6.100', 87_654_321, 7_654_321],
  ]);
  expect(counted('')).toEqual([]);
  expect(counted(TEXT.trimEnd())).toEqual(counted(TEXT));
});

test('PacketTable forgets interfaces that are gone, and takes new numbers of others', () => {
  const later = TEXT.replace('      13', '   90015').replace(/enp0s31f6\.100/, 'enp0s31f6.101');
  expect(counted(TEXT, later)).toEqual([
    ['lo', 12, 90_015],
    ['enp0s31f6.101', 87_654_321, 7_654_321],
  ]);
  expect(counted(TEXT, '')).toEqual([]);
});
