// A bond as the API shows it: the policy's snapshot with the kernel's counters.
import { getLink, type Rtnetlink } from '../../linux/index.js';
import type { Link } from '../../netlink/index.js';
import type { BondSnapshot, LinkState, MemberSnapshot, PortSnapshot } from '../../policy/index.js';
import type {
  Counters,
  EventRecord,
  MembersDocument,
  ShowBond,
  ShowLacp,
  ShowLacpPort,
  ShowMember,
} from './api.js';
import type { Journal } from '../keeping/journal.js';
import { awaitedBy } from '../members/awaited-members.js';
import type { MemberWatch } from '../kernel/member-watch.js';
import type { BondRunner } from '../bond-runner.js';

const MII_STATUS: Readonly<Record<LinkState, ShowMember['miiStatus']>> = {
  up: 'up',
  fail: 'going down',
  down: 'down',
  back: 'going back',
};

/** Members by all their names. */
export function showMembers(netlink: Rtnetlink, runner: BondRunner): MembersDocument {
  const members = runner.policy.members().map(({ member, name }) => ({
    name,
    alternativeNames: getLink(netlink, member)?.alternativeNames ?? [],
  }));
  return { members };
}

/** Bonds as they are now. */
export function showBonds(
  netlink: Rtnetlink,
  runners: readonly BondRunner[],
  watch: MemberWatch,
  journal: Journal,
): ShowBond[] {
  const failovers = journal.lastFailovers();
  return runners.map(runner => showBond(netlink, runner, watch, failovers.get(runner.name)));
}

function showBond(
  netlink: Rtnetlink,
  runner: BondRunner,
  watch: MemberWatch,
  failover: EventRecord | undefined,
): ShowBond {
  const snapshot = runner.policy.snapshot();
  const link = getLink(netlink, runner.plane.bondIfindex);
  const { lifetimeProblem } = runner.plane;
  const active = snapshot.members.find(member => member.member === snapshot.active)?.name ?? null;
  return {
    name: snapshot.name,
    mode: snapshot.mode,
    dataPlane: runner.plane.kind,
    dataPlaneDetail: runner.plane.detail,
    ...(lifetimeProblem !== undefined && { lifetimeProblem }),
    inlineFailover: runner.policy.plan().inlineFailover && runner.plane.checksCarrier,
    adminUp: snapshot.adminUp,
    carrier: snapshot.carrier,
    active,
    ...(failover !== undefined && failover.to === active && { activeSince: failover.time }),
    address: snapshot.address,
    mtu: snapshot.mtu,
    options: snapshot.options,
    rx: counters(link, 'rx'),
    tx: counters(link, 'tx'),
    txDropped: runner.plane.droppedTotal(),
    members: snapshot.members.map(member => {
      const own = getLink(netlink, member.member);
      const shown = {
        name: member.name,
        state: member.state,
        miiStatus: MII_STATUS[member.link],
        linkFailureCount: member.linkFailureCount,
        permanentAddress: member.permanentAddress,
        address: own?.address ?? member.address,
        speedMbps: member.speedMbps,
        duplex: member.duplex,
        rx: counters(own, 'rx'),
        tx: counters(own, 'tx'),
      };
      const port = snapshot.lacp?.ports.find(each => each.member === member.member);
      const lacp = port === undefined ? {} : { lacp: showPort(port, member) };
      return Object.assign(shown, watch.hearing(runner, member.member), lacp);
    }),
    ...(snapshot.lacp !== undefined && { lacp: showLacp(snapshot.lacp) }),
    awaited: awaitedBy(runner).map(({ name: awaited }) => awaited),
  };
}

function showLacp({ system, systemPriority, active }: NonNullable<BondSnapshot['lacp']>): ShowLacp {
  return { system, systemPriority, active };
}

function showPort(port: PortSnapshot, { state, link }: MemberSnapshot): ShowLacpPort {
  const { member: _member, ...shown } = port;
  return { ...shown, carries: port.carries && state === 'active' && link === 'up' };
}

function counters(link: Link | undefined, way: 'rx' | 'tx'): Counters {
  const statistics = link?.statistics;
  if (statistics === undefined) return { packets: 0, bytes: 0 };
  return way === 'rx'
    ? { packets: statistics.rxPackets, bytes: statistics.rxBytes }
    : { packets: statistics.txPackets, bytes: statistics.txBytes };
}
