// What is tried on two cards with one arm: each item gives a short text of what was seen, the same for every arm.
import type { Card } from '#lab';
import { type Arm, HOST } from '#arms';
import type { Peer } from '#arms';
import { wifi } from './card-wifi.js';

const wait = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

/** What an item works with: the bond is made, and goes on to the next item. */
export interface Trial {
  readonly arm: Arm;
  readonly peer: Peer;
}

export const ITEMS: Readonly<Record<string, (trial: Trial) => Promise<string>>> = {
  joins,
  vlan,
  cut,
  'use_carrier=0': useCarrier,
  lists,
  promiscuous,
  address,
  mtu,
  content,
  unplug,
  reload,
  lro,
  follow: trial => refusedWhileUp(trial, { fail_over_mac: 'follow' }),
  tlb: trial => refusedWhileUp(trial, { mode: 'balance-tlb' }),
  wifi,
  sleep,
};

/** Names of the cards: a is the first, b the second, whatever the model is called. */
function plain(arm: Arm, text: string): string {
  const [a, b] = arm.cards;
  return text.replaceAll(a?.name ?? '', 'a').replaceAll(b?.name ?? '', 'b');
}

function other(arm: Arm, card: Card | undefined): Card {
  const found = arm.cards.find(one => one !== card);
  if (found === undefined) throw new Error('There is one card only');
  return found;
}

async function activeOf(arm: Arm): Promise<Card> {
  const active = await arm.active();
  if (active === undefined) throw new Error('No member is active');
  return active;
}

const macOf = (arm: Arm, name: string): Promise<string> =>
  arm.guest.must(`cat /sys/class/net/${name}/address`);

async function joins({ arm, peer }: Trial): Promise<string> {
  const members = await arm.members();
  return plain(arm, `${members.join(', ')}; ping ${peer.ping()}, IPv6 ${peer.ping(HOST.ipv6)}`);
}

async function taggedOn({ arm, peer }: Trial): Promise<string> {
  // The item vlan makes it.
  if ((await arm.guest.sh('test -e /sys/class/net/bond0.20')).status !== 0) return 'not asked';
  return peer.tagged(await macOf(arm, 'bond0'));
}

async function vlan(trial: Trial): Promise<string> {
  const { arm } = trial;
  const [a] = arm.cards;
  const filter = await arm.guest.must(`ethtool -k ${a?.name} | grep rx-vlan-filter | cut -d: -f2`);
  await arm.guest.must(
    `ip link add link bond0 name bond0.20 type vlan id ${HOST.tag.tci}; ip addr add ${HOST.vlan}/24 dev bond0.20; ip link set bond0.20 up; sleep 2`,
  );
  const before = await taggedOn(trial);
  const seconds: string[] = [];
  const active = await activeOf(arm);
  await arm.set('active_slave', other(arm, active).name);
  await wait(1500);
  seconds.push(await taggedOn(trial));
  await arm.set('active_slave', active.name);
  await wait(1500);
  return `filter ${filter}; tagged ${before}, by the other card ${seconds.join()}`;
}

async function cut({ arm, peer }: Trial): Promise<string> {
  const active = await activeOf(arm);
  const lost = await peer.lost(8, () => arm.guest.setCable(active, false));
  const now = await arm.active();
  const carrier = await arm.guest.must(`cat /sys/class/net/${active.name}/carrier`);
  const after = `ping ${peer.ping()}, IPv6 ${peer.ping(HOST.ipv6)}, tagged ${await taggedOn({ arm, peer })}`;
  await arm.guest.setCable(active, true);
  await wait(4000);
  const back = await arm.guest.must(`cat /sys/class/net/${active.name}/carrier`);
  const moved = now === undefined ? 'none' : now === active ? 'NOT MOVED' : 'moved';
  return `${moved}, carrier ${carrier} then ${back}; lost ${lost}; ${after}`;
}

async function useCarrier({ arm, peer }: Trial): Promise<string> {
  await arm.set('use_carrier', '0');
  try {
    await wait(500);
    const before = (await arm.members()).map(text => text.split(' ')[1]).join();
    const active = await activeOf(arm);
    await arm.guest.setCable(active, false);
    await wait(4000);
    const now = await arm.active();
    const ping = peer.ping();
    await arm.guest.setCable(active, true);
    await wait(3000);
    const moved = now === undefined ? 'none' : now === active ? 'NOT MOVED' : 'moved';
    return `${before}; cut: ${moved}, ping ${ping}; mended: ${(await arm.members()).map(text => text.split(' ')[1]).join()}`;
  } finally {
    await arm.set('use_carrier', '1');
  }
}

