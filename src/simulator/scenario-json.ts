// Scenarios as JSON text: reading with all checks (a file may come from anybody), and writing for people to read.
import { err, ERRNO, ok, parseIpv4, parseIpv6, type Result } from '../base/index.js';
import { ARMS, PROPERTIES } from './observations.js';
import { endParts, type Happening, type HappeningKind, type HostSpec, type Scenario } from './scenario.js';
import type { UplinkScenario } from './uplinks/scenario.js';
import { checkUplinkScenario, isUplinkScenario } from './uplinks/scenario-json.js';
import { checkSwitches } from './switch-checks.js';
import {
  check,
  dictionary,
  flag,
  list,
  matching,
  maybe,
  number,
  oneOf,
  record,
  type Shape,
  tagged,
  text,
  value,
} from './shape.js';

const name = matching(
  /^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/,
  'a name of at most 15 letters, digits, "_", "." or "-"',
);
const mac = matching(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/, 'a MAC address in lower case');
const end = matching(/^[^:]+:[^:]+$/, 'the end of a cable, NODE:INTERFACE');
const cidr: Shape = (given, place) => {
  const parts = typeof given === 'string' ? given.split('/') : [];
  const [address = '', prefix = ''] = parts;
  const good = parts.length === 2 && /^\d{1,3}$/.test(prefix) && isAddress(address);
  return good ? null : `${place} must be an address with its prefix length, such as 192.0.2.1/24`;
};
const ms = number(0, 1e12);

function isAddress(given: string): boolean {
  return parseIpv4(given).ok || parseIpv6(given).ok;
}

const BOND = record({
  name,
  options: dictionary(text),
  members: list(name),
  addresses: list(cidr),
  up: maybe(flag),
  bridge: maybe(name),
});

const HOST = record({
  name,
  interfaces: list(
    record({
      name,
      mac: maybe(mac),
      addresses: maybe(list(cidr)),
      speedMbps: maybe(number(1)),
      duplex: maybe(oneOf(['full', 'half'])),
      fixedMac: maybe(flag),
    }),
  ),
  bonds: maybe(list(BOND)),
});

const onBond = { host: name, bond: name };

const u16 = number(0, 65_535);
const SAYS = {
  systemPriority: maybe(u16),
  system: maybe(mac),
  key: maybe(u16),
  portPriority: maybe(u16),
  port: maybe(u16),
  flags: maybe(matching(/^[ATGSCDFE]*$/, 'letters out of ATGSCDFE')),
  everyMs: maybe(ms),
  names: maybe(flag),
  answers: maybe(number(0, 1_000_000)),
};

const GROUP = {
  lacp: maybe(oneOf(['active', 'passive', 'off'])),
  rate: maybe(oneOf(['slow', 'fast'])),
  key: maybe(number(1, 65_534)),
  withoutLacp: maybe(oneOf(['suspend', 'individual'])),
};
const SWITCH = record({
  name,
  ageingMs: maybe(ms),
  system: maybe(mac),
  systemPriority: maybe(u16),
  groups: maybe(list(record({ name, ports: list(name), ...GROUP }))),
});
const PAIR = record({ name, primary: name, secondary: name, system: maybe(mac) });

/** What each happening has beside `do`, `atMs` and `refused`. */
const HAPPENINGS: Readonly<Record<HappeningKind, Readonly<Record<string, Shape>>>> = {
  cut: { end },
  restore: { end },
  flap: { end, times: number(1, 10_000), downMs: ms, upMs: ms },
  lose: { end, percent: number(0, 100) },
  silence: { switch: name, port: maybe(name) },
  unsilence: { switch: name, port: maybe(name) },
  'partner-says': { partner: name, port: name, says: record(SAYS) },
  'group-move': { switch: name, port: name, group: maybe(name) },
  'group-set': { switch: name, group: name, to: record(GROUP) },
  'group-remove': { switch: name, group: name },
  reboot: { switch: name, downMs: ms, readyMs: maybe(ms) },
  kill: { node: name },
  revive: { node: name },
  set: { ...onBond, option: text, value: text },
  enslave: { ...onBond, interface: name },
  release: { ...onBond, interface: name },
  'bond-up': onBond,
  'bond-down': onBond,
  'bond-mac': { ...onBond, mac },
  'bond-mtu': { ...onBond, mtu: number(68, 65_535) },
  listen: { ...onBond, mac },
  unlisten: { ...onBond, mac },
  'link-up': { host: name, interface: name },
  'link-down': { host: name, interface: name },
  'daemon-kill': { host: name },
  'daemon-start': { host: name },
};

