// A guest with a stock kernel and emulated network cards, driven from outside: cards hang on taps of a bridge in a network
// namespace of this machine, which is switch and peer; cables are cut and cards are unplugged by the emulator's monitor. Needs root.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatMac } from '../base/index.js';
import { createNamedNetns, deleteNamedNetns, netnsPath, withNetns } from '../linux/index.js';
import type { CardAnswer, CardRequest } from './card-messages.js';
import { GUEST_SCRIPT, type GuestKernel } from './guest.js';
import { memoryRoot } from './card-memory.js';
import { guard, release } from './lab-guard.js';

/** Emulated cards: name of interfaces in the guest, and the modules that drive them. */
export const CARD_MODELS = {
  'virtio-net-pci': { short: 'virtio', modules: ['virtio_net'] },
  e1000: { short: 'e1000', modules: ['e1000'] },
  e1000e: { short: 'e1000e', modules: ['e1000e'] },
  rtl8139: { short: 'rtl', modules: ['8139cp'] },
  pcnet: { short: 'pcnet', modules: ['pcnet32'] },
  vmxnet3: { short: 'vmxnet', modules: ['vmxnet3'] },
  'usb-net': { short: 'usb', modules: ['xhci-pci', 'usbnet', 'cdc_ether', 'rndis_host'] },
} as const;

export type CardModel = keyof typeof CARD_MODELS;

/** One card: `id` for the emulator, `name` in the guest, `tap` on the switch. */
export interface Card {
  readonly id: string;
  readonly model: CardModel;
  readonly name: string;
  readonly tap: string;
  readonly mac: string;
}

export interface CardGuestOptions {
  readonly kernel: GuestKernel;
  readonly cards: readonly CardModel[];
  /** Its root file system is in memory, so that it can sleep; it can load no more kernel modules then. */
  readonly inMemory?: boolean;
  /** Told what the guest prints by itself. */
  readonly onOutput?: (text: string) => void;
}

const AGENT = fileURLToPath(new URL('../../dist/lab/card-agent.js', import.meta.url));
/** A busy machine boots one slowly. */
const BOOT_MS = 1_800_000;
const MTU = '9000';

/** Addresses of the switch. */
export const SWITCH = { mac: '02:bb:00:00:00:02', ipv4: '10.9.0.2', ipv6: 'fd09::2' } as const;

let made = 0;

export class CardGuest {
  readonly cards: readonly Card[];
  readonly #namespace: string;
  readonly #folder: string;
  #child: ChildProcess | undefined;
  #agent: Lines | undefined;
  #monitor: Lines | undefined;
  #asked = 0;

  private constructor(models: readonly CardModel[]) {
    this.#namespace = `bw${process.pid}c${made++}`;
    this.#folder = mkdtempSync(join(tmpdir(), 'bw-cards-'));
    const counts = new Map<CardModel, number>();
    this.cards = models.map((model, at) => {
      const number = counts.get(model) ?? 0;
      counts.set(model, number + 1);
      const mac = formatMac(Uint8Array.of(0x52, 0x54, 0, 1, at, number));
      return {
        id: `${model}-${number}`,
        model,
        name: `${CARD_MODELS[model].short}${number}`,
        tap: `t${at}`,
        mac,
      };
    });
  }

  /** Boots one and waits until it answers, its cards named. */
  static async boot(options: CardGuestOptions): Promise<CardGuest> {
    const guest = new CardGuest(options.cards);
    guard(guest, 'close');
    try {
      guest.#plugSwitch();
      await guest.#start(options);
      await guest.must(
        `cd ${process.cwd()}; for m in 8021q ${guest.#modules().join(' ')}; do modprobe $m || echo no $m; done; sleep 2`,
        900,
      );
      await guest.nameCards();
      return guest;
    } catch (error) {
      guest.close();
      throw error;
    }
  }

