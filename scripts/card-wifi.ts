// A bond of a network card and a wireless station (mac80211_hwsim), as a laptop has it. The access point is a second radio in a namespace
// of the guest; the other card of the pair bridges it to the switch. The machine has to have iw and hostapd.
import { Arm, HOST } from '#arms';
import type { Card } from '#lab';
import type { Trial } from './card-items.js';

const wait = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

/** Radios, access point and uplink; `uplink` goes into the namespace of the access point. */
const raise = (uplink: Card): string => `set -e
  modprobe mac80211_hwsim radios=2; sleep 3; ip netns add ap
  iw phy $(cat /sys/class/net/wlan1/phy80211/name) set netns name ap
  ip link set ${uplink.name} netns ap
  ip -n ap link add brap type bridge forward_delay 0
  ip -n ap link set ${uplink.name} master brap up; ip -n ap link set brap up; ip -n ap link set lo up
  printf '%s\\n' interface=wlan1 bridge=brap driver=nl80211 ssid=bondwire hw_mode=g channel=1 >/run/hostapd.conf
  setsid ip netns exec ap hostapd /run/hostapd.conf >/run/hostapd.log 2>&1 </dev/null & echo $! >/run/hostapd.pid
  for i in $(seq 100); do grep -q AP-ENABLED /run/hostapd.log && exit 0; sleep 0.2; done; cat /run/hostapd.log; exit 1`;

const lower = (uplink: Card): string => `kill $(cat /run/hostapd.pid); sleep 1
  ip -n ap link set ${uplink.name} down; ip -n ap link set ${uplink.name} netns 1; ip netns del ap; rmmod mac80211_hwsim; true`;

/** Joins the network of the access point; prints the carrier. */
const CONNECT = `ip link set wlan0 up; iw dev wlan0 disconnect 2>/dev/null; iw dev wlan0 connect bondwire
  for i in $(seq 100); do [ "$(cat /sys/class/net/wlan0/carrier 2>/dev/null)" = 1 ] && break; sleep 0.2; done; cat /sys/class/net/wlan0/carrier`;

export async function wifi({ arm, peer }: Trial): Promise<string> {
  const { guest } = arm;
  const [wired, uplink] = arm.cards;
  if (wired === undefined || uplink === undefined) throw new Error('There are no two cards');
  const tools = await guest.sh('command -v iw hostapd && modinfo mac80211_hwsim >/dev/null');
  if (tools.status !== 0) return 'not run: there is no iw, hostapd or mac80211_hwsim';
  await arm.unmake();
  try {
    await guest.must(raise(uplink));
    const own = await guest.must('cat /sys/class/net/wlan0/address');
    const station = { ...uplink, id: 'wlan', name: 'wlan0', tap: '', mac: own };
    const seen: string[] = [];
    for (const rule of ['none', 'active']) {
      seen.push(
        `fail_over_mac=${rule}: ${await both({ arm: new Arm(arm.name, guest, [wired, station]), peer }, rule)}`,
      );
      const now = await guest.must('cat /sys/class/net/wlan0/address');
      seen.push(now === own ? 'wlan0 has its own MAC address again' : `wlan0 has ${now}, not ${own}`);
    }
    return seen.join('; ');
  } finally {
    await guest.sh(lower(uplink));
    await guest.nameCards();
    await arm.make();
  }
}

async function both({ arm, peer }: Trial, rule: string): Promise<string> {
  const { guest } = arm;
  const [wired, station] = arm.cards;
  if (wired === undefined || station === undefined) throw new Error('There are no two cards');
  try {
    await arm.make({ fail_over_mac: rule });
    await arm.set('primary', wired.name);
    const carrier = await guest.must(CONNECT);
    await wait(3000);
    const states = (await arm.members()).map(text => text.split(' ').slice(1).join(' '));
    const before = peer.ping();
    const lost = await peer.lost(8, () => guest.setCable(wired, false));
    const now = await arm.active();
    const macs = await Promise.all(
      ['bond0', 'wlan0'].map(name => guest.must(`cat /sys/class/net/${name}/address`)),
    );
    const one = macs[0] === macs[1] ? "the bond's MAC address" : "not the bond's MAC address";
    return `carrier ${carrier}, card ${states[0]}, wlan0 ${states[1]}, ping ${before}; cable cut: ${now === station ? 'moved' : 'NOT MOVED'}, lost ${lost}, wlan0 has ${one}, ping ${peer.ping()}, IPv6 ${peer.ping(HOST.ipv6)}`;
  } finally {
    await guest.setCable(wired, true);
    await arm.unmake();
  }
}
