// Telling the network of a move: the counter of peer notifications, and multicast reports that follow a failover.
import { gratuitousArp, igmpReports, mldReports, unsolicitedNa } from '../../frames/index.js';
import type { Result } from '../../base/index.js';
import type { Output, StackedDevice } from '../contract.js';
import { activeMember, type Context } from '../state.js';
import { tell } from '../tell.js';

/** One jiffy of a kernel with HZ=250: the driver's wait before the first multicast report. */
const FIRST_REPORT_MS = 4;
/** HZ/5: the wait between two multicast reports. */
const NEXT_REPORT_MS = 200;

type What = Extract<Output, { kind: 'send' }>['what'];

function send(
  context: Context,
  device: StackedDevice,
  what: What,
  frames: Result<Uint8Array[], string>,
): number {
  if (!frames.ok) {
    const message = `${device.name} could not be announced: ${frames.error}`;
    tell(context, 'error', 'notified', message);
    return 0;
  }
  for (const frame of frames.value) context.out.push({ kind: 'send', device: device.ifindex, frame, what });
  return frames.value.length;
}

function one(frame: Result<Uint8Array, string>): Result<Uint8Array[], string> {
  return frame.ok ? { ok: true, value: [frame.value] } : frame;
}

function count(number: number, what: string): string[] {
  return number === 0 ? [] : [`${number} ${what}${number === 1 ? '' : 's'}`];
}

/** bond_should_notify_peers. (Whether link-watch work is pending on the member is not known here.) */
export function mayNotifyPeers(context: Context): boolean {
  const { state } = context;
  const every = Math.max(1, state.numbers.peer_notif_delay);
  return (
    state.active !== null && state.peerNotifLeft !== 0 && state.peerNotifLeft % every === 0 && state.carrier
  );
}

/** NETDEV_NOTIFY_PEERS on the bond and on every device stacked on it: gratuitous ARP and unsolicited NA for each address. */
export function notifyPeers(context: Context): void {
  const { state } = context;
  let arps = 0;
  let advertisements = 0;
  for (const device of state.stack.filter(each => each.adminUp)) {
    for (const ip of device.ipv4)
      arps += send(context, device, 'arp', one(gratuitousArp(device.address, ip)));
    for (const ip of device.ipv6) {
      const frame = unsolicitedNa(device.address, ip, device.forwarding);
      advertisements += send(context, device, 'na', one(frame));
    }
  }
  if (arps + advertisements === 0) return;
  const sent = [
    ...count(arps, 'gratuitous ARP request'),
    ...count(advertisements, 'neighbour advertisement'),
  ];
  const through = activeMember(state)?.name ?? 'nothing';
  tell(
    context,
    'info',
    'notified',
    `Peers of ${state.name} were told that it is reached through ${through}: ${sent.join(' and ')}`,
  );
}

/** After the active member changed while the bond is up: loads the counter and notifies at once where allowed. */
export function startNotifications(context: Context): void {
  const { state } = context;
  if (!state.adminUp) return;
  state.peerNotifLeft = state.numbers.num_grat_arp * Math.max(1, state.numbers.peer_notif_delay);
  if (!mayNotifyPeers(context)) return;
  state.peerNotifLeft--;
  notifyPeers(context);
}

/** After the active member changed while the bond is up: multicast reports follow, resend_igmp times. */
export function startReports(context: Context): void {
  const { state } = context;
  if (!state.adminUp || state.numbers.resend_igmp === 0) return;
  state.igmpLeft = state.numbers.resend_igmp;
  state.timers.igmp = context.now + FIRST_REPORT_MS;
}

/** The report timer is due (bond_resend_igmp_join_requests_delayed). */
export function resendReports(context: Context): void {
  const { state } = context;
  let frames = 0;
  for (const device of state.stack.filter(each => each.adminUp)) {
    const linkLocal = device.ipv6.find(ip => ip.toLowerCase().startsWith('fe80:')) ?? null;
    const from = { mac: device.address, mtu: state.mtu };
    const v4 = { ...from, ip: device.ipv4[0] ?? null };
    frames += send(context, device, 'igmp', igmpReports(v4, device.ipv4Groups, device.igmpVersion));
    const v6 = { ...from, ip: linkLocal };
    frames += send(context, device, 'mld', mldReports(v6, device.ipv6Groups, device.mldVersion));
  }
  if (frames > 0) {
    const message = `Multicast memberships of ${state.name} were reported: ${count(frames, 'report').join('')}`;
    tell(context, 'info', 'notified', message);
  }
  state.igmpLeft = Math.max(0, state.igmpLeft - 1);
  state.timers.igmp = state.igmpLeft > 0 ? context.now + NEXT_REPORT_MS : null;
}
