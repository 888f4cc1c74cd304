// link_watch=any with passive evidence over a long time, on this machine: an idle network, traffic one way and the other, bursts,
// and targets that are silent altogether. No member is ever at fault, so every failure that is counted is a false alarm.
//
//   npm run bench:false-alarms [-- --seconds 600]
import { parseArgs } from 'node:util';
import { runReal } from '#arms';
import { cleanStale } from '#lab';
import type { FlowSpec, Scenario } from '#simulator';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '600' } } });
/** The time is divided into parts, each of one kind. */
const PARTS = 10;
const part = (Number(values.seconds) * 1000) / PARTS;
const at = (parts: number): number => Math.round(parts * part);
/** A burst, and how many of them in a part. */
const BURST_MS = 500;
const BURSTS = 6;

let flows = 0;
function flow(from: 'server' | 'client', packetsPerSecond: number, startMs: number, endMs: number): FlowSpec {
  const [to, address] = from === 'server' ? ['client', '192.0.2.10'] : ['server', '192.0.2.1'];
  return { name: `flow-${flows++}`, from, to, address, packetsPerSecond, bytes: 200, startMs, endMs };
}

const bursts = Array.from({ length: BURSTS }, (_, nth) => at(6) + (nth * part) / BURSTS);
const scenario: Scenario = {
  version: 1,
  name: 'false-alarms',
  summary: 'Nothing fails.',
  hosts: [
    {
      name: 'server',
      interfaces: [{ name: 'eth0' }, { name: 'eth1' }],
      bonds: [
        {
          name: 'bond0',
          options: {
            mode: 'active-backup',
            miimon: '100',
            arp_interval: '100',
            arp_ip_target: '192.0.2.10',
            link_watch: 'any',
            passive_evidence: '1',
          },
          members: ['eth0', 'eth1'],
          addresses: ['192.0.2.1/24'],
        },
      ],
    },
    { name: 'client', interfaces: [{ name: 'eth0', addresses: ['192.0.2.10/24'] }] },
  ],
  switches: [{ name: 'sw1' }],
  cables: [
    { a: 'server:eth0', b: 'sw1:1' },
    { a: 'server:eth1', b: 'sw1:2' },
    { a: 'client:eth0', b: 'sw1:client' },
  ],
  // Parts 0 and 1 idle, 2 and 3 sending alone, 4 and 5 receiving alone, 6 bursts, 7 both ways, 8 silent targets, 9 idle again.
  flows: [
    flow('server', 500, at(2), at(4)),
    flow('client', 500, at(4), at(6)),
    ...bursts.map(start => flow('server', 4000, Math.round(start), Math.round(start) + BURST_MS)),
    flow('server', 300, at(7), at(9)),
    flow('client', 300, at(7), at(8)),
  ],
  events: [
    { atMs: at(8), do: 'silence', switch: 'sw1', port: 'client' },
    { atMs: at(9), do: 'unsilence', switch: 'sw1', port: 'client' },
  ],
  observe: {
    atMs: [],
    watch: [
      { of: 'server/bond0', property: 'active', how: 'change', withinMs: 100 },
      { of: 'server/eth0', property: 'failures', how: 'total' },
      { of: 'server/eth1', property: 'failures', how: 'total' },
    ],
  },
  expect: [],
  lengthMs: at(PARTS),
};

cleanStale();
const { observations } = await runReal(scenario, 'bondwire');
const failures = observations
  .filter(({ property }) => property === 'failures')
  .reduce((sum, { value }) => sum + Number(value), 0);
const moves = observations.filter(({ property }) => property === 'active').length - 1;
console.log(`${values.seconds} s: ${failures} false alarms, ${moves} failovers`);
process.exitCode = failures === 0 && moves === 0 ? 0 : 1;
