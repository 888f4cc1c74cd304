// The shapes of the daemon's answers, checked before anything is made of them. Loads nothing: commands that must be quick read answers by it.
import type {
  Changed,
  Configured,
  ConfiguredBond,
  DaemonStatus,
  DescribedDocument,
  ErrorBody,
  EventRecord,
  MembersDocument,
  MemberDeafness,
  MemberSilence,
  RouteRequest,
  ShowBond,
  ShowDocument,
  ShowLacp,
  ShowLacpEnd,
  ShowLacpPort,
  ShowMember,
  ShowSlowCounts,
} from './api.js';
import type { UplinkDocument, UplinkReasons } from './uplink-api.js';

type Fields = Readonly<Record<string, unknown>>;
type Check = (value: unknown) => boolean;

const isText: Check = value => typeof value === 'string';
const isNumber: Check = value => typeof value === 'number';
const isTime: Check = value => typeof value === 'string' && !Number.isNaN(Date.parse(value));
const isFlag: Check = value => typeof value === 'boolean';
const orNull =
  (check: Check): Check =>
  value =>
    value === null || check(value);
const orAbsent =
  (check: Check): Check =>
  value =>
    value === undefined || check(value);
const listOf =
  (check: Check): Check =>
  value =>
    Array.isArray(value) && value.every(check);

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A check for exactly the fields named; others are let through, so that a newer daemon may say more. */
function fields<K extends PropertyKey>(checks: Readonly<Record<K, Check>>): Check {
  const list = Object.entries<Check>(checks);
  return value => isFields(value) && list.every(([name, check]) => check(value[name]));
}

const isCounters: Check = fields({ packets: isNumber, bytes: isNumber });

const isLacpEnd: Check = fields<keyof ShowLacpEnd>({
  systemPriority: isNumber,
  system: isText,
  key: isNumber,
  portPriority: isNumber,
  port: isNumber,
  state: isNumber,
});

const isLacpPort: Check = fields<keyof ShowLacpPort>({
  aggregator: orNull(isNumber),
  isInActive: isFlag,
  carries: isFlag,
  actor: isLacpEnd,
  partner: isLacpEnd,
  receive: isText,
  mux: isText,
  actorChurn: isText,
  partnerChurn: isText,
  actorChurnedCount: isNumber,
  partnerChurnedCount: isNumber,
  counts: fields<keyof ShowSlowCounts>({
    lacpduIn: isNumber,
    lacpduOut: isNumber,
    unknownIn: isNumber,
    illegalIn: isNumber,
    markerIn: isNumber,
    markerOut: isNumber,
    markerResponseIn: isNumber,
    markerResponseOut: isNumber,
    markerUnknownIn: isNumber,
  }),
  explanation: orNull(fields<'code' | 'text'>({ code: isText, text: isText })),
});

const isLacp: Check = fields<keyof ShowLacp>({
  system: isText,
  systemPriority: isNumber,
  active: orNull(
    fields<keyof NonNullable<ShowLacp['active']>>({
      id: isNumber,
      ports: isNumber,
      actorKey: isNumber,
      partnerKey: isNumber,
      partnerSystem: isText,
    }),
  ),
});

const isMember: Check = fields<keyof ShowMember>({
  name: isText,
  state: isText,
  miiStatus: isText,
  linkFailureCount: isNumber,
  permanentAddress: isText,
  address: isText,
  speedMbps: orNull(isNumber),
  duplex: orNull(isText),
  rx: isCounters,
  tx: isCounters,
  lastReceivedMs: orAbsent(orNull(isNumber)),
  silence: orAbsent(
    orNull(fields<keyof MemberSilence>({ sent: isNumber, forMs: isNumber, othersReceived: isNumber })),
  ),
  deafness: orAbsent(fields<keyof MemberDeafness>({ forMs: isNumber, activeReceived: isNumber })),
  lacp: orAbsent(isLacpPort),
});

const isBond: Check = fields<keyof ShowBond>({
  name: isText,
  mode: isText,
  dataPlane: isText,
  dataPlaneDetail: isText,
  lifetimeProblem: orAbsent(isText),
  inlineFailover: isFlag,
  adminUp: isFlag,
  carrier: isFlag,
  active: orNull(isText),
  activeSince: orAbsent(isTime),
  address: isText,
  mtu: isNumber,
  options: isFields,
  rx: isCounters,
  tx: isCounters,
  txDropped: isNumber,
  members: listOf(isMember),
  lacp: orAbsent(isLacp),
  awaited: orAbsent(listOf(isText)),
});

