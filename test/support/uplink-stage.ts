// A gateway with an inside and two lines to the internet, each line's provider a namespace of its own that answers for the same servers:
// an answer says by which line the question came, and from which address. Needs ip and nft.
import { type ChildProcess, execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import {
  createNamedNetns,
  deleteNamedNetns,
  InetSocket,
  netnsPath,
  spawnInNetns,
  withNetns,
  writeSysctl,
} from '../../src/linux/index.js';
import type { Family, LineNumber, LineWay, UplinkSettings, WayOf } from '../../src/uplinks/index.js';
import { until } from './stage.js';

/** Answers every datagram with `LINE SOURCE`; does the same for what comes from the inside. */
const ECHO = `
const dgram = require('node:dgram');
for (const address of process.argv.slice(2)) {
  const socket = dgram.createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.on('message', (_, from) => socket.send(process.argv[1] + ' ' + from.address, from.port, from.address));
  socket.bind(7, address, () => process.stdout.write('ready '));
}
setInterval(() => {}, 1 << 30);
`;

/** Servers that both providers answer for. */
export const SERVERS: Readonly<Record<Family, string>> = { ipv4: '198.51.100.10', ipv6: '2001:db8:ffff::10' };
/** A host in the inside. */
export const CLIENTS: Readonly<Record<Family, string>> = { ipv4: '192.168.9.2', ipv6: 'fd00:9::2' };

let count = 0;

/** What a provider needs when its cable comes: addresses of the inside and of its own mapped prefix are reached by the gateway. */
function providerSide(line: LineNumber): string[] {
  return [
    'link set eth0 up',
    `addr replace 2001:db8:${line}::1/64 dev eth0 nodad`,
    `route replace 192.168.9.0/24 via 192.0.${line}.2`,
    `-6 route replace fd00:9::/64 via 2001:db8:${line}::2`,
    `-6 route replace 2001:db8:1${line}::/64 via 2001:db8:${line}::2`,
  ];
}

/** What a flow was answered: by which line, and which address it had outside; undefined when nothing came. */
export type Answered = string | undefined;

/** One flow over UDP. */
export class Flow {
  readonly #socket: InetSocket;
  readonly #into = new Uint8Array(128);

  constructor(netns: string, local: { address: string; port: number }, server: string) {
    this.#socket = withNetns(netnsPath(netns), () => {
      const socket = InetSocket.udp(local);
      socket.connect({ address: server, port: 7 });
      return socket;
    });
  }

  /** Asks once, and waits for the answer. */
  async ask(patienceMs = 2000): Promise<Answered> {
    this.#socket.send(Uint8Array.of(1), 1);
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const length = this.#socket.receive(this.#into);
      if (length > 0) return Buffer.from(this.#into.subarray(0, length)).toString();
      if (performance.now() > deadline) return undefined;
      await new Promise(resolve => setTimeout(resolve, 2));
    }
  }

  close(): void {
    this.#socket.close();
  }
}

/** The gateway and what is around it. */
export class UplinkStage {
  readonly gateway: string;
  readonly inside: string;
  readonly providers: readonly string[];
  readonly #children: ChildProcess[] = [];
  readonly #flows: Flow[] = [];
  #ports = 20_000;

  private constructor(prefix: string) {
    this.gateway = `${prefix}g`;
    this.inside = `${prefix}i`;
    this.providers = [`${prefix}a`, `${prefix}b`];
  }

