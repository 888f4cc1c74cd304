// What the driver says of a write, as a class: the kinds of its sentences in the kernel's log (netdev_err, netdev_warn) and in
// netlink's extended acknowledgement. A sentence that fits none is kept as it is, so that nothing is lost.

const KINDS: readonly (readonly [pattern: RegExp, kind: string])[] = [
  [/mode dependency failed|option not supported in mode/, 'wrong-mode'],
  [/because the bond device has slaves|option because the bond has slaves/, 'has-members'],
  [/because the bond device is up|option because the bond is up/, 'bond-up'],
  [/as MII monitoring is disabled/, 'needs-monitor'],
  [/ cannot be used with MII monitoring/, 'two-monitors'],
  [/is not a multiple of miimon/, 'rounded'],
  [/: invalid value|allowed values|invalid option value/, 'invalid-value'],
  [/does not exist|Device is not bonding slave/, 'no-such-interface'],
  [
    /invalid (?:ARP|NS) target|(?:ARP|NS) target .* is already present|nonexistent (?:ARP|NS) target|target table is full/,
    'invalid-value',
  ],
  [/Removing last (?:arp|ns) target with arp_interval on/, 'last-target'],
  [/prio updated, but will not affect/, 'prio-idle'],
  [/Invalid ad_actor_system MAC address/, 'invalid-value'],
  [/Could not set as active slave/, 'invalid-request'],
];

/** The first sentence of those that says something. */
export function classOf(sentences: readonly string[]): string {
  for (const sentence of sentences) {
    const kind = KINDS.find(([pattern]) => pattern.test(sentence));
    return kind?.[1] ?? `"${sentence.replaceAll(/[\t"]/g, ' ')}"`;
  }
  return '-';
}
