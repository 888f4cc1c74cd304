// The addresses of the control API, one row each: server, client, documents and their checks go by this table. Bodies are checked by the
// daemon (routes.ts), answers by whoever asked (answers.ts). Loads nothing: commands that must be quick read it.
import {
  isChanged,
  isConfigured,
  isDaemonStatus,
  isDescribedDocument,
  isEventRecord,
  isMembersDocument,
  isReasons,
  isSaidShow,
  isUplinkDocument,
  parseJson,
  type SaidShow,
} from './answers.js';
import type {
  AddressesRequest,
  Changed,
  ConfigRequest,
  Configured,
  CreateRequest,
  DaemonStatus,
  DescribedDocument,
  DescribedRequest,
  EnslaveRequest,
  EventRecord,
  LinkRequest,
  MembersDocument,
  ReleaseRequest,
  RoutesRequest,
  SetRequest,
} from './api.js';

import type { UplinkSettings } from '../../uplinks/index.js';
import type { UplinkDocument, UplinkDrill, UplinkReasons, UplinkWish } from './uplink-api.js';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH';

/** One address. */
export interface Row<Answer> {
  readonly method: Method;
  /** `BOND` stands for the name of one. */
  readonly path: string;
  /** The answer that a text is; undefined for one that is none. */
  readonly read: (text: string) => Answer | undefined;
}

/** A row with the type of the request's body, which the compiler alone knows; `undefined` where it has none. */
export interface Address<Body, Answer> extends Row<Answer> {
  /** Never there. */
  readonly body?: Body;
}

/** An address that changes something. */
type Change<Body> = Address<Body, Changed>;
type Look<Answer> = Address<undefined, Answer>;

/** Those whose path names no bond. */
export interface AddressesOfAll {
  readonly status: Look<DaemonStatus>;
  readonly show: Look<SaidShow>;
  readonly create: Change<CreateRequest>;
  readonly configure: Address<ConfigRequest, Configured>;
  readonly uplink: Look<UplinkDocument>;
  /** Makes the uplink, or makes it as described. */
  readonly configureUplink: Change<UplinkSettings>;
  readonly removeUplink: Change<undefined>;
  readonly wishUplink: Change<UplinkWish>;
  readonly drillUplink: Change<UplinkDrill>;
  readonly explainUplink: Look<UplinkReasons>;
  /** `?bond=BOND`, `after=SEQ`, `follow=1`: one EventRecord a line (application/x-ndjson). */
  readonly events: Look<EventRecord>;
}

/** Those whose path names one. */
export interface AddressesOfBonds {
  readonly showBond: Look<SaidShow>;
  readonly destroy: Change<undefined>;
  /** As `/proc/net/bonding/BOND`. */
  readonly proc: Look<string>;
  /** As `/proc/net/BOND/info` of 2003. */
  readonly info: Look<string>;
  readonly ifconfig: Look<string>;
  /** The driver's files below /sys, a line for each. */
  readonly sysfs: Look<string>;
  readonly members: Look<MembersDocument>;
  readonly enslave: Change<EnslaveRequest>;
  readonly release: Change<ReleaseRequest>;
  readonly set: Change<SetRequest>;
  /** As `ip link set BOND up`. */
  readonly up: Change<object>;
  readonly addAddresses: Change<AddressesRequest>;
  /** As `ip link set BOND mtu ... address ...`. */
  readonly link: Change<LinkRequest>;
  readonly addRoutes: Change<RoutesRequest>;
  readonly described: Look<DescribedDocument>;
  readonly describe: Change<DescribedRequest>;
}

/** Answers with JSON. */
function json<Answer>(
  method: Method,
  path: string,
  isAnswer: (value: unknown) => value is Answer,
): Row<Answer> {
  const read = (answer: string): Answer | undefined => {
    const value = parseJson(answer);
    return isAnswer(value) ? value : undefined;
  };
  return { method, path, read };
}

/** Answers with text for people. */
function text(path: string): Row<string> {
  return { method: 'GET', path, read: answer => answer };
}

/** All that there is. */
export const ADDRESSES: AddressesOfAll & AddressesOfBonds = {
  status: json('GET', '/v1/status', isDaemonStatus),
  show: json('GET', '/v1/bonds', isSaidShow),
  create: json('POST', '/v1/bonds', isChanged),
  configure: json('PUT', '/v1/config', isConfigured),
  uplink: json('GET', '/v1/uplink', isUplinkDocument),
  configureUplink: json('PUT', '/v1/uplink', isChanged),
  removeUplink: json('DELETE', '/v1/uplink', isChanged),
  wishUplink: json('POST', '/v1/uplink/wishes', isChanged),
  drillUplink: json('POST', '/v1/uplink/drills', isChanged),
  explainUplink: json('GET', '/v1/uplink/reasons', isReasons),
  showBond: json('GET', '/v1/bonds/BOND', isSaidShow),
  destroy: json('DELETE', '/v1/bonds/BOND', isChanged),
  proc: text('/v1/bonds/BOND/proc'),
  info: text('/v1/bonds/BOND/info'),
  ifconfig: text('/v1/bonds/BOND/ifconfig'),
  sysfs: text('/v1/bonds/BOND/sysfs'),
  members: json('GET', '/v1/bonds/BOND/members', isMembersDocument),
  enslave: json('POST', '/v1/bonds/BOND/members', isChanged),
  release: json('DELETE', '/v1/bonds/BOND/members', isChanged),
  set: json('PATCH', '/v1/bonds/BOND/options', isChanged),
  up: json('POST', '/v1/bonds/BOND/up', isChanged),
  addAddresses: json('POST', '/v1/bonds/BOND/addresses', isChanged),
  link: json('PATCH', '/v1/bonds/BOND/link', isChanged),
  addRoutes: json('POST', '/v1/bonds/BOND/routes', isChanged),
  described: json('GET', '/v1/bonds/BOND/described', isDescribedDocument),
  describe: json('PUT', '/v1/bonds/BOND/described', isChanged),
  events: json('GET', '/v1/events', isEventRecord),
};

/** The parts of a path. */
export function partsOf(path: string): readonly string[] {
  return path.split('/').filter(part => part !== '');
}

/** A path for one bond. */
export function pathFor(path: string, bond: string): string {
  return path.replace('BOND', () => encodeURIComponent(bond));
}
