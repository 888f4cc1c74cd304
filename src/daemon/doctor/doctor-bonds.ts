// What is wrong with the bonds that a daemon runs, each finding with the command that mends it: links, monitors, members that carry
// addresses or routes, targets that cannot be asked, members that others manage, speeds, and how the traffic is spread.
import { existsSync, readFileSync } from 'node:fs';
import { advice, parseIpv4, parseIpv6 } from '../../base/index.js';
import { hasProgram, isTransmitted, RECEIVE_PROGRAM } from '../../dataplane/index.js';
import { effectiveCapabilities, getLink, listLinks, routeTo, type Rtnetlink } from '../../linux/index.js';
import type { LacpEnd } from '../../frames/index.js';
import { IFF, type Link, routeInterface } from '../../netlink/index.js';
import { HASH_POLICIES, idleWatch } from '../../policy/index.js';
import { isUsable, type ShowBond, type ShowMember } from '../api/api.js';
import type { Finding } from './doctor.js';
import { belongingsFindings, belongingsOnMember, type MemberBelongings } from './doctor-belongings.js';
import { lacpFindings, speakerFindings } from './doctor-lacp.js';
import { memberFindings, type OnMember } from './doctor-members.js';
import { takesFramesOf, watchAdvice } from '../kernel/member-watch.js';
import { linkFindings, type MemberLinkFacts, warn } from './doctor-links.js';
import { sampleLacp } from '../kernel/lacp-sample.js';
import { type SampledFrame, sampleFlows, type Spread, spreads } from '../kernel/flow-sample.js';
import { carrierOf } from '../kernel/link-facts.js';
import { vlansBetween } from '../kernel/monitor-senses.js';

/** What is known of one bond and its members beside what the daemon shows. */
export interface BondFacts {
  readonly bond: ShowBond;
  /** By member. */
  readonly links: Readonly<Record<string, MemberLinkFacts | undefined>>;
  readonly isSent: boolean;
  /** By member: devices on it that hear nothing. */
  readonly onMembers: Readonly<Record<string, readonly OnMember[]>>;
  /** The command that has members watched by answers. */
  readonly watchFix: string;
  /** By member. */
  readonly belongings: Readonly<Record<string, MemberBelongings>>;
  /** Targets of the ARP monitor that are reached through something else, or not at all. */
  readonly elsewhere: readonly string[];
  readonly unreachable: readonly string[];
  /** Who manages a member besides us, by member. */
  readonly managers: Readonly<Record<string, string>>;
  /** Those of the awaited interfaces that are there. */
  readonly present: readonly string[];
  /** Members whose driver does not report its carrier. */
  readonly silent: readonly string[];
  /** What it sends at the moment; looked at only when almost all went through one member. */
  readonly flowing: readonly SampledFrame[];
  /** By member: what LACPDUs that came in said of their sender; listened to only in modes without LACP. */
  readonly speakers: Readonly<Record<string, LacpEnd | undefined>>;
}

/** So many packets are too few to say how they are spread. */
const FEWEST_PACKETS = 1000;
/** Of all packets, so many on one member are all. */
const ALMOST_ALL = 0.95;
/** A policy whose busiest member would carry so much more is nearly as good. */
const NEARLY = 0.05;
/** What a bond sends is looked at for so long, and fewer packets say nothing of how they would spread. */
const SAMPLE_MS = 2000;
const FEWEST_FLOWING = 20;

/** Findings of one bond; one that is well when there is nothing to say. */
export function bondFindings(facts: BondFacts): Finding[] {
  const { bond } = facts;
  const found = [
    ...linkFindings(bond, facts.links, facts.isSent),
    ...memberFindings(bond, facts.onMembers, facts.watchFix),
    ...lacpFindings(bond),
    ...speakerFindings(bond, facts.speakers),
    ...monitors(facts),
    ...members(facts),
    ...spread(facts),
  ];
  if (found.length > 0) return found;
  const up = bond.members.filter(isUsable).length;
  return [
    {
      name: bond.name,
      ok: true,
      level: 'ok',
      detail: `${bond.mode}, ${up} of ${bond.members.length} members up`,
    },
  ];
}

