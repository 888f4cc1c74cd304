// A bond of two cards in a guest, by the kernel's driver or by Bondwire, handled the same way.
import type { Card, CardAnswer, CardGuest } from '../lab/index.js';

export const ARM_NAMES = ['driver', 'ebpf', 'userspace'] as const;
export type ArmName = (typeof ARM_NAMES)[number];

/** Addresses of the guest: on the bond, and on its VLAN. */
export const HOST = {
  ipv4: '10.9.0.1',
  ipv6: 'fd09::1',
  vlan: '10.20.0.1',
  tag: { tpid: 0x8100, tci: 20 },
} as const;

const RUN_DIR = '/run/bw';
const SOCKET = `${RUN_DIR}/control.sock`;

export class Arm {
  readonly name: ArmName;
  readonly guest: CardGuest;
  readonly cards: readonly Card[];
  /** Options of every bond that it makes. */
  readonly options: Readonly<Record<string, string>>;

  constructor(
    name: ArmName,
    guest: CardGuest,
    cards: readonly Card[],
    options: Readonly<Record<string, string>> = {},
  ) {
    this.name = name;
    this.guest = guest;
    this.cards = cards;
    this.options = options;
  }

  get #isDriver(): boolean {
    return this.name === 'driver';
  }

  /** Directory of the driver's form: the kernel's files, or ours of the same texts. */
  get #root(): string {
    return this.#isDriver ? '' : RUN_DIR;
  }

  /** Makes bond0 of the cards, up, with its addresses. */
  async make(options: Readonly<Record<string, string>> = {}): Promise<void> {
    const wishes = { mode: 'active-backup', miimon: '100', ...this.options, ...options };
    const names = this.cards.map(({ name }) => name);
    if (this.#isDriver) {
      const words = Object.entries(wishes).map(([option, value]) => `${option} ${value}`);
      await this.guest.must(`modprobe bonding max_bonds=0; ip link add bond0 type bond ${words.join(' ')}
        for n in ${names.join(' ')}; do ip link set $n down && ip link set $n master bond0 || exit 1; done`);
    } else {
      await this.startDaemon();
      await this.api('POST', '/v1/bonds', { name: 'bond0', options: { ...wishes, data_plane: this.name } });
      await this.api('POST', '/v1/bonds/bond0/members', { interfaces: names, takeDown: true, await: true });
    }
    await this.guest.must(
      `ip link set bond0 up; ip addr add ${HOST.ipv4}/24 dev bond0; ip addr add ${HOST.ipv6}/64 dev bond0 nodad`,
    );
    await this.until('a carrier', () => this.reads('cat /sys/class/net/bond0/carrier', '1'));
  }

  /** Starts a daemon unless one answers; it is ready then. */
  async startDaemon(): Promise<void> {
    await this.guest.must(
      `[ -e /run/daemon.pid ] && kill -0 $(cat /run/daemon.pid) 2>/dev/null && exit 0
      : >/run/daemon.log
      setsid bin/bondwire --run-dir ${RUN_DIR} daemon >/run/daemon.log 2>&1 </dev/null & echo $! >/run/daemon.pid
      for i in $(seq 4500); do grep -q ready /run/daemon.log && exit 0; sleep 0.2; done; cat /run/daemon.log; exit 1`,
      1000,
    );
  }

  /** Kills it as kill -9 does. */
  async killDaemon(): Promise<void> {
    await this.guest.must('kill -9 $(cat /run/daemon.pid); sleep 1');
  }

  /** A request to the control API; throws unless it was done. */
  async api(method: string, path: string, body?: unknown): Promise<CardAnswer> {
    const answer = await this.guest.api(SOCKET, method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.text}`);
    return answer;
  }

  async unmake(): Promise<void> {
    if (this.#isDriver) await this.guest.sh('ip link del bond0');
    else await this.guest.api(SOCKET, 'DELETE', '/v1/bonds/bond0');
    await this.guest.sh(
      `for n in ${this.cards.map(({ name }) => name).join(' ')}; do ip link set $n down; done`,
    );
  }

  async set(option: string, value: string): Promise<void> {
    if (this.#isDriver) await this.guest.must(`echo ${value} >/sys/class/net/bond0/bonding/${option}`);
    else await this.api('PATCH', '/v1/bonds/bond0/options', { options: { [option]: value } });
  }

  /** The card that carries the bond. */
  async active(): Promise<Card | undefined> {
    const { text } = await this.guest.sh(`cat ${this.#root}/sys/class/net/bond0/bonding/active_slave`);
    return this.cards.find(({ name }) => name === text.trim());
  }

  /** `name status speed duplex` of each member, as /proc/net/bonding tells. */
  async members(): Promise<string[]> {
    const text = await this.guest.must(`cat ${this.#root}/proc/net/bonding/bond0`);
    return [...text.matchAll(/Slave Interface: (\S+)\nMII Status: (\S+)\nSpeed: (.*)\nDuplex: (\S+)/g)].map(
      ([, name, status, speed, duplex]) => `${name} ${status} ${speed?.replace(' Mbps', '')} ${duplex}`,
    );
  }

  /** A card that was unplugged joins again; ours does by itself. */
  async rejoin(card: Card): Promise<void> {
    if (this.#isDriver)
      await this.guest.must(`ip link set ${card.name} down; ip link set ${card.name} master bond0`);
  }

  /** Lets a member go. */
  async release(card: Card): Promise<void> {
    if (this.#isDriver) await this.guest.must(`ip link set ${card.name} nomaster`);
    else await this.api('DELETE', '/v1/bonds/bond0/members', { interfaces: [card.name] });
  }

  /** The last events, or lines of the kernel's log. */
  async lastWords(): Promise<string> {
    return this.guest.must(this.#isDriver ? 'dmesg | tail -n 4' : `tail -n 4 ${RUN_DIR}/bondwire.log`);
  }

  async reads(command: string, wish: string): Promise<boolean> {
    return (await this.guest.sh(command)).text.trim() === wish;
  }

  /** Waits for something, at most `seconds`; false when it did not come. */
  async until(what: string, look: () => Promise<boolean>, seconds = 60): Promise<void> {
    const deadline = performance.now() + seconds * 1000;
    while (!(await look())) {
      if (performance.now() > deadline) throw new Error(`not within ${seconds} s: ${what}`);
      await new Promise(resolve => setTimeout(resolve, 300));
    }
  }
}
