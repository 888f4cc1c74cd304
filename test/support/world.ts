// A lab with Bondwire in its host, as tests of the whole use it: the command, the control socket, `ip`.
import { request } from 'node:http';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ShowBond, ShowDocument } from '../../src/daemon/api/api.js';
import { Lab, type LabOptions, ManagedBondwire, type PlaceName } from '../../src/lab/index.js';
import type { CommandResult } from '../../src/lab/managed-bondwire.js';
import { unmountFileSystem } from '../../src/linux/index.js';

/** The command under test. */
export const BIN = fileURLToPath(new URL('../../bin/bondwire', import.meta.url));

/** An answer of the control socket. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  /** The body, where it is JSON. */
  readonly json: unknown;
}

/** Waits until `look` gives something else than false or undefined; throws after `ms`. */
export async function eventually<T>(
  what: string,
  look: () => T | false | undefined | Promise<T | false | undefined>,
  ms = 90_000,
): Promise<T> {
  const deadline = performance.now() + ms;
  for (;;) {
    const seen = await look();
    if (seen !== false && seen !== undefined) return seen;
    if (performance.now() > deadline) throw new Error(`It did not happen within ${ms} ms: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

/** One request to a control socket. */
export function ask(
  socketPath: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const length = text === undefined ? {} : { 'content-length': Buffer.byteLength(text) };
    const sent = request({ socketPath, method, path, agent: false, headers: { ...length, ...headers } });
    sent.once('error', reject);
    sent.once('response', response => {
      let answer = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        answer += chunk;
      });
      response.once('error', reject);
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, text: answer, json: parsed(answer) }),
      );
    });
    sent.end(text);
  });
}

/** Sends bytes as they are and gives all that comes back until the other side closes (or `waitMs` passed in silence). */
export function sendRaw(socketPath: string, bytes: string | Buffer, waitMs = 3000): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    let answer = '';
    socket.setTimeout(waitMs, () => socket.destroy());
    socket.on('data', chunk => {
      answer += chunk.toString('latin1');
    });
    socket.once('connect', () => socket.write(bytes));
    socket.once('error', error => {
      if (answer === '') reject(error);
    });
    socket.once('close', () => resolve(answer));
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function withoutCounters(key: string, value: unknown): unknown {
  return ['rx', 'tx', 'txDropped'].includes(key) ? null : value;
}

/** A lab and a daemon. */
export class World {
  readonly lab: Lab;
  readonly bondwire: ManagedBondwire;
  readonly folder: string;

  private constructor(lab: Lab, folder: string) {
    this.lab = lab;
    this.folder = folder;
    this.bondwire = this.at(join(folder, 'run'));
  }

  /** Builds the lab and starts the daemon in its host. */
  static async create(options: LabOptions & { readonly daemon?: boolean } = {}): Promise<World> {
    const lab = await Lab.create(options);
    const world = new World(lab, mkdtempSync(join(tmpdir(), 'bw-test-')));
    try {
      if (options.daemon !== false) await world.bondwire.start();
      return world;
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  get socket(): string {
    return `${this.bondwire.runDir}/control.sock`;
  }

  /** Bondwire with another run directory in the same host. */
  at(runDir: string, place: PlaceName = 'host'): ManagedBondwire {
    const spawn = this.lab.spawn.bind(this.lab, place);
    return new ManagedBondwire({ spawn, bin: BIN, runDir });
  }

  /** The command with exactly these words. */
  cli(words: readonly string[], env: NodeJS.ProcessEnv = {}, cwd = '/'): Promise<CommandResult> {
    return this.lab.exec('host', [process.execPath, BIN, ...words], { env: { ...process.env, ...env }, cwd });
  }

  /** A request to the daemon. */
  ask(method: string, path: string, body?: unknown): Promise<Answer> {
    return ask(this.socket, method, path, body);
  }

  /** As `ask`, and it must be done. */
  async must(method: string, path: string, body?: unknown): Promise<unknown> {
    const { status, text, json } = await this.ask(method, path, body);
    if (status !== 200) throw new Error(`${method} ${path} answered ${status}: ${text}`);
    return json;
  }

  /** The bond as the socket shows it. */
  async bond(name = 'bond0'): Promise<ShowBond> {
    const [bond] = ((await this.must('GET', `/v1/bonds/${name}`)) as ShowDocument).bonds;
    if (bond === undefined) throw new Error(`There is no ${name}`);
    return bond;
  }

  /** `ip ...` in the lab; it must succeed. */
  async ip(place: PlaceName, line: string): Promise<string> {
    const { status, stdout, stderr } = await this.lab.exec(place, ['ip', ...line.split(' ')]);
    if (status !== 0) throw new Error(`ip ${line} failed: ${stderr.trim()}`);
    return stdout;
  }

  /** True when one ping is answered. */
  async pings(address: string, place: PlaceName = 'host'): Promise<boolean> {
    const { status } = await this.lab.exec(place, ['ping', '-c', '1', '-W', '1', address]);
    return status === 0;
  }

  /** Pulls the cable of a member. */
  cut(member: string): void {
    this.lab.cut(member);
  }

  /** Waits until two looks at everything, a while apart, are the same. */
  async settled(): Promise<void> {
    let last = '';
    await eventually('the network comes to rest', async () => {
      const now = JSON.stringify(await this.state());
      await new Promise(resolve => setTimeout(resolve, 400));
      const same = now === last;
      last = now;
      return same;
    });
  }

  /** All that a refused request may not have changed: bonds, interfaces, addresses, routes, files. */
  async state(): Promise<unknown> {
    const json = async (line: string): Promise<unknown> =>
      JSON.parse((await this.ip('host', line)) || '[]') as unknown;
    const shown = this.bondwire.pid === null ? undefined : await this.must('GET', '/v1/bonds');
    return {
      bonds: JSON.parse(JSON.stringify(shown ?? null, withoutCounters)) as unknown,
      links: await json('-j -d link'),
      addresses: await json('-j addr'),
      routes: [await json('-j route show table all'), await json('-j -6 route show table all')],
      // Links among the files of the driver's form lead round in circles: they are not to be followed.
      files: readdirSync(this.folder, { recursive: true, withFileTypes: true })
        .map(entry => join(entry.parentPath, entry.name))
        .toSorted((a, b) => a.localeCompare(b)),
    };
  }

  /** Ends the daemon and removes everything. */
  async close(): Promise<void> {
    if (this.bondwire.pid !== null) {
      await this.bondwire.command(['show', '--json']).then(async ({ stdout }) => {
        const { bonds } = (parsed(stdout) ?? { bonds: [] }) as ShowDocument;
        // By the control socket: a command for each of many takes too long on a busy machine.
        for (const { name } of bonds) await this.ask('DELETE', `/v1/bonds/${name}`);
      });
      await this.bondwire.stop();
    }
    const left = this.lab.close();
    // A command that a failed test left behind ended with the lab, and could not clean up.
    unmountFileSystem(`${this.bondwire.runDir}/bpf`);
    rmSync(this.folder, { recursive: true, force: true });
    if (left.length > 0) throw new Error(`The lab left ${left.join(', ')}`);
  }
}
