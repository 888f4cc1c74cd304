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
} from '../../linux/index.js';
import { type Route, type Rule, routeTable } from '../../netlink/index.js';
import {
  type Family,
  FAMILIES,
  type KernelPlan,
  type PlannedRoute,
  type PlannedRule,
  PROTOCOL,
  ruleText,
} from '../../uplinks/index.js';
import { DeviceSettings, type NotedSetting } from './device-settings.js';
import { kernelRefused } from './refusals.js';
import { AF, isOurTable, routeChanges, routeOf, toldRoute } from './route-changes.js';
import { TableKeeper } from './table-keeper.js';
import { type DscpBy, ruleChanges, ruleOf, toldRule } from './rule-changes.js';

/** What whoever opens a keeper is told. */
export interface KernelNews {
  /** All settings that are changed or about to be, with what they were: called before they are, so that a later process can put them back. */
  note(all: readonly NotedSetting[]): void;
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
/** Looks until nothing differs; the second finds what an exchange left behind. */
const MOST_LOOKS = 3;

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

  constructor(news: KernelNews, noted: readonly NotedSetting[] = []) {
    this.#settings = new DeviceSettings(this.#netns, noted, all => news.note(all));
  }

  /** New routes first, in the order of the plan, then the nftables table, then rules; what is not planned goes last, so that packets always find a way. */
  apply(plan: KernelPlan): Applied {
    const settings = this.#settings.apply(plan.sysctls);
    const changed: string[] = [...settings.written];
    let missing: string[] = [];
    for (let look = 0; look < MOST_LOOKS; look++) {
      const round = this.#round(plan);
      changed.push(...round.changed);
      ({ missing } = round);
      if (round.changed.length === 0) break;
    }
    return { changed, missing: [...settings.failed, ...missing] };
  }

  /** Everything as it was before: rules first, so that nothing comes to tables that are being emptied. */
  remove(): Applied {
    const nothing: KernelPlan = { routes: [], rules: [], sysctls: [], table: null };
    const changed = [...this.#applyRules(nothing), ...this.#dropRoutes(this.#routesThere([]))];
    changed.push(...this.#table.apply(null).changed);
    const settings = this.#settings.restore();
    return { changed: [...changed, ...settings.written], missing: settings.failed };
  }

  /** Why flows cannot be kept apart here (no nf_tables, no right), as a sentence; undefined when they can be. */
  lackOfNftables(): string | undefined {
    return this.#table.lack();
  }

  /** Leaves the kernel as it is. A second call does nothing. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#netlink.close();
    this.#table.close();
    closeFd(this.#netns);
  }
  #isClosed = false;

  #round(plan: KernelPlan): { changed: string[]; missing: string[] } {
    const { put, stale } = routeChanges(this.#routesThere(plan.routes), plan.routes);
    const placed = this.#putRoutes(put);
    const table = this.#table.apply(plan.table);
    const rules = this.#applyRules(plan);
    return {
      changed: [...placed.changed, ...table.changed, ...rules, ...this.#dropRoutes(stale)],
      missing: [...placed.missing, ...table.missing],
    };
  }

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

  #putRoutes(put: readonly PlannedRoute[]): { changed: string[]; missing: string[] } {
    const changed: string[] = [];
    const missing: string[] = [];
    const messages = put.map(routeOf);
    const outcomes = addRoutes(this.#netlink, messages, () => true);
    for (const [place, message] of messages.entries()) {
      const told = `route ${toldRoute(message)}`;
      const error = outcomes[place];
      if (error === undefined) changed.push(told);
      else if (isErrno(error, ...NOT_YET)) missing.push(`The ${told} cannot be yet: ${error.message}`);
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
      const planned = plan.rules.filter(rule => rule.family === family);
      const there = listRules(this.#netlink, AF[family]).filter(({ origin }) => origin === PROTOCOL);
      const dscpBy = this.#dscp(family, planned);
      const { add, stale } = ruleChanges(there, planned, dscpBy);
      return [...this.#addRules(add, dscpBy), ...this.#dropRules(stale)];
    });
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

  #dscp(family: Family, planned: readonly PlannedRule[]): DscpBy {
    if (!planned.some(({ dscp }) => dscp !== undefined)) return 'attribute';
    const known =
      this.#dscpBy.get(family) ?? (knowsDscpRules(this.#netlink, AF[family]) ? 'attribute' : 'tos');
    this.#dscpBy.set(family, known);
    return known;
  }
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
