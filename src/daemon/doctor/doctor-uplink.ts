// What stands in the way of an uplink on this machine: settings, rules of others, lines that do not work. (doctor)
import { advice } from '../../base/index.js';
import { listRules, readSysctl, type Rtnetlink } from '../../linux/index.js';
import { AF_INET, AF_INET6, type Rule } from '../../netlink/index.js';
import { FAMILIES, type Family, PREFERENCES, PROTOCOL } from '../../uplinks/index.js';
import type { ShowUplink } from '../api/uplink-api.js';
import type { Finding } from './doctor.js';

/** Settings and rules as they are. */
export interface UplinkFacts {
  /** Of `all` and of the device; the stricter of the two counts (fib_validate_source). Undefined: there is none. */
  readonly rpFilter: (device: string) => {
    readonly all: string | undefined;
    readonly own: string | undefined;
  };
  /** net.ipv4.ip_forward, net.ipv6.conf.all.forwarding. */
  readonly forwards: Readonly<Record<Family, boolean>>;
  /** Of both families. */
  readonly rules: readonly Rule[];
  /** Bits of marks that are ours. */
  readonly markMask: number;
  /** Whether what leaves by a line is hidden behind its address: then somebody is behind this gateway. */
  readonly hidesOthers: boolean;
}

const STRICT = '1';
/** As the kernel tells of a rule that suppresses no prefixes. */
const NOTHING_SUPPRESSED = 0xffff_ffff;

/** Asks the kernel. */
export function uplinkFacts(netlink: Rtnetlink, uplink: ShowUplink): UplinkFacts {
  return {
    rpFilter: device => ({
      all: readSysctl('ipv4', 'all', 'rp_filter'),
      own: readSysctl('ipv4', device, 'rp_filter'),
    }),
    forwards: {
      ipv4: readSysctl('ipv4', 'all', 'forwarding') === '1',
      ipv6: readSysctl('ipv6', 'all', 'forwarding') === '1',
    },
    rules: [...listRules(netlink, AF_INET), ...listRules(netlink, AF_INET6)],
    markMask: uplink.markMask,
    hidesOthers: uplink.lines.some(line => FAMILIES.some(family => line.nat[family].kind !== 'none')),
  };
}

/** A finding or more for the uplink and each of its lines. */
export function uplinkFindings(uplink: ShowUplink, facts: UplinkFacts): Finding[] {
  return [
    ...selection(uplink),
    ...uplink.lines.flatMap(line => lineFindings(line, facts)),
    ...marks(uplink, facts),
    ...rulesBefore(facts),
    ...forwarding(uplink, facts),
  ];
}

function finding(level: Finding['level'], name: string, detail: string, fix?: string): Finding {
  return { name, ok: level === 'ok', level, detail, ...(fix !== undefined && { fix }) };
}

function selection({ name, selected, lines }: ShowUplink): Finding[] {
  return FAMILIES.flatMap(family => {
    if (lines.every(line => line.families[family].path === null)) return [];
    const { line, noneForMs } = selected[family];
    if (noneForMs !== null)
      return [finding('problem', name, `no line works in ${family}: packets go by the last one that did`)];
    if (line === null)
      return [finding('warning', name, `no line is proven yet in ${family}; table main decides until then`)];
    return [finding('ok', name, `${family} by ${line}`)];
  });
}

function lineFindings(line: ShowUplink['lines'][number], facts: UplinkFacts): Finding[] {
  const { name, device } = line;
  if (line.carrier === null) return [finding('problem', name, `there is no device ${device}`)];
  const ways = FAMILIES.filter(family => line.families[family].path !== null);
  if (ways.length === 0) {
    return [
      finding(
        'problem',
        name,
        `${device} has no address with a known gateway. Two DHCP clients with the same metric leave one default route: give each another metric, or write the gateway into the file ("gateway:" of the line)`,
      ),
    ];
  }
  const strict = strictFilter(device, facts);
  return [
    ...ways.map(family => {
      const { state, why } = line.families[family];
      return state === 'up'
        ? finding('ok', name, `${family} ${why}`)
        : finding(
            state === 'drained' || state === 'returning' ? 'warning' : 'problem',
            name,
            `${family} ${state}: ${why}`,
          );
    }),
    ...(strict === undefined ? [] : [strict]),
  ];
}

/** Strict filtering eats all answers of flows that stay on a line that is not selected. The higher of both numbers counts, so 2 for the device is enough. */
function strictFilter(device: string, { rpFilter }: UplinkFacts): Finding | undefined {
  const { all, own } = rpFilter(device);
  if (own === undefined || Math.max(Number(all), Number(own)) !== Number(STRICT)) return undefined;
  return finding(
    'warning',
    device,
    'rp_filter is 1: answers by a line that is not selected are dropped as forged',
    advice('sysctl -w net.ipv4.conf.{device}.rp_filter=2', { device: device.replaceAll('.', '/') }),
  );
}

/** Rules of others that go by bits of the mark which are ours: one would take the other's packets. */
function marks({ name }: ShowUplink, { rules, markMask }: UplinkFacts): Finding[] {
  const others = rules.filter(
    rule =>
      rule.origin !== PROTOCOL &&
      rule.mark !== undefined &&
      ((rule.markMask ?? 0xffff_ffff) & markMask) !== 0,
  );
  return others
    .slice(0, 1)
    .map(rule =>
      finding(
        'warning',
        name,
        `a rule of somebody else (preference ${rule.preference ?? 0}) goes by bits of the packet mark that are the uplink's, 0x${markMask.toString(16)}: give the uplink others ("mark_mask:")`,
      ),
    );
}

/** A rule of others that is asked before ours and holds for all packets. */
function isForAll(rule: Rule): boolean {
  return (
    rule.origin !== PROTOCOL &&
    rule.preference !== undefined &&
    rule.preference > 0 &&
    rule.preference < PREFERENCES.selected &&
    [
      rule.source,
      rule.destination,
      rule.incoming,
      rule.outgoing,
      rule.mark,
      rule.ipProtocol,
      rule.uids,
    ].every(each => each === undefined) &&
    // One with a word that is not known here (l3mdev) is for some packets only.
    rule.other.length === 0 &&
    (rule.suppressPrefixLength ?? NOTHING_SUPPRESSED) === NOTHING_SUPPRESSED
  );
}

function rulesBefore({ rules }: UplinkFacts): Finding[] {
  return rules
    .filter(isForAll)
    .slice(0, 1)
    .map(rule =>
      finding(
        'warning',
        'rules',
        `a rule of preference ${rule.preference ?? 0} sends all packets to table ${rule.tableNumber ?? 0} before the uplink is asked: what that table has a route for does not follow the uplink`,
        advice('ip rule show'),
      ),
    );
}

function forwarding({ name, lines }: ShowUplink, { forwards, hidesOthers }: UplinkFacts): Finding[] {
  if (!hidesOthers) return [];
  const fixes = {
    ipv4: advice('sysctl -w net.ipv4.ip_forward=1'),
    ipv6: advice('sysctl -w net.ipv6.conf.all.forwarding=1'),
  } as const;
  return FAMILIES.filter(
    family =>
      !forwards[family] &&
      lines.some(line => line.nat[family].kind !== 'none' && line.families[family].path !== null),
  ).map(family =>
    finding(
      'warning',
      name,
      `this machine forwards no ${family}: those behind it have no way out`,
      fixes[family],
    ),
  );
}
