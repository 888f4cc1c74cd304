// The nft rules by which mwan3's marks choose a line for each connection and keep it there, as text. Its own are iptables rules.
import type { Family } from '#lab';

/** What a line is to the rules. */
export interface MarkedLine {
  /** From 1. */
  readonly id: number;
  readonly device: string;
  /** The gateway's own address on the line. */
  readonly address: string;
  readonly isOn: boolean;
}

/** Bits of marks that are its own; a line's number is in the upper half of them. */
export const MARK_MASK = 0xff00;
const KEPT_IN_MAIN = 0xff00;

export function markOfLine(id: number): number {
  return id << 8;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

/**
 * The table of one family, whole. In order: a connection keeps the mark that it got with its first packet; one that came in by a line
 * gets that line's; one to a network that is connected is left to main; one from a line's address gets its; and the rest the first
 * line's that is on.
 */
export function markRules(
  family: Family,
  lines: readonly MarkedLine[],
  connected: readonly string[],
): string {
  const ip = family === 'ipv4' ? 'ip' : 'ip6';
  const unmarked = `meta mark and ${hex(MARK_MASK)} == 0`;
  const mark = (id: number): string => `${unmarked} meta mark set ${hex(markOfLine(id))}`;
  const toConnected = `${ip} daddr { ${connected.join(', ')} }`;
  const chosen = lines.find(line => line.isOn);
  const body = [
    `${unmarked} meta mark set ct mark and ${hex(MARK_MASK)}`,
    ...lines.map(({ device, id }) => `iifname "${device}" ${mark(id)}`),
    `${toConnected} ${unmarked} meta mark set ${hex(KEPT_IN_MAIN)}`,
    ...lines.map(({ address, id }) => `${ip} saddr ${address} ${mark(id)}`),
    ...(chosen === undefined ? [] : [mark(chosen.id)]),
    `ct mark set meta mark and ${hex(MARK_MASK)}`,
    `${toConnected} meta mark set ${hex(KEPT_IN_MAIN)}`,
  ].map(rule => `    ${rule}`);
  return [
    `table ${ip} mwan3`,
    `delete table ${ip} mwan3`,
    `table ${ip} mwan3 {`,
    '  chain prerouting {',
    '    type filter hook prerouting priority mangle',
    ...body,
    '  }',
    '  chain output {',
    '    type route hook output priority mangle',
    ...body,
    '  }',
    '  chain nat {',
    '    type nat hook postrouting priority srcnat',
    ...lines.map(({ device }) => `    oifname "${device}" masquerade`),
    '  }',
    '}',
    '',
  ].join('\n');
}