  static async open(): Promise<UplinkStage> {
    count++;
    const stage = new UplinkStage(`bw${process.pid}u${count}`);
    try {
      stage.#build();
      await Promise.all(stage.providers.map((_, place) => stage.#echo(place)));
      await stage.#echoInside();
      return stage;
    } catch (error) {
      stage.close();
      throw error;
    }
  }

  #build(): void {
    for (const name of [this.gateway, this.inside, ...this.providers]) {
      createNamedNetns(name);
      withNetns(netnsPath(name), () => {
        writeSysctl('ipv6', 'all', 'disable_ipv6', '0');
        writeSysctl('ipv6', 'default', 'accept_dad', '0');
      });
    }
    const pairs = [this.inside, ...this.providers].map((netns, place) => [
      place === 0 ? 'lan0' : `wan${place}`,
      netns,
    ]);
    this.#batch(this.gateway, [
      ...pairs.flatMap(([device, netns]) => [
        `link add ${device} type veth peer name eth0 netns ${netns}`,
        `link set ${device} up`,
      ]),
      'addr add 192.168.9.1/24 dev lan0',
      'addr add fd00:9::1/64 dev lan0 nodad',
      ...[1, 2].flatMap(line => [
        `addr add 192.0.${line}.2/24 dev wan${line}`,
        `addr add 2001:db8:${line}::2/64 dev wan${line} nodad`,
      ]),
      'route add default via 192.0.1.1 dev wan1 metric 50',
      '-6 route add default via 2001:db8:1::1 dev wan1 metric 50',
    ]);
    this.#batch(this.inside, [
      'link set eth0 up',
      'addr add 192.168.9.2/24 dev eth0',
      'addr add fd00:9::2/64 dev eth0 nodad',
      'route add default via 192.168.9.1',
      '-6 route add default via fd00:9::1',
    ]);
    for (const [place, netns] of this.providers.entries()) {
      this.#batch(netns, [
        `addr add ${SERVERS.ipv4}/32 dev lo`,
        `addr add ${SERVERS.ipv6}/128 dev lo nodad`,
        `addr add 192.0.${place + 1}.1/24 dev eth0`,
        ...providerSide(place + 1),
      ]);
    }
    this.sysctl(this.gateway, 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1');
  }

  /** Many lines for `ip` at once; those for IPv6 alone begin with -6. */
  #batch(netns: string, lines: readonly string[]): void {
    for (const family of ['-4', '-6']) {
      const input = lines
        .filter(line => line.startsWith('-6 ') === (family === '-6'))
        .map(line => line.replace('-6 ', ''));
      if (input.length === 0) continue;
      const options = family === '-6' ? ['-6'] : [];
      execFileSync('ip', ['-n', netns, ...options, '-batch', '-'], { input: `${input.join('\n')}\n` });
    }
  }

  async #echo(place: number): Promise<void> {
    await this.#server(this.providers[place] ?? '', `line${place + 1}`, SERVERS);
  }

  async #echoInside(): Promise<void> {
    await this.#server(this.inside, 'inside', CLIENTS);
  }

  async #server(netns: string, name: string, addresses: Readonly<Record<Family, string>>): Promise<void> {
    const child = spawnInNetns(
      netnsPath(netns),
      process.execPath,
      ['-e', ECHO, name, addresses.ipv4, addresses.ipv6],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    this.#children.push(child);
    let said = '';
    child.stdout?.on('data', chunk => {
      said += String(chunk);
    });
    await until(`${name} answers`, () => said === 'ready ready ');
  }

  /** Runs `ip` in one of the namespaces. */
  ip(netns: string, words: string): string {
    return execFileSync('ip', ['-n', netns, ...words.split(' ')], { encoding: 'utf8' });
  }

  /** Runs a program in the gateway. */
  run(...argv: readonly string[]): string {
    return execFileSync('ip', ['netns', 'exec', this.gateway, ...argv], { encoding: 'utf8' });
  }

  sysctl(netns: string, ...settings: readonly string[]): void {
    execFileSync('ip', ['netns', 'exec', netns, 'sysctl', '-qw', ...settings]);
  }

  /** Runs `fn` with the thread in the gateway's namespace. */
  within<T>(fn: () => T): T {
    return withNetns(netnsPath(this.gateway), fn);
  }

  /** A new flow from the inside to the servers. */
  flow(family: Family = 'ipv4'): Flow {
    return this.flowFrom(this.inside, CLIENTS[family], SERVERS[family]);
  }

  /** A new flow of the gateway's own, from an address of its own or from any (`0.0.0.0`, `::`). */
  flowFrom(netns: string, address: string, server: string): Flow {
    this.#ports++;
    const flow = new Flow(netns, { address, port: this.#ports }, server);
    this.#flows.push(flow);
    return flow;
  }

  /** Cuts the cable of a line, as its provider's side sees to. */
  cut(line: LineNumber): void {
    this.ip(this.providers[line - 1] ?? '', 'link set eth0 down');
  }

  /** Puts it in again, with what the provider loses by it. */
  mend(line: LineNumber): void {
    this.#batch(this.providers[line - 1] ?? '', providerSide(line));
  }

  /** The ways of both lines, for plans. */
  wayOf(settings: UplinkSettings): WayOf {
    const indexes = settings.lines.map(({ device }) => this.ifindex(device));
    return (line, family): LineWay | null => {
      const ifindex = indexes[line - 1];
      const device = settings.lines[line - 1]?.device;
      if (ifindex === undefined || device === undefined) return null;
      const base = family === 'ipv4' ? `192.0.${line}.` : `2001:db8:${line}::`;
      const prefixLength = family === 'ipv4' ? 24 : 64;
      const address = `${base}2`;
      const path = { address, addresses: [{ address, prefixLength }], gateway: `${base}1`, onLink: false };
      return { device, ifindex, path };
    };
  }

  ifindex(device: string): number {
    const [link] = JSON.parse(this.ip(this.gateway, `-j link show dev ${device}`)) as [{ ifindex: number }];
    return link.ifindex;
  }

  /** All that an uplink may change in the gateway, as text. */
  picture(): string {
    const texts = ['rule', '-6 rule', 'route show table all', '-6 route show table all'].map(words =>
      this.ip(this.gateway, words),
    );
    // What was counted meanwhile is nothing that anybody changed.
    const table = this.run('nft', 'list', 'ruleset').replaceAll(
      /packets \d+ bytes \d+/g,
      'packets N bytes N',
    );
    return [...texts, table, this.#sysctls()].join('\n---\n');
  }

  #sysctls(): string {
    return this.within(() =>
      ['ipv4', 'ipv6']
        .flatMap(family =>
          ['all', 'lan0', 'wan1', 'wan2'].flatMap(device => {
            const folder = `/proc/sys/net/${family}/conf/${device}`;
            // stable_secret cannot be read before it was written.
            return readdirSync(folder)
              .filter(name => name !== 'stable_secret')
              .map(name => `${folder}/${name} ${readFileSync(`${folder}/${name}`, 'utf8').trim()}`);
          }),
        )
        .join('\n'),
    );
  }

  /** Takes everything away, whatever state it is in. */
  close(): void {
    for (const flow of this.#flows) flow.close();
    for (const child of this.#children) child.kill('SIGKILL');
    for (const name of [this.gateway, this.inside, ...this.providers]) deleteNamedNetns(name);
  }
}
