// What state.json must look like, field by field, before a daemon changes interfaces by it. Fields that a later version added are let be.
import { z } from 'zod';
import { err, ok, type Result, shown } from '../../base/index.js';
import { ADDR_GEN_MODES, parseAddress, parseRoute } from '../../netlink/index.js';
import {
  CLIENT_PLACES,
  MODE_NAMES,
  NUMBER_OPTIONS,
  type SavedBond,
  SAVED_BOND_VERSION,
  type StackedDevice,
} from '../../policy/index.js';
import { IFCONFIG_COUNTERS, type IfconfigCounters } from '../../report/index.js';
import type { Described, RouteRequest } from '../api/api.js';
import { isCidr } from '../api/cidr.js';
import type { StepOf } from '../apply/steps.js';
import type {
  Leaving,
  OriginalSettings,
  SavedBelongings,
  SavedMember,
  WantedMember,
} from '../../keeper/index.js';
import { address, alike, count, fields, flag, ifindex, text, time } from './schema-parts.js';
import { silence } from './silence-schema.js';
import { isLowerEndName } from './places.js';
import type { SavedRunner, SavedState } from './state-file.js';

/** More of what is wrong is not told. */
const MOST_PROBLEMS = 3;

const mtu = z.int().min(0).max(0x7fff_ffff);
const texts = z.array(text);
const counters = fields<IfconfigCounters>(alike(IFCONFIG_COUNTERS, z.number().min(0)));

/** It becomes part of paths below /proc/sys; what an interface may be called otherwise is the kernel's affair. */
const interfaceName = text.refine(
  name => name !== '' && name !== '.' && name !== '..' && name.length <= 127 && !/[/\0]/.test(name),
  'it must be the name of an interface',
);

const original = fields<OriginalSettings>({
  ifindex,
  name: interfaceName,
  address,
  mtu,
  up: flag,
  promiscuous: flag,
  allMulticast: flag,
  disableIpv6: text.regex(/^\d{1,3}$/, 'it must be a number as text').nullable(),
  addrGenMode: z.enum(ADDR_GEN_MODES).nullable(),
  largeReceive: flag.optional(),
});

const member = fields<SavedMember>({
  original,
  joining: flag,
  leaving: fields<Leaving>({ restoreAddress: flag }).optional(),
  took: flag.optional(),
  forget: flag.optional(),
  counted: counters.optional(),
  refusesAddress: flag.optional(),
});

/** Messages of the kernel in hexadecimal. */
function messages(parse: (bytes: Uint8Array) => Result<unknown, unknown>): z.ZodType {
  const isMessage = (hex: string): boolean =>
    /^(?:[0-9a-f]{2})+$/.test(hex) && parse(Buffer.from(hex, 'hex')).ok;
  return z.array(text.refine(isMessage, "it must be a message of the kernel's"));
}

const belongings = fields<SavedBelongings>({
  ifindex,
  name: interfaceName,
  addresses: messages(parseAddress),
  routes: messages(parseRoute),
  sourced: messages(parseRoute).optional(),
  returning: flag.optional(),
});

const wanted = fields<WantedMember>({
  name: interfaceName,
  ifindex: ifindex.optional(),
  takeDown: flag,
  takeAddresses: flag,
  options: z.record(text, text),
});

const routes = z.array(fields<RouteRequest>({ to: text, via: text, onLink: flag.optional() }));
const described = fields<Described>({
  addresses: z.array(text),
  routes,
  members: z.array(text),
  options: z.array(text),
});

type PolicyState = SavedBond['state'];
type PolicyMember = PolicyState['members'][number];

const vlanTag = fields<{ tpid: number; tci: number }>({ tpid: count, tci: count });

const policyMember = fields<PolicyMember>({
  member: ifindex,
  name: interfaceName,
  address,
  staleAddresses: z.array(address),
  mtu,
  staleMtus: z.array(mtu),
  permanentAddress: address,
  canSetAddress: flag,
  adminUp: flag,
  carrier: flag,
  speedMbps: z.number().nullable(),
  duplex: z.enum(['full', 'half']).nullable(),
  state: z.enum(['active', 'backup']),
  inactive: flag,
  link: z.enum(['up', 'fail', 'down', 'back']),
  delayTicks: z.number(),
  linkFailureCount: count,
  prio: z.int(),
  queueId: count,
  actorPortPrio: count,
  settling: flag,
  arp: fields<PolicyMember['arp']>({ txMs: time, rxMs: time, targetRxMs: z.array(time), linkUpMs: time }),
  watch: fields<PolicyMember['watch']>({
    answeredMs: time,
    askedMs: time,
    heardMs: time,
    suspectMs: time.nullable(),
    silent: flag,
  }),
  speedless: flag,
});

