// The simulated gateway of an office: packets of clients leave by its routing tables and its flow table, are carried by a line or
// lost, reach a server, and their answers come back by the line whose address they are for. (simulator)
import type { Family, LineNumber, Steering } from '../../uplinks/index.js';
import type { Clock } from '../clock.js';
import type { Random } from '../random.js';
import { type FlowEntry, type FlowKey, FlowTable } from './flow-table.js';
import type { SimulatedLine } from './line.js';
import { type Leave, RoutingTables } from './routing.js';
import type { UplinkSpec } from './scenario.js';

/** Where a packet was lost. */
export type Loss =
  /** No table has a way. */
  | 'no way'
  /** The line did not carry it: a fault, or chance. */
  | 'line'
  /** It left by another device than its flow is masqueraded by, which ends the flow. */
  | 'mapping'
  /** The ISP takes no packets with an address of somebody else (BCP 38). */
  | 'foreign source'
  /** The answer found no flow that it belongs to. */
  | 'no flow';

/** One question of a client and what becomes of it. */
export interface Exchange {
  readonly key: FlowKey;
  readonly bytes: number;
  /** By the server: which address the question came from. */
  heard?(address: string): void;
  answered(line: LineNumber): void;
  lost(why: Loss, line: LineNumber | null): void;
}

export class Gateway {
  readonly flows: FlowTable = new FlowTable();
  readonly tables: RoutingTables;
  readonly lines: readonly SimulatedLine[];
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #spec: UplinkSpec;

  constructor(clock: Clock, random: Random, spec: UplinkSpec, lines: readonly SimulatedLine[]) {
    this.#clock = clock;
    this.#random = random;
    this.#spec = spec;
    this.lines = lines;
    this.tables = new RoutingTables(lines, spec.rules ?? []);
  }

  /** Where a packet of this flow would leave now. */
  leave(key: FlowKey): Leave | null {
    const entry = this.flows.find(key);
    return this.tables.leave(key, entry?.line ?? this.#share(key));
  }

  /** A question leaves; the answer, or its loss, is told later. */
  send(exchange: Exchange): void {
    const { key, bytes } = exchange;
    const leave = this.leave(key);
    if (leave === null) {
      exchange.lost('no way', null);
      return;
    }
    const { line } = leave;
    const entry = this.#tracked(key, line);
    if (entry === null) {
      exchange.lost('mapping', line.number);
      return;
    }
    line.sent += bytes;
    const took = leave.isRouterThere ? line.carry(key.family, 'up', this.#random, this.#clock.now) : null;
    if (took === null) exchange.lost('line', line.number);
    else if (entry.address !== line.address(key.family)) exchange.lost('foreign source', line.number);
    else this.#clock.after(took, () => this.#atServer(exchange, entry));
  }

  /** The entry of a flow, made when it is new; null: the packet ended it (nf_nat_oif_changed). */
  #tracked(key: FlowKey, line: SimulatedLine): FlowEntry | null {
    const { now } = this.#clock;
    const entry = this.flows.find(key);
    if (entry === undefined) {
      const made: FlowEntry = {
        key,
        line: line.number,
        masquerade: key.family === 'ipv4' || line.spec.nat6 !== 'prefix',
        ifindex: line.ifindex ?? 0,
        address: line.address(key.family),
        usedMs: now,
      };
      this.flows.add(made);
      return made;
    }
    entry.usedMs = now;
    if (!entry.masquerade || entry.ifindex === line.ifindex) return entry;
    this.flows.remove(entry);
    return null;
  }

  #atServer(exchange: Exchange, entry: FlowEntry): void {
    const { family } = exchange.key;
    exchange.heard?.(entry.address);
    const line = this.lines.find(each => each.has(family) && each.address(family) === entry.address);
    const took = line?.carry(family, 'down', this.#random, this.#clock.now) ?? null;
    if (line === undefined || took === null) exchange.lost('line', line?.number ?? null);
    else this.#clock.after(took, () => this.#atHome(exchange, entry, line));
  }

  #atHome(exchange: Exchange, entry: FlowEntry, line: SimulatedLine): void {
    if (!line.carries()) exchange.lost('line', line.number);
    else if (!this.flows.has(entry)) exchange.lost('no flow', line.number);
    else {
      line.received += exchange.bytes;
      exchange.answered(line.number);
    }
  }

  /** Both lines in use: the line of a new flow, by its client or by the flow; null: as is selected. */
  #share(key: FlowKey): LineNumber | null {
    const shares = this.tables.steering?.shares[key.family] ?? [];
    if (shares.length === 0) return null;
    const slots = shares.flatMap(({ line, weight }) => Array.from({ length: weight }, () => line));
    const by = this.#spec.sticky === 'flow' ? key.sourcePort : key.client;
    return slots[(by * 2_654_435_761) % slots.length] ?? null;
  }
}

/** By which line flows of another one go, as the kernel has it now. */
export function flowsBy(
  steering: Steering | null,
  line: LineNumber,
  family: Family,
  transport: 'tcp' | 'others',
): LineNumber {
  const of = steering?.flows.find(each => each.line === line && each.family === family);
  return of?.by[transport] ?? line;
}
