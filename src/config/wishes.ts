// Bonds as `bondwire.yaml` describes them: the result of every import, and what is applied. Values only. (config)

export interface RouteWish {
  /** `default` or a CIDR. */
  readonly to: string;
  /** The gateway. */
  readonly via: string;
  /** The gateway is taken for a neighbour, whatever the addresses of the bond. */
  readonly onLink?: boolean;
}

export interface MemberWish {
  readonly name: string;
  /** Options of this member (`prio`, `queue_id`, `actor_port_prio`) as text. */
  readonly options: Readonly<Record<string, string>>;
}

export interface BondWish {
  readonly name: string;
  /** The driver's names, values as text. */
  readonly options: Readonly<Record<string, string>>;
  /** In order of joining. */
  readonly members: readonly MemberWish[];
  /** An interface that is up is taken down to join. */
  readonly takeDown: boolean;
  /** CIDR texts. */
  readonly addresses: readonly string[];
  readonly routes: readonly RouteWish[];
  readonly mtu: number | null;
  /** MAC address of the bond; null: that of its first member. */
  readonly mac: string | null;
  readonly up: boolean;
}

/** A bond of which nothing is known but its name. */
export function emptyWish(name: string): BondWish {
  return {
    name,
    options: {},
    members: [],
    takeDown: false,
    addresses: [],
    routes: [],
    mtu: null,
    mac: null,
    up: true,
  };
}
