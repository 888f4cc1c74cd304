// A daemon that is killed at a system call, whichever: strace ends it as it enters the Nth of those that change something, in the midst of
// create, enslave, release, set, apply or destroy. The next daemon leaves nothing behind and nothing half-done; on eBPF no packet is
// lost. Needs root and strace; part of test:all. BONDWIRE_KILLS says how many on each data plane (npm run test:kills: 150).
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type Meter, startMeter } from '../src/lab/index.js';
import { type Picture, pictureOf, pins, untilAsBefore } from './support/picture.js';
import { closeStages, ended, Stage, until } from './support/stage.js';
import { type Call, callsIn, isDead, traced } from './support/traced.js';

afterEach(closeStages);

const KILLS = Number(process.env['BONDWIRE_KILLS'] ?? 6);
const RATE = 500;
/** Calls that change something, or wait to. */
const CALLS =
  'sendto,sendmsg,write,writev,pwrite64,openat,rename,renameat2,unlink,mkdir,rmdir,bpf,ioctl,setsockopt,mmap,munmap,close,socket,bind,ftruncate,fsync';

const same = (now: unknown, before: unknown): void => expect(now).toEqual(before);

interface Change {
  readonly name: string;
  /** What must be there before. */
  readonly prepare: (stage: Stage) => Promise<unknown>;
  readonly run: (stage: Stage) => Promise<unknown>;
}

type DataPlane = 'ebpf' | 'userspace';

function changesOf(plane: DataPlane, file: string): readonly Change[] {
  const options = { mode: 'active-backup', miimon: '100', data_plane: plane };
  const make = (stage: Stage) => stage.api.create({ name: 'bond1', options });
  const join = (stage: Stage, bond: string, ...interfaces: string[]) =>
    stage.api.enslave(bond, { interfaces, takeDown: true, takeAddresses: true });
  const nothing = async (): Promise<void> => {};
  return [
    { name: 'create', prepare: nothing, run: make },
    { name: 'enslave', prepare: nothing, run: stage => join(stage, 'bond0', 'eth2') },
    { name: 'enslave the first', prepare: make, run: stage => join(stage, 'bond1', 'eth3', 'eth2') },
    {
      name: 'release',
      prepare: stage => join(stage, 'bond0', 'eth2'),
      run: stage => stage.api.release('bond0', { interfaces: ['eth2'] }),
    },
    {
      name: 'set',
      prepare: nothing,
      run: async stage => {
        const { active } = await stage.show();
        const active_slave = active === 'eth0' ? 'eth1' : 'eth0';
        await stage.api.set('bond0', { options: { active_slave, updelay: '200', primary: active_slave } });
      },
    },
    { name: 'apply', prepare: nothing, run: stage => stage.bondwire.command(['apply', file]) },
    {
      name: 'destroy',
      prepare: async stage => {
        await make(stage);
        await join(stage, 'bond1', 'eth3', 'eth2');
      },
      run: stage => stage.api.destroy('bond1'),
    },
  ];
}

class Killer {
  readonly #stage: Stage;
  readonly #file: string;
  readonly #calls = new Map<string, readonly Call[]>();

  constructor(stage: Stage, directory: string) {
    this.#stage = stage;
    this.#file = join(directory, 'calls');
  }