async function lists({ arm, peer }: Trial): Promise<string> {
  const group = '33:33:00:00:77:77';
  await arm.guest.must(`ip maddr add ${group} dev bond0; sleep 1.5`);
  const look = async (): Promise<string> => {
    const active = await activeOf(arm);
    const has = async (name: string): Promise<string> =>
      (await arm.guest.must(`ip maddr show dev ${name} | grep -c ${group} || true`)) === '0' ? 'no' : 'yes';
    return `active ${await has(active.name)}, backup ${await has(other(arm, active).name)}`;
  };
  const before = await look();
  await arm.set('active_slave', other(arm, await activeOf(arm)).name);
  await wait(1500);
  const after = await look();
  const macs = await Promise.all(
    ['bond0', ...arm.cards.map(({ name }) => name)].map(name => macOf(arm, name)),
  );
  await arm.guest.must(`ip maddr del ${group} dev bond0`);
  const one = new Set(macs).size === 1 ? 'one MAC address' : macs.join(' ');
  return `${before}; after a failover ${after}; ${one}; IPv6 ${peer.ping(HOST.ipv6)}`;
}

async function promiscuous({ arm }: Trial): Promise<string> {
  const look = async (): Promise<string> => {
    const active = await activeOf(arm);
    const of = (name: string): Promise<string> =>
      arm.guest.must(`ip -d link show ${name} | grep -o 'promiscuity [0-9]*' | cut -d' ' -f2`);
    return `active ${await of(active.name)}, backup ${await of(other(arm, active).name)}`;
  };
  await arm.guest.must('ip link set bond0 promisc on; sleep 1');
  const on = await look();
  await arm.guest.must('ip link set bond0 promisc off; sleep 1');
  return `on: ${on}; off: ${await look()}`;
}

async function address({ arm, peer }: Trial): Promise<string> {
  const wish = '02:00:00:00:aa:01';
  const before = await macOf(arm, 'bond0');
  const { status } = await arm.guest.sh(`ip link set bond0 address ${wish}`);
  await wait(2500);
  const now = await Promise.all(
    ['bond0', ...arm.cards.map(({ name }) => name)].map(name => macOf(arm, name)),
  );
  const kept = now.every(mac => mac === before) ? 'all keep the old one' : undefined;
  const has = now.every(mac => mac === wish) ? 'all have it' : undefined;
  const ping = peer.ping();
  await arm.guest.sh(`ip link set bond0 address ${before}; sleep 2`);
  return `status ${status}, ${kept ?? has ?? now.join(' ')}; ping ${ping}`;
}

async function mtu({ arm, peer }: Trial): Promise<string> {
  const seen: string[] = [];
  for (const wish of [4000, 9000]) {
    await arm.guest.sh(`ip link set bond0 mtu ${wish}`);
    await wait(2500);
    const names = ['bond0', ...arm.cards.map(({ name }) => name)];
    const now = new Set(
      (await arm.guest.must(`for n in ${names.join(' ')}; do cat /sys/class/net/$n/mtu; done`)).split('\n'),
    );
    const size = Math.min(...[...now].map(Number)) - 28;
    seen.push(`${wish}: ${[...now].join('/')}, ping ${peer.ping(HOST.ipv4, ['-M', 'do', '-s', `${size}`])}`);
  }
  await arm.guest.sh('ip link set bond0 mtu 1500; sleep 2');
  return seen.join('; ');
}

async function content({ arm, peer }: Trial): Promise<string> {
  const [a] = arm.cards;
  const on = await arm.guest.must(
    `ethtool -k ${a?.name} | grep -E '^(tcp-segmentation-offload|generic-receive-offload|rx-checksumming|tx-checksumming|large-receive-offload): on' | cut -d: -f1 | sed 's/tcp-segmentation-offload/TSO/;s/generic-receive-offload/GRO/;s/large-receive-offload/LRO/;s/-checksumming/ checksums/' | paste -sd, || true`,
  );
  return `${on.replaceAll(',', ', ') || 'none'}; ${await peer.transfer(1 << 20)}`;
}

async function lro({ arm }: Trial): Promise<string> {
  const [a] = arm.cards;
  const look = (): Promise<string> =>
    arm.guest.must(`ethtool -k ${a?.name} | grep large-receive | cut -d: -f2 | xargs`);
  const before = await look();
  if (before.includes('fixed')) return before;
  // Switched on before it joins; a bond that forwards is to have it off.
  await arm.unmake();
  try {
    const { status } = await arm.guest.sh(`ethtool -K ${a?.name} lro on`);
    const alone = await look();
    await arm.make();
    const joined = await look();
    await arm.guest.must('sysctl -qw net.ipv4.conf.bond0.forwarding=1; sleep 1');
    const forwarding = await look();
    await arm.unmake();
    return `${before}; switched on (status ${status}): ${alone}; a member: ${joined}; bond0 forwards: ${forwarding}; left: ${await look()}`;
  } finally {
    await arm.guest.sh(`ethtool -K ${a?.name} lro ${before}`);
    await arm.unmake();
    await arm.make();
  }
}

async function stateAfter({ arm, peer }: Trial): Promise<string> {
  const members = (await arm.members()).map(text => text.split(' ').slice(0, 2).join(' '));
  return `${members.join(', ') || 'no members'}; ping ${peer.ping()}`;
}

