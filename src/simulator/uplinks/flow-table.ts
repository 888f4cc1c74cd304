// The connection tracking table of the simulated gateway: which flow belongs to which line, and by which address it is known outside. (simulator)
import type { Family, LineNumber, Transport } from '../../uplinks/index.js';

/** A flow as its packets name it. */
export interface FlowKey {
  readonly family: Family;
  readonly transport: 'tcp' | 'udp';
  readonly client: number;
  readonly sourcePort: number;
  /** Where it goes. */
  readonly port: number;
}

export interface FlowEntry {
  readonly key: FlowKey;
  /** The line that the flow belongs to: its conntrack mark. */
  readonly line: LineNumber;
  /** By masquerading an entry is tied to the device; by a prefix it keeps its address wherever it leaves. */
  readonly masquerade: boolean;
  readonly ifindex: number;
  /** What its packets have as source outside. */
  readonly address: string;
  usedMs: number;
}

export function keyText({ family, transport, client, sourcePort, port }: FlowKey): string {
  return `${family} ${transport} ${client}:${sourcePort} ${port}`;
}

/** Entries that nobody uses end after this (nf_conntrack_udp_timeout; of TCP much later in truth). */
const IDLE_MS = 30_000;

export class FlowTable {
  readonly #entries: Map<string, FlowEntry> = new Map();

  find(key: FlowKey): FlowEntry | undefined {
    return this.#entries.get(keyText(key));
  }

  /** This very entry is still there: an answer finds its way back by it. */
  has(entry: FlowEntry): boolean {
    return this.find(entry.key) === entry;
  }

  add(entry: FlowEntry): void {
    this.#entries.set(keyText(entry.key), entry);
  }

  remove(entry: FlowEntry): void {
    if (this.has(entry)) this.#entries.delete(keyText(entry.key));
  }

  all(): FlowEntry[] {
    return Array.from(this.#entries.values());
  }

  /** Ends flows of a line; gives those that it ended. */
  flush(
    line: LineNumber,
    family: Family,
    transport: Transport | 'all',
    isKept: (key: FlowKey) => boolean,
  ): FlowEntry[] {
    return this.#endAll(({ key, line: of }) => {
      const isTcp = key.transport === 'tcp';
      const isMeant = transport === 'all' || (transport === 'tcp') === isTcp;
      return of === line && key.family === family && isMeant && !(isTcp && isKept(key));
    });
  }

  /** A device or an address goes: what was masqueraded by it ends (nf_nat_masquerade). Null: all addresses. */
  endMappings(ifindex: number, address: string | null): void {
    this.#endAll(
      each => each.masquerade && each.ifindex === ifindex && (address === null || each.address === address),
    );
  }

  endIdle(now: number): void {
    this.#endAll(({ usedMs }) => now - usedMs > IDLE_MS);
  }

  #endAll(isMeant: (entry: FlowEntry) => boolean): FlowEntry[] {
    const ended = this.all().filter(isMeant);
    for (const entry of ended) this.remove(entry);
    return ended;
  }
}