  #modules(): string[] {
    return [...new Set(this.cards.flatMap(({ model }) => CARD_MODELS[model].modules))];
  }

  /** Runs a script in the guest. */
  sh(script: string, seconds = 300): Promise<CardAnswer> {
    return this.#ask({ sh: script }, seconds);
  }

  /** The same; what it prints, or an Error. */
  async must(script: string, seconds = 300): Promise<string> {
    const { status, text } = await this.sh(script, seconds);
    if (status !== 0) throw new Error(`${script}: ${status}: ${text}`);
    return text.trim();
  }

  /** A request to the control API of a daemon in the guest. */
  api(socket: string, method: string, path: string, body?: unknown): Promise<CardAnswer> {
    return this.#ask({ api: method, socket, path, body }, 180);
  }

  /** Sends random bytes from the guest to a server, or fetches what that has (0): the hash, and 0 when both ends have the same. */
  transfer(url: string, bytes: number): Promise<CardAnswer> {
    return this.#ask({ url, bytes }, 180);
  }

  /** Runs a command where the switch is. */
  outside(...argv: readonly string[]): CardAnswer {
    const [command = '', ...args] = argv;
    const { status, stdout, stderr } = this.inside(() => spawnSync(command, args, { encoding: 'utf8' }));
    return { status: status ?? 255, text: `${stdout}${stderr}` };
  }

  /** Runs something in the network namespace of the switch; see `withNetns`. */
  inside<T>(work: () => T): T {
    return withNetns(netnsPath(this.#namespace), work);
  }

  /** Both ends of a cable lose their link, or have it again. */
  async setCable(card: Card, on: boolean): Promise<void> {
    if (!on) this.outside('ip', 'link', 'set', card.tap, 'carrier', 'off');
    await this.monitor('set_link', { name: card.id, up: on });
    if (on) this.outside('ip', 'link', 'set', card.tap, 'carrier', 'on');
  }

  /** Takes a card out, or puts it in again. */
  async unplug(card: Card): Promise<void> {
    await this.monitor('device_del', { id: card.id });
  }

  async plug(card: Card): Promise<void> {
    const usb = card.model === 'usb-net' ? { bus: 'xhci.0' } : { romfile: '' };
    const { id, model: driver, mac } = card;
    await this.monitor('device_add', { driver, id, mac, netdev: `n-${id}`, ...usb });
  }

  /** Gives the cards their names in the guest, by the addresses that they came with. */
  async nameCards(): Promise<void> {
    const wishes = this.cards.map(({ mac, name }) => `[${mac}]=${name}`).join(' ');
    await this.must(
      `declare -A wish=(${wishes})
      for d in /sys/class/net/*; do
        [ -e $d/device ] || continue
        d=\${d##*/} mac=$(ethtool -P \${d##*/}); name=\${wish[\${mac##* }]:-}
        [ -z "$name" ] || [ $d = $name ] || ip link set $d name $name
      done; true`,
    );
  }

  /** Puts the guest to sleep (suspend to RAM) for some seconds, and wakes it up. */
  async sleep(seconds: number): Promise<void> {
    const slept = this.must('echo deep >/sys/power/mem_sleep; echo mem >/sys/power/state', 300);
    slept.catch(() => {});
    for (let tries = 0; (await this.#status()) !== 'suspended'; tries++) {
      if (tries === 600) throw new Error('The guest did not go to sleep');
      await new Promise(resolve => setTimeout(resolve, 200));
    }
    await new Promise(resolve => setTimeout(resolve, seconds * 1000));
    await this.monitor('system_wakeup');
    await slept;
  }

  async #status(): Promise<string> {
    const reply = await this.#monitor?.ask(
      { execute: 'query-status' },
      line => 'return' in line || 'error' in line,
      60,
    );
    return (reply?.['return'] as { readonly status: string } | undefined)?.status ?? 'unknown';
  }

  /** A command to the emulator (QMP). */
  async monitor(execute: string, args: object = {}): Promise<void> {
    const reply = await this.#monitor?.ask(
      { execute, arguments: args },
      line => 'return' in line || 'error' in line,
      60,
    );
    if (reply === undefined || 'error' in reply) throw new Error(`${execute}: ${JSON.stringify(reply)}`);
  }

  close(): void {
    release(this);
    this.#agent?.end();
    this.#monitor?.end();
    this.#child?.kill('SIGTERM');
    deleteNamedNetns(this.#namespace);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #ask(what: Record<string, unknown>, seconds: number): Promise<CardAnswer> {
    const id = ++this.#asked;
    const request = { ...what, id } as unknown as CardRequest;
    const reply = await this.#agent?.ask(request, line => line['id'] === id, seconds);
    if (reply === undefined) throw new Error('The guest is gone');
    return { status: Number(reply['status']), text: String(reply['text']) };
  }

  #plugSwitch(): void {
    createNamedNetns(this.#namespace);
    const run = (line: string): void => {
      const { status, text } = this.outside('sh', '-c', line);
      if (status !== 0) throw new Error(`${line}: ${text}`);
    };
    run('sysctl -qw net.ipv6.conf.default.accept_ra=0 net.ipv6.conf.default.dad_transmits=0');
    run(`ip link add br0 address ${SWITCH.mac} type bridge forward_delay 0 mcast_snooping 0`);
    run(
      `ip link set br0 mtu ${MTU} up; ip addr add ${SWITCH.ipv4}/24 dev br0; ip addr add ${SWITCH.ipv6}/64 dev br0 nodad`,
    );
    for (const { tap } of this.cards) {
      run(`ip tuntap add ${tap} mode tap vnet_hdr && ip link set ${tap} mtu ${MTU} master br0 up`);
    }
  }

  async #start(options: CardGuestOptions): Promise<void> {
    const [port, monitor, script] = ['port', 'monitor', 'start'].map(name => join(this.#folder, name)) as [
      string,
      string,
      string,
    ];
    const root = options.inMemory === true ? memoryRoot(process.cwd(), this.#modules()) : '';
    writeFileSync(script, `modprobe virtio_console; sleep 1\n${root}exec ${process.execPath} ${AGENT}\n`);
    const machine = `-qmp unix:${monitor},server=on,wait=off -device virtio-serial-pci
      -chardev socket,id=port,path=${port},server=on,wait=off -device virtserialport,chardev=port,name=bondwire
      -device qemu-xhci,id=xhci ${this.cards.map(deviceWords).join(' ')}`.split(/\s+/);
    const flags = [
      '--kernel',
      options.kernel,
      '--netns',
      this.#namespace,
      '--machine',
      'pc',
      '--timeout',
      '7200',
    ];
    const argv = [...flags, ...machine.flatMap(word => ['--qemu', word]), '--', script];
    // setpriv: when this process is killed outright, the guest goes too.
    const child = spawn('setpriv', ['--pdeathsig', 'TERM', GUEST_SCRIPT, ...argv], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => options.onOutput?.(chunk.toString()));
    }
    const ended = new Promise<never>((_, reject) => {
      child.once('exit', status => reject(new Error(`The guest ended with ${status}`)));
    });
    ended.catch(() => {});
    // An emulated machine that dies while it boots is booted again by the script, with new sockets.
    const up = async (): Promise<void> => {
      for (;;) {
        try {
          this.#monitor = await Lines.connect(monitor);
          await this.monitor('qmp_capabilities');
          this.#agent = await Lines.connect(port);
          await this.#agent.until(line => line['text'] === 'ready', BOOT_MS / 1000);
          return;
        } catch (error) {
          if (!(error instanceof ClosedError)) throw error;
        }
      }
    };
    await Promise.race([up(), ended]);
  }
}