function monitors({ bond, elsewhere, unreachable, silent }: BondFacts): Finding[] {
  const { name, mode, options } = bond;
  const isAsking = options.arp_interval > 0;
  const targets = [...options.arp_ip_target, ...options.ns_ip6_target];
  const found: Finding[] = [];
  const idle = idleWatch(name, options);
  if (idle !== undefined)
    found.push(
      warn(
        name,
        idle.message,
        `set what is missing, or ${advice('bondwire set {bond} link_watch=driver passive_evidence=0', { bond: name })}`,
      ),
    );
  // H08
  if (options.miimon === 0 && !isAsking)
    found.push(
      warn(
        name,
        'nothing watches its links; a dead one goes unnoticed',
        advice('bondwire set {bond} miimon=100', { bond: name }),
      ),
    );
  // With link_watch each member has an asking address of its own, and silence is no evidence while nobody is answered.
  const isAlone = options.link_watch === 'driver';
  if (isAsking && targets.length === 0)
    found.push(
      warn(
        name,
        isAlone
          ? 'the ARP monitor has no target, so every member looks dead'
          : 'link_watch has no target to ask, so carriers alone are watched',
        advice('bondwire set {bond} arp_ip_target=ADDRESS', { bond: name }),
      ),
    );
  for (const target of isAsking ? elsewhere : [])
    found.push(
      warn(
        name,
        `the route to target ${target} does not go through ${name}, so it is not asked`,
        `'${advice('ip route get {target}', { target })}' tells the way; then name a target behind ${name}`,
      ),
    );
  for (const target of isAsking ? unreachable : [])
    found.push(
      warn(
        name,
        `there is no route to target ${target}; it is asked without a sender, and may not answer`,
        `give ${name} an address of its network: ${advice('ip addr add ADDRESS/PREFIX dev {bond}', { bond: name })}`,
      ),
    );
  // H27
  if (isAsking && isAlone && (mode === 'balance-rr' || mode === 'balance-xor'))
    found.push(
      warn(
        name,
        `the ARP monitor in ${mode}: a switch that spreads by XOR sends all answers of a target through one port, and the other members look dead`,
        `${advice('bondwire set {bond} miimon=100', { bond: name })}, or a switch that takes turns`,
      ),
    );
  if (!isAsking)
    for (const member of silent)
      found.push(
        warn(
          name,
          `${member} does not report its carrier, so miimon cannot see it fail`,
          // The driver has no ARP monitor in that mode.
          mode === 'balance-tlb'
            ? advice('bondwire set {bond} link_watch=any arp_interval=100 arp_ip_target=ADDRESS', {
                bond: name,
              })
            : advice('bondwire set {bond} arp_interval=100 arp_ip_target=ADDRESS', { bond: name }),
        ),
      );
  return found;
}

function members({ bond, belongings, managers, present }: BondFacts): Finding[] {
  const found: Finding[] = [];
  for (const { name } of bond.members) {
    const carried = belongings[name];
    if (carried !== undefined) found.push(...belongingsFindings(bond.name, name, carried));
    const manager = managers[name];
    if (manager !== undefined)
      found.push(
        warn(
          bond.name,
          `${manager} manages member ${name} too, and works against the bond`,
          manager === 'NetworkManager'
            ? advice('nmcli device set {iface} managed no', { iface: name })
            : `Unmanaged=yes in the [Link] section of a .network file for ${name}`,
        ),
      );
  }
  for (const name of bond.awaited) {
    const isThere = present.includes(name);
    found.push(
      warn(
        bond.name,
        isThere
          ? `${name} is awaited as a member and is there, but does not join; '${advice('bondwire events --bond {bond}', { bond: bond.name })}' says why`
          : `${name} is to be a member, but is not there`,
        `${isThere ? 'free it' : 'plug it in'}, then it joins by itself; or do without it: ${advice('bondwire release {bond} {iface}', { bond: bond.name, iface: name })}`,
      ),
    );
  }
  return [...found, ...speeds(bond)];
}

function speeds(bond: ShowBond): Finding[] {
  const { name, mode, members: all } = bond;
  const known = all.filter(
    (member): member is ShowMember & { speedMbps: number } => member.speedMbps !== null,
  );
  const fastest = Math.max(...known.map(({ speedMbps }) => speedMbps));
  const slow = known.filter(({ speedMbps }) => speedMbps < fastest);
  if (slow.length === 0) return [];
  const names = slow.map(member => `${member.name} (${member.speedMbps} Mbit/s)`).join(', ');
  // balance-tlb by load gives each flow to the member with the most left of its speed.
  if (mode === 'active-backup' || (mode === 'balance-tlb' && !isHashed(bond))) return [];
  return [
    warn(
      name,
      `${names} is slower than the fastest member (${fastest} Mbit/s) and gets the same share in ${mode}`,
      'use members of one speed, or active-backup with the fast one as primary',
    ),
  ];
}