const stackedDevice = fields<StackedDevice>({
  ifindex,
  name: interfaceName,
  address,
  adminUp: flag,
  ipv4: texts,
  ipv6: texts,
  forwarding: flag,
  ipv4Groups: texts,
  igmpVersion: z.literal([1, 2, 3]),
  ipv6Groups: texts,
  mldVersion: z.literal([1, 2]),
  taught: fields<NonNullable<StackedDevice['taught']>>({
    kind: z.enum(['vlan', 'macvlan']),
    tag: vlanTag.nullable(),
  }).optional(),
  isBridge: flag.optional(),
});

const due = time.nullable();

type Lacp = NonNullable<PolicyState['lacp']>;
type Port = Lacp['ports'][number];
type Alb = NonNullable<PolicyState['alb']>;

const lacpEnd = fields<Port['actor']>({
  systemPriority: count,
  system: address,
  key: count,
  portPriority: count,
  port: count,
  state: count,
});
const churn = z.enum(['monitoring', 'churned', 'none']);

const port = fields<Port>({
  member: ifindex,
  userKey: count,
  actor: lacpEnd,
  partner: lacpEnd,
  ...alike(
    [
      'enabled',
      'wasUp',
      'lacpEnabled',
      'begin',
      'selected',
      'readyN',
      'ready',
      'churnBegins',
      'ntt',
      'reflected',
    ],
    flag,
  ),
  receive: z.enum(['port-disabled', 'lacp-disabled', 'expired', 'defaulted', 'current']),
  periodic: z.enum(['no', 'fast', 'slow', 'tx']),
  mux: z.enum([
    'none',
    'detached',
    'waiting',
    'attached',
    'collecting',
    'distributing',
    'collecting-distributing',
  ]),
  actorChurn: churn,
  partnerChurn: churn,
  ...alike(['actorChurned', 'partnerChurned', 'unseen'], count),
  counters: fields<Port['counters']>(
    alike(['receive', 'periodic', 'wait', 'actorChurn', 'partnerChurn', 'transmit'], count),
  ),
  uses: ifindex.nullable(),
  own: fields<Port['own']>({
    id: count,
    owner: ifindex,
    active: flag,
    individual: flag,
    actorKey: count,
    partnerSystem: address,
    partnerSystemPriority: count,
    partnerKey: count,
    ports: z.array(ifindex),
  }),
  counts: z.record(text, count),
  markersUntilMs: time,
  told: text.nullable(),
});

const lacp = fields<Lacp>({
  system: address,
  systemPriority: count,
  aggregators: count,
  selectTicks: count,
  ports: z.array(port),
  idleTicks: count,
});

const alb = fields<Alb>({
  clients: z.array(
    fields<Alb['clients'][number]>({
      place: count.max(CLIENT_PLACES - 1),
      ourIp: z.ipv4(),
      ip: z.ipv4(),
      ourMac: address,
      mac: address,
      member: ifindex.nullable(),
      tci: count,
      mustTell: flag,
    }),
  ),
  lastGiven: ifindex.nullable(),
  mustTell: flag,
  delayTicks: count,
  retries: count,
  mustDeal: flag,
  learnTicks: count,
  promiscuousTicks: count.nullable(),
  isUrgent: flag,
  idleTicks: count,
});

const policyState = fields<PolicyState>({
  name: interfaceName,
  address,
  staleAddresses: z.array(address),
  addressIsRandom: flag,
  awaitsRandomAddress: flag,
  mtu,
  adminUp: flag,
  carrier: flag,
  promiscuous: flag,
  allMulticast: flag,
  numbers: fields<PolicyState['numbers']>({
    // One that a later version added is missing in what an earlier one wrote: `Bond.restore` gives it its default.
    ...alike(NUMBER_OPTIONS, z.number().optional()),
    mode: z
      .int()
      .min(0)
      .max(MODE_NAMES.length - 1),
  }),
  arpTargets: texts,
  nsTargets: texts,
  adActorSystem: address,
  primary: text.nullable(),
  forcePrimary: flag,
  active: ifindex.nullable(),
  usable: z.array(ifindex).nullable(),
  probing: ifindex.nullable(),
  routes: z.array(
    z.discriminatedUnion('path', [
      z.looseObject({
        target: text,
        path: z.literal('bond'),
        sender: text.nullable(),
        vlans: z.array(vlanTag),
      }),
      z.looseObject({ target: text, path: z.enum(['none', 'elsewhere']) }),
    ]),
  ),
  members: z.array(policyMember),
  stack: z.array(stackedDevice),
  peerNotifLeft: count,
  igmpLeft: count,
  // A version that knew no LACP, or no clients, wrote nothing of it.
  timers: fields<PolicyState['timers']>({
    mii: due,
    igmp: due,
    arp: due,
    lacp: due.optional(),
    alb: due.optional(),
    silence: due.optional(),
    learning: due,
  }),
  lacp: lacp.nullish(),
  alb: alb.nullish(),
  silence: silence.nullish(),
  rebalance: count,
  toldSenders: text,
  lastPlan: text.optional(),
});

