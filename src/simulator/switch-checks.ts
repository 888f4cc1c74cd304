// What must fit together in a scenario's switches: channel groups, pairs, and no loop; at the start and after every event that changes
// a group. Sentences with their place.
import {
  type CableSpec,
  endParts,
  type GroupSpec,
  happenings,
  type PairSpec,
  type Scenario,
  type SwitchSpec,
  type TimedEvent,
} from './scenario.js';

type Wired = Pick<Scenario, 'cables' | 'switches' | 'pairs'>;

const SIMULATED_EVENTS: ReadonlySet<string> = new Set(['group-move', 'group-set', 'group-remove', 'reboot']);

/** What is wrong with switches, groups and pairs, or null. */
export function checkSwitches(scenario: Scenario): string | null {
  return checkArms(scenario) ?? checkPairs(scenario) ?? checkWired(scenario, '') ?? checkChanges(scenario);
}

function checkArms({ arms, switches, pairs = [], events }: Scenario): string | null {
  if (arms?.join() === 'simulated') return null;
  const grouped = switches.find(({ groups = [] }) => groups.length > 0);
  const only = 'in the simulation alone: arms must be ["simulated"]';
  if (grouped !== undefined) return `${grouped.name}: channel groups of switches are there ${only}`;
  if (pairs[0] !== undefined) return `${pairs[0].name}: pairs of switches are there ${only}`;
  const at = events.findIndex(each => SIMULATED_EVENTS.has(each.do));
  return at === -1 ? null : `events[${at}] (${events[at]?.do}): it is there ${only}`;
}

function checkPairs({ pairs = [], switches, cables, partners = [], hosts }: Scenario): string | null {
  const taken = [...hosts, ...switches, ...partners].map(({ name }) => name);
  const paired = new Set<string>();
  for (const [at, pair] of pairs.entries()) {
    const place = `pairs[${at}] (${pair.name})`;
    if (taken.includes(pair.name)) return `${place}: something else is called ${pair.name}`;
    taken.push(pair.name);
    for (const role of ['primary', 'secondary'] as const) {
      const name = pair[role];
      if (!switches.some(each => each.name === name)) return `${place}: there is no switch ${name}`;
      if (paired.has(name)) return `${place}: ${name} is in a pair already`;
      paired.add(name);
    }
    const links = cables.filter(cable => isBetween(cable, pair));
    if (links.length !== 1)
      return `${place}: one cable between ${pair.primary} and ${pair.secondary} must be their peer link, and there are ${links.length}`;
    const [link] = links;
    const end = [link?.a ?? '', link?.b ?? ''].find(each => groupAt(switches, each) !== undefined);
    if (end !== undefined) return `${place}: ${end} ends the peer link and can be in no group`;
  }
  return null;
}

function isBetween(cable: CableSpec, { primary, secondary }: PairSpec): boolean {
  const nodes = new Set([cable.a, cable.b].map(each => endParts(each).node));
  return nodes.has(primary) && nodes.has(secondary);
}

function groupAt(switches: readonly SwitchSpec[], end: string): GroupSpec | undefined {
  const { node, port } = endParts(end);
  return switches.find(({ name }) => name === node)?.groups?.find(({ ports }) => ports.includes(port));
}

/** Everything that may be otherwise after an event; `after` names it. */
function checkWired(wired: Wired, after: string): string | null {
  const problem = checkGroups(wired) ?? checkKeys(wired) ?? checkIndividual(wired) ?? checkLoops(wired);
  return problem === null ? null : `${after}${problem}`;
}

function checkGroups({ switches, cables }: Wired): string | null {
  for (const { name: owner, groups = [] } of switches) {
    const names = groups.map(({ name }) => name);
    const same = names.find((name, at) => names.indexOf(name) !== at);
    if (same !== undefined) return `${owner} has two groups called ${same}`;
    const ports = groups.flatMap(group => group.ports);
    const twice = ports.find((port, at) => ports.indexOf(port) !== at);
    if (twice !== undefined) return `${owner}:${twice} is in a group twice`;
    const bare = ports.find(port => !cables.some(({ a, b }) => [a, b].includes(`${owner}:${port}`)));
    if (bare !== undefined) return `${owner}: no cable ends at port ${bare} of its groups`;
    const rated = groups.find(
      ({ lacp, rate, withoutLacp }) => lacp === 'off' && (rate ?? withoutLacp) !== undefined,
    );
    if (rated !== undefined)
      return `${owner} group ${rated.name}: it is static (lacp off), and has neither rate nor withoutLacp`;
  }
  return null;
}

/** Groups of one name are one group of a pair, with one key; others of one system have others. */
function checkKeys({ switches, pairs = [] }: Wired): string | null {
  const pairOf = (name: string): string | undefined =>
    pairs.find(({ primary, secondary }) => [primary, secondary].includes(name))?.name;
  const known = new Map<string, { readonly of: string; readonly group: string; readonly key: number }>();
  for (const { name: owner, groups = [] } of switches) {
    const system = pairOf(owner) ?? owner;
    for (const { name, key } of groups) {
      if (key === undefined) continue;
      const twin = known.get(`${system} ${name}`);
      if (twin !== undefined && twin.key !== key)
        return `group ${name} of ${system} has key ${twin.key} on ${twin.of} and ${key} on ${owner}: a group of a pair has one key`;
      const [other] = [...known].flatMap(([id, each]) =>
        id.startsWith(`${system} `) && each.key === key && each.group !== name ? [each] : [],
      );
      if (other !== undefined)
        return `groups ${other.group} and ${name} of ${system} have one key (${key}): what is at their other ends would take them for one`;
      known.set(`${system} ${name}`, { of: owner, group: name, key });
    }
  }
  return null;
}

