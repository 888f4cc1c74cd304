// A simulated scenario as a person would tell it: what happened, what the bonds did about it, what it cost. (simulator)
import { unreachable } from '../base/index.js';
import type { BondSnapshot } from '../policy/index.js';
import { isAggregated, isSpread } from './mode-kinds.js';
import { happenings, type Happening, type Scenario } from './scenario.js';
import { timeText } from './time-text.js';
import type { FlowTotals, GroupEnd, Simulated } from './simulate.js';

/** A happening as a clause: "the cable at server:eth0 is cut". */
export function happeningText(event: Happening): string {
  switch (event.do) {
    case 'cut':
      return `the cable at ${event.end} is cut`;
    case 'restore':
      return `the cable at ${event.end} is whole again`;
    case 'flap':
      return `the link of ${event.end} flaps ${event.times} times`;
    case 'lose':
      return event.percent === 0
        ? `nothing that ${event.end} sends is lost any more`
        : `${event.percent} % of what ${event.end} sends is lost`;
    case 'silence':
    case 'unsilence': {
      const what = event.port === undefined ? event.switch : `port ${event.port} of ${event.switch}`;
      return event.do === 'silence'
        ? `${what} forwards nothing any more, and keeps its links`
        : `${what} forwards again`;
    }
    case 'group-move':
      return event.group === undefined
        ? `port ${event.port} of ${event.switch} is taken out of its channel group`
        : `port ${event.port} of ${event.switch} goes to channel group ${event.group}`;
    case 'group-set': {
      const set = Object.entries(event.to).map(([what, how]) => `${what} ${how}`);
      return `channel group ${event.group} of ${event.switch} gets ${set.join(', ')}`;
    }
    case 'group-remove':
      return `channel group ${event.group} of ${event.switch} is removed: its ports are on their own`;
    case 'reboot': {
      const ready =
        (event.readyMs ?? 0) === 0 ? '' : `, and ready ${event.readyMs} ms after they are up again`;
      return `${event.switch} reboots: its links are down for ${event.downMs} ms${ready}`;
    }
    case 'partner-says': {
      const said = Object.entries(event.says).map(([what, how]) => `${what} ${how}`);
      return `port ${event.port} of ${event.partner} says ${said.join(', ')}`;
    }
    case 'kill':
      return `${event.node} loses its power`;
    case 'revive':
      return `${event.node} has its power back`;
    case 'set':
      return `somebody sets ${event.option}=${event.value} on ${event.host}/${event.bond}`;
    case 'enslave':
      return `${event.interface} joins ${event.host}/${event.bond}`;
    case 'release':
      return `${event.interface} is released from ${event.host}/${event.bond}`;
    case 'bond-up':
    case 'bond-down':
      return `${event.host}/${event.bond} is set ${event.do === 'bond-up' ? 'up' : 'down'}`;
    case 'bond-mac':
      return `${event.host}/${event.bond} gets the address ${event.mac}`;
    case 'bond-mtu':
      return `${event.host}/${event.bond} gets the MTU ${event.mtu}`;
    case 'listen':
      return `${event.host}/${event.bond} shall hear ${event.mac}`;
    case 'unlisten':
      return `${event.host}/${event.bond} need not hear ${event.mac} any more`;
    case 'link-up':
    case 'link-down':
      return `somebody sets ${event.host}:${event.interface} ${event.do === 'link-up' ? 'up' : 'down'}`;
    case 'daemon-kill':
      return `the daemon of ${event.host} is killed (kill -9)`;
    case 'daemon-start':
      return `a new daemon starts on ${event.host}`;
    default:
      return unreachable(event);
  }
}

interface Line {
  readonly atMs: number;
  readonly text: string;
}

function happened(scenario: Scenario, simulated: Simulated): Line[] {
  return happenings(scenario)
    .filter(event => event.atMs <= scenario.lengthMs)
    .map(event => {
      const answer = simulated.timeline.observations.find(
        each => each.how === 'event' && each.of === `event ${event.index}`,
      )?.value;
      const refused = answer === undefined || answer === 'ok' ? '' : `: refused with ${answer}`;
      return { atMs: event.atMs, text: `* ${happeningText(event)}${refused}` };
    });
}

function told(simulated: Simulated): Line[] {
  return simulated.told.map(({ atMs, host, event }) => ({ atMs, text: `  ${host}: ${event.message}` }));
}

function flowText(flow: FlowTotals): string {
  const lost = flow.lost === 0 ? 'none lost' : `${flow.lost} lost`;
  const twice = flow.duplicated === 0 ? '' : `, ${flow.duplicated} came twice`;
  return `  ${flow.name}: ${flow.sent} packets sent, ${lost}${twice}, longest silence ${flow.longestGapMs} ms`;
}

function bondText(host: string, bond: BondSnapshot): string {
  const active = bond.options.active_slave;
  const members = bond.members.map(member => {
    const failures = member.linkFailureCount === 0 ? '' : `, failed ${member.linkFailureCount} times`;
    return `${member.name} ${member.link}${failures}`;
  });
  const senders = bond.members.filter(member => member.link === 'up').map(member => member.name);
  const carrying = bond.members.filter(({ state, link }) => state === 'active' && link === 'up');
  const shared = isAggregated(bond.mode) ? carrying.map(({ name }) => name) : senders;
  const isShared = isSpread(bond.mode) || isAggregated(bond.mode);
  const used = isShared ? shared.join(', ') : (active ?? '');
  const uses = used === '' ? 'uses nothing and has no carrier' : `uses ${used}`;
  return `  ${host}/${bond.name} ${uses} (${members.join('; ') || 'no members'})`;
}

/** A channel group as it stands. */
function groupText({ owner, name, ports }: GroupEnd): string {
  const carrying = ports.filter(({ carries }) => carries).map(each => each.port);
  const others = ports.filter(({ carries }) => !carries).map(each => each.port);
  const uses = carrying.length === 0 ? 'uses no port' : `uses ${carrying.join(', ')}`;
  return `  ${owner} group ${name} ${uses}${others.length === 0 ? '' : ` (not ${others.join(', ')})`}`;
}

/** The whole story, several lines with a newline at the end. `unmet` are expectations that were not kept. */
export function storyText(scenario: Scenario, simulated: Simulated, unmet: readonly string[]): string {
  const lines = [...happened(scenario, simulated), ...told(simulated)].toSorted((a, b) => a.atMs - b.atMs);
  const seconds = (scenario.lengthMs / 1000).toFixed(1);
  const rules = simulated.violations.map(
    each => `  ${timeText(each.atMs).trim()} ${each.of}: ${each.message} (rule ${each.rule})`,
  );
  return [
    `${scenario.name}: ${scenario.summary}`,
    `${seconds} s simulated.`,
    '',
    ...lines.map(({ atMs, text }) => `${timeText(atMs)} ${text}`),
    ...(lines.length === 0 ? ['Nothing happened.'] : []),
    ...(simulated.flows.length === 0 ? [] : ['', 'Traffic:', ...simulated.flows.map(flowText)]),
    '',
    'At the end:',
    ...simulated.bonds.map(({ host, bond }) => bondText(host, bond)),
    ...simulated.groups.map(groupText),
    ...(unmet.length === 0 ? [] : ['', 'Not as expected:', ...unmet.map(text => `  ${text}`)]),
    ...(rules.length === 0 ? [] : ['', 'Rules that did not hold (a bug of Bondwire):', ...rules]),
    '',
  ].join('\n');
}