const showDocument: Check = fields<keyof ShowDocument>({
  bonds: listOf(isBond),
  starting: orAbsent(isText),
});
const membersDocument: Check = fields<keyof MembersDocument>({
  members: listOf(
    fields<keyof MembersDocument['members'][number]>({ name: isText, alternativeNames: listOf(isText) }),
  ),
});
const daemonStatus: Check = fields<keyof DaemonStatus>({
  pid: isNumber,
  version: isText,
  runDir: isText,
  bonds: listOf(isText),
  adopted: listOf(isText),
  supervised: isFlag,
  starting: orAbsent(isText),
});
const changed: Check = fields<keyof Changed>({
  done: isFlag,
  warnings: listOf(isText),
  removed: orAbsent(listOf(isText)),
});
const describedDocument: Check = fields<keyof DescribedDocument>({
  addresses: listOf(isText),
  routes: listOf(fields<keyof RouteRequest>({ to: isText, via: isText, onLink: orAbsent(isFlag) })),
  more: listOf(isText),
});
const configured: Check = fields<keyof Configured>({
  done: isFlag,
  bonds: listOf(
    fields<keyof ConfiguredBond>({
      name: isText,
      outcome: isText,
      warnings: listOf(isText),
      removed: listOf(isText),
      problem: orAbsent(isText),
      undone: listOf(isText),
    }),
  ),
});
const errorBody: Check = fields<keyof ErrorBody>({
  error: fields<keyof ErrorBody['error']>({
    code: isText,
    errno: isText,
    message: isText,
    undone: orAbsent(listOf(isText)),
  }),
});
const eventRecord: Check = fields<keyof EventRecord>({
  seq: isNumber,
  time: isTime,
  bond: isText,
  severity: isText,
  type: isText,
  message: isText,
  member: orAbsent(isText),
  from: orAbsent(orNull(isText)),
  to: orAbsent(orNull(isText)),
  reason: orAbsent(isText),
  outageMs: orAbsent(isNumber),
  lostPackets: orAbsent(isNumber),
  uplink: orAbsent(isText),
  line: orAbsent(isText),
  family: orAbsent(isText),
  state: orAbsent(isText),
  cause: orAbsent(isText),
  place: orAbsent(isText),
  noticedMs: orAbsent(isNumber),
  flowsMoved: orAbsent(isNumber),
  flowsEnded: orAbsent(isNumber),
});

/** What daemons before these fields do not say: the program is replaced before the daemon is started anew. */
type Later<T, K extends keyof T> = Omit<T, K> & Partial<Pick<T, K>>;
type SaidMember = Later<ShowMember, 'lastReceivedMs' | 'silence'>;
type SaidBond = Later<Omit<ShowBond, 'members'>, 'awaited'> & { readonly members: readonly SaidMember[] };
/** A ShowDocument as a daemon of any version says it; `completeShow()` makes it whole. */
export type SaidShow = Omit<ShowDocument, 'bonds'> & { readonly bonds: readonly SaidBond[] };

/** What is said of the uplink goes to people as it is. */
export function isUplinkDocument(value: unknown): value is UplinkDocument {
  return isFields(value) && ['uplink', 'settings'].every(key => value[key] === null || isFields(value[key]));
}

export const isReasons = fields({ reasons: listOf(isText) }) as (value: unknown) => value is UplinkReasons;

export function isSaidShow(value: unknown): value is SaidShow {
  return showDocument(value);
}

function membersOf({ members }: SaidBond): ShowMember[] {
  return members.map(member => {
    const { lastReceivedMs = null, silence = null } = member;
    return { ...member, lastReceivedMs, silence };
  });
}

/** What an older daemon does not look at is not known: nothing heard, nothing silent, nobody awaited. */
export function completeShow(said: SaidShow): ShowDocument {
  return {
    ...said,
    bonds: said.bonds.map(bond => ({ ...bond, members: membersOf(bond), awaited: bond.awaited ?? [] })),
  };
}

export function isMembersDocument(value: unknown): value is MembersDocument {
  return membersDocument(value);
}

export function isDaemonStatus(value: unknown): value is DaemonStatus {
  return daemonStatus(value);
}

export function isDescribedDocument(value: unknown): value is DescribedDocument {
  return describedDocument(value);
}

export function isChanged(value: unknown): value is Changed {
  return changed(value);
}

export function isConfigured(value: unknown): value is Configured {
  return configured(value);
}

export function isErrorBody(value: unknown): value is ErrorBody {
  return errorBody(value);
}

export function isEventRecord(value: unknown): value is EventRecord {
  return eventRecord(value);
}

/** The value of a JSON text, or undefined for a text that is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
