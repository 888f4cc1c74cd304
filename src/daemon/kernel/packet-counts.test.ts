// /proc/net/dev as a kernel prints it.
import { expect, test } from 'vitest';
import { parsePacketCounts } from './packet-counts.js';

const TEXT = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 1208     12    0    0    0     0          0         0     1208      13    0    0    0     0       0          0
enp0s31f6.100: 98765432109 87654321    1    2    0     0          0         3 12345678 7654321    0    0    0     0       0          0
`;

test('parsePacketCounts() gives received and sent packets by name', () => {
  expect([...parsePacketCounts(TEXT)]).toEqual([
    ['lo', { rxPackets: 12, txPackets: 13 }],
    ['enp0s31f6.100', { rxPackets: 87_654_321, txPackets: 7_654_321 }],
  ]);
  expect([...parsePacketCounts('')]).toEqual([]);
});
