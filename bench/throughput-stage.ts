// The network of bench:throughput: the lab's host and peer, a client that the host routes for, and a guest behind a bridge on what
// connects the host.
import { writeFileSync } from 'node:fs';
import { Lab, namespaceName, Place, type PlaceName } from '#lab';
import { aggregateSwitch, waitForAggregate } from './aggregate.js';
import type { Contender } from './contenders.js';
import type { Stage } from './figures.js';
import { endIn, meet, type PathEnd } from './path-meter.js';

const CLIENT = { address: '10.8.0.2/24', gateway: '10.8.0.1/24' } as const;
const CLIENT_NETWORK = '10.8.0.0/24';
const GUEST_ADDRESS = '10.9.0.3/24';
/** Every contender gets it, so that all are measured alike: a daemon that has just started collects its garbage for some seconds. */
const SETTLE_MS = 20_000;

let made = 0;

function withoutPrefix(address: string): string {
  return address.replace(/\/.*/, '');
}

/** The network with one contender in it. */
export class ThroughputStage {
  readonly #lab: Lab;
  readonly #client: Place;
  readonly #contender: Contender;
  #stage: Stage = 'host';

  private constructor(lab: Lab, client: Place, contender: Contender) {
    this.#lab = lab;
    this.#client = client;
    this.#contender = contender;
  }

  /** Builds the network, with a switch that aggregates or a plain one, connects the host, gives it to `work`, and takes all down again. */
  static async with<T>(
    contender: Contender,
    isAggregated: boolean,
    work: (stage: ThroughputStage) => Promise<T>,
  ): Promise<T> {
    const lab = await Lab.create();
    try {
      if (isAggregated) await aggregateSwitch(lab);
      const client = Place.create(namespaceName(process.pid, made++, 'c'));
      try {
        await contender.setUp(lab);
        try {
          const stage = new ThroughputStage(lab, client, contender);
          if (isAggregated) await waitForAggregate(lab);
          await stage.#meet();
          await new Promise(resolve => setTimeout(resolve, SETTLE_MS));
          return await work(stage);
        } finally {
          await contender.tearDown(lab);
        }
      } finally {
        client.remove();
      }
    } finally {
      lab.close();
    }
  }

  async #ip(place: PlaceName, words: string): Promise<string> {
    const { status, stdout, stderr } = await this.#lab.exec(place, ['ip', ...words.split(' ')]);
    if (status !== 0) throw new Error(`ip ${words} failed (exit status ${status}): ${stderr.trim()}`);
    return stdout;
  }

  /** The kind of the device that the host sends through, as the kernel names it. */
  async kind(): Promise<string | undefined> {
    const words = `-j -d link show dev ${this.#contender.device}`;
    const [link] = JSON.parse(await this.#ip('host', words)) as { linkinfo?: { info_kind?: string } }[];
    return link?.linkinfo?.info_kind;
  }

  /** Packets that the device which the host sends through has counted. */
  counted(direction: 'out' | 'in'): number {
    const statistics = this.#lab.link('host', this.#contender.device)?.statistics;
    return (direction === 'out' ? statistics?.txPackets : statistics?.rxPackets) ?? 0;
  }

  get far(): PathEnd {
    return endIn(this.#lab.peerIp, this.#lab.peer);
  }

  /** The end on the host's side of the stage that is built. */
  get near(): PathEnd {
    if (this.#stage === 'host') return endIn(this.#lab.hostIp, this.#lab.host);
    const address = this.#stage === 'routed' ? CLIENT.address : GUEST_ADDRESS;
    return endIn(withoutPrefix(address), this.#client.name);
  }

  /** Builds what the stage needs beside the host itself. Stages come in the order of their rows, and none comes twice. */
  async build(stage: Stage): Promise<void> {
    if (stage === this.#stage) return;
    this.#stage = stage;
    if (stage === 'routed') await this.#buildRouted();
    else if (stage === 'bridged') await this.#buildBridged();
    await this.#meet();
  }

  async #buildRouted(): Promise<void> {
    await this.#ip('host', `link add c0 type veth peer name eth0 netns ${this.#client.name}`);
    await this.#ip('host', `addr add ${CLIENT.gateway} dev c0`);
    await this.#ip('host', 'link set c0 up');
    await this.#ip('host', `-n ${this.#client.name} addr add ${CLIENT.address} dev eth0`);
    await this.#ip('host', `-n ${this.#client.name} link set eth0 up`);
    await this.#ip('host', `-n ${this.#client.name} route add default via ${withoutPrefix(CLIENT.gateway)}`);
    await this.#ip('peer', `route add ${CLIENT_NETWORK} via ${this.#lab.hostIp}`);
    this.#lab.inside('host', () => writeFileSync('/proc/sys/net/ipv4/ip_forward', '1'));
  }

  async #buildBridged(): Promise<void> {
    const { device } = this.#contender;
    await this.#ip('host', `addr flush dev ${device}`);
    await this.#ip('host', 'link add br0 type bridge forward_delay 0 mcast_snooping 0');
    await this.#ip('host', 'link set br0 up');
    await this.#ip('host', `link set ${device} master br0`);
    await this.#ip('host', `link add vm0 type veth peer name vm netns ${this.#client.name}`);
    await this.#ip('host', 'link set vm0 master br0 up');
    await this.#ip('host', `-n ${this.#client.name} addr add ${GUEST_ADDRESS} dev vm`);
    await this.#ip('host', `-n ${this.#client.name} link set vm up`);
  }

  #meet(): Promise<void> {
    return meet(this.near, this.far);
  }
}