/** Of another version of the policy only that is looked at: it is refused, or read by whoever knows it. */
const policy = z.looseObject({ version: z.int(), state: z.looseObject({}) }).superRefine((saved, context) => {
  if (saved.version !== SAVED_BOND_VERSION) return;
  for (const { path, message } of policyState.safeParse(saved.state).error?.issues ?? []) {
    context.addIssue({ code: 'custom', path: ['state', ...path], message });
  }
});

const runner = fields<SavedRunner>({
  name: interfaceName,
  bondIfindex: ifindex,
  lowerIfindex: ifindex,
  pins: text.refine(isLowerEndName, 'it must be "bwl-" and eight hexadecimal digits'),
  policy,
  ending: flag,
  members: z.array(member),
  taken: z.array(belongings),
  filters: z.array(z.tuple([ifindex, z.array(address)])),
  departed: counters.optional(),
  wanted: z.array(wanted).optional(),
  described: described.optional(),
  heldDown: z.array(ifindex).optional(),
});

/** Fields of the steps that undo. */
const STEPS: Readonly<Record<string, z.ZodRawShape>> = {
  destroy: {},
  'give-back': {
    had: fields<StepOf<'give-back'>['had']>({
      addresses: messages(parseAddress),
      routes: messages(parseRoute),
    }),
  },
  activate: { member: text },
  describe: { to: described, from: described },
  options: { to: z.record(text, text), from: z.record(text, text) },
  'member-option': { option: text, to: text, from: text.nullable() },
  link: { to: z.looseObject({ mtu: mtu.optional(), address: address.optional() }), from: z.looseObject({}) },
  down: {},
  unjoin: { members: z.array(interfaceName), isUp: flag },
  want: { wanted: z.array(wanted) },
  rejoin: {
    members: z.array(
      fields<StepOf<'rejoin'>['members'][number]>({
        name: interfaceName,
        forget: flag,
        options: z.record(text, text),
      }),
    ),
  },
  'add-addresses': { addresses: z.array(text.refine(isCidr)) },
  'remove-addresses': { addresses: z.array(text.refine(isCidr)) },
  'add-routes': { routes: routes, added: routes, eachAlone: flag },
  'remove-routes': { routes: routes },
};
const step = z.union(
  Object.entries(STEPS).map(([kind, shape]) =>
    z.looseObject({ kind: z.literal(kind), bond: interfaceName, ...shape }),
  ),
);

/** What the file begins with in every version. */
const head = z.looseObject({ version: z.int(), bootId: text, netns: text });

const state = fields<SavedState>({
  version: z.int(),
  bootId: text.min(1),
  netns: text.regex(/^\d+$/, 'it must be a number as text'),
  netnsCookie: text.regex(/^\d+$/, 'it must be a number as text').optional(),
  bonds: z.array(runner),
  applying: z.array(step).optional(),
});

/** Version, boot and namespace of a file of any version. */
export type StateHead = Omit<SavedState, 'bonds'>;

/**
 * The state that a file holds; of one of another version or boot, which is not to be carried on, its head; a clause for what is neither.
 * Any text gives an answer.
 */
export function parseState(
  text: string,
  ours: { readonly version: number; readonly bootId: string },
): Result<SavedState | StateHead, string> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return err(shown((error as Error).message, 120));
  }
  const found = head.safeParse(value);
  if (!found.success) return err(problemsOf(found.error));
  if (found.data.version !== ours.version || found.data.bootId !== ours.bootId) {
    const { version, bootId, netns } = found.data;
    return ok({ version, bootId, netns });
  }
  const parsed = state.safeParse(value);
  return parsed.success ? ok(parsed.data) : err(problemsOf(parsed.error));
}

/** What is wrong, field by field, as a clause. */
function problemsOf(error: z.ZodError): string {
  const { issues } = error;
  const told = issues.slice(0, MOST_PROBLEMS).map(({ path, message }) => {
    const where = path.length === 0 ? 'the whole' : `"${shown(path.map(String).join('.'), 80)}"`;
    const clause = message.replace(/, received .*$/, '').replace(/^Invalid input: expected /, 'expected ');
    return `${where}: ${shown(clause, 120)}`;
  });
  const more = issues.length - told.length;
  return `${told.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}
