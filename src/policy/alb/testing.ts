// For the tests of this folder: a bond in balance-alb under virtual time, and ARP with clients.
import { formatMac } from '../../base/index.js';
import {
  ARP_OPERATION,
  emitArp,
  emitEthernet,
  ETHERTYPE,
  tagFrame,
  type VlanTag,
} from '../../frames/index.js';
import type { TimeMs } from '../contract.js';
import type { ReceiversPlan } from '../forwarding-plan.js';
import { Bench } from '../testing.js';
import { arpSeen } from './alb-frames.js';

/** The host's own IP address. */
export const OURS = '10.0.0.1';

function macBytes(mac: string): Uint8Array {
  return Uint8Array.from(mac.split(':'), part => Number.parseInt(part, 16));
}
function ipBytes(ip: string): Uint8Array {
  return Uint8Array.from(ip.split('.'), Number);
}

/** An ARP packet, with its Ethernet header. */
export function arpFrame(
  operation: keyof typeof ARP_OPERATION,
  [senderMac, senderIp]: readonly [string, string],
  [targetMac, targetIp]: readonly [string, string],
): Uint8Array {
  const frame = new Uint8Array(42);
  const isAsking = operation === 'REQUEST';
  const destination = macBytes(isAsking ? 'ff:ff:ff:ff:ff:ff' : targetMac);
  const at = emitEthernet(
    { destination, source: macBytes(senderMac), vlanTags: [], etherType: ETHERTYPE.ARP },
    frame,
  );
  const ips = { senderIp: ipBytes(senderIp), targetIp: ipBytes(targetIp) };
  const macs = { senderMac: macBytes(senderMac), targetMac: macBytes(targetMac) };
  emitArp({ operation: ARP_OPERATION[operation], ...macs, ...ips }, frame, at);
  return frame;
}

/** MAC address of the client 10.0.0.NUMBER. */
export function clientMac(number: number): string {
  return formatMac(Uint8Array.of(2, 0xcc, 0, 0, 0, number));
}

/** A client that was told by which address it reaches us, and when. */
export interface Told {
  readonly at: TimeMs;
  readonly through: number;
  readonly ip: string;
  readonly mac: string;
}

/** Three members of 1 Gbit/s, set up half a second ago. */
export class AlbBench extends Bench {
  constructor(
    options: Readonly<Record<string, string | number>> = {},
    members: readonly number[] = [1, 2, 3],
  ) {
    super({ mode: 'balance-alb', ...options }, members);
    this.up();
    // The first tick deals out anew.
    this.run(500);
  }

  get receivers(): ReceiversPlan {
    const { receivers } = this.bond.plan();
    if (receivers === null) throw new Error('No balance-alb');
    return receivers;
  }

  /** Which member each client has, by the last number of its address, in the order of the table. */
  get table(): string {
    return this.receivers.clients.map(({ ip, member }) => `${ip.split('.')[3]}:${member}`).join(' ');
  }

  /** The host asks for a client, and hears its answer on the member that it asked by. */
  ask(number: number, isAnswered = true, tags: VlanTag[] = []): void {
    const ip = `10.0.0.${number}`;
    const ours = [this.bond.snapshot().address, OURS] as const;
    const by = this.receivers.next ?? 1;
    const request = arpFrame('REQUEST', ours, ['00:00:00:00:00:00', ip]);
    this.give({ kind: 'arp-frame', member: null, frame: tagFrame(request, tags) });
    const answer = arpFrame('REPLY', [clientMac(number), ip], ours);
    if (isAnswered) this.give({ kind: 'arp-frame', member: by, frame: tagFrame(answer, tags) });
  }

  /** The host answers a client that asked. */
  answer(number: number): void {
    const ours = [this.bond.snapshot().address, OURS] as const;
    const frame = arpFrame('REPLY', ours, [clientMac(number), `10.0.0.${number}`]);
    this.give({ kind: 'arp-frame', member: null, frame });
  }

  /** Clients that were told so far; each is told twice, which is one here. */
  told(): Told[] {
    const all = this.seen.flatMap(({ at, output }): Told[] => {
      if (output.kind !== 'send-through' || output.what !== 'arp') return [];
      const arp = arpSeen(output.frame);
      return arp === null ? [] : [{ at, through: output.member, ip: arp.targetIp, mac: arp.senderMac }];
    });
    return all.filter((_, nth) => nth % 2 === 0);
  }
}
