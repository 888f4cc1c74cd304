// Every option of the driver (bond_opts and its value tables) and Bondwire's own, as data, in the order of bond_changelink (netlink),
// then what is set a member at a time, then our own. The types of names and values follow from the rows (`options.ts`).
import type { ModeName, OptionFacts, OptionKind, OptionRow, OptionWord } from './option-row.js';

const INT_MAX = 2147483647;
const PRIMARY_MODES: readonly ModeName[] = ['active-backup', 'balance-tlb', 'balance-alb'];
const ARP_MODES: readonly ModeName[] = ['balance-rr', 'active-backup', 'balance-xor', 'broadcast'];
const AD: readonly ModeName[] = ['802.3ad'];

/** Words of a table in the driver's form; the starred one is the default. */
function words(...entries: (readonly [string, number])[]): OptionWord[] {
  return entries.map(([word, value]) =>
    word.startsWith('*') ? { word: word.slice(1), value, isDefault: true } : { word, value },
  );
}

const PLAIN: Omit<OptionFacts, 'summary'> = {
  aliases: [],
  unit: null,
  words: [],
  min: 0,
  max: null,
  initial: null,
  modes: 'all',
  withoutMembers: false,
  whileDown: false,
  sysfs: 'number',
  first: false,
};

type More = Partial<Omit<OptionFacts, 'summary'>>;

function wordOption<Name extends string>(
  name: Name,
  summary: string,
  list: OptionWord[],
  more: More = {},
): OptionRow<Name, 'word'> {
  const initial = list.find(word => word.isDefault === true)?.value ?? 0;
  return { ...PLAIN, sysfs: 'word-number', name, summary, kind: 'word', words: list, initial, ...more };
}

/** An on/off option that reads back as a number. */
function switchOption<Name extends string>(
  name: Name,
  summary: string,
  initial: 0 | 1,
  more: More = {},
): OptionRow<Name, 'number'> {
  const list = words([initial === 0 ? '*off' : 'off', 0], [initial === 1 ? '*on' : 'on', 1]);
  return { ...PLAIN, name, summary, kind: 'number', words: list, initial, ...more };
}

function numberOption<Name extends string>(
  name: Name,
  summary: string,
  range: { min?: number; max: number; initial: number },
  list: OptionWord[],
  more: More = {},
): OptionRow<Name, 'number'> {
  const { min = 0, max, initial } = range;
  return { ...PLAIN, name, summary, kind: 'number', words: list, min, max, initial, ...more };
}

/** An option that is no number. */
function otherOption<Name extends string, Kind extends Exclude<OptionKind, 'word' | 'number'>>(
  name: Name,
  kind: Kind,
  summary: string,
  more: More,
): OptionRow<Name, Kind> {
  return { ...PLAIN, name, kind, summary, ...more };
}

const OFF_TO_INT_MAX = words(['*off', 0], ['maxval', INT_MAX]);

