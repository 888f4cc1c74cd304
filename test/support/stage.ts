// A stage for end-to-end tests: a lab with a daemon of its own in the host, driven through the control API (quicker than
// a process a command), and the means to wait for what the kernel and the daemon say. Needs root, BPF, ip and ping.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ApiClient, apiClient } from '../../src/cli/api-client.js';
import type { EventRecord, ShowBond, ShowMember } from '../../src/daemon/api/api.js';
import { Lab, ManagedBondwire, type LabOptions, type Spawn } from '../../src/lab/index.js';
import { unmountFileSystem } from '../../src/linux/index.js';

/** The bondwire command of this working tree. */
export const BIN: string = fileURLToPath(new URL('../../bin/bondwire', import.meta.url));

/** What a test is given, besides the lab's own options. */
export interface StageOptions extends LabOptions {
  /** Starts the daemon as `ip netns exec` does: in a mount namespace that ends with it. */
  readonly privateMounts?: boolean;
  /** Arguments of `bondwire daemon`. */
  readonly daemonArgs?: readonly string[];
  /** Does not start the daemon. */
  readonly noDaemon?: boolean;
}

/** How long anything may take on a busy machine before a test gives up. */
const PATIENCE_MS = 90_000;

const stages: Stage[] = [];

/** Keeps asking until the answer is no longer undefined or false. */
export async function until<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  patienceMs: number = PATIENCE_MS,
): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > deadline) throw new Error(`It did not happen within ${patienceMs} ms: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

/** A lab, a run directory, a daemon. */
export class Stage {
  readonly lab: Lab;
  readonly bondwire: ManagedBondwire;
  readonly api: ApiClient;
  readonly runDir: string;
  readonly #supervised: boolean;

  private constructor(lab: Lab, bondwire: ManagedBondwire, runDir: string, supervised: boolean) {
    this.#supervised = supervised;
    this.lab = lab;
    this.bondwire = bondwire;
    this.runDir = runDir;
    this.api = apiClient(runDir);
  }

  static async open(options: StageOptions = {}): Promise<Stage> {
    const lab = await Lab.create(options);
    const runDir = mkdtempSync(join(tmpdir(), 'bondwire-test-'));
    const inNetnsExec: Spawn = argv => spawn('ip', ['netns', 'exec', lab.host, ...argv], { stdio: 'pipe' });
    const bondwire = new ManagedBondwire({
      spawn: options.privateMounts === true ? inNetnsExec : argv => lab.spawn('host', argv),
      bin: BIN,
      runDir,
      daemonArgs: options.daemonArgs ?? [],
    });
    const stage = new Stage(lab, bondwire, runDir, options.daemonArgs?.includes('--supervise') === true);
    stages.push(stage);
    if (options.noDaemon !== true) await bondwire.start();
    return stage;
  }

  /** Ends the daemon, its supervisor too, and takes everything away, whatever state it is in. */
  async close(): Promise<void> {
    await this.bondwire.stop(this.#supervised ? 'SIGTERM' : 'SIGKILL');
    this.lab.close();
    unmountFileSystem(`${this.runDir}/bpf`);
    rmSync(this.runDir, { recursive: true, force: true });
  }

  /** A bond with its members, up and with the lab's address; waits until it carries traffic. */
  async bond(options: Readonly<Record<string, string>> = {}, members: readonly string[] = this.lab.members) {
    await this.api.create({ name: 'bond0', options: { mode: 'active-backup', miimon: '100', ...options } });
    if (members.length > 0) await this.api.enslave('bond0', { interfaces: members });
    await this.api.up('bond0');
    await this.api.addAddresses('bond0', { addresses: [this.lab.hostAddress] });
    await this.reached();
  }

  /** Waits until the host reaches the peer: a bridge port learns to forward a moment after its carrier is there. */
  async reached(address: string = this.lab.peerIp): Promise<void> {
    await until(`the host reaches ${address}`, async () => {
      const ping = await this.lab.exec('host', ['ping', '-c', '1', '-W', '1', address]);
      return ping.status === 0;
    });
  }

  async show(bond = 'bond0'): Promise<ShowBond> {
    const [found] = (await this.api.show(bond)).bonds;
    if (found === undefined) throw new Error(`There is no ${bond}`);
    return found;
  }

  async member(name: string, bond = 'bond0'): Promise<ShowMember> {
    const found = (await this.show(bond)).members.find(one => one.name === name);
    if (found === undefined) throw new Error(`${name} is no member of ${bond}`);
    return found;
  }

  /** Waits until this member is the active one. */
  async active(name: string | null, bond = 'bond0'): Promise<void> {
    await until(`${name} is active`, async () => (await this.show(bond)).active === name);
  }

  /** Waits until the daemon holds this member for up. */
  async up(name: string): Promise<void> {
    await until(`${name} is up`, async () => (await this.member(name)).miiStatus === 'up');
  }

  /** Events so far. */
  async events(after = 0): Promise<EventRecord[]> {
    const records: EventRecord[] = [];
    for await (const record of this.api.events({ after })) records.push(record);
    return records;
  }

  /** Runs `ip` in the host, which must succeed. */
  async ip(...args: string[]): Promise<string> {
    return this.run('host', 'ip', ...args);
  }

  async run(place: 'host' | 'peer' | 'switch', ...argv: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.lab.exec(place, argv);
    if (status !== 0) throw new Error(`${argv.join(' ')} failed: ${stderr.trim()}`);
    return stdout;
  }

  mac(name: string): string {
    return this.lab.link('host', name)?.address ?? '';
  }
}

/** Closes what the tests of a file opened; for afterEach. */
export async function closeStages(): Promise<void> {
  for (const stage of stages.splice(0)) await stage.close();
}

/** Ends a child and waits until it is gone. */
export async function ended(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>(resolve => child.once('exit', () => resolve()));
  child.kill(signal);
  await gone;
}