async function unplug(trial: Trial): Promise<string> {
  const { arm, peer } = trial;
  const active = await activeOf(arm);
  const lost = await peer.lost(8, () => arm.guest.unplug(active));
  const gone = await stateAfter(trial);
  await arm.guest.plug(active);
  await arm.until(
    'the card',
    async () => (await arm.guest.sh(`ls -d /sys/class/net/*/device | wc -l`)).text.trim() !== '0',
  );
  await wait(3000);
  await arm.guest.nameCards();
  await arm.rejoin(active);
  await wait(5000);
  const back = await stateAfter(trial);
  await arm.set('active_slave', active.name).catch(() => {});
  await wait(2000);
  const moved = (await arm.active()) === active ? 'carries the bond again' : 'does not carry the bond';
  return plain(
    arm,
    `lost ${lost}; ${gone}; in again: ${back}, ${moved}, ping ${peer.ping()}, tagged ${await taggedOn(trial)}`,
  );
}

async function reload(trial: Trial): Promise<string> {
  const { arm } = trial;
  const module = await arm.guest.must(
    `basename $(readlink -f /sys/class/net/${arm.cards[0]?.name}/device/driver/module)`,
  );
  const { status, text } = await arm.guest.sh(`timeout 60 rmmod ${module}`);
  if (status !== 0) return `rmmod ${status}: ${text.trim()}`;
  // Ours hears of it, and rewrites its files, a moment later.
  await wait(2000);
  const gone = (await arm.members()).length;
  const carrier = await arm.guest.must('cat /sys/class/net/bond0/carrier');
  await arm.guest.must(`modprobe ${module}; sleep 3`);
  await arm.guest.nameCards();
  for (const card of arm.cards) await arm.rejoin(card);
  await wait(6000);
  return plain(arm, `${gone} members, carrier ${carrier}; loaded again: ${await stateAfter(trial)}`);
}

async function afterKill(arm: Arm, peer: Peer): Promise<string> {
  await arm.killDaemon();
  await arm.startDaemon();
  // It gives modes to members at the first change of the bond's.
  await arm.guest.must(
    'ip link set bond0 allmulticast on; sleep 3; ip link set bond0 allmulticast off; sleep 1',
  );
  return peer.ping();
}

/** A failover that gives the new active card the bond's address while it is up, which some cards refuse; by a bond of its own. */
async function refusedWhileUp(
  { arm, peer }: Trial,
  options: Readonly<Record<string, string>>,
): Promise<string> {
  await arm.unmake();
  await arm.make(options);
  try {
    await wait(1500);
    const before = peer.ping();
    const seen: string[] = [];
    for (let turn = 0; turn < 2; turn++) {
      const active = await activeOf(arm);
      await arm.guest.setCable(active, false);
      await wait(4000);
      const now = await activeOf(arm);
      const mac = (await macOf(arm, now.name)) === (await macOf(arm, 'bond0')) ? 'has' : 'has not';
      const { text } = await arm.guest.sh(
        `ip -d link show ${now.name} | grep -o 'promiscuity [0-9]*' | cut -d' ' -f2`,
      );
      seen.push(
        `${now === active ? 'NOT MOVED' : 'moved'}, ${mac} the bond's address, promiscuity ${text.trim()}, ping ${peer.ping()}, IPv6 ${peer.ping(HOST.ipv6)}`,
      );
      await arm.guest.setCable(active, true);
      await wait(4000);
    }
    const next =
      arm.name === 'driver' ? '' : `; the next daemon after kill -9: ping ${await afterKill(arm, peer)}`;
    return `ping ${before}; cut: ${seen.join('; the other: ')}${next}`;
  } finally {
    for (const card of arm.cards) await arm.guest.setCable(card, true);
    await arm.unmake();
    await arm.make();
  }
}

/** The guest sleeps for a while (suspend to RAM); cards are put to sleep and set up anew by their drivers. */
async function sleep(trial: Trial): Promise<string> {
  const { arm } = trial;
  const tag = await vlan(trial);
  const active = await activeOf(arm);
  await arm.guest.sleep(10);
  await wait(8000);
  const woken = `${await stateAfter(trial)}, IPv6 ${trial.peer.ping(HOST.ipv6)}, tagged ${await taggedOn(trial)}`;
  const same = (await arm.active()) === active ? 'the same is active' : 'the other is active';
  const carrier = await arm.guest.must(
    `for n in ${arm.cards.map(({ name }) => name).join(' ')}; do cat /sys/class/net/$n/carrier; done | paste -sd,`,
  );
  const moved = await arm.set('active_slave', other(arm, await activeOf(arm)).name).then(
    () => 'by hand to the other',
    () => 'NOT MOVED by hand',
  );
  await wait(2000);
  return plain(
    arm,
    `before: ${tag}; woken: ${woken}, carriers ${carrier}, ${same}; ${moved}: ping ${trial.peer.ping()}, tagged ${await taggedOn(trial)}`,
  );
}
