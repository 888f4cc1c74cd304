// What people write who come from elsewhere, for the sentence that refuses it: names of modes and options of other programs, units.
import { meantWord } from '../../base/index.js';
import type { OptionSpec } from './options.js';

/** Other names of modes (teamd, switches, other systems) and of values. */
const WORDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  mode: {
    lacp: '802.3ad',
    ad: '802.3ad',
    dynamic: '802.3ad',
    '8023ad': '802.3ad',
    failover: 'active-backup',
    activebackup: 'active-backup',
    backup: 'active-backup',
    ab: 'active-backup',
    'active-standby': 'active-backup',
    'fault-tolerance': 'active-backup',
    rr: 'balance-rr',
    'round-robin': 'balance-rr',
    roundrobin: 'balance-rr',
    xor: 'balance-xor',
    loadbalance: 'balance-xor',
    static: 'balance-xor',
    trunk: 'balance-xor',
    etherchannel: 'balance-xor',
    tlb: 'balance-tlb',
    alb: 'balance-alb',
  },
  xmit_hash_policy: {
    l2: 'layer2',
    l23: 'layer2+3',
    l34: 'layer3+4',
    'l2+3': 'layer2+3',
    'l3+4': 'layer3+4',
    layer23: 'layer2+3',
    layer34: 'layer3+4',
  },
  lacp_rate: { '1s': 'fast', '30s': 'slow', short: 'fast', long: 'slow' },
};

/** Other names of options. */
export const OPTION_HABITS: Readonly<Record<string, string>> = {
  hash: 'xmit_hash_policy',
  hash_policy: 'xmit_hash_policy',
  transmit_hash_policy: 'xmit_hash_policy',
  tx_hash: 'xmit_hash_policy',
  mii: 'miimon',
  mii_monitor: 'miimon',
  mii_monitor_interval: 'miimon',
  miimonitor: 'miimon',
  arp_targets: 'arp_ip_target',
  arp_ip_targets: 'arp_ip_target',
  arp_interval_ms: 'arp_interval',
  gratuitous_arp: 'num_grat_arp',
  active: 'active_slave',
  active_member: 'active_slave',
  primary_slave: 'primary',
  fail_over_mac_policy: 'fail_over_mac',
  failover_mac: 'fail_over_mac',
  monitor: 'miimon',
};

/** Options that are a time: milliseconds each, but for one. */
const TIMES: Readonly<Record<string, 'ms' | 's'>> = {
  miimon: 'ms',
  updelay: 'ms',
  downdelay: 'ms',
  arp_interval: 'ms',
  peer_notif_delay: 'ms',
  lp_interval: 's',
  lacp_fast_silence: 'ms',
};

const IN_MS: Readonly<Record<string, number>> = {
  ms: 1,
  msec: 1,
  s: 1000,
  sec: 1000,
  secs: 1000,
  second: 1000,
  seconds: 1000,
};

/** `did you mean 100?` as a clause, or undefined. */
export function valueGuess(spec: OptionSpec, text: string): string | undefined {
  const words = spec.words.map(({ word }) => word);
  const unit = TIMES[spec.name];
  const [, digits, given = ''] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*$/i.exec(text) ?? [];
  const ms = IN_MS[given.toLowerCase()];
  if (unit !== undefined && digits !== undefined && ms !== undefined) {
    const value = Math.ceil((Number(digits) * ms) / (unit === 'ms' ? 1 : 1000));
    return `it is in ${unit === 'ms' ? 'milliseconds' : 'seconds'} and has no unit; did you mean ${spec.name}=${value}?`;
  }
  const flag = { on: '1', yes: '1', true: '1', off: '0', no: '0', false: '0' }[text.trim().toLowerCase()];
  const isFlag = words.includes('on') && words.includes('off');
  if (flag !== undefined && isFlag && !words.includes(text.trim()))
    return `did you mean ${spec.name}=${flag}?`;
  if (words.length === 0 || /^[\s\d]*$/.test(text)) return undefined;
  const meant = meantWord(text.trim(), words, WORDS[spec.name] ?? {});
  return meant === undefined ? undefined : `did you mean ${spec.name}=${meant}?`;
}