  #pid(): number {
    const { pid } = this.#stage.bondwire;
    if (pid === null) throw new Error('There is no daemon.');
    return pid;
  }

  /** The calls that the main thread makes for a change, which is carried out once for it. */
  async #callsOf(change: Change): Promise<readonly Call[]> {
    const known = this.#calls.get(change.name);
    if (known !== undefined) return known;
    const pid = this.#pid();
    const strace = await traced(pid, { calls: CALLS, file: this.#file, threads: 'all' });
    await change.run(this.#stage);
    await ended(strace, 'SIGINT');
    const calls = callsIn(this.#file, pid, 'all');
    this.#calls.set(change.name, calls);
    return calls;
  }

  /** Carries a change out until its daemon is killed at a random call of it. Gives where that was. */
  async kill(change: Change, cleanUp: () => Promise<unknown>): Promise<string> {
    if (!this.#calls.has(change.name)) {
      await change.prepare(this.#stage);
      await this.#callsOf(change);
      await cleanUp();
    }
    await change.prepare(this.#stage);
    const calls = await this.#callsOf(change);
    const at = calls[Math.floor(Math.random() * calls.length)];
    if (at === undefined) throw new Error(`${change.name} makes no call.`);
    const pid = this.#pid();
    const inject = `${at.name}:signal=KILL:when=${at.nth}`;
    const strace = await traced(pid, { calls: CALLS, file: this.#file, threads: 'all', inject });
    let isDone = false;
    const done = change.run(this.#stage).then(
      () => (isDone = true),
      () => (isDone = true),
    );
    await until('the change is over', () => isDone || isDead(pid));
    const wasHit = isDead(pid);
    await this.#stage.bondwire.stop('SIGKILL');
    await done;
    await ended(strace, 'SIGINT');
    const calling = wasHit ? '' : ' (killed after its end)';
    return `${change.name}, ${at.name} no. ${at.nth} of its ${calls.length} calls${calling}`;
  }
}

/** What else than a daemon's log and state lies in the run directory, and what is pinned. */
function leftIn(stage: Stage): string[] {
  return [
    ...readdirSync(stage.runDir).filter(name => /^bwl-|\.new$/.test(name)),
    ...pins(stage).map(path => path.slice(stage.runDir.length)),
  ].toSorted();
}

/** Without what moves with the traffic of the bond that stays. */
function ofOthers(picture: Picture): Picture {
  const { multicast: _moves, links, ...rest } = picture;
  const own = new Set(['bond0', 'eth0', 'eth1']);
  const list = links as readonly { readonly ifname: string }[];
  return { ...rest, links: list.filter(({ ifname }) => !own.has(ifname)) };
}

async function streamTo(stage: Stage): Promise<Meter> {
  const meter = await startMeter({
    from: argv => stage.lab.spawn('host', argv),
    to: argv => stage.lab.spawn('peer', argv),
    address: stage.lab.peerIp,
    rate: RATE,
    seconds: 0,
  });
  await until('packets arrive', () => meter.progress.received > RATE / 5);
  return meter;
}

test.each<DataPlane>(['ebpf', 'userspace'])(
  '%s: killed at any call of any change, it leaves nothing behind',
  { timeout: 120_000 + KILLS * 60_000 },
  async plane => {
    const directory = mkdtempSync(join(tmpdir(), 'bw-kills-'));
    try {
      await killOften(plane, directory);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
);

async function killOften(plane: DataPlane, directory: string): Promise<void> {
  const stage = await Stage.open({ members: ['eth0', 'eth1', 'eth2', 'eth3'] });
  for (const name of stage.lab.members) await stage.ip('link', 'set', name, 'up');
  await stage.ip('link', 'set', 'eth2', 'mtu', '1400', 'promisc', 'on');
  await stage.ip('link', 'set', 'eth3', 'address', '02:00:5e:10:00:03', 'allmulticast', 'on');
  await stage.ip('addr', 'add', '198.51.100.3/24', 'dev', 'eth3');
  for (const name of ['eth0', 'eth1']) await stage.ip('link', 'set', name, 'down');
  const first = await pictureOf(stage);
  await stage.bond({ data_plane: plane }, ['eth0', 'eth1']);
  const file = join(directory, 'bondwire.yaml');
  writeFileSync(
    file,
    `bonds:\n  bond1:\n    mode: active-backup\n    miimon: 100\n    data_plane: ${plane}\n    interfaces: [eth3]\n    take_addresses: true\n    up: true\n`,
  );
  const before = ofOthers(await pictureOf(stage));
  // Views are written when there is time; until then a file of theirs has its name of the moment.
  await until('no file is being written', () => leftIn(stage).every(name => !name.endsWith('.new')));
  const left = leftIn(stage);
  const killer = new Killer(stage, directory);
  const cleanUp = async (): Promise<void> => {
    const { bonds } = await stage.api.show();
    if (bonds.some(({ name }) => name === 'bond1')) await stage.api.destroy('bond1');
    if ((await stage.show()).members.some(({ name }) => name === 'eth2'))
      await stage.api.release('bond0', { interfaces: ['eth2'] });
  };
  const changes = changesOf(plane, file);
  const meter = plane === 'ebpf' ? await streamTo(stage) : undefined;
  let missing = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const change = changes[kill % changes.length];
    if (change === undefined) break;
    const where = await killer.kill(change, cleanUp);
    await stage.bondwire.start();
    await checkWhole(stage, first, where);
    await cleanUp();
    await untilSame(stage, before, where);
    await expect.poll(() => ({ where, left: leftIn(stage) }), { timeout: 20_000 }).toEqual({ where, left });
    const now = meter?.progress.missing ?? 0;
    console.log(`${plane} ${kill + 1}/${KILLS} ${where}${now > missing ? `; ${now - missing} missing` : ''}`);
    missing = now;
  }
  if (meter !== undefined) {
    meter.stop();
    const { lost, overflowed, doubled, refused } = await meter.done;
    expect({ lost: lost - overflowed, doubled, refused }).toEqual({ lost: 0, doubled: 0, refused: 0 });
  }
  await stage.reached();
  await stage.api.destroy('bond0');
  await untilAsBefore(stage, first, same);
  expect(leftIn(stage)).toEqual([]);
}

async function untilSame(stage: Stage, before: Picture, where: string): Promise<void> {
  let now: Picture = {};
  try {
    await until(
      'all is as before',
      async () => {
        now = ofOthers(await pictureOf(stage));
        return JSON.stringify(now) === JSON.stringify(before);
      },
      8000,
    );
  } catch {
    expect({ where, ...now }).toEqual({ where, ...before });
  }
}

/** An interface that joins or leaves is a member in full, or as it was. */
async function checkWhole(stage: Stage, first: Picture, where: string): Promise<void> {
  const { bonds } = await stage.api.show();
  const members = new Map(bonds.flatMap(bond => bond.members.map(({ name }) => [name, bond.address])));
  const links = first['links'] as readonly { readonly ifname: string; readonly address: string }[];
  for (const name of ['eth2', 'eth3']) {
    const own = links.find(({ ifname }) => ifname === name)?.address;
    const expected = members.get(name) ?? own;
    expect({ where, name, mac: stage.mac(name) }).toEqual({ where, name, mac: expected });
  }
}
