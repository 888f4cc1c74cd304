// What the daemon does at each address of the control API: the rows of addresses.ts with the shape of the body and the deed.
import type { z } from 'zod';
import { ok, type Refusal, type Result } from '../../base/index.js';
import type { BondRunner } from '../bond-runner.js';
import type { Journal } from '../keeping/journal.js';
import type { Turns } from '../kernel/turns.js';
import type { Done } from '../operations.js';
import type { UplinkService } from '../uplink/uplink-service.js';
import type { Starting } from '../starting.js';
import type { TextView } from '../views/views.js';
import {
  ADDRESSES,
  type AddressesOfAll,
  type AddressesOfBonds,
  type Method,
  partsOf,
  type Row,
} from './addresses.js';
import type { Unmade } from '../apply/applying.js';
import type {
  ConfigRequest,
  Configured,
  DaemonStatus,
  DescribedDocument,
  DescribedRequest,
  EnslaveRequest,
  LinkRequest,
  MembersDocument,
  RouteRequest,
  ShowDocument,
} from './api.js';
import {
  addressesBody,
  check,
  configBody,
  createBody,
  describedBody,
  emptyBody,
  enslaveBody,
  linkBody,
  releaseBody,
  routesBody,
  setBody,
} from './request-bodies.js';
import { drillBody, uplinkBody, wishBody } from './uplink-bodies.js';

/** What the API needs of the daemon. */
export interface ControlledDaemon {
  readonly journal: Journal;
  /** Changes are made one after another. */
  readonly turns: Turns;
  status(): DaemonStatus;
  /** Set while it makes what it was started for. */
  starting(): Starting | undefined;
  show(name?: string): Result<ShowDocument, Refusal>;
  members(runner: BondRunner): MembersDocument;
  text(runner: BondRunner, view: TextView): string;
  find(name: string): Result<BondRunner, Refusal>;
  create(name: string, options: Readonly<Record<string, string>>): Done;
  destroy(runner: BondRunner): Promise<Done>;
  enslave(runner: BondRunner, request: Required<EnslaveRequest>): Done;
  release(runner: BondRunner, names: readonly string[]): Done;
  set(runner: BondRunner, options: Readonly<Record<string, string>>): Done;
  up(runner: BondRunner): Done;
  addAddresses(runner: BondRunner, addresses: readonly string[]): Done;
  setLink(runner: BondRunner, wish: LinkRequest): Done;
  addRoutes(runner: BondRunner, routes: readonly RouteRequest[]): Done;
  readonly uplink: UplinkService;
  describe(runner: BondRunner, request: DescribedRequest): Result<readonly string[], Refusal>;
  described(runner: BondRunner): DescribedDocument;
  configure(request: Required<ConfigRequest>): Promise<Result<Configured, Unmade>>;
}

/** What a change gives: what it removed, where it tells. */
export type Outcome = Result<readonly string[] | undefined, Refusal>;

/** A change whose body was found right, still to be made. */
export type Wish = Result<() => Outcome | Promise<Outcome>, Refusal>;

/** The same for what may take long. */
export type WorkWish = Result<() => Promise<Result<unknown, Unmade>>, Refusal>;

/**
 * The deed of one address. `bond` is the one that the path names; those whose path names none are given none. `look` answers with JSON,
 * `change` with a Changed, `work` with JSON when all is done, which may take long; `stream` writes its answer as long as there is something to tell.
 */
export type Deed<Bond> =
  | {
      readonly kind: 'look';
      readonly run: (daemon: ControlledDaemon, bond: Bond) => Result<unknown, Refusal>;
    }
  | { readonly kind: 'text'; readonly run: (daemon: ControlledDaemon, bond: Bond) => string }
  | {
      readonly kind: 'change';
      readonly wish: (daemon: ControlledDaemon, bond: Bond, body: unknown) => Wish;
      /** It takes turns of the event loop, or ends a bond's members: only events of its bond, as far as they are no matter of course, are warnings of it. */
      readonly isOfOneBond?: boolean;
    }
  | { readonly kind: 'work'; readonly wish: (daemon: ControlledDaemon, body: unknown) => WorkWish }
  | { readonly kind: 'stream' };

const look = <Bond>(run: (daemon: ControlledDaemon, bond: Bond) => Result<unknown, Refusal>): Deed<Bond> => ({
  kind: 'look',
  run,
});
const text = (view: TextView): Deed<BondRunner> => ({
  kind: 'text',
  run: (daemon, bond) => daemon.text(bond, view),
});

/** A change whose body is of this shape. */
function change<Bond, Body>(
  body: z.ZodType<Body>,
  run: (daemon: ControlledDaemon, bond: Bond, body: Body) => Outcome | Promise<Outcome>,
): Extract<Deed<Bond>, { kind: 'change' }> {
  const wish = (daemon: ControlledDaemon, bond: Bond, given: unknown): Wish => {
    const checked = check(body, given);
    return checked.ok ? ok(() => run(daemon, bond, checked.value)) : checked;
  };
  return { kind: 'change', wish };
}