const EVENT = tagged(
  'do',
  Object.fromEntries(
    Object.entries(HAPPENINGS).map(([kind, shapes]) => [
      kind,
      record({ atMs: ms, do: text, ...shapes, refused: maybe(oneOf(Object.keys(ERRNO))) }),
    ]),
  ),
);

const property: Shape = (given, place) => {
  const known =
    typeof given === 'string' &&
    (PROPERTIES.some(each => each === given) || /^(?:sysfs|garps-from|hears):.+$/.test(given));
  return known
    ? null
    : `${place} must be one of ${PROPERTIES.join(', ')}, sysfs:NAME, garps-from:ADDRESS or hears:MAC`;
};

const SCENARIO = record({
  version: oneOf([1]),
  name: matching(/^[a-z0-9]+(?:-[a-z0-9]+)*$/, 'a name in kebab-case'),
  summary: text,
  arms: maybe(list(oneOf(ARMS))),
  hosts: list(HOST),
  switches: list(SWITCH),
  pairs: maybe(list(PAIR)),
  partners: maybe(list(record({ name, ports: list(record({ name, ...SAYS })) }))),
  cables: list(record({ a: end, b: end, delayMs: maybe(number(0, 10_000)) })),
  flows: list(
    record({
      name,
      from: name,
      to: name,
      address: text,
      packetsPerSecond: number(0.001, 1_000_000),
      bytes: number(16, 9000),
      startMs: ms,
      endMs: ms,
    }),
  ),
  events: list(EVENT),
  observe: record({
    atMs: list(ms),
    watch: list(
      record({
        of: text,
        property,
        how: oneOf(['sample', 'change', 'total']),
        withinMs: maybe(ms),
        ignoreShorterThanMs: maybe(ms),
        by: maybe(number()),
      }),
    ),
  }),
  expect: list(
    record({
      check: maybe(text),
      of: text,
      property,
      atMs: maybe(ms),
      sinceMs: maybe(ms),
      is: maybe(value),
      atLeast: maybe(number(-1e15, 1e15)),
      atMost: maybe(number(-1e15, 1e15)),
      sequence: maybe(list(value)),
    }),
  ),
  lengthMs: ms,
});

/** Reads a scenario, or says what is wrong with it and where. Never throws. */
export function parseScenario(json: string): Result<Scenario, string> {
  const given = readJson(json);
  return given.ok ? checkScenario(given.value) : given;
}

