// Smaller scenarios of a scenario, for finding the least one that still shows what is wrong. (simulator)
import { checkScenario } from './scenario-json.js';
import type { BondSpec, HostSpec, Scenario, SwitchSpec } from './scenario.js';

/** The list without a run of it: halves first, then ever smaller parts. */
function* without<T>(list: readonly T[]): Generator<T[]> {
  for (let size = list.length; size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < list.length; at += size) yield [...list.slice(0, at), ...list.slice(at + size)];
  }
}

function* withoutNode(scenario: Scenario): Generator<Scenario> {
  const without = (names: readonly string[]): Scenario => {
    const gone = (end: string): boolean => names.some(name => end.startsWith(`${name}:`) || end === name);
    return {
      ...scenario,
      hosts: scenario.hosts.filter(each => !gone(each.name)),
      switches: scenario.switches
        .filter(each => !gone(each.name))
        .map(each => withoutPorts(each, port => !cableAt(scenario, `${each.name}:${port}`, gone))),
      ...(scenario.pairs && {
        pairs: scenario.pairs.filter(pair => !gone(pair.primary) && !gone(pair.secondary)),
      }),
      cables: scenario.cables.filter(cable => !gone(cable.a) && !gone(cable.b)),
      flows: scenario.flows.filter(flow => !gone(flow.from) && !gone(flow.to)),
      events: scenario.events.filter(
        event =>
          !(
            ('end' in event && (gone(event.end) || !cableAt(scenario, event.end, gone))) ||
            ('host' in event && gone(event.host)) ||
            ('node' in event && gone(event.node)) ||
            ('switch' in event && gone(event.switch)) ||
            (event.do === 'group-move' && !cableAt(scenario, `${event.switch}:${event.port}`, gone))
          ),
      ),
      observe: {
        ...scenario.observe,
        watch: scenario.observe.watch.filter(each => !gone(each.of.split('/')[0] ?? '')),
      },
    };
  };
  for (const { name } of [...scenario.hosts, ...scenario.switches]) yield without([name]);
}

function cableAt(scenario: Scenario, end: string, gone: (end: string) => boolean): boolean {
  return scenario.cables.some(
    cable => (cable.a === end || cable.b === end) && !gone(cable.a) && !gone(cable.b),
  );
}

/** A switch whose groups have no port that is gone. */
function withoutPorts(given: SwitchSpec, isGone: (port: string) => boolean): SwitchSpec {
  if (given.groups === undefined) return given;
  const groups = given.groups.map(group => ({ ...group, ports: group.ports.filter(port => !isGone(port)) }));
  return { ...given, groups };
}

function withBond(scenario: Scenario, host: HostSpec, bond: BondSpec): Scenario {
  const bonds = (host.bonds ?? []).map(each => (each.name === bond.name ? bond : each));
  const hosts = scenario.hosts.map(each => (each.name === host.name ? { ...host, bonds } : each));
  return { ...scenario, hosts };
}

function* simplerBonds(scenario: Scenario): Generator<Scenario> {
  for (const host of scenario.hosts) {
    for (const bond of host.bonds ?? []) {
      for (const members of without(bond.members)) yield withBond(scenario, host, { ...bond, members });
      const optional = Object.entries(bond.options).filter(([name]) => name !== 'mode' && name !== 'miimon');
      for (const kept of without(optional)) {
        const { mode = 'active-backup', miimon = '100' } = bond.options;
        const options = { mode, miimon, ...Object.fromEntries(kept) };
        yield withBond(scenario, host, { ...bond, options });
      }
    }
  }
}

/** Rounder times: to whole hundreds. */
function* rounder(scenario: Scenario): Generator<Scenario> {
  const { events } = scenario;
  for (const [at, event] of events.entries()) {
    const atMs = 100 * Math.round(event.atMs / 100);
    if (atMs !== event.atMs) yield { ...scenario, events: events.with(at, { ...event, atMs }) };
  }
}

function* candidates(scenario: Scenario): Generator<Scenario> {
  for (const events of without(scenario.events)) yield { ...scenario, events };
  for (const flows of without(scenario.flows)) yield { ...scenario, flows };
  yield* withoutNode(scenario);
  yield* simplerBonds(scenario);
  yield* rounder(scenario);
  const last = Math.max(0, ...scenario.events.map(event => event.atMs));
  for (const lengthMs of [last + 500, last + 1500, last + 3000]) {
    if (lengthMs < scenario.lengthMs) yield { ...scenario, lengthMs };
  }
}

/** Valid scenarios that are smaller or simpler, the boldest steps first. */
export function* smallerScenarios(scenario: Scenario): Generator<Scenario> {
  for (const candidate of candidates(scenario)) if (checkScenario(candidate).ok) yield candidate;
}

/** The least scenario found that still `fails`, after at most `tries` runs. */
export function shrinkScenario(
  scenario: Scenario,
  fails: (candidate: Scenario) => boolean,
  tries = 2000,
): Scenario {
  let least = scenario;
  let left = tries;
  for (let found = true; found && left > 0; ) {
    found = false;
    for (const candidate of smallerScenarios(least)) {
      if (--left < 0) break;
      if (!fails(candidate)) continue;
      least = candidate;
      found = true;
      break;
    }
  }
  return least;
}
