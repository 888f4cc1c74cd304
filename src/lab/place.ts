// One named namespace of a lab, with rtnetlink in it.
import { closeSync } from 'node:fs';
import { createNamedNetns, deleteNamedNetns, openNetns, Rtnetlink, withNetns } from '../linux/index.js';
import type { CableEnd } from './cable.js';

/** A namespace that is ours, known to `ip netns` by its name. */
export class Place {
  readonly name: string;
  /** Open as long as the place is. */
  readonly netlink: Rtnetlink;
  readonly #netnsFd: number;

  private constructor(name: string, netnsFd: number) {
    this.name = name;
    this.#netnsFd = netnsFd;
    this.netlink = withNetns(netnsFd, () => Rtnetlink.open());
  }

  /** Makes the namespace; EEXIST when there is one of this name. */
  static create(name: string): Place {
    createNamedNetns(name);
    try {
      return new Place(name, openNetns(name));
    } catch (error) {
      deleteNamedNetns(name);
      throw error;
    }
  }

  /** Calls `work`, which may not wait for anything, with the thread in the namespace. */
  inside<T>(work: () => T): T {
    return withNetns(this.#netnsFd, work);
  }

  /** The end of a cable here. */
  end(name: string, ifindex: number): CableEnd {
    return { netlink: this.netlink, netnsFd: this.#netnsFd, name, ifindex };
  }

  /** Takes the name away; the namespace goes with the last process in it. */
  remove(): void {
    this.netlink.close();
    closeSync(this.#netnsFd);
    deleteNamedNetns(this.name);
  }
}
