// What the operations of a daemon work with, for tests of those without a daemon: interfaces of a namespace that ends with the test, and
// one bond on a host made by hand, of which the kernel knows nothing. Whoever uses it needs root.
import { pino } from 'pino';
import type { Refusal } from '../../src/base/index.js';
import type { BondRunner } from '../../src/daemon/bond-runner.js';
import type { Machine } from '../../src/daemon/kernel/machine.js';
import { memberLinkOf } from '../../src/daemon/kernel/link-facts.js';
import { AwaitedMembers } from '../../src/daemon/members/awaited-members.js';
import { Operations } from '../../src/daemon/operations.js';
import { Registry } from '../../src/daemon/registry.js';
import type { BondKeeper } from '../../src/keeper/index.js';
import { createVeth, Ethtool, requireLink, type Rtnetlink } from '../../src/linux/index.js';
import { inScratchNetns } from '../../src/linux/testing.js';
import type { BondEvent } from '../../src/policy/index.js';
import { HandmadeHost, newBond } from './handmade-host.js';

/** Interfaces that a test has, each with another end of its own. */
const ETHERNETS = ['bweth1', 'bweth2', 'bweth3'] as const;

export class HandmadeDaemon {
  readonly netlink: Rtnetlink;
  readonly host: HandmadeHost = new HandmadeHost();
  readonly keeper: BondKeeper<HandmadeHost>;
  readonly runner: BondRunner;
  readonly operations: Operations;
  readonly awaited: AwaitedMembers;
  readonly told: (BondEvent & { readonly bond: string })[] = [];
  /** Bonds that were written down, in order. */
  readonly saved: object[] = [];
  /** The machine's milliseconds. */
  nowMs = 0;
  readonly #ethtool: Ethtool = Ethtool.open();

  constructor(netlink: Rtnetlink) {
    this.netlink = netlink;
    this.host.interfaces.clear();
    this.keeper = newBond(this.host);
    // Which modes there are is asked of the kind; nothing else is of a data plane.
    Object.assign(this.host.packets, { kind: 'ebpf' });
    this.runner = this.keeper as unknown as BondRunner;
    const registry = new Registry();
    registry.add(this.runner);
    const machine = this.#machine();
    this.operations = new Operations(machine, registry);
    this.awaited = new AwaitedMembers(machine, registry, this.operations);
    for (const name of ETHERNETS) this.plug(name);
  }

  /** An interface appears. */
  plug(name: string): number {
    createVeth(this.netlink, { name, peerName: `${name}-p` });
    const link = requireLink(this.netlink, name);
    this.host.interfaces.set(link.ifindex, memberLinkOf(this.#ethtool, link));
    return link.ifindex;
  }

  index(name: string): number {
    return requireLink(this.netlink, name).ifindex;
  }

  members(): readonly string[] {
    return this.keeper.policy.members().map(({ name }) => name);
  }

  close(): void {
    this.awaited.close();
    this.#ethtool.close();
  }

  #machine(): Machine {
    return {
      runDir: '/nowhere',
      netlink: this.netlink,
      ethtool: this.#ethtool,
      planes: undefined as never,
      journal: {
        add: (bond: string, event: BondEvent) => void this.told.push({ ...event, bond }),
      } as unknown as Machine['journal'],
      log: pino({ level: 'silent' }),
      now: () => this.nowMs,
      save: changed => void this.saved.push(changed),
      saveSoon: changed => void this.saved.push(changed),
      note: (changed): Refusal | undefined => {
        this.saved.push(changed);
        return undefined;
      },
      hold: () => () => {},
    };
  }
}

/** Runs a test in a namespace with such a daemon. */
export function withHandmadeDaemon(work: (daemon: HandmadeDaemon) => void): void {
  inScratchNetns(netlink => {
    const daemon = new HandmadeDaemon(netlink);
    try {
      work(daemon);
    } finally {
      daemon.close();
    }
  });
}
