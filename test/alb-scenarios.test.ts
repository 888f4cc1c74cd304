// balance-alb in simulated networks: clients on a switch send to a host with three members, while members die, come back, leave and join.
import { describe, expect, test } from 'vitest';
import {
  checkScenario,
  Random,
  type Scenario,
  simulate,
  type Simulated,
  type TimedEvent,
} from '../src/simulator/index.js';

const MEMBERS = ['eth0', 'eth1', 'eth2'] as const;
const CLIENTS = 4;

function lan(
  events: readonly TimedEvent[],
  options: Readonly<Record<string, string>>,
  lengthMs: number,
): Scenario {
  const clients = Array.from({ length: CLIENTS }, (_, at) => `client${at}`);
  const flow = (from: string, to: string, address: string): Scenario['flows'][number] => {
    const times = { startMs: 0, endMs: lengthMs - 1000 };
    return { name: `${from}-${to}`, from, to, address, packetsPerSecond: 100, bytes: 64, ...times };
  };
  return {
    version: 1,
    name: 'clients-on-a-switch',
    summary: 'Clients send to a host that shares them among its members.',
    arms: ['simulated'],
    hosts: [
      {
        name: 'server',
        interfaces: MEMBERS.map(name => ({ name })),
        bonds: [
          {
            name: 'bond0',
            options: { mode: 'balance-alb', miimon: '100', ...options },
            members: [...MEMBERS],
            addresses: ['192.0.2.1/24'],
          },
        ],
      },
      ...clients.map((name, at) => ({
        name,
        interfaces: [{ name: 'eth0', addresses: [`192.0.2.${at + 11}/24`] }],
      })),
    ],
    switches: [{ name: 'sw' }],
    cables: [
      ...MEMBERS.map(name => ({ a: `server:${name}`, b: `sw:${name}` })),
      ...clients.map(name => ({ a: `${name}:eth0`, b: `sw:${name}` })),
    ],
    flows: [
      ...clients.map((name, at) => flow('server', name, `192.0.2.${at + 11}`)),
      ...clients.map(name => flow(name, 'server', '192.0.2.1')),
    ],
    events,
    observe: {
      atMs: [],
      watch: MEMBERS.map(name => ({ of: `server/${name}`, property: 'mac', how: 'change' })),
    },
    expect: [],
    lengthMs,
  };
}

function run(scenario: Scenario): Simulated {
  const checked = checkScenario(structuredClone(scenario));
  if (!checked.ok) throw new Error(checked.error);
  const simulated = simulate(checked.value);
  if (!simulated.ok) throw new Error(simulated.error);
  expect(simulated.value.violations).toEqual([]);
  return simulated.value;
}

const lost = ({ flows }: Simulated, test_: (name: string) => boolean): number =>
  flows.filter(({ name }) => test_(name)).reduce((sum, flow) => sum + flow.lost, 0);

const fromClients = (name: string): boolean => name.endsWith('-server');

describe('balance-alb in the simulation', () => {
  const death: readonly TimedEvent[] = [{ atMs: 6000, do: 'cut', end: 'server:eth1' }];

  test('a death costs nothing that the host sends, and of what clients send only what was on its way', () => {
    const simulated = run(lan(death, {}, 12_000));
    expect(lost(simulated, name => !fromClients(name))).toBe(0);
    // Each sends a packet every 10 ms.
    expect(lost(simulated, fromClients)).toBeLessThanOrEqual(CLIENTS);
  });

  test('with inline_failover=0 clients of the dead one send into nothing for two seconds, as with the driver', () => {
    const simulated = run(lan(death, { inline_failover: '0' }, 12_000));
    const each = simulated.flows.filter(({ name }) => fromClients(name)).map(flow => flow.lost);
    expect(Math.max(...each)).toBeGreaterThan(150);
    expect(Math.max(...each)).toBeLessThan(260);
    expect(each.filter(count => count === 0).length).toBeGreaterThan(0);
  });

  test('the active one dies, comes back, leaves and joins again: addresses are never twice', () => {
    const simulated = run(
      lan(
        [
          { atMs: 5000, do: 'cut', end: 'server:eth0' },
          { atMs: 9000, do: 'restore', end: 'server:eth0' },
          { atMs: 13_000, do: 'release', host: 'server', bond: 'bond0', interface: 'eth1' },
          { atMs: 16_000, do: 'enslave', host: 'server', bond: 'bond0', interface: 'eth1' },
          { atMs: 20_000, do: 'bond-mac', host: 'server', bond: 'bond0', mac: '02:00:5e:00:00:07' },
        ],
        {},
        26_000,
      ),
    );
    for (const flow of simulated.flows) expect([flow.name, flow.received > 2200]).toEqual([flow.name, true]);
  });

  test('in random trouble no rule is broken, and all flows go on in the end', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = new Random(seed);
      const end = (): string => `server:${random.pick(MEMBERS)}`;
      const onBond = { host: 'server', bond: 'bond0' } as const;
      const events = Array.from({ length: 8 }, (): TimedEvent => {
        const atMs = random.integer(1000, 20_000);
        switch (random.integer(0, 6)) {
          case 0:
          case 1:
            return { atMs, do: 'cut', end: end() };
          case 2:
          case 3:
            return { atMs, do: 'restore', end: end() };
          case 4:
            return { atMs, do: 'set', ...onBond, option: 'primary', value: random.pick(MEMBERS) };
          case 5:
            return { atMs, do: 'daemon-kill', host: 'server' };
          default:
            return { atMs, do: 'daemon-start', host: 'server' };
        }
      }).toSorted((a, b) => a.atMs - b.atMs);
      const inline_failover = random.pick(['1', '0']);
      const whole: TimedEvent[] = [
        { atMs: 21_000, do: 'daemon-start', host: 'server' },
        ...MEMBERS.map(name => ({ atMs: 21_500, do: 'restore', end: `server:${name}` }) as const),
      ];
      const simulated = run(lan([...events, ...whole], { inline_failover }, 40_000));
      for (const { name, received } of simulated.flows)
        expect([seed, name, received > 1000]).toEqual([seed, name, true]);
    }
  });
});
