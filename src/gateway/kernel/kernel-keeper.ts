// Brings the kernel of a gateway to a plan, with the fewest changes, and keeps it there; an earlier process's work is taken over as it is.
import {
  addRoutes,
  addRules,
  closeFd,
  deleteRoutes,
  deleteRules,
  isErrno,
  knowsDscpRules,
  listRoutes,
  listRules,
  openOwnNetns,
  Rtnetlink,
  type SystemError,
  withNetns,
} from '../../linux/index.js';
import { type Route, type Rule, routeTable } from '../../netlink/index.js';
import {
  type Family,
  FAMILIES,
  HEARD_CHAIN,
  type KernelPlan,
  type PlannedRoute,
  type PlannedRule,
  PROTOCOL,
  ruleText,
} from '../../uplinks/index.js';
import { DeviceSettings, type NotedSetting } from './device-settings.js';
import { type Subject, watchKernel } from './kernel-watch.js';
import { kernelRefused } from './refusals.js';
import { interferenceText, Repairs, type Suspicions } from './repair.js';
import { AF, isOurTable, routeChanges, routeOf, toldRoute } from './route-changes.js';
import { TableKeeper } from './table-keeper.js';
import { type DscpBy, ruleChanges, ruleOf, toldRule } from './rule-changes.js';

/** What whoever opens a keeper is told. */
export interface KernelNews {
  /** All settings that are changed or about to be, with what they were: called before they are, so that a later process can put them back. */
  note(all: readonly NotedSetting[]): void;
}

/** What whoever has the kernel watched is told. */
export interface WatchNews {
  /** Somebody else changed something of ours, and it was put back; one sentence that names it. */
  interference(sentence: string): void;
  /** Putting it back failed. */
  failed(error: unknown): void;
}

/** What `apply()` did. */
export interface Applied {
  /** What was changed, each in a few words; nothing when all of it was there. */
  readonly changed: readonly string[];
  /** What cannot be yet or at all, a sentence each: routes whose device is down or whose address is gone, settings that are read-only. */
  readonly missing: readonly string[];
}

/** A route over a device that is down, an address that is not there (or is being checked for duplicates), a gateway that nobody has. */
const NOT_YET = ['ENETDOWN', 'ENETUNREACH', 'EHOSTUNREACH', 'EINVAL', 'ENODEV', 'EADDRNOTAVAIL'] as const;
const NOTHING: KernelPlan = { routes: [], rules: [], sysctls: [], table: null };
/** So often it is looked for what an exchange of rules left. */
const MOST_LOOKS = 4;
const NONE: Applied = { changed: [], missing: [] };
const ALL: ReadonlySet<Subject> = new Set(['rule', 'route', 'table', 'setting']);

/**
 * Holds the network namespace that the thread is in when it is opened. `noted` is what an earlier process noted last. Every method
 * throws KernelRefused where the kernel refuses what an uplink cannot do without.
 */
export class KernelKeeper {
  readonly #netns: number = openOwnNetns();
  readonly #netlink: Rtnetlink = Rtnetlink.open();
  readonly #table = new TableKeeper();
  readonly #settings: DeviceSettings;
  /** Tables that may have routes of ours; those of an earlier process are found by one look at all. */
  #tables: Set<string> | undefined;
  readonly #dscpBy = new Map<Family, DscpBy>();
  #plan: KernelPlan = NOTHING;
  #endWatch: (() => void) | undefined;

  constructor(news: KernelNews, noted: readonly NotedSetting[] = []) {
    this.#settings = new DeviceSettings(this.#netns, noted, all => news.note(all));
  }