/** Ports on their own between two switches would be a loop. */
function checkIndividual({ switches, cables }: Wired): string | null {
  const names = new Set(switches.map(({ name }) => name));
  for (const { a, b } of cables) {
    if (![a, b].every(each => names.has(endParts(each).node))) continue;
    const end = [a, b].find(each => groupAt(switches, each)?.withoutLacp === 'individual');
    if (end !== undefined)
      return `${end} leads to a switch: ports of its group without LACP would be a loop, so withoutLacp cannot be individual`;
  }
  return null;
}

/**
 * Switches run no spanning tree, so cables between them may form no loop. A pair is one switch here, and cables between the same two groups
 * are one cable.
 */
function checkLoops({ cables, switches, pairs = [] }: Wired): string | null {
  const above = new Map(switches.map(({ name }) => [name, name]));
  const find = (node: string): string => {
    let at = node;
    for (let up = above.get(at); up !== undefined && up !== at; up = above.get(at)) at = up;
    return at;
  };
  for (const { primary, secondary } of pairs) above.set(secondary, primary);
  const trunks = new Set<string>();
  for (const cable of cables) {
    const nodes = [cable.a, cable.b].map(each => endParts(each).node);
    const [a = '', b = ''] = nodes;
    if (!above.has(a) || !above.has(b) || pairs.some(pair => isBetween(cable, pair))) continue;
    const groups = [cable.a, cable.b].map(each => groupAt(switches, each)?.name);
    const whole = (node: string): string => pairs.find(pair => pair.secondary === node)?.primary ?? node;
    const trunk = [`${whole(a)} ${groups[0]}`, `${whole(b)} ${groups[1]}`].toSorted().join(' to ');
    if (!groups.includes(undefined) && trunks.has(trunk)) continue;
    trunks.add(trunk);
    const [one, other] = [find(a), find(b)];
    if (one === other) return `the cable from ${cable.a} to ${cable.b} closes a loop of switches`;
    above.set(one, other);
  }
  return null;
}

/** Events name switches, groups and ports that are there then, and leave everything right. */
function checkChanges(scenario: Scenario): string | null {
  const { cables, pairs = [] } = scenario;
  let { switches } = scenario;
  for (const event of happenings(scenario)) {
    if (!('switch' in event) || !SIMULATED_EVENTS.has(event.do)) continue;
    const place = `events[${event.index}] (${event.do}): `;
    const owner = switches.find(({ name }) => name === event.switch);
    if (owner === undefined) return `${place}there is no switch ${event.switch}`;
    const missing = missingFor(event, owner, scenario);
    if (missing !== null) return `${place}${missing}`;
    const changed = changedBy(event, owner);
    switches = switches.map(each => (each === owner ? changed : each));
    const wired = { cables, pairs, switches };
    const problem = checkWired(wired, `${place}then `) ?? peerGrouped(event, wired, place);
    if (problem !== null) return problem;
  }
  return null;
}

function missingFor(event: TimedEvent, owner: SwitchSpec, { cables }: Wired): string | null {
  if ('group' in event && event.group !== undefined && !hasGroup(owner, event.group))
    return `${owner.name} has no group ${event.group} then`;
  if (event.do !== 'group-move') return null;
  const isCabled = cables.some(({ a, b }) => [a, b].includes(`${owner.name}:${event.port}`));
  return isCabled ? null : `no cable ends at ${owner.name}:${event.port}`;
}

function hasGroup({ groups = [] }: SwitchSpec, wanted: string): boolean {
  return groups.some(({ name }) => name === wanted);
}

function peerGrouped(event: TimedEvent, { cables, pairs = [] }: Wired, place: string): string | null {
  if (event.do !== 'group-move' || event.group === undefined) return null;
  const end = `${event.switch}:${event.port}`;
  const isPeer = cables.some(
    cable => [cable.a, cable.b].includes(end) && pairs.some(pair => isBetween(cable, pair)),
  );
  return isPeer ? `${place}${end} ends the peer link and can be in no group` : null;
}

/** The switch as it is set up after an event. */
function changedBy(event: TimedEvent, owner: SwitchSpec): SwitchSpec {
  const { groups = [] } = owner;
  if (event.do === 'group-move') {
    const ports = (group: GroupSpec): readonly string[] => {
      const others = group.ports.filter(port => port !== event.port);
      return group.name === event.group ? [...others, event.port] : others;
    };
    return { ...owner, groups: groups.map(each => withPorts(each, ports(each))) };
  }
  if (event.do === 'group-set') {
    const set = (group: GroupSpec): GroupSpec =>
      event.to.lacp === 'off' ? { ...withoutLacp(group), ...event.to } : { ...group, ...event.to };
    return { ...owner, groups: groups.map(each => (each.name === event.group ? set(each) : each)) };
  }
  if (event.do === 'group-remove')
    return { ...owner, groups: groups.filter(({ name }) => name !== event.group) };
  return owner;
}

function withPorts(group: GroupSpec, ports: readonly string[]): GroupSpec {
  return { ...group, ports };
}

/** One that becomes static has what it had for LACP in vain. */
function withoutLacp({ name, ports, key }: GroupSpec): GroupSpec {
  return { name, ports, ...(key !== undefined && { key }) };
}
