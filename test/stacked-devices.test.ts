// Macvlans and ipvlans on a bond, each in a namespace of its own as containers have them: who reaches whom, before and after a
// failover. What bond_macvlan_ipvlan.sh of the kernel's selftests looks at, in the modes that we have; where the kernel has the
// bonding driver (scripts/test-in-guests test/stacked-devices), that goes through the same test. Real interfaces; needs root; part of test:all.
import { spawnSync } from 'node:child_process';
import { afterEach, describe, expect, test } from 'vitest';
import { Lab } from '../src/lab/index.js';
import { eventually, World } from './support/world.js';

/** True where the commands of a line of shell work, in a network namespace that ends with them. */
const works = (line: string): boolean => spawnSync('unshare', ['-n', 'sh', '-c', line]).status === 0;

const KINDS = [
  ['macvlan', 'mode bridge'],
  ...(works('ip link add bwx type veth peer name bwy && ip link add link bwx name bwv type ipvlan mode l2')
    ? [['ipvlan', 'mode l2']]
    : []),
] as const;
const ARMS = [...(works('ip link add bwx type bond') ? ['driver'] : []), 'ebpf', 'userspace'];

/** Last part of each one's addresses. */
const HOSTS: Readonly<Record<string, string>> = { host: '2', peer: '1', first: '11', second: '12' };
/** A device cannot reach what stands on it, in whatever way it is stacked. */
const APART = new Set(['host first', 'host second', 'first host', 'second host']);

class Stacked {
  readonly lab: Lab;
  readonly #world: World | undefined;

  private constructor(lab: Lab, world: World | undefined) {
    this.lab = lab;
    this.#world = world;
  }

  /** A bond in the host with two devices on it. */
  static async create(arm: string, mode: string, kind: string, detail: string): Promise<Stacked> {
    const world = arm === 'driver' ? undefined : await World.create({ ipv6: true });
    const stacked = new Stacked(world?.lab ?? (await Lab.create({ ipv6: true })), world);
    open.push(stacked);
    if (world === undefined) {
      await stacked.ip(`link add bond0 type bond mode ${mode} miimon 100`);
      for (const member of stacked.lab.members) await stacked.ip(`link set ${member} master bond0`);
    } else {
      const options = { mode, miimon: '100', data_plane: arm };
      await world.must('POST', '/v1/bonds', { name: 'bond0', options });
      await world.must('POST', '/v1/bonds/bond0/members', { interfaces: stacked.lab.members });
    }
    await stacked.ip('addr add 10.9.0.2/24 dev bond0');
    await stacked.ip('link set bond0 up');
    await stacked.ip('addr add 2001:db8:9::2/64 dev bond0 nodad');
    await stacked.lab.exec('peer', 'ip addr add 2001:db8:9::1/64 dev eth0 nodad'.split(' '));
    for (const name of ['first', 'second']) {
      const place = stacked.place(name);
      await stacked.ip(`netns add ${place}`);
      await stacked.ip(`link add link bond0 name ${name} type ${kind} ${detail}`);
      await stacked.ip(`link set ${name} netns ${place}`);
      await stacked.ip(`-n ${place} link set ${name} up`);
      await stacked.ip(`-n ${place} addr add 10.9.0.${HOSTS[name]}/24 dev ${name}`);
      await stacked.ip(`-n ${place} addr add 2001:db8:9::${HOSTS[name]}/64 dev ${name} nodad`);
    }
    return stacked;
  }

  /** Its network namespace. */
  place(name: string): string {
    return { host: this.lab.host, peer: this.lab.peer }[name] ?? `${this.lab.host}${HOSTS[name]}`;
  }

  async ip(line: string): Promise<void> {
    const { status, stderr } = await this.lab.exec('host', ['ip', ...line.split(' ')]);
    if (status !== 0) throw new Error(`ip ${line}: ${stderr}`);
  }

  /** `FROM TO` for each pair of which the one hears the other's answer, by IPv4 and by IPv6. */
  async pairs(): Promise<{ four: Set<string>; six: Set<string> }> {
    const names = Object.keys(HOSTS);
    const all = names.flatMap(from => names.filter(to => to !== from).map(to => [from, to] as const));
    const heard = async (prefix: string): Promise<Set<string>> => {
      const answers = await Promise.all(
        all.map(async ([from, to]) => {
          const ping = ['ping', '-c', '1', '-W', '2', `${prefix}${HOSTS[to]}`];
          const argv = ['ip', 'netns', 'exec', this.place(from), ...ping];
          const { status } = await this.lab.exec('host', argv);
          return status === 0 ? [`${from} ${to}`] : [];
        }),
      );
      return new Set(answers.flat());
    };
    return { four: await heard('10.9.0.'), six: await heard('2001:db8:9::') };
  }

  async close(): Promise<void> {
    for (const name of ['first', 'second']) spawnSync('ip', ['netns', 'del', this.place(name)]);
    if (this.#world === undefined) this.lab.close();
    else await this.#world.close();
  }
}

const open: Stacked[] = [];
afterEach(async () => {
  for (const stacked of open.splice(0)) await stacked.close();
});

describe.each(ARMS)('%s', arm => {
  test.each(
    ['active-backup', 'balance-tlb'].flatMap(mode => KINDS.map(([kind, detail]) => ({ mode, kind, detail }))),
  )(
    '$mode: all reach each other through the $kind devices, before and after a failover',
    async ({ mode, kind, detail }) => {
      const stacked = await Stacked.create(arm, mode, kind, detail);
      for (const cut of [false, true]) {
        if (cut) stacked.lab.cut('eth0');
        const { four, six } = await eventually('all that can are answered', async () => {
          const pairs = await stacked.pairs();
          return pairs.four.size >= 8 && pairs.six.size >= 8 && pairs;
        });
        const wanted = new Set(
          Object.keys(HOSTS).flatMap(from =>
            Object.keys(HOSTS)
              .filter(to => to !== from && !APART.has(`${from} ${to}`))
              .map(to => `${from} ${to}`),
          ),
        );
        expect({ four, six }).toEqual({ four: wanted, six: wanted });
      }
    },
  );
});
