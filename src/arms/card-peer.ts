// What the switch of a card guest does as peer: pings, tagged ARP questions, a server for transfers.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CardGuest, SWITCH } from '../lab/index.js';
import { type VlanTag, probeFrame } from '../frames/index.js';
import { PacketSocket, requireLink, Rtnetlink } from '../linux/index.js';
import { HOST } from './card-arm.js';

const SERVER_PORT = 7100;

const wait = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

export class Peer {
  readonly #guest: CardGuest;
  /** What the server sent: hashes, in files called by the number of bytes. */
  readonly #folder = mkdtempSync(join(tmpdir(), 'bw-cards-sent-'));
  #server: ChildProcess | undefined;

  constructor(guest: CardGuest) {
    this.#guest = guest;
    // A run that is cut short leaves nothing either.
    process.once('exit', () => this.close());
  }

  #forget(): void {
    this.#guest.outside('sh', '-c', 'ip neigh flush dev br0; ip -6 neigh flush dev br0');
  }

  /** `answers/questions` of a ping that asks for addresses anew. */
  ping(address: string = HOST.ipv4, options: readonly string[] = []): string {
    this.#forget();
    const count = '4';
    const { text } = this.#guest.outside('ping', '-c', count, '-i', '0.3', '-W', '2', ...options, address);
    return `${/(\d+) received/.exec(text)?.[1] ?? '0'}/${count}`;
  }

  /** Questions at a steady pace for some seconds: how many had no answer. */
  async lost(seconds: number, meanwhile: () => Promise<void>): Promise<string> {
    const count = seconds * 50;
    const child = this.#guest.inside(() =>
      spawn('ping', ['-q', '-c', `${count}`, '-i', '0.02', '-W', '2', HOST.ipv4]),
    );
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    const ended = new Promise(resolve => child.once('close', resolve));
    await wait(1500);
    await meanwhile();
    await ended;
    const answered = Number(/(\d+) received/.exec(text)?.[1] ?? 0);
    return `${count - answered} of ${count}`;
  }

  /** `answers/4` to ARP questions with a VLAN tag, two of them for everybody, two for one address alone. */
  async tagged(mac: string, tag: VlanTag = HOST.tag, target: string = HOST.vlan): Promise<string> {
    const socket = this.#guest.inside(() => {
      const netlink = Rtnetlink.open();
      const { ifindex } = requireLink(netlink, 'br0');
      netlink.close();
      return PacketSocket.open({ ifindex, protocol: 0x0003, auxData: true });
    });
    try {
      let answers = 0;
      for (const isUnicast of [false, false, true, true]) {
        const frame = probeFrame({
          mac: SWITCH.mac,
          sender: target.replace(/\d+$/, '2'),
          target,
          vlans: [tag],
        });
        if (!frame.ok) throw new Error(frame.error);
        if (isUnicast) frame.value.set(mac.split(':').map(byte => Number.parseInt(byte, 16)));
        while (socket.receive() !== undefined);
        socket.send(frame.value);
        for (let tries = 0, heard = false; tries < 40 && !heard; tries++) {
          await wait(50);
          for (let got = socket.receive(); got !== undefined; got = socket.receive()) {
            const isReply =
              got.vlan?.tci === tag.tci && got.data[12] === 8 && got.data[13] === 6 && got.data[21] === 2;
            if (isReply && !heard) {
              heard = true;
              answers += 1;
            }
          }
        }
      }
      return `${answers}/4`;
    } finally {
      socket.close();
    }
  }

  /** Random bytes both ways by TCP: whether the same came out. */
  async transfer(bytes: number): Promise<string> {
    this.#server ??= await this.#serve();
    const url = `http://${SWITCH.ipv4}:${SERVER_PORT}/${bytes}`;
    const out = await this.#guest.transfer(url, bytes);
    const back = await this.#guest.transfer(url, 0);
    const known = this.#guest.outside('cat', join(this.#folder, `${bytes}`));
    return `out ${out.status === 0 ? 'same' : 'DIFFERS'}, in ${back.text === known.text.trim() ? 'same' : 'DIFFERS'}`;
  }

  async #serve(): Promise<ChildProcess> {
    const program = `
      const { createServer } = require('node:http'); const { createHash, randomBytes } = require('node:crypto'); const { writeFileSync } = require('node:fs');
      createServer((request, response) => {
        const hash = createHash('sha256');
        if (request.method === 'GET') {
          const bytes = randomBytes(Number(request.url.slice(1)));
          writeFileSync('${this.#folder}/' + bytes.length, hash.update(bytes).digest('hex'));
          return response.end(bytes);
        }
        request.on('data', part => hash.update(part)); request.on('end', () => response.end(hash.digest('hex')));
      }).listen(${SERVER_PORT}, '${SWITCH.ipv4}', () => console.log('ready'));`;
    const child = this.#guest.inside(() =>
      spawn('setpriv', ['--pdeathsig', 'KILL', process.execPath, '-e', program]),
    );
    await new Promise(resolve => child.stdout.once('data', resolve));
    return child;
  }

  close(): void {
    this.#server?.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
