// Files that speak of bonds in a form that is not read here: each is called by its name, with what to do instead. (config)
import { shown } from '../base/index.js';
import type { Finding, Level, SourceFile } from './facts.js';

interface Foreign {
  /** What must stand in it; the first match is the place that is told. */
  readonly pattern: RegExp;
  /** Must stand in it too. */
  readonly also?: RegExp;
  readonly what: string;
  readonly wayOut: string;
}

const BY_HAND = 'write its bonds into bondwire.yaml (docs/import.md has the form)';

const OF_GATEWAYS =
  'each gateway as a line below uplinks: of bondwire.yaml, with the name that its interface has in Linux, its monitor address as one of two or more targets, tiers of the gateway group as the order of the lines, gateways of one tier under "mode: share" with their weights, and firewall rules that name a gateway as rules (docs/uplinks.md)';

const FOREIGN: readonly Foreign[] = [
  {
    pattern: /^network\s.*--bond(?:slaves|opts)=/m,
    what: 'a kickstart file of Anaconda (network --bondslaves)',
    wayOut:
      'import what it wrote on the installed system: /etc/NetworkManager/system-connections or /etc/sysconfig/network-scripts',
  },
  {
    pattern: /(?:^|[\s"'])bond=[\w.-]+(?::[^\s"']*)?/m,
    what: 'a kernel command line, whose bond= dracut obeys before the system starts',
    wayOut:
      'import what it leaves in /run/NetworkManager/system-connections, and take bond= out of the command line, or the bond is there before Bondwire is',
  },
  {
    pattern: /(?:^|[\s"'])bonding\.[a-z_]+=/m,
    what: 'a kernel command line with parameters of the module',
    wayOut: 'write them as "options bonding NAME=VALUE" into a file of modprobe.d, and import that',
  },
  {
    pattern: /^(?:\s*(?:-\s+)?bond:|kind:\s*BondConfig)\s*$/m,
    also: /^(?:machine|kind|cluster):/m,
    what: 'a machine configuration of Talos',
    wayOut: `Talos makes its bonds itself and runs nothing beside; for another system ${BY_HAND}`,
  },
  {
    pattern: /^\s*option\s+(?:type|proto)\s+['"]?bond(?:ing)?['"]?\s*$/m,
    also: /^\s*config\s+\w+/m,
    what: 'a UCI file of OpenWrt',
    wayOut: `${BY_HAND}, and delete the section by uci`,
  },
  {
    pattern: /^\s*slaves_\w+=/m,
    what: "Gentoo's conf.d/net",
    wayOut: `${BY_HAND}, and take slaves_… and its like out, and net.… out of the runlevel`,
  },
  {
    pattern: /^\s*Connection=['"]?bond/m,
    what: 'a profile of netctl',
    wayOut: `${BY_HAND}, and disable the profile`,
  },
  {
    pattern: /^---- \S+ ----$|^\s*(?:bond_mode|bond_fake_iface)\s*:/m,
    what: 'what Open vSwitch says of its bonds',
    wayOut: 'those are none of Linux, and stay where they are',
  },
  {
    pattern:
      /^\s*Port "?[\w.-]+"?\n(?:\s+(?!Port\b|Interface\b)\S.*\n)*\s+Interface .*\n(?:\s+(?!Port\b|Interface\b)\S.*\n)*\s+Interface /m,
    also: /^\s*Bridge /m,
    what: 'the output of "ovs-vsctl", with bonds of Open vSwitch',
    wayOut: 'those are none of Linux, and stay where they are',
  },
  {
    pattern: /"bond_links"\s*:|"type"\s*:\s*"bond"/,
    also: /"links"\s*:/,
    what: "OpenStack's network_data.json",
    wayOut: 'import what cloud-init wrote of it: /etc/netplan, /etc/sysconfig/network-scripts or the like',
  },
  {
    pattern: /^\s*(?:-\s+)?networkConfig:/m,
    also: /^hosts:/m,
    what: "an agent-config of OpenShift's installer",
    wayOut: "write what stands below networkConfig: into a file of its own, which is nmstate's and read",
  },
  {
    pattern: /<bond>/,
    also: /<interface[\s>]/,
    what: 'what wicked shows',
    wayOut: 'import the ifcfg files of /etc/sysconfig/network',
  },
  {
    pattern: /laggproto\s/,
    what: 'a file of FreeBSD, whose lagg(4) is no bond of Linux',
    wayOut: BY_HAND,
  },
  {
    pattern: /^\s*bonding\s+bond\d+\s*\{|^set interfaces bonding /m,
    what: 'a configuration of VyOS',
    wayOut: BY_HAND,
  },
];

/** Those with several lines to the internet, which a file may have beside bonds. */
const FOREIGN_UPLINKS: readonly Foreign[] = [
  {
    pattern: /^\s*load-balancing\s*\{\s*\n\s*wan\s*\{|^\s*set load-balancing wan\b/m,
    what: 'a configuration of VyOS with load-balancing wan',
    wayOut:
      'write each interface-health interface as a line below uplinks: of bondwire.yaml, with the targets of its tests (two or more), those of a rule with weights under "mode: share", those of a rule with "failover" in the order of their weights, and other rules as rules (docs/uplinks.md)',
  },
  {
    pattern: /^\s*failover\s*\{\s*\n\s*route\s|^\s*set protocols failover\b/m,
    what: 'a configuration of VyOS with protocols failover',
    wayOut:
      'write the interface of each next-hop as a line below uplinks: of bondwire.yaml, in the order of the metrics, with the next-hop as gateway and what it checks as targets, two or more (docs/uplinks.md)',
  },
  {
    pattern: /<gateway_group>|<gateway_item>|<(?:Gateways|gateways)[\s>]/,
    also: /<opnsense>/,
    what: 'a config.xml of OPNsense with gateways',
    wayOut: `write ${OF_GATEWAYS}`,
  },
  {
    pattern: /<gateway_group>|<gateway_item>|<gateways>/,
    also: /<pfsense>/,
    what: 'a config.xml of pfSense with gateways',
    wayOut: `write ${OF_GATEWAYS}`,
  },
];

/** Names under which such files lie. */
const NAMES =
  /(?:^|\/)(?:cmdline|grub|net|network|network_data\.json|anaconda-ks\.cfg|rc\.conf|config\.boot|config\.xml)$|\.ks$|(?:^|\/)cmdline\.d\/[^/]+\.conf$|(?:^|\/)netctl\/[^/]+$/;
const FOLDERS = /(?:^|\/)(?:kernel|conf|default|conf\.d|config|cmdline\.d|netctl|proc|root)\//;

/** True for a file that a walk through a folder should open for this. */
export function mayBeForeign(path: string): boolean {
  return NAMES.test(path) && (FOLDERS.test(path) || /\.ks$|\.cfg$|\.json$|\.boot$|rc\.conf$/.test(path));
}

/** The sentences about such a file, one for bonds and one for lines to the internet; none where it is none. */
export function foreignIn(file: SourceFile, level: Level): readonly Finding[] {
  return [FOREIGN, FOREIGN_UPLINKS].flatMap(all => firstOf(all, file, level) ?? []);
}

function firstOf(all: readonly Foreign[], { path, text }: SourceFile, level: Level): Finding | null {
  for (const { pattern, also, what, wayOut } of all) {
    const found = pattern.exec(text);
    if (found === null || also?.test(text) === false) continue;
    const before = text.slice(0, found.index + found[0].search(/\S/));
    const message = `This is ${what}, which is not read here: ${wayOut}. ("${shown(found[0].trim().split('\n')[0] ?? '', 40)}".)`;
    return { level, place: { file: path, line: before.split('\n').length }, message };
  }
  return null;
}