function readJson(json: string): Result<unknown, string> {
  try {
    return ok(JSON.parse(json) as unknown);
  } catch (error) {
    return err(`It is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Reads what either is: a network of bonds, or an uplink. */
export function parseAnyScenario(json: string): Result<Scenario | UplinkScenario, string> {
  const given = readJson(json);
  if (!given.ok) return given;
  return isUplinkScenario(given.value) ? checkUplinkScenario(given.value) : checkScenario(given.value);
}

/** Checks a value that claims to be a scenario. */
export function checkScenario(given: unknown): Result<Scenario, string> {
  const shaped = check<Scenario>(SCENARIO, given);
  if (!shaped.ok) return shaped;
  const problem = checkReferences(shaped.value) ?? checkCables(shaped.value) ?? checkSwitches(shaped.value);
  return problem === null ? ok(shaped.value) : err(problem);
}

/** JSON with one line for each leaf object, so that a stored scenario reads like a table. */
export function printScenario(scenario: Scenario | UplinkScenario): string {
  return `${print(scenario, '')}\n`;
}

const LINE = 110;

function print(given: unknown, indent: string): string {
  const flat = flatText(given);
  if (flat.length + indent.length <= LINE && (indent !== '' || flat.length < 40)) return flat;
  const deeper = `${indent}  `;
  if (Array.isArray(given)) {
    const items = given.map(item => deeper + print(item, deeper));
    return `[\n${items.join(',\n')}\n${indent}]`;
  }
  if (typeof given !== 'object' || given === null) return flat;
  const entries = Object.entries(given)
    .filter(([, item]) => item !== undefined)
    .map(([key, item]) => `${deeper}${JSON.stringify(key)}: ${print(item, deeper)}`);
  return `{\n${entries.join(',\n')}\n${indent}}`;
}

function flatText(given: unknown): string {
  if (Array.isArray(given)) return `[${given.map(flatText).join(', ')}]`;
  if (typeof given !== 'object' || given === null) return JSON.stringify(given) ?? 'null';
  const entries = Object.entries(given).filter(([, item]) => item !== undefined);
  if (entries.length === 0) return '{}';
  return `{ ${entries.map(([key, item]) => `${JSON.stringify(key)}: ${flatText(item)}`).join(', ')} }`;
}

function twice(names: readonly string[]): string | undefined {
  return names.find((each, at) => names.indexOf(each) !== at);
}

function checkHost(host: HostSpec): string | null {
  const bonds = host.bonds ?? [];
  const bridges = bonds.flatMap(({ bridge }) => bridge ?? []);
  const names = [...[...host.interfaces, ...bonds].map(each => each.name), ...bridges];
  const same = twice(names);
  if (same !== undefined) return `${host.name} has two interfaces called ${same}`;
  const enrolled = twice(bonds.flatMap(bond => bond.members));
  if (enrolled !== undefined) return `${host.name}:${enrolled} is a member twice`;
  for (const bond of bonds) {
    for (const member of bond.members) {
      const found = host.interfaces.find(each => each.name === member);
      if (found === undefined) return `${host.name}/${bond.name}: there is no interface ${member}`;
      if ((found.addresses ?? []).length > 0)
        return `${host.name}:${member} is a member of ${bond.name} and cannot have addresses`;
    }
  }
  return null;
}

function nodesIn({ hosts, switches, partners = [] }: Scenario): readonly { readonly name: string }[] {
  return [...hosts, ...switches, ...partners];
}

/** What an event names must be there. */
function checkHappening(scenario: Scenario, event: Happening): string | null {
  const hostOf = (wanted: string): HostSpec | undefined => scenario.hosts.find(each => each.name === wanted);
  if ('end' in event) {
    const found = scenario.cables.some(cable => cable.a === event.end || cable.b === event.end);
    return found ? null : `no cable ends at ${event.end}`;
  }
  if ('switch' in event) {
    const found = scenario.switches.some(each => each.name === event.switch);
    return found ? null : `there is no switch ${event.switch}`;
  }
  if ('partner' in event) {
    const partner = scenario.partners?.find(each => each.name === event.partner);
    if (partner === undefined) return `there is no partner ${event.partner}`;
    const found = partner.ports.some(each => each.name === event.port);
    return found ? null : `${event.partner} has no port ${event.port}`;
  }
  if ('node' in event) {
    const found = nodesIn(scenario).some(each => each.name === event.node);
    return found ? null : `there is no switch, partner or host ${event.node}`;
  }
  const host = hostOf(event.host);
  if (host === undefined) return `there is no host ${event.host}`;
  if ('bond' in event && !(host.bonds ?? []).some(bond => bond.name === event.bond))
    return `${event.host} has no bond ${event.bond}`;
  if (event.do === 'link-up' || event.do === 'link-down') {
    const found = host.interfaces.some(each => each.name === event.interface);
    return found ? null : `${event.host} has no interface ${event.interface}`;
  }
  return null;
}

function checkReferences(scenario: Scenario): string | null {
  const { hosts, partners = [], flows, events, arms } = scenario;
  const same = twice(nodesIn(scenario).map(each => each.name));
  if (same !== undefined) return `two nodes are called ${same}`;
  if (partners.length > 0 && arms?.join() !== 'simulated')
    return 'partners are there in the simulation alone: arms must be ["simulated"]';
  for (const host of hosts) {
    const problem = checkHost(host);
    if (problem !== null) return problem;
  }
  for (const flow of flows) {
    const missing = [flow.from, flow.to].find(wanted => !hosts.some(host => host.name === wanted));
    if (missing !== undefined) return `flow ${flow.name}: there is no host ${missing}`;
    if (!isAddress(flow.address)) return `flow ${flow.name}: ${flow.address} is no address`;
  }
  const sameFlow = twice(flows.map(flow => flow.name));
  if (sameFlow !== undefined) return `two flows are called ${sameFlow}`;
  for (const [at, event] of events.entries()) {
    const problem = checkHappening(scenario, event);
    if (problem !== null) return `events[${at}] (${event.do}): ${problem}`;
  }
  return null;
}

function checkCables({ cables, hosts, switches, partners = [] }: Scenario): string | null {
  const same = twice(cables.flatMap(cable => [cable.a, cable.b]));
  if (same !== undefined) return `two cables end at ${same}`;
  for (const cable of cables) {
    for (const each of [cable.a, cable.b]) {
      const { node, port } = endParts(each);
      const host = hosts.find(one => one.name === node);
      const partner = partners.find(one => one.name === node);
      if (partner !== undefined && !partner.ports.some(one => one.name === port))
        return `${each}: ${node} has no port ${port}`;
      if (host === undefined && partner === undefined && !switches.some(one => one.name === node))
        return `${each}: there is no ${node}`;
      if (host !== undefined && !host.interfaces.some(one => one.name === port))
        return `${each}: ${node} has no interface ${port}`;
    }
  }
  return null;
}