/** Modes that choose by hash alone. */
function isHashed({ mode, options }: ShowBond): boolean {
  return (
    mode === 'balance-xor' || mode === '802.3ad' || (mode === 'balance-tlb' && options.tlb_dynamic_lb === 0)
  );
}

function usable({ members: all }: ShowBond): ShowMember[] {
  return all.filter(isUsable);
}

/** The member that almost all packets went through, in a mode that could spread them. */
function lonelyMember(bond: ShowBond): { readonly member: string; readonly percent: number } | undefined {
  if (!isHashed(bond)) return undefined;
  const up = usable(bond);
  const total = up.reduce((sum, { tx }) => sum + tx.packets, 0);
  const most = up.toSorted((a, b) => b.tx.packets - a.tx.packets)[0];
  if (up.length < 2 || most === undefined || total < FEWEST_PACKETS) return undefined;
  if (most.tx.packets < ALMOST_ALL * total) return undefined;
  return { member: most.name, percent: Math.round((100 * most.tx.packets) / total) };
}

function percent({ busiest }: Spread): number {
  return Math.round(100 * busiest);
}

/** The first in the driver's order of those that are as good as the best, or nearly: the others look deeper into packets. */
function simplestOf(tried: readonly Spread[]): Spread | undefined {
  const good = tried.filter(({ busiest }) => busiest <= (tried[0]?.busiest ?? 0) + NEARLY);
  return HASH_POLICIES.map(policy => good.find(spread => spread.policy === policy)).find(Boolean);
}

/** All traffic on one member, and what would spread it: every policy is tried on what the bond sends now. */
function spread({ bond, flowing }: BondFacts): Finding[] {
  const lonely = lonelyMember(bond);
  if (lonely === undefined) return [];
  const { name, options } = bond;
  const now = options.xmit_hash_policy;
  const what = `${lonely.percent} % of the packets went through ${lonely.member} with xmit_hash_policy=${now}`;
  if (flowing.length < FEWEST_FLOWING) {
    const fix = `run '${advice('bondwire doctor')}' again under traffic, which it then tries every policy on`;
    return [warn(name, `${what}; too little is being sent now to say which one would spread it`, fix)];
  }
  const tried = spreads(flowing, usable(bond).length);
  const best = simplestOf(tried);
  const mine = tried.find(({ policy }) => policy === now);
  if (best === undefined || mine === undefined) return [];
  const seen = `of ${flowing.length} packets just sent`;
  if (mine.busiest < ALMOST_ALL) return [];
  if (best.busiest >= ALMOST_ALL)
    return [
      warn(
        name,
        `${what}, and ${seen} every policy would put ${percent(best)} % or more of the bytes on one member: they are one flow`,
        'one flow goes by one member in this mode; mode=balance-rr spreads it, out of order',
      ),
    ];
  return [
    warn(
      name,
      `${what}; ${seen} the busiest member would carry ${percent(best)} % of the bytes with ${best.policy}, and carries ${percent(mine)} % now`,
      advice('bondwire set {bond} xmit_hash_policy={policy}', { bond: name, policy: best.policy }),
    ),
  ];
}

/** A partner that speaks every second, as after its start and with a fast rate, is heard in this time. */
const LISTEN_MS = 1200;

/**
 * Gathers what the kernel says of these bonds and judges it. What lonely members' bonds send is looked at for a while, and for `listenMs` who speaks
 * LACP with those that do not.
 */
export async function lookAtBonds(
  netlink: Rtnetlink,
  bonds: readonly ShowBond[],
  listenMs: number = LISTEN_MS,
): Promise<Finding[]> {
  if (bonds.length === 0) return [];
  const links = listLinks(netlink);
  const silent = bonds.filter(({ mode }) => mode !== '802.3ad').flatMap(({ members: all }) => all);
  const ears = links.filter(link => silent.some(({ name }) => name === link.name)).map(link => link.ifindex);
  const [heard, ...flowing] = await Promise.all([
    ears.length === 0 ? new Map<number, LacpEnd>() : sampleLacp(ears, listenMs),
    ...bonds.map(bond => flowingNow(links, bond)),
  ]);
  return bonds.flatMap((bond, at) =>
    bondFindings({
      ...factsOf(netlink, links, bond, flowing[at] ?? []),
      speakers: Object.fromEntries(
        links.flatMap(({ name, ifindex }) =>
          bond.members.some(member => member.name === name) ? [[name, heard.get(ifindex)]] : [],
        ),
      ),
    }),
  );
}