export const OPTION_ROWS = [
  wordOption(
    'mode',
    'How frames are spread over the members and what takes over when one fails.',
    words(
      ['*balance-rr', 0],
      ['active-backup', 1],
      ['balance-xor', 2],
      ['broadcast', 3],
      ['802.3ad', 4],
      ['balance-tlb', 5],
      ['balance-alb', 6],
    ),
    {
      withoutMembers: true,
      whileDown: true,
    },
  ),
  otherOption(
    'active_slave',
    'interface',
    'The member in use now; set it to move by hand, or to nothing to choose again.',
    {
      modes: PRIMARY_MODES,
      sysfs: 'text',
    },
  ),
  numberOption(
    'miimon',
    'Milliseconds between two looks at the link of every member; 0 turns link monitoring off.',
    { max: INT_MAX, initial: 0 },
    OFF_TO_INT_MAX,
    { unit: 'ms' },
  ),
  numberOption(
    'updelay',
    'Milliseconds that a link must be up before its member is used; a multiple of miimon.',
    { max: INT_MAX, initial: 0 },
    OFF_TO_INT_MAX,
    { unit: 'ms' },
  ),
  numberOption(
    'downdelay',
    'Milliseconds that a link must be down before its member is given up; a multiple of miimon.',
    { max: INT_MAX, initial: 0 },
    OFF_TO_INT_MAX,
    { unit: 'ms' },
  ),
  numberOption(
    'peer_notif_delay',
    'Milliseconds between two notifications of the peers after a failover; a multiple of miimon.',
    { max: 300000, initial: 0 },
    words(['off', 0], ['maxval', 300000]),
    { unit: 'ms', aliases: ['peer_notify_delay'] },
  ),
  switchOption('use_carrier', "Read the link from the device's carrier flag (1) or by ioctl (0).", 1),
  numberOption(
    'arp_interval',
    'Milliseconds between two ARP probes of the targets; 0 turns ARP monitoring off.',
    { max: INT_MAX, initial: 0 },
    OFF_TO_INT_MAX,
    {
      unit: 'ms',
      modes: ARP_MODES,
    },
  ),
  otherOption(
    'arp_ip_target',
    'list',
    'IPv4 addresses that ARP monitoring probes, up to 16: a comma list, or +ADDRESS / -ADDRESS.',
    {
      sysfs: 'text',
    },
  ),
  otherOption(
    'ns_ip6_target',
    'list',
    'IPv6 addresses that neighbour monitoring probes, up to 16, as a comma list.',
    {
      sysfs: null,
    },
  ),
  wordOption(
    'arp_validate',
    'Which members must receive real answers to ARP probes to count as up.',
    words(
      ['*none', 0],
      ['active', 1],
      ['backup', 2],
      ['all', 3],
      ['filter', 4],
      ['filter_active', 5],
      ['filter_backup', 6],
    ),
    {
      modes: ARP_MODES,
    },
  ),
  wordOption(
    'arp_all_targets',
    'With validation: one answering target is enough (any) or all must answer (all).',
    words(['*any', 0], ['all', 1]),
  ),
  otherOption('primary', 'interface', 'The member to use whenever its link is up; it may join later.', {
    modes: PRIMARY_MODES,
    sysfs: 'text',
  }),
  wordOption(
    'primary_reselect',
    'When a returning primary takes over: always, only if it is better, or only when the active one fails.',
    words(['*always', 0], ['better', 1], ['failure', 2]),
  ),
  wordOption(
    'fail_over_mac',
    "Whose MAC address moves: all members have the bond's (none), the bond takes the active one's (active), or it is handed on (follow).",
    words(['*none', 0], ['active', 1], ['follow', 2]),
    { withoutMembers: true },
  ),
  wordOption(
    'xmit_hash_policy',
    'Which header fields choose the member that sends, in modes that hash.',
    words(
      ['*layer2', 0],
      ['layer3+4', 1],
      ['layer2+3', 2],
      ['encap2+3', 3],
      ['encap3+4', 4],
      ['vlan+srcmac', 5],
    ),
  ),
  numberOption(
    'resend_igmp',
    'How often multicast memberships are reported after a failover, 200 ms apart; 0 turns it off.',
    { max: 255, initial: 1 },
    words(['off', 0], ['maxval', 255], ['*default', 1]),
  ),
  numberOption(
    'num_grat_arp',
    'Number of notifications (gratuitous ARP, unsolicited NA) after a failover; 0 turns them off.',
    { max: 255, initial: 1 },
    words(['off', 0], ['maxval', 255], ['*default', 1]),
    { aliases: ['num_unsol_na', 'num_peer_notif'] },
  ),
  switchOption('all_slaves_active', 'Deliver frames received on backups too (1) or drop them (0).', 0),
  numberOption(
    'min_links',
    'Number of usable links below which an 802.3ad bond has no carrier.',
    { max: INT_MAX, initial: 0 },
    OFF_TO_INT_MAX,
  ),
  numberOption(
    'lp_interval',
    'Seconds between two learning packets on each member, in modes that balance by address.',
    { min: 1, max: INT_MAX, initial: 1 },
    words(['*minval', 1], ['maxval', INT_MAX]),
    { unit: 's' },
  ),
  numberOption(
    'packets_per_slave',
    'Frames sent on one member before the next has its turn; 0 chooses by chance.',
    { max: 65535, initial: 1 },
    words(['*default', 1], ['maxval', 65535]),
    { modes: ['balance-rr'] },
  ),
  wordOption('lacp_active', 'Send LACPDUs without being asked.', words(['off', 0], ['*on', 1]), {
    modes: AD,
    whileDown: true,
  }),
  wordOption(
    'lacp_rate',
    'How often the partner is asked to send: every 30 s (slow) or every second (fast).',
    words(['slow', 0], ['fast', 1]),
    { modes: AD, whileDown: true },
  ),
  wordOption(
    'ad_select',
    'Which aggregator is used when there are several; actor_port_prio is of Linux 6.18.',
    words(['*stable', 0], ['bandwidth', 1], ['count', 2], ['actor_port_prio', 3]),
    { whileDown: true },
  ),
  numberOption(
    'ad_actor_sys_prio',
    'Our LACP system priority.',
    { min: 1, max: 65535, initial: 65535 },
    words(['minval', 1], ['*maxval', 65535]),
    { modes: AD },
  ),
  numberOption(
    'ad_user_port_key',
    'The upper ten bits of the LACP key of members that join from now on.',
    { max: 1023, initial: 0 },
    words(['*minval', 0], ['maxval', 1023]),
    { modes: AD, whileDown: true },
  ),
  otherOption(
    'ad_actor_system',
    'address',
    "Our LACP system address; all zero stands for the bond's MAC address.",
    {
      modes: AD,
      sysfs: 'text',
    },
  ),
  switchOption('tlb_dynamic_lb', 'Shift flows by load (1) or only hash them (0).', 1, {
    modes: ['balance-tlb', 'balance-alb'],
    whileDown: true,
  }),
  numberOption(
    'arp_missed_max',
    'Number of ARP intervals without an answer after which a member is down.',
    { min: 1, max: 255, initial: 2 },
    words(['minval', 1], ['maxval', 255], ['*default', 2]),
    { modes: ARP_MODES, aliases: ['missed_max'] },
  ),
  wordOption(
    'coupled_control',
    'Start collecting and distributing together (on) or one after the other (off).',
    words(['*on', 1], ['off', 0]),
    { modes: AD, whileDown: true, sysfs: null },
  ),
  wordOption(
    'broadcast_neighbor',
    'Send ARP and neighbour discovery on all usable members.',
    words(['on', 1], ['*off', 0]),
    { modes: AD, sysfs: null, aliases: ['broadcast_neigh'] },
  ),
  wordOption(
    'lacp_strict',
    'Count only ports that LACP has negotiated towards min_links, of Linux 7.2.',
    words(['*off', 0], ['on', 1]),
    { modes: AD, sysfs: null },
  ),
  otherOption('slaves', 'members', 'The members; they change by enslaving and releasing.', {
    sysfs: 'text',
  }),
  otherOption(
    'queue_id',
    'per-member',
    'Transmit queue of the bond that is tied to a member, as INTERFACE:N.',
    {
      max: 16,
      sysfs: 'text',
    },
  ),
  otherOption(
    'prio',
    'per-member',
    'Preference of a member when no primary is usable, as INTERFACE:N; the highest wins.',
    {
      min: -2147483648,
      max: INT_MAX,
      modes: PRIMARY_MODES,
      sysfs: null,
    },
  ),
  otherOption('actor_port_prio', 'per-member', 'LACP priority of the port of a member, as INTERFACE:N.', {
    max: 65535,
    modes: AD,
    sysfs: null,
  }),
  switchOption(
    'inline_failover',
    'Let the data plane leave a dead link at once (1), which takes miimon and no downdelay, or wait for the monitor as the driver does (0).',
    1,
    { sysfs: null },
  ),
  wordOption(
    'link_watch',
    'Which monitors decide on a link: one of them, as the driver does (driver), or both together, with miimon and arp_interval set: it is lost when either says so (any), or when both do (all).',
    words(['*driver', 0], ['any', 1], ['all', 2]),
    // Others may be refused without it.
    { sysfs: null, first: true },
  ),
  switchOption(
    'passive_evidence',
    'With link_watch: ask a member on which nothing comes in at once and four times as often (1).',
    0,
    { sysfs: null },
  ),
  switchOption(
    'lacp_quirks',
    "Repeat in 802.3ad what the kernel's driver does although better is known (1), or do the better (0).",
    0,
    { sysfs: null, modes: AD },
  ),
  numberOption(
    'lacp_lease',
    'For how long partners in 802.3ad are answered in the name of a daemon that is not there (eBPF data plane); 0: not at all.',
    { min: 3, max: 3600, initial: 60 },
    words(['off', 0]),
    { unit: 's', sysfs: null, modes: AD },
  ),
  wordOption(
    'lacp_fallback',
    'Who carries in 802.3ad while no port hears a partner: nobody, and the bond has no carrier (off), one port as the driver does (one), or all (static).',
    words(['off', 0], ['*one', 1], ['static', 2]),
    { sysfs: null, modes: AD },
  ),
  numberOption(
    'lacp_fast_silence',
    'Milliseconds after which 802.3ad passes over a port whose partner fell silent although its link is up: asked by markers, or by hellos between two Bondwires; 0 leaves it to LACP (3 s and more).',
    { min: 200, max: 2500, initial: 0 },
    words(['*off', 0]),
    { unit: 'ms', sysfs: null, modes: AD },
  ),
  wordOption(
    'multicast',
    'Which members listen to the multicast groups that the bond listens to: those that the mode says (auto), none, the active one, or all.',
    words(['disabled', 0], ['active', 1], ['all', 2], ['*auto', 3]),
    { sysfs: null },
  ),
  wordOption(
    'data_plane',
    'What moves the packets, chosen when the bond is created: eBPF programs, a thread in user space, or the better that works.',
    words(['*auto', 0], ['ebpf', 1], ['userspace', 2]),
    { sysfs: null, withoutMembers: true },
  ),
];