/** Every address has one: the compiler misses what is not here. */
const OF_ALL: { readonly [Name in keyof AddressesOfAll]: Deed<undefined> } = {
  status: look(daemon => ok(daemon.status())),
  show: look(daemon => daemon.show()),
  create: change(createBody, (daemon, _none, { name, options }) => daemon.create(name, options)),
  configure: {
    kind: 'work',
    wish: (daemon, body) => {
      const checked = check(configBody, body);
      return checked.ok ? ok(() => daemon.configure(checked.value)) : checked;
    },
  },
  uplink: look(daemon => ok({ uplink: daemon.uplink.show(), settings: daemon.uplink.settings() })),
  configureUplink: change(uplinkBody, (daemon, _none, settings) => daemon.uplink.configure(settings)),
  removeUplink: { kind: 'change', wish: daemon => ok(() => daemon.uplink.remove()) },
  wishUplink: change(wishBody, (daemon, _none, wish) => daemon.uplink.wish(wish)),
  drillUplink: change(drillBody, (daemon, _none, drill) => daemon.uplink.drill(drill)),
  explainUplink: look(daemon => {
    const reasons = daemon.uplink.explain();
    return reasons.ok ? ok({ reasons: reasons.value }) : reasons;
  }),
  events: { kind: 'stream' },
};

const OF_BONDS: { readonly [Name in keyof AddressesOfBonds]: Deed<BondRunner> } = {
  showBond: look((daemon, bond) => daemon.show(bond.name)),
  destroy: { kind: 'change', wish: (daemon, bond) => ok(() => daemon.destroy(bond)), isOfOneBond: true },
  proc: text('proc'),
  info: text('info'),
  ifconfig: text('ifconfig'),
  sysfs: text('sysfs'),
  members: look((daemon, bond) => ok(daemon.members(bond))),
  enslave: change(enslaveBody, (daemon, bond, request) => daemon.enslave(bond, request)),
  release: {
    ...change(releaseBody, (daemon, bond: BondRunner, { interfaces }) => daemon.release(bond, interfaces)),
    isOfOneBond: true,
  },
  set: change(setBody, (daemon, bond, { options }) => daemon.set(bond, options)),
  up: change(emptyBody.prefault({}), (daemon, bond) => daemon.up(bond)),
  addAddresses: change(addressesBody, (daemon, bond, { addresses }) => daemon.addAddresses(bond, addresses)),
  link: change(linkBody, (daemon, bond, wish) => daemon.setLink(bond, wish)),
  addRoutes: change(routesBody, (daemon, bond, { routes }) => daemon.addRoutes(bond, routes)),
  described: look((daemon, bond) => ok(daemon.described(bond))),
  describe: change(describedBody, (daemon, bond, request) => daemon.describe(bond, request)),
};

/** A row of the table with its deed. */
export interface Route<Bond> {
  readonly method: Method;
  readonly parts: readonly string[];
  readonly deed: Deed<Bond>;
}

function routes<Bond>(deeds: Readonly<Record<string, Deed<Bond>>>): readonly Route<Bond>[] {
  return Object.entries<Row<unknown>>({ ...ADDRESSES }).flatMap(([name, { method, path }]) => {
    const deed = deeds[name];
    return deed === undefined ? [] : [{ method, parts: partsOf(path), deed }];
  });
}

/** Those whose path names no bond, and those whose path does, as its third part. */
export const ROUTES_OF_ALL: readonly Route<undefined>[] = routes(OF_ALL);
export const ROUTES_OF_BONDS: readonly Route<BondRunner>[] = routes(OF_BONDS);
const BOND_AT = 2;

/** More parts than any address has lead nowhere. */
export const MOST_PARTS: number = Math.max(
  ...[...ROUTES_OF_ALL, ...ROUTES_OF_BONDS].map(({ parts }) => parts.length),
);

/** A whole configuration may be long; no single change needs as much. */
const MOST_BYTES = { work: 4 * 1024 * 1024, others: 256 * 1024 } as const;

/** Greatest length of the body of a request. */
export function mostBytesAt(method: string, path: readonly string[]): number {
  const route = routesAt(ROUTES_OF_ALL, path).find(other => other.method === method);
  return route?.deed.kind === 'work' ? MOST_BYTES.work : MOST_BYTES.others;
}

/** The name of the bond, where the path is that of one or of a part of one. */
export function bondOf(path: readonly string[]): string | undefined {
  return path[1] === 'bonds' ? path[BOND_AT] : undefined;
}

/** The rows of a path, each with a method of its own; none where the path leads nowhere. */
export function routesAt<Bond>(
  routes: readonly Route<Bond>[],
  path: readonly string[],
): readonly Route<Bond>[] {
  return routes.filter(
    ({ parts }) =>
      parts.length === path.length && parts.every((part, at) => part === 'BOND' || part === path[at]),
  );
}