  /**
   * New routes first, in the order of the plan, then settings, the nftables table and rules; what is not planned goes last, so that packets always
   * find a way. What differs from the plan before is sent before anything is looked at, as somebody waits for it.
   */
  apply(plan: KernelPlan): Applied {
    const before = new Set(this.#plan.routes.map(route => JSON.stringify(route)));
    const isFirst = before.size === 0;
    const quick = isFirst ? [] : plan.routes.filter(route => !before.has(JSON.stringify(route)));
    const { changed } = this.#putRoutes(quick);
    this.#plan = plan;
    const rest = this.#bring(plan, ALL);
    return { changed: [...changed, ...rest.changed], missing: rest.missing };
  }

  #bring(plan: KernelPlan, subjects: ReadonlySet<Subject>): Applied {
    const of = (subject: Subject, make: () => Applied): Applied => (subjects.has(subject) ? make() : NONE);
    let stale: readonly Route[] = [];
    let hasLeftovers = false;
    const routes = of('route', () => {
      const changes = routeChanges(this.#routesThere(plan.routes), plan.routes);
      ({ stale, hasLeftovers } = changes);
      return this.#putRoutes(changes.put);
    });
    // Not before: where routes are refused nothing is to be changed.
    const settings = of('setting', () => this.#applySettings(plan));
    const table = of('table', () => this.#table.apply(plan.table));
    const rules = of('rule', () => ({ changed: this.#applyRules(plan), missing: [] }));
    if (subjects.has('setting')) this.#lackingSettings = settings.missing;
    if (subjects.has('table')) this.#lackingTable = table.missing;
    const dropped = this.#dropRoutes(stale);
    const leftovers = hasLeftovers ? this.#dropLeftovers(plan) : [];
    const all = [routes, settings, table, rules];
    return {
      changed: [...all.flatMap(({ changed }) => changed), ...dropped, ...leftovers],
      missing: all.flatMap(({ missing }) => missing),
    };
  }

  #lackingSettings: readonly string[] = [];
  #lackingTable: readonly string[] = [];

  /** What cannot be had here at all, a sentence each: settings that are read-only, no nf_tables. Routes that wait for their device are none of it. */
  lacking(): readonly string[] {
    const lack = this.lackOfNftables();
    const dscp = [...this.#unsaid.values()].includes(true)
      ? [
          'Rules by DSCP above 7 need Linux 6.13 for IPv4; here they are left out, and such packets go as all others.',
        ]
      : [];
    const others = lack === undefined ? [] : [lack];
    return [...new Set([...dscp, ...this.#lackingSettings, ...this.#lackingTable, ...others])];
  }

  #applySettings(plan: KernelPlan): Applied {
    const { written, failed } = this.#settings.apply(plan.sysctls);
    return { changed: written, missing: failed };
  }

  /** Routes that stood beside the one that was exchanged. */
  #dropLeftovers(plan: KernelPlan): string[] {
    const { put, stale } = routeChanges(this.#routesThere(plan.routes), plan.routes);
    const dropped = this.#dropRoutes(stale);
    return [...dropped, ...this.#putRoutes(put).changed];
  }

  /**
   * From here on what somebody else changes is put back at once, and what the kernel drops by itself (routes of a link that went down)
   * as soon as it can be, until the keeper is closed or has removed everything. Throws SystemError.
   */
  watch(news: WatchNews): void {
    if (this.#endWatch !== undefined) return;
    const repairs = new Repairs(suspicions => this.#look(suspicions, repairs, news));
    const end = withNetns(this.#netns, () =>
      watchKernel({
        plan: () => this.#plan,
        ports: () => [this.#netlink.port, this.#table.port],
        doubt: doubt => repairs.doubt(doubt),
      }),
    );
    this.#endWatch = () => {
      end();
      repairs.close();
    };
    // What happened since the last apply().
    repairs.doubt({});
  }

  #look(suspicions: Suspicions, repairs: Repairs, news: WatchNews): void {
    try {
      const subjects = suspicions.isOfAll ? ALL : suspicions.subjects;
      // First, as ours takes the place of one of theirs at once.
      const { changed } = this.#bring(this.#plan, subjects);
      const strangers = this.#dropRoutes(suspicions.strangers.filter(route => this.#isInPlan(route)));
      const tookMs = performance.now() - suspicions.sinceMs;
      const all = [...changed, ...strangers];
      if (all.length > 0 && suspicions.subjects.size > 0) repairs.repaired();
      const sentence = interferenceText(all, suspicions, tookMs, repairs.isContended());
      if (sentence !== undefined && repairs.maySay()) news.interference(sentence);
    } catch (error) {
      news.failed(error);
    }
  }

  #isInPlan(route: Route): boolean {
    const name = `${route.family} ${routeTable(route)}`;
    return this.#plan.routes.some(planned => tableName(planned) === name);
  }

  #stopWatching(): void {
    this.#endWatch?.();
    this.#endWatch = undefined;
  }

  /** Everything as it was before: rules first, so that nothing comes to tables that are being emptied. */
  remove(): Applied {
    this.#stopWatching();
    this.#plan = NOTHING;
    const changed = [...this.#applyRules(NOTHING), ...this.#dropRoutes(this.#routesThere([]))];
    changed.push(...this.#table.apply(null).changed);
    const settings = this.#settings.restore();
    return { changed: [...changed, ...settings.written], missing: settings.failed };
  }

  /** Packets that came as answers to flows of TCP and UDP, in the order of `heardOrder()`; none without nf_tables. */
  heard(): readonly number[] {
    return this.#table.counted(HEARD_CHAIN);
  }

  /** Why flows cannot be kept apart here (no nf_tables, no right), as a sentence; undefined when they can be. */
  lackOfNftables(): string | undefined {
    return this.#table.lack();
  }

  /** Leaves the kernel as it is. A second call does nothing. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopWatching();
    this.#netlink.close();
    this.#table.close();
    closeFd(this.#netns);
  }
  #isClosed = false;

  /** Routes of ours: at first in all tables, later in those of the plan and of earlier ones, as others may be long. */
  #routesThere(planned: readonly PlannedRoute[]): Route[] {
    if (this.#tables === undefined) {
      const all = listRoutes(this.#netlink, { protocol: PROTOCOL }).filter(route =>
        isOurTable(routeTable(route)),
      );
      const names = all.map(route => `${route.family} ${routeTable(route)}`);
      this.#tables = new Set([...names, ...planned.map(tableName)]);
      return all;
    }
    for (const route of planned) this.#tables.add(tableName(route));
    return [...this.#tables].flatMap(name => {
      const [family = 0, table = 0] = name.split(' ').map(Number);
      return listRoutes(this.#netlink, { family, table, protocol: PROTOCOL });
    });
  }

  #putRoutes(put: readonly PlannedRoute[]): Applied {
    const changed: string[] = [];
    const missing: string[] = [];
    const messages = put.map(routeOf);
    const outcomes = addRoutes(this.#netlink, messages, () => true);
    for (const [place, message] of messages.entries()) {
      const told = `route ${toldRoute(message)}`;
      const error = outcomes[place];
      if (error === undefined) changed.push(told);
      else if (isErrno(error, ...NOT_YET) || isWithoutIpv6(message, error))
        missing.push(`The ${told} cannot be yet: ${error.message}`);
      else throw kernelRefused(error, `The ${told}`);
    }
    return { changed, missing };
  }

  #dropRoutes(stale: readonly Route[]): string[] {
    const outcomes = deleteRoutes(this.#netlink, stale);
    return gone(stale, outcomes, 'ESRCH', route => `route ${toldRoute(route)}`);
  }

  #applyRules(plan: KernelPlan): string[] {
    return FAMILIES.flatMap(family => {
      const all = plan.rules.filter(rule => rule.family === family);
      const dscpBy = this.#dscp(family, all);
      const planned = all.filter(rule => maySay(rule, dscpBy));
      this.#unsaid.set(family, planned.length < all.length);
      const changed: string[] = [];
      // Of two rules that differ in what they suppress only, the kernel may refuse one, and deletes whichever it finds first (rule_exists,
      // rule_find): after one was taken out it is looked again.
      for (let look = 0; look < MOST_LOOKS; look++) {
        const { add, stale } = ruleChanges(this.#rulesThere(family), planned, dscpBy);
        changed.push(...this.#addRules(add, dscpBy), ...this.#dropRules(stale));
        if (stale.length === 0) break;
      }
      return changed;
    });
  }

  #rulesThere(family: Family): Rule[] {
    return listRules(this.#netlink, AF[family]).filter(({ origin }) => origin === PROTOCOL);
  }

  #addRules(add: readonly PlannedRule[], dscpBy: DscpBy): string[] {
    const outcomes = addRules(
      this.#netlink,
      add.map(rule => ruleOf(rule, dscpBy)),
    );
    return add.flatMap((rule, place) => {
      const error = outcomes[place];
      if (error === undefined) return [`rule ${rule.preference} (table ${rule.table})`];
      // Somebody made the same one by hand, and it does the same.
      if (isErrno(error, 'EEXIST')) return [];
      throw kernelRefused(error, `The rule "${ruleText(rule)}"`);
    });
  }

  #dropRules(stale: readonly Rule[]): string[] {
    return gone(stale, deleteRules(this.#netlink, stale), 'ENOENT', toldRule);
  }

  /** Families in which a rule by DSCP had to be left out. */
  readonly #unsaid = new Map<Family, boolean>();

  #dscp(family: Family, planned: readonly PlannedRule[]): DscpBy {
    if (!planned.some(({ dscp }) => dscp !== undefined)) return 'attribute';
    const known =
      this.#dscpBy.get(family) ?? (knowsDscpRules(this.#netlink, AF[family]) ? 'attribute' : 'tos');
    this.#dscpBy.set(family, known);
    return known;
  }
}

/** By the TOS, older kernels take three bits for IPv4 (fib4_rule_configure, IPTOS_TOS_MASK). */
function maySay({ family, dscp }: PlannedRule, dscpBy: DscpBy): boolean {
  return dscp === undefined || dscpBy === 'attribute' || family === 'ipv6' || dscp <= 7;
}

/** A kernel that was started without IPv6 has nobody who takes its routes. */
function isWithoutIpv6({ family }: Route, error: SystemError): boolean {
  return family === AF.ipv6 && isErrno(error, 'EOPNOTSUPP', 'EAFNOSUPPORT');
}

function tableName({ family, table }: PlannedRoute): string {
  return `${AF[family]} ${table}`;
}

/** What was taken out, in words; what was not there any more is not among it. */
function gone<T>(
  stale: readonly T[],
  outcomes: readonly (SystemError | undefined)[],
  notThere: string,
  told: (one: T) => string,
): string[] {
  return stale.flatMap((one, place) => {
    const error = outcomes[place];
    if (error === undefined) return [`${told(one)} taken out`];
    if (isErrno(error, notThere)) return [];
    throw kernelRefused(error, `Taking out the ${told(one)}`);
  });
}