/** What the emulator is told of a card. */
function deviceWords({ id, tap, mac, model }: Card): string {
  const rest = model === 'usb-net' ? 'bus=xhci.0' : 'romfile=';
  return `-netdev tap,id=n-${id},ifname=${tap},script=no,downscript=no -device ${model},netdev=n-${id},id=${id},mac=${mac},${rest}`;
}

/** The other end closed the socket. */
class ClosedError extends Error {}

type Line = Readonly<Record<string, unknown>>;

/** JSON lines over a Unix socket. */
class Lines {
  readonly #socket: Socket;
  readonly #listeners = new Set<(line: Line) => void>();
  readonly #closed: Promise<never>;
  #waiting = '';

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => {});
    this.#closed = new Promise((_, reject) => {
      socket.once('close', () => reject(new ClosedError('The emulator closed its socket')));
    });
    this.#closed.catch(() => {});
    socket.on('data', (chunk: Buffer) => {
      const lines = (this.#waiting + chunk.toString()).split('\n');
      this.#waiting = lines.pop() ?? '';
      for (const line of lines) if (line.trim() !== '') this.#take(JSON.parse(line) as Line);
    });
  }

  static async connect(path: string): Promise<Lines> {
    const deadline = performance.now() + BOOT_MS;
    for (;;) {
      const socket = connect(path);
      const isOpen = await new Promise<boolean>(resolve => {
        socket.once('connect', () => resolve(true));
        socket.once('error', () => resolve(false));
      });
      if (isOpen) return new Lines(socket);
      if (performance.now() > deadline) throw new Error(`Nobody listens at ${path}`);
      await new Promise(resolve => setTimeout(resolve, 200));
    }
  }

  #take(line: Line): void {
    for (const listener of this.#listeners) listener(line);
  }

  until(isIt: (line: Line) => boolean, seconds: number): Promise<Line> {
    const come = new Promise<Line>((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#listeners.delete(listener);
      };
      const listener = (line: Line): void => {
        if (!isIt(line)) return;
        done();
        resolve(line);
      };
      const timer = setTimeout(() => {
        done();
        reject(new Error(`No answer within ${seconds} s`));
      }, seconds * 1000);
      this.#listeners.add(listener);
      this.#closed.catch(done);
    });
    return Promise.race([come, this.#closed]);
  }

  ask(what: unknown, isAnswer: (line: Line) => boolean, seconds: number): Promise<Line> {
    const reply = this.until(isAnswer, seconds);
    this.#socket.write(`${JSON.stringify(what)}\n`);
    return reply;
  }

  end(): void {
    this.#socket.destroy();
  }
}
