// The bonds of the kernel's own driver on one host, through sysfs, /proc and (where there is no file) iproute2.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { mountFileSystem, unmountFileSystem } from '../linux/index.js';
import { findOption, inApplyOrder } from '../policy/index.js';
import type { BondSpec } from '../simulator/index.js';
import { type Answer, type BondControl, viewOf } from './bond-control.js';
import type { RealHost } from './real-network.js';

/** Options of the driver that name members: set when these have joined. */
const AFTER_MEMBERS: ReadonlySet<string> = new Set(['active_slave', 'prio', 'queue_id']);
/** Bondwire's own: the driver has none of them. */
const NOT_THE_DRIVERS: ReadonlySet<string> = new Set(['inline_failover', 'link_watch', 'data_plane']);

/** Writes a file of sysfs in one write(2), as the driver wants it. */
function write(path: string, text: string): Answer {
  try {
    writeFileSync(path, text, { flag: 'r+' });
    return 'ok';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'EIO';
  }
}

function ip(...args: string[]): Answer {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status === 0) return 'ok';
  const known: Readonly<Record<string, string>> = {
    'Operation not permitted': 'EPERM',
    'Invalid argument': 'EINVAL',
    'Permission denied': 'EACCES',
    'No such device': 'ENODEV',
    'Device or resource busy': 'EBUSY',
  };
  return Object.entries(known).find(([text]) => stderr.includes(text))?.[1] ?? stderr.trim();
}

/** Control over the driver's bonds in the namespace of a host; `directory` is where its sysfs is mounted. */
export function kernelBonds(host: RealHost, directory: string): BondControl {
  mkdirSync(directory, { recursive: true });
  host.place.inside(() => mountFileSystem('sysfs', directory));
  const net = `${directory}/class/net`;
  const made: string[] = [];

  function set(bond: string, option: string, value: string): Answer {
    const name = findOption(option)?.name ?? option;
    if (NOT_THE_DRIVERS.has(name)) return 'ok';
    if (name === 'prio') {
      const [member = '', prio = ''] = value.split(':');
      return ip('-n', host.place.name, 'link', 'set', 'dev', member, 'type', 'bond_slave', 'prio', prio);
    }
    const file = `${net}/${bond}/bonding/${option === 'num_unsol_na' ? option : name}`;
    return existsSync(file) ? write(file, `${value}\n`) : 'EINVAL';
  }
  const must = (what: string, answer: Answer): void => {
    if (answer !== 'ok') throw new Error(`The driver refused ${what}: ${answer}`);
  };

  return {
    create(spec: BondSpec) {
      must(spec.name, write(`${net}/bonding_masters`, `+${spec.name}\n`));
      made.push(spec.name);
      const names = inApplyOrder(Object.keys(spec.options));
      const apply = (after: boolean): void => {
        for (const name of names.filter(each => AFTER_MEMBERS.has(each) === after)) {
          const values = spec.options[name] ?? '';
          for (const value of after ? values.split(' ') : [values])
            must(`${name}=${value}`, set(spec.name, name, value));
        }
      };
      apply(false);
      for (const member of spec.members)
        must(member, write(`${net}/${spec.name}/bonding/slaves`, `+${member}\n`));
      if (spec.up !== false) host.setUp(spec.name, true);
      apply(true);
      return Promise.resolve();
    },
    set: (bond, option, value) => Promise.resolve(set(bond, option, value)),
    enslave: (bond, member) => Promise.resolve(write(`${net}/${bond}/bonding/slaves`, `+${member}\n`)),
    release: (bond, member) => Promise.resolve(write(`${net}/${bond}/bonding/slaves`, `-${member}\n`)),
    view(bond) {
      const text = host.place.inside(() => {
        const path = `/proc/thread-self/net/bonding/${bond}`;
        return existsSync(path) ? readFileSync(path, 'latin1') : undefined;
      });
      return Promise.resolve(text === undefined ? undefined : viewOf(text));
    },
    sysfs(bond, name) {
      const path = `${net}/${bond}/bonding/${name}`;
      return Promise.resolve(existsSync(path) ? readFileSync(path, 'latin1').trimEnd() : null);
    },
    killDaemon: () => Promise.resolve(),
    startDaemon: () => Promise.resolve(),
    removeBonds() {
      for (const bond of made.splice(0)) write(`${net}/bonding_masters`, `-${bond}\n`);
      return Promise.resolve();
    },
    close() {
      unmountFileSystem(directory);
      rmdirSync(directory);
      return Promise.resolve();
    },
  };
}
