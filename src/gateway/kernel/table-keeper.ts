// Keeps the table `inet bondwire`: exchanged whole, in one batch, when the kernel's differs from the planned one.
import {
  isErrno,
  nftBatch,
  openNetfilter,
  readTable,
  type Rtnetlink,
  type TableLook,
} from '../../linux/index.js';
import { isDormant, type NftChain } from '../../netlink/index.js';
import { type PlannedTable, TABLE_NAME } from '../../uplinks/index.js';
import { chainsOf, exchange, removal, rulesOf } from './table-messages.js';

/** What was done. */
export interface TableOutcome {
  readonly changed: readonly string[];
  readonly missing: readonly string[];
}

const NOTHING: TableOutcome = { changed: [], missing: [] };
/** No nf_tables in the kernel (or not as a module that can be loaded), or no right to ask. */
const CANNOT = ['EPROTONOSUPPORT', 'EOPNOTSUPP', 'EINVAL', 'EPERM', 'EACCES', 'EAFNOSUPPORT'] as const;

/** True when two chains are hooked alike. The kernel says more of each, as how many rules it has. */
function chainText({ name, type, policy, hook }: Partial<NftChain>): string {
  return `${name} ${type} ${policy} ${hook?.number} ${hook?.priority}`;
}

/** The same text for tables that do the same: rules are known by their comments, which hold a digest, in their order. */
function lookText({ chains, rules }: Pick<TableLook, 'chains' | 'rules'>): string {
  const ofChain = (name: string | undefined): string =>
    rules
      .filter(({ chain }) => chain === name)
      .map(({ comment }) => comment ?? 'a rule of somebody else')
      .join(', ');
  return chains
    .map(chain => `${chainText(chain)}: ${ofChain(chain.name)}`)
    .toSorted()
    .join('\n');
}

function plannedText(table: PlannedTable): string {
  return lookText({ chains: chainsOf(table), rules: rulesOf(table) });
}

/** Of the network namespace that the thread is in when it is made. */
export class TableKeeper {
  #netfilter: Rtnetlink | undefined;
  /** Why there is none. */
  #lack: unknown;
  #isAsked = false;

  constructor() {
    try {
      this.#netfilter = openNetfilter();
    } catch (error) {
      if (!isErrno(error, ...CANNOT)) throw error;
      this.#lack = error;
    }
  }

  /** The port that news of our own batches bear; 0 before the first. */
  get port(): number {
    return this.#netfilter?.port ?? 0;
  }

  /** Why nftables cannot be used here, as a sentence; undefined when it can be. Found out once. */
  lack(): string | undefined {
    try {
      if (!this.#isAsked && this.#netfilter !== undefined) readTable(this.#netfilter, TABLE_NAME);
    } catch (error) {
      if (!isErrno(error, ...CANNOT)) throw error;
      this.#lack = error;
    }
    this.#isAsked = true;
    return this.#lack === undefined ? undefined : lackText(this.#lack);
  }

  /** Without the table flows are not kept apart, but routes and rules work: what fails is said, not thrown. */
  apply(planned: PlannedTable | null): TableOutcome {
    if (this.#netfilter === undefined)
      return planned === null ? NOTHING : { changed: [], missing: [lackText(this.#lack)] };
    try {
      return this.#bring(this.#netfilter, planned);
    } catch (error) {
      return planned === null && isErrno(error, ...CANNOT)
        ? NOTHING
        : { changed: [], missing: [lackText(error)] };
    }
  }

  #bring(netfilter: Rtnetlink, planned: PlannedTable | null): TableOutcome {
    const there = readTable(netfilter, TABLE_NAME);
    if (planned === null) {
      if (there === undefined) return NOTHING;
      nftBatch(netfilter, removal(), TABLE_NAME);
      return { changed: [`table inet ${TABLE_NAME} taken out`], missing: [] };
    }
    const isSame = there !== undefined && !isDormant(there.table) && lookText(there) === plannedText(planned);
    if (isSame) return NOTHING;
    nftBatch(netfilter, exchange(planned), TABLE_NAME);
    return { changed: [`table inet ${TABLE_NAME}`], missing: [] };
  }

  /** Packets that each rule of a chain has counted, in order; none where there is no table. */
  counted(chain: string): readonly number[] {
    if (this.#netfilter === undefined) return [];
    const rules = readTable(this.#netfilter, TABLE_NAME)?.rules ?? [];
    return rules
      .filter(rule => rule.chain === chain)
      .map(({ expressions = [] }) => {
        const counter = expressions.find(each => each.kind === 'counter');
        return counter?.kind === 'counter' ? (counter.packets ?? 0) : 0;
      });
  }

  close(): void {
    this.#netfilter?.close();
    this.#netfilter = undefined;
  }
}

function lackText(error: unknown): string {
  const detail = error instanceof Error ? error.message : String(error);
  const consequence =
    'uplinks go by routes and rules alone: connections that come in by a line may be answered by another one, and those that run move at once when a line is selected again';
  if (isErrno(error, 'EPERM', 'EACCES'))
    return `The table inet ${TABLE_NAME} needs CAP_NET_ADMIN (${detail}); without it ${consequence}`;
  if (isErrno(error, 'ENOENT'))
    return `This kernel lacks a part of nf_tables that the table inet ${TABLE_NAME} needs (${detail}); without it ${consequence}`;
  return `This kernel has no nf_tables (CONFIG_NF_TABLES and CONFIG_NF_TABLES_INET; ${detail}); without it ${consequence}`;
}