function flowingNow(links: readonly Link[], bond: ShowBond): Promise<SampledFrame[]> {
  const ifindex = links.find(link => link.name === bond.name)?.ifindex;
  if (ifindex === undefined || lonelyMember(bond) === undefined) return Promise.resolve([]);
  return sampleFlows(ifindex, SAMPLE_MS);
}

function factsOf(
  netlink: Rtnetlink,
  links: readonly Link[],
  bond: ShowBond,
  flowing: readonly SampledFrame[],
): Omit<BondFacts, 'speakers'> {
  const indexOf = (name: string): number => links.find(link => link.name === name)?.ifindex ?? 0;
  const perMember = <T>(of: (ifindex: number, name: string) => T): Record<string, T> =>
    Object.fromEntries(bond.members.map(({ name }) => [name, of(indexOf(name), name)]));
  const elsewhere: string[] = [];
  const unreachable: string[] = [];
  for (const target of [...bond.options.arp_ip_target, ...bond.options.ns_ip6_target]) {
    const address = target.includes(':') ? parseIpv6(target) : parseIpv4(target);
    const route = address.ok ? routeTo(netlink, address.value) : undefined;
    const out = route === undefined ? undefined : routeInterface(route);
    if (out === undefined) unreachable.push(target);
    else if (vlansBetween(links, indexOf(bond.name), out) === null) elsewhere.push(target);
  }
  // Who may not look at programs is told nothing of them.
  const isLookedAt = bond.dataPlane === 'ebpf' && effectiveCapabilities().has('CAP_SYS_ADMIN');
  const isServed = (ifindex: number, program: string): boolean =>
    !isLookedAt || hasProgram(netlink, ifindex, program);
  const lower = links.find(link => link.name === bond.name)?.link;
  return {
    bond,
    links: perMember(ifindex => linkFactsOf(links, ifindex, isServed(ifindex, RECEIVE_PROGRAM))),
    isSent:
      !isLookedAt ||
      lower === undefined ||
      isTransmitted(netlink, { bondIfindex: indexOf(bond.name), lowerIfindex: lower }),
    onMembers: perMember(ifindex =>
      links
        .filter(link => takesFramesOf(link, ifindex))
        .map(({ name = '', info }) => ({ name, kind: info?.kind ?? '' })),
    ),
    watchFix: watchAdvice(netlink, bond.name, indexOf(bond.name)),
    flowing,
    present: bond.awaited.filter(name => links.some(link => link.name === name)),
    belongings: perMember(ifindex => belongingsOnMember(netlink, ifindex)),
    elsewhere,
    unreachable,
    managers: Object.fromEntries(
      bond.members.flatMap(({ name }) => {
        const manager = managerOf(indexOf(name));
        return manager === undefined ? [] : [[name, manager]];
      }),
    ),
    silent: bond.members
      .map(({ name }) => name)
      .filter(name => getLink(netlink, name)?.operationalState === 'unknown'),
  };
}

function linkFactsOf(links: readonly Link[], ifindex: number, isHeard: boolean): MemberLinkFacts | undefined {
  const link = links.find(other => other.ifindex === ifindex);
  if (link === undefined) return undefined;
  return {
    adminUp: (link.flags & IFF.IFF_UP) !== 0,
    carrier: carrierOf(link),
    mtu: link.mtu ?? 0,
    address: link.address ?? '',
    master: links.find(other => other.ifindex === link.master)?.name ?? null,
    isHeard,
  };
}

function firstMatch(path: string, pattern: RegExp): boolean {
  try {
    return existsSync(path) && pattern.test(readFileSync(path, 'utf8'));
  } catch {
    return false;
  }
}

/** NetworkManager and systemd-networkd keep a file for each device that they know. */
function managerOf(ifindex: number): string | undefined {
  if (firstMatch(`/run/NetworkManager/devices/${ifindex}`, /^managed=true$/m)) return 'NetworkManager';
  if (firstMatch(`/run/systemd/netif/links/${ifindex}`, /^ADMIN_STATE=(?:configuring|configured)$/m))
    return 'systemd-networkd';
  return undefined;
}
