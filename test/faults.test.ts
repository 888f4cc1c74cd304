// One system call of a daemon fails (no descriptor free, not permitted) while it releases a member or destroys a bond, whichever it is:
// what leaves is as it was, and nothing stays behind. Needs root and strace; part of test:all. BONDWIRE_FAULTS says how many calls of
// each change on each data plane besides those that change an interface (npm run test:faults: all).
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { listBpfFilters } from '../src/linux/index.js';
import { type Picture, pictureOf, pins } from './support/picture.js';
import { closeStages, ended, Stage, until } from './support/stage.js';
import { type Call, callsIn, traced } from './support/traced.js';

afterEach(closeStages);

const OTHERS = Number(process.env['BONDWIRE_FAULTS'] ?? 1);
/** How long IPv6 and the daemon's own second attempts may take. */
const PATIENCE_MS = 10_000;
/** Calls that make a descriptor fail as where there is none left, others as where they are not permitted. */
const MAKE_DESCRIPTORS = ['openat', 'socket', 'bpf'];
/** Not `write`: the event loop of Node wakes itself by it, and ends the process where that fails (uv__async_send). */
const CALLS = [...MAKE_DESCRIPTORS, 'sendto', 'ioctl', 'setsockopt', 'unlink', 'rename', 'setns'].join();

interface Change {
  readonly name: string;
  readonly prepare: (stage: Stage) => Promise<unknown>;
  readonly run: (stage: Stage) => Promise<unknown>;
  /** True when it has yet to be done. */
  readonly isDue: (stage: Stage) => Promise<boolean>;
}

type DataPlane = 'ebpf' | 'userspace';

function changesOf(plane: DataPlane): readonly Change[] {
  const wishes = { takeDown: true, takeAddresses: true };
  return [
    {
      name: 'release',
      prepare: stage => stage.api.enslave('bond0', { interfaces: ['eth1'], ...wishes }),
      run: stage => stage.api.release('bond0', { interfaces: ['eth1'] }),
      isDue: async stage => (await stage.show()).members.some(({ name }) => name === 'eth1'),
    },
    {
      name: 'destroy',
      prepare: async stage => {
        const options = { mode: 'active-backup', miimon: '100', data_plane: plane };
        await stage.api.create({ name: 'bond1', options });
        await stage.api.enslave('bond1', { interfaces: ['eth2', 'eth3'], ...wishes });
      },
      run: stage => stage.api.destroy('bond1'),
      isDue: async stage => (await stage.api.status()).bonds.includes('bond1'),
    },
  ];
}

/** True for a message of rtnetlink that makes, removes or sets something: types come in fours, and the third only asks. */
function isChange({ name, text }: Call): boolean {
  const [, type] = /nlmsg_type=(0x[0-9a-f]+|RTM_[A-Z]+)/.exec(text) ?? [];
  if (name !== 'sendto' || type === undefined) return false;
  return type.startsWith('RTM_') ? !type.startsWith('RTM_GET') : (Number(type) & 3) !== 2;
}

/** The calls that change an interface, and some of the others: other ones in each run. */
function chosen(calls: readonly Call[]): Call[] {
  const changes = calls.filter(isChange);
  const others = calls.filter(call => !changes.includes(call));
  const step = Math.max(1, others.length / OTHERS);
  const from = Math.random() * step;
  const some = others.filter((_, at) => OTHERS >= others.length || (at >= from && (at - from) % step < 1));
  return [...changes, ...some];
}

/** What else than a daemon's log and state lies in the run directory, and what is pinned. */
function leftIn(stage: Stage): string[] {
  return [...readdirSync(stage.runDir).filter(name => /^bwl-|\.new$/.test(name)), ...pins(stage)].toSorted();
}

/** All that may stay behind, by subject, without what moves with the traffic of the bond that stays. */
async function look(stage: Stage): Promise<Picture> {
  const { multicast, links, ...rest } = await pictureOf(stage);
  const isOthers = (name: string | undefined): boolean => name !== 'bond0' && name !== 'eth0';
  return {
    ...rest,
    links: (links as readonly { readonly ifname: string }[]).filter(({ ifname }) => isOthers(ifname)),
    multicast: (multicast as readonly string[]).filter(line => isOthers(line.split(' ')[0])),
    left: leftIn(stage),
    filters: stage.lab.members.map(name => {
      const netlink = stage.lab.netlink('host');
      return listBpfFilters(netlink, stage.lab.link('host', name)?.ifindex ?? 0, 'ingress').length;
    }),
  };
}

