// The bonds of the kernel's own driver on one host, through sysfs, /proc and (where there is no file) rtnetlink.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { parseIpv6 } from '../base/index.js';
import { mountFileSystem, requireLink, SystemError, unmountFileSystem } from '../linux/index.js';
import {
  bytesAttribute,
  emitLink,
  type LinkInfo,
  linkWith,
  nestedAttribute,
  RTM_NEWLINK,
  u16Attribute,
  u32Attribute,
} from '../netlink/index.js';
import { findOption, inApplyOrder } from '../policy/index.js';
import type { BondSpec } from '../simulator/index.js';
import { type Answer, type BondControl, viewOf } from './bond-control.js';
import type { RealHost } from './real-network.js';

const IFLA_BOND_SLAVE_PRIO = 9;
const IFLA_BOND_SLAVE_ACTOR_PORT_PRIO = 10;
const IFLA_BOND_NS_IP6_TARGET = 31;

/** Options of the driver that name members: set when these have joined. */
const AFTER_MEMBERS: ReadonlySet<string> = new Set(['active_slave', 'prio', 'queue_id', 'actor_port_prio']);
/** Bondwire's own: the driver has none of them. */
const NOT_THE_DRIVERS: ReadonlySet<string> = new Set([
  'inline_failover',
  'link_watch',
  'data_plane',
  'lacp_quirks',
  'lacp_fallback',
  'lacp_lease',
  'lacp_fast_silence',
]);

/** Writes a file of sysfs in one write(2), as the driver wants it. */
function write(path: string, text: string): Answer {
  try {
    writeFileSync(path, text, { flag: 'r+' });
    return 'ok';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'EIO';
  }
}

/** Sets what sysfs has no file for: the driver's own attributes by rtnetlink. */
function setAttributes(host: RealHost, name: string, info: LinkInfo): Answer {
  const { netlink } = host.place;
  try {
    const { ifindex } = requireLink(netlink, name);
    netlink.request({ type: RTM_NEWLINK, flags: 0, payload: emitLink(linkWith({ ifindex, info })) }, name);
    return 'ok';
  } catch (error) {
    if (error instanceof SystemError) return error.code;
    throw error;
  }
}

/** Something of a member, `NAME:NUMBER`, that sysfs has no file for. */
function setOfMember(host: RealHost, option: 'prio' | 'actor_port_prio', value: string): Answer {
  const [name = '', number = ''] = value.split(':');
  const attribute =
    option === 'prio'
      ? u32Attribute(IFLA_BOND_SLAVE_PRIO, Number(number) >>> 0)
      : u16Attribute(IFLA_BOND_SLAVE_ACTOR_PORT_PRIO, Number(number));
  return setAttributes(host, name, { slaveKind: 'bond', slaveData: [attribute] });
}

/** IPv6 targets, by commas. */
function setNsTargets(host: RealHost, bond: string, value: string): Answer {
  const targets = value.split(',').map(text => parseIpv6(text));
  if (targets.some(target => !target.ok)) return 'EINVAL';
  const list = targets.map((target, at) => bytesAttribute(at, target.ok ? target.value : new Uint8Array()));
  return setAttributes(host, bond, { kind: 'bond', data: [nestedAttribute(IFLA_BOND_NS_IP6_TARGET, list)] });
}

function must(what: string, answer: Answer): void {
  if (answer !== 'ok') throw new Error(`The driver refused ${what}: ${answer}`);
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
    if (name === 'prio' || name === 'actor_port_prio') return setOfMember(host, name, value);
    if (name === 'ns_ip6_target') return setNsTargets(host, bond, value);
    const file = `${net}/${bond}/bonding/${option === 'num_unsol_na' ? option : name}`;
    if (!existsSync(file)) return 'EINVAL';
    // The file takes one target at a time, with its sign.
    const lines =
      name === 'arp_ip_target' ? value.split(',').map(each => each.replace(/^(?=\d)/, '+')) : [value];
    return lines.map(each => write(file, `${each}\n`)).find(answer => answer !== 'ok') ?? 'ok';
  }

  return {
    create(spec: BondSpec, beforeUp: () => void) {
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
      beforeUp();
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
    memberState(_, member) {
      const path = `${net}/${member}/bonding_slave/state`;
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
