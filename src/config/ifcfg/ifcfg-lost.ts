// Keys of ifcfg files that have no counterpart, with what is to be done about them. (config)
import { own, shown } from '../../base/index.js';
import type { Interface } from './ifcfg-addresses.js';
import { tellSysctl } from '../ipv6-settings.js';

/** Keys that need no counterpart: what they say is so anyhow, or concerns only the tool that reads them. */
const SILENT: ReadonlySet<string> = new Set([
  'AUTOCONNECT_SLAVES',
  'AUTOCONNECT_PRIORITY',
  'BONDING_MASTER',
  'BONDING_SKIP_REMOVE_WORKAROUND',
  'BROWSER_ONLY',
  'DEVICETYPE',
  'DEVICE',
  'HOTPLUG',
  'ONPARENT',
  'IPV4_FAILURE_FATAL',
  'IPV6_FAILURE_FATAL',
  'IPV6_DEFROUTE',
  'DEFROUTE',
  'NAME',
  'NM_CONTROLLED',
  'PROXY_METHOD',
  'TYPE',
  'USERCONTROL',
  'UUID',
]);

/** Keys of which one sentence says why they are not carried over. */
const NOTES: Readonly<Record<string, string>> = {
  USERCTL: 'who may change the bond is decided by who may open the control socket',
  NETWORK: 'the network follows from address and prefix length',
  BROADCAST: 'the broadcast address follows from address and prefix length',
};

/** Keys whose effect somebody else must have: the resolver, a DHCP client, the firewall. */
const BY_HAND: Readonly<Record<string, string>> = {
  DHCP_HOSTNAME: 'it belongs to the DHCP client',
  DNS1: 'set it in the resolver',
  DNS2: 'set it in the resolver',
  DNS3: 'set it in the resolver',
  DOMAIN: 'set it in the resolver',
  ETHTOOL_OPTS: 'set it by ethtool',
  ETHTOOL_OPTIONS: 'set it by ethtool',
  PEERDNS: 'set it in the resolver',
  ZONE: 'set it in the firewall',
};

const HANDLED =
  /^(?:BONDING_(?:OPTS|MODULE_OPTS|SLAVE_?\d+)|MASTER|MASTER_UUID|SLAVE|TEAM_CONFIG|TEAM_PORT_CONFIG|TEAM_MASTER|(?:IPADDR|NETMASK|PREFIX|PREFIXLEN)_?[A-Za-z0-9_]*|IPV6ADDR|IPV6ADDR_SECONDARIES|GATEWAY\d*|IPV6_DEFAULTGW|BRIDGE|VLAN|BOND_PORT_(?:QUEUE_ID|PRIO)|SCOPE|ONBOOT|STARTMODE|BOOTPROTO|MTU|MACADDR|LLADDR|HWADDR)$/;

/** What ifup and NetworkManager set by sysctl. */
const OF_IPV6: Readonly<Record<string, readonly [on: RegExp, key: string, value: string]>> = {
  IPV6INIT: [/^(?:no|false|off|n|f|0)$/i, 'disable_ipv6', '1'],
  IPV6_DISABLED: [/^(?:yes|true|on|y|t|1)$/i, 'disable_ipv6', '1'],
  IPV6_AUTOCONF: [/^(?:no|false|off|n|f|0)$/i, 'accept_ra', '0'],
  IPV6_PRIVACY: [/^rfc3041$/i, 'use_tempaddr', '2'],
  IPV6_PRIVACY_PREFER_PUBLIC_IP: [/^(?:yes|true|on|y|t|1)$/i, 'use_tempaddr', '1'],
  IPV6_ADDR_GEN_MODE: [/^stable-privacy$/i, 'addr_gen_mode', '2'],
};

/** Tells of every key that nothing else reads. */
export function readRest({ list, name, values, place }: Interface): void {
  for (const key of values.keys()) {
    if (HANDLED.test(key) || SILENT.has(key) || (values.get(key)?.value ?? '').trim() === '') continue;
    const sysctl = own(OF_IPV6, key);
    if (sysctl !== undefined) {
      const [on, setting, wanted] = sysctl;
      const said = (values.get(key)?.value ?? '').trim();
      if (on.test(said))
        tellSysctl(list, place(key), name, { what: `${key}=${shown(said)}`, key: setting, value: wanted });
      continue;
    }
    const note = own(NOTES, key.replace(/_?\d*$/, ''));
    const byHand = own(BY_HAND, key);
    if (note !== undefined) list.find(place(key), 'note', `${key}: ${note}.`, name);
    else if (byHand !== undefined)
      list.find(place(key), 'warning', `${key} is not carried over: ${byHand}.`, name);
    else list.find(place(key), 'warning', `${key} is not known here; it was left out.`, name);
  }
}
