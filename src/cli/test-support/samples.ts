// Bonds and events as a daemon would tell them.
import { createBond, type OptionValues } from '../../policy/index.js';
import type { EventRecord, ShowBond, ShowMember } from '../../daemon/api/api.js';

export const ETH0: ShowMember = {
  name: 'eth0',
  state: 'active',
  miiStatus: 'up',
  linkFailureCount: 0,
  permanentAddress: '02:00:00:00:00:01',
  address: '02:00:00:00:00:01',
  speedMbps: 1000,
  duplex: 'full',
  rx: { packets: 1_234_567, bytes: 1_650_000_000 },
  tx: { packets: 987_654, bytes: 120_400_000 },
  lastReceivedMs: 340,
  silence: null,
};

const ETH1: ShowMember = {
  name: 'enp3s0f1',
  state: 'backup',
  miiStatus: 'going back',
  linkFailureCount: 12,
  permanentAddress: '02:00:00:00:00:02',
  address: '02:00:00:00:00:01',
  speedMbps: null,
  duplex: null,
  rx: { packets: 7, bytes: 420 },
  tx: { packets: 0, bytes: 0 },
  lastReceivedMs: 65_000,
  silence: null,
};

/** All options, as the policy gives them. */
function optionValues(given: Readonly<Record<string, string>>): OptionValues {
  const name = 'bond0';
  const address = '02:00:00:00:00:01';
  const made = createBond({
    name,
    address,
    addressIsRandom: false,
    mtu: 1500,
    options: Object.entries(given),
  });
  if (!made.ok) throw new Error(made.error.message);
  return made.value.snapshot().options;
}

export const BOND: ShowBond = {
  name: 'bond0',
  mode: 'active-backup',
  dataPlane: 'ebpf',
  dataPlaneDetail: 'TCX, carrier read in the kernel',
  inlineFailover: true,
  adminUp: true,
  carrier: true,
  active: 'eth0',
  address: '02:00:00:00:00:01',
  mtu: 1500,
  options: optionValues({ mode: 'active-backup', miimon: '100', updelay: '200', primary: 'eth0' }),
  rx: { packets: 1_234_574, bytes: 1_650_000_420 },
  tx: { packets: 987_654, bytes: 120_400_000 },
  txDropped: 0,
  awaited: [],
  members: [ETH0, ETH1],
};

export const FAILOVER: EventRecord = {
  seq: 7,
  time: '2026-03-01T11:22:33.456Z',
  bond: 'bond0',
  severity: 'info',
  type: 'failover',
  message: 'eth1 is active now instead of eth0, which lost its carrier.',
  from: 'eth0',
  to: 'eth1',
  reason: 'eth0 lost its carrier',
  outageMs: 0,
  lostPackets: 0,
};
