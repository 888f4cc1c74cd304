// Why a port is not in the bond's aggregate, in words for those who cable and configure switches.
import { PORT_STATE } from '../../frames/index.js';
import { countedSpeed } from './keys.js';
import {
  activeAggregator,
  type Aggregator,
  aggregatorOf,
  hasFlag,
  hasPartner,
  type LacpBond,
  type LacpPort,
  type LacpState,
  portOf,
  type PortMember,
} from './port.js';
import { watchOf, type WatchedBond } from './silence-state.js';

/** What is wrong with a port; `text` is one clause. */
export interface Explanation {
  readonly code:
    | 'half-duplex'
    | 'looped'
    | 'silent'
    | 'expired'
    | 'individual'
    | 'unseen'
    | 'other-speed'
    | 'other-system'
    | 'other-key'
    | 'on-hold'
    | 'unanswered';
  readonly text: string;
}

/** LACPDUs in a row that name another port before it is told. */
const MOST_UNSEEN = 3;

interface Case {
  readonly lacp: LacpState;
  readonly bond: Pick<WatchedBond, 'name' | 'members' | 'silence'>;
  readonly port: LacpPort;
  readonly member: PortMember;
}

/** The first that is true is told. */
const CASES: readonly ((about: Case) => Explanation | null)[] = [
  ({ member }) =>
    member.duplex === 'half'
      ? { code: 'half-duplex', text: `LACP needs full duplex, and the link of ${member.name} is half duplex` }
      : null,
  ({ port, member, bond }) =>
    port.reflected
      ? {
          code: 'looped',
          text: `${member.name} hears its own LACPDUs: its cable is looped, or two members of ${bond.name} are connected with each other`,
        }
      : null,
  ({ port, member }) =>
    port.receive === 'defaulted'
      ? {
          code: 'silent',
          text: `${member.name} hears no LACPDUs: the port at its other end does not speak LACP (a static trunk, or no channel at all), or both ends are passive`,
        }
      : null,
  ({ port, member }) =>
    port.receive === 'expired' && !hasFlag(port.actor, PORT_STATE.DEFAULTED)
      ? { code: 'expired', text: `the partner of ${member.name} fell silent` }
      : null,
  ({ port, member }) =>
    port.receive === 'current' && !hasFlag(port.partner, PORT_STATE.AGGREGATION)
      ? {
          code: 'individual',
          text: `the partner of ${member.name} says that its port does not aggregate: it is configured as an individual port`,
        }
      : null,
  unanswered,
  unseen,
  otherAggregator,
  ({ port, member }) =>
    port.partnerChurn === 'churned' && !hasFlag(port.partner, PORT_STATE.SYNCHRONIZATION)
      ? {
          code: 'on-hold',
          text: `the partner of ${member.name} has not been in sync for a minute: it has the port on hold, by its limit of links or another key`,
        }
      : null,
];

/** lacp_fast_silence: its link is up, and LACP has not found it yet. */
function unanswered({ bond, member }: Case): Explanation | null {
  const silent = watchOf(bond, member.member)?.silent ?? null;
  if (silent === null) return null;
  const text =
    silent === 'told'
      ? `the partner of ${member.name} hears nothing of it: what it sends is lost on the way (a link in one direction)`
      : `the partner of ${member.name} fell silent although the link is up: ${silent === 'markers' ? 'it answers no markers, and does on other members' : 'its hellos come on other members alone'}`;
  return { code: 'unanswered', text };
}

function unseen({ port, member }: Case): Explanation | null {
  if (port.receive !== 'current' || port.unseen <= MOST_UNSEEN) return null;
  return {
    code: 'unseen',
    text: `the partner of ${member.name} does not name it: LACPDUs of ${member.name} do not reach it (a link in one direction), or reach another`,
  };
}

/** It uses another aggregator than the bond does. */
function otherAggregator({ lacp, bond, port, member }: Case): Explanation | null {
  const active = activeAggregator(lacp);
  if (active === null || !hasPartner(active) || port.receive !== 'current') return null;
  if (aggregatorOf(lacp, port)?.active === true) return null;
  const head = headOf(bond, active);
  if (head === undefined) return null;
  const { partner } = port;
  if (port.actor.key !== active.actorKey && countedSpeed(member) !== countedSpeed(head))
    return {
      code: 'other-speed',
      text: `${member.name} runs at ${member.speedMbps} Mbit/s, the aggregate at ${head.speedMbps}: ports of one aggregate have one speed`,
    };
  if (partner.system !== active.partnerSystem)
    return {
      code: 'other-system',
      text: `the partner of ${member.name} is another switch (${partner.system}) than that of ${head.name} (${active.partnerSystem}); two switches need MLAG or vPC, which shows one system address`,
    };
  if (partner.key === active.partnerKey) return null;
  const theirs = portOf(lacp, head.member)?.partner;
  return {
    code: 'other-key',
    text: `the partner of ${member.name} is port ${partner.port} of ${partner.system} with key ${partner.key}, that of ${head.name} is port ${theirs?.port ?? 0} with key ${active.partnerKey}: the switch's ports are not in one channel group`,
  };
}

function headOf({ members }: Pick<LacpBond, 'members'>, active: Aggregator): PortMember | undefined {
  return members.find(({ member }) => member === active.ports[0]);
}

/** What keeps a port from carrying, as far as it can be told; null: nothing, or it is not known yet. */
export function explain(
  bond: Pick<WatchedBond, 'name' | 'members' | 'lacp' | 'silence'>,
  port: LacpPort,
): Explanation | null {
  const { lacp } = bond;
  const member = bond.members.find(each => each.member === port.member);
  if (lacp === null || member?.link !== 'up') return null;
  for (const find of CASES) {
    const found = find({ lacp, bond, port, member });
    if (found !== null) return found;
  }
  return null;
}
