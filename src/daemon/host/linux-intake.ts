// What members let in, by Linux: lists of addresses and modes (filter-follower), and VLANs (vlan-follower).
import { doAll } from '../../dataplane/index.js';
import type { Intake } from '../../keeper/index.js';
import type { ForwardingPlan, MemberIndex } from '../../policy/index.js';
import type { FilterFollower } from '../kernel/filter-follower.js';
import type { VlanFollower } from '../kernel/vlan-follower.js';
import type { LinuxLinks } from './linux-links.js';

export class LinuxIntake implements Intake {
  readonly #filters: FilterFollower;
  readonly #vlans: VlanFollower;
  readonly #links: LinuxLinks;

  constructor(filters: FilterFollower, vlans: VlanFollower, links: LinuxLinks) {
    this.#filters = filters;
    this.#vlans = vlans;
    this.#links = links;
  }

  planned(plan: ForwardingPlan): void {
    this.#filters.planned(plan);
  }

  follow(): void {
    this.#filters.follow();
  }

  sync(): void {
    this.#filters.sync();
  }

  addressTaken(member: MemberIndex, isRefused: boolean): void {
    this.#filters.receiveAll(member, 'address', isRefused);
  }

  joins(member: MemberIndex): void {
    this.#vlans.joins(member);
  }

  joined(): void {
    this.#filters.joined();
    this.#vlans.sync();
  }

  told(ifindex: number): void {
    const link = this.#links.lastRead(ifindex);
    if (link !== undefined) this.#vlans.told(link);
  }

  stackChanged(): void {
    this.#vlans.changed();
  }

  release(member: MemberIndex): void {
    this.#links.forget(member);
    doAll([() => this.#filters.release(member), () => this.#vlans.release(member)]);
  }

  close(): void {
    this.#filters.close();
    this.#vlans.close();
  }
}