/** The same when no file is being written: what is to be as before is not the middle of something. */
async function lookAtRest(stage: Stage): Promise<Picture> {
  let now = await look(stage);
  const isAtRest = async (): Promise<boolean> => {
    now = await look(stage);
    return !JSON.stringify(now['left']).includes('.new"');
  };
  await until('no file is being written', isAtRest, PATIENCE_MS);
  return now;
}

/** What is not as before a while later; undefined when all is. */
async function differences(stage: Stage, before: Picture): Promise<Picture | undefined> {
  let now = before;
  const isSame = async (): Promise<boolean> => {
    now = await look(stage);
    return JSON.stringify(now) === JSON.stringify(before);
  };
  try {
    await until('all is as before', isSame, PATIENCE_MS);
    return undefined;
  } catch {
    const changed = Object.keys(before).filter(
      subject => JSON.stringify(now[subject]) !== JSON.stringify(before[subject]),
    );
    return Object.fromEntries(changed.map(subject => [subject, [before[subject], now[subject]]]));
  }
}

class Faults {
  readonly #stage: Stage;
  readonly #file: string;

  constructor(stage: Stage, directory: string) {
    this.#stage = stage;
    this.#file = join(directory, 'calls');
  }

  /** Does what a change does, with one call failing; gives its calls. A change that was refused for it is done again. */
  async run(change: Change, at?: Call): Promise<readonly Call[]> {
    const { pid } = this.#stage.bondwire;
    if (pid === null) throw new Error('There is no daemon.');
    await change.prepare(this.#stage);
    const error = at !== undefined && MAKE_DESCRIPTORS.includes(at.name) ? 'EMFILE' : 'EPERM';
    const inject = at === undefined ? {} : { inject: `${at.name}:error=${error}:when=${at.nth}` };
    const strace = await traced(pid, { calls: CALLS, file: this.#file, threads: 'main', ...inject });
    await change.run(this.#stage).catch(() => undefined);
    await ended(strace, 'SIGINT');
    if (await change.isDue(this.#stage)) await change.run(this.#stage);
    return callsIn(this.#file, pid, 'main');
  }
}

test.each<DataPlane>(['ebpf', 'userspace'])(
  '%s: whichever call fails while it releases or destroys, nothing stays behind',
  { timeout: 600_000 + OTHERS * 20_000 },
  async plane => {
    const directory = mkdtempSync(join(tmpdir(), 'bw-faults-'));
    try {
      await failOften(plane, directory);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
);

async function failOften(plane: DataPlane, directory: string): Promise<void> {
  const stage = await Stage.open({ members: ['eth0', 'eth1', 'eth2', 'eth3'] });
  for (const name of stage.lab.members) await stage.ip('link', 'set', name, 'up');
  await stage.ip('link', 'set', 'eth0', 'down');
  await stage.ip('link', 'set', 'eth1', 'mtu', '1400', 'promisc', 'on');
  await stage.ip('link', 'set', 'eth3', 'address', '02:00:5e:10:00:03', 'allmulticast', 'on');
  await stage.ip('addr', 'add', '198.51.100.3/24', 'dev', 'eth3');
  await stage.bond({ data_plane: plane }, ['eth0']);
  const before = await lookAtRest(stage);
  const faults = new Faults(stage, directory);
  for (const change of changesOf(plane)) {
    const calls = await faults.run(change);
    const tried = chosen(calls);
    for (const at of tried) {
      const failing = `${change.name}: ${at.name} no. ${at.nth}: ${at.text}`;
      await faults.run(change, at).catch((error: unknown) => {
        throw new Error(`${failing}: ${String(error)}\n${stage.bondwire.log}`, { cause: error });
      });
      const differs = await differences(stage, before);
      expect(differs === undefined ? undefined : { failing, differs }).toBeUndefined();
    }
    console.log(`${plane}: ${tried.length} of ${calls.length} calls of ${change.name} failed, one at a time`);
  }
}
