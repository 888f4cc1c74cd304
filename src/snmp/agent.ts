// The SNMP agent: answers v2c and v3 with the machine as it is at that moment, read-only (H34).
import { createSocket, type Socket, type SocketType } from 'node:dgram';
import snmp from 'net-snmp';
import { Ethtool, monotonicMs, Rtnetlink } from '../linux/index.js';
import type { BondFacts, SystemFacts } from './facts.js';
import { gather } from './gather.js';
import { remember } from './index-memory.js';
import {
  AGG_PORT_DEBUG_TABLE,
  AGG_PORT_LIST_TABLE,
  AGG_PORT_STATS_TABLE,
  AGG_PORT_TABLE,
  AGG_TABLE,
  lagRows,
} from './lag-rows.js';
import {
  IF_STACK_TABLE,
  IF_TABLE,
  IF_X_TABLE,
  IP_ADDR_TABLE,
  IP_ADDRESS_TABLE,
  ipv4Rows,
  stackRows,
  type TableSpec,
  type ValueType,
} from './mib-rows.js';
import { type AgentState, loadState, saveState } from './state.js';
import type { SnmpUser } from './users.js';

/** A walk is many requests; within this the machine is not read again. */
const FRESH_MS = 250;
/** How often the daemon is asked who belongs to whom. */
const BONDS_MS = 2000;

export interface AgentSettings {
  readonly address: string;
  readonly port: number;
  readonly communities: readonly string[];
  readonly users: readonly SnmpUser[];
  readonly stateFile: string;
  /** Bonds of the daemon; undefined while none answers. */
  readonly bonds: () => Promise<readonly BondFacts[] | undefined>;
  /** Requests that were not answered, and why; at most one sentence a second. */
  readonly refused: (message: string) => void;
}

export interface RunningAgent {
  readonly close: () => void;
}

const OBJECT_TYPES: Readonly<Record<ValueType, number>> = {
  Integer: snmp.ObjectType['Integer'] ?? 0,
  OctetString: snmp.ObjectType['OctetString'] ?? 0,
  OID: snmp.ObjectType['OID'] ?? 0,
  IpAddress: snmp.ObjectType['IpAddress'] ?? 0,
  Counter32: snmp.ObjectType['Counter'] ?? 0,
  Gauge32: snmp.ObjectType['Gauge'] ?? 0,
  TimeTicks: snmp.ObjectType['TimeTicks'] ?? 0,
  Counter64: snmp.ObjectType['Counter64'] ?? 0,
};

/** Starts an agent; the promise is kept when it listens. */
export async function startAgent(settings: AgentSettings): Promise<RunningAgent> {
  const machine = new Machine(settings);
  try {
    await machine.askDaemon();
    return await listen(settings, machine);
  } catch (error) {
    machine.close();
    throw error;
  }
}

/** The machine as the agent last saw it, and what it remembers of it. */
class Machine {
  readonly #settings: AgentSettings;
  readonly #netlink = Rtnetlink.open();
  readonly #ethtool = Ethtool.open();
  readonly #began = monotonicMs();
  readonly #timer: NodeJS.Timeout;
  #bonds: readonly BondFacts[] = [];
  #state: AgentState;
  #looked = Number.NEGATIVE_INFINITY;

  constructor(settings: AgentSettings) {
    this.#settings = settings;
    const state = loadState(settings.stateFile);
    this.#state = { ...state, engineBoots: state.engineBoots + 1 };
    saveState(settings.stateFile, this.#state);
    this.#timer = setInterval(() => void this.askDaemon(), BONDS_MS);
  }

  get engine(): { readonly id: string; readonly boots: number; readonly seconds: number } {
    const seconds = Math.floor((monotonicMs() - this.#began) / 1000);
    return { id: this.#state.engineId, boots: this.#state.engineBoots, seconds };
  }

  /** What the daemon said last. */
  get bonds(): readonly BondFacts[] {
    return this.#bonds;
  }

  async askDaemon(): Promise<void> {
    this.#bonds = (await this.#settings.bonds()) ?? this.#bonds;
  }

  /** The machine now; undefined when it was read a moment ago. */
  refresh(): SystemFacts | undefined {
    const now = monotonicMs();
    if (now - this.#looked < FRESH_MS) return undefined;
    const { system, indexes } = gather({
      netlink: this.#netlink,
      ethtool: this.#ethtool,
      bonds: this.#bonds,
      memory: this.#state.indexes,
      upTime: Math.floor((now - this.#began) / 10),
      sinceBoot: Math.floor(now / 10),
    });
    this.#looked = now;
    const lasting = new Set([
      ...this.#state.lasting,
      ...this.#bonds.flatMap(({ name, members }) => [name, ...members]),
    ]);
    const next = {
      ...this.#state,
      indexes: remember(this.#state.indexes, indexes, lasting),
      lasting: [...lasting],
    };
    if (JSON.stringify(next) !== JSON.stringify(this.#state)) saveState(this.#settings.stateFile, next);
    this.#state = next;
    return system;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#netlink.close();
    this.#ethtool.close();
  }
}

async function listen(settings: AgentSettings, machine: Machine): Promise<RunningAgent> {
  const { address, port } = settings;
  const sockets: Socket[] = [];
  let lastToldMs = Number.NEGATIVE_INFINITY;
  let listening = false;
  const { id, boots } = machine.engine;
  const agent = snmp.createAgent(
    {
      sockets: [{ transport: address.includes(':') ? 'udp6' : 'udp4', address, port }],
      engineID: id,
      // Read-only for every community and user, whatever a table's columns say.
      accessControlModelType: snmp.AccessControlModelType.Simple,
      // Its sockets are made here, so that the machine is read before the agent sees a request.
      dgramModule: {
        createSocket(kind: SocketType): Socket {
          const socket = createSocket(kind);
          socket.on('message', () => {
            agent.engine.engineTime = machine.engine.seconds;
            update();
          });
          sockets.push(socket);
          return socket;
        },
      },
    },
    error => {
      if (error === null || !listening || monotonicMs() - lastToldMs < 1000) return;
      lastToldMs = monotonicMs();
      settings.refused(error.message);
    },
  );
  agent.engine.engineBoots = boots;
  agent.engine.engineTime = machine.engine.seconds;
  const authorizer = agent.getAuthorizer();
  for (const community of settings.communities) authorizer.addCommunity(community);
  for (const user of settings.users) authorizer.addUser(libraryUser(user));
  const update = (): void => {
    try {
      const system = machine.refresh();
      if (system !== undefined) agent.setMib(mibOf(system, machine.bonds));
    } catch (error) {
      settings.refused(error instanceof Error ? error.message : String(error));
    }
  };
  update();
  const close = (): void => {
    agent.close();
    machine.close();
  };
  try {
    await Promise.all(sockets.map(bound));
    listening = true;
  } catch (error) {
    agent.close();
    throw error;
  }
  return { close };
}

function bound(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('listening', resolve);
    socket.once('error', reject);
  });
}

function libraryUser({ name, auth, priv }: SnmpUser) {
  const { SecurityLevel, AuthProtocols, PrivProtocols } = snmp;
  return {
    name,
    level: priv === undefined ? SecurityLevel.authNoPriv : SecurityLevel.authPriv,
    authProtocol: AuthProtocols[auth.protocol] ?? 0,
    authKey: auth.password,
    ...(priv !== undefined && { privProtocol: PrivProtocols[priv.protocol] ?? 0, privKey: priv.password }),
  };
}

/** The system group (SNMPv2-MIB) and ifNumber: objects of one value each. */
function scalars(system: SystemFacts): readonly (readonly [string, string, ValueType, unknown])[] {
  return [
    ['sysDescr', '1.3.6.1.2.1.1.1', 'OctetString', system.description],
    ['sysObjectID', '1.3.6.1.2.1.1.2', 'OID', '0.0'],
    ['sysUpTime', '1.3.6.1.2.1.1.3', 'TimeTicks', system.upTime % 2 ** 32],
    ['sysContact', '1.3.6.1.2.1.1.4', 'OctetString', ''],
    ['sysName', '1.3.6.1.2.1.1.5', 'OctetString', system.name],
    ['sysLocation', '1.3.6.1.2.1.1.6', 'OctetString', ''],
    // Layers 2 and 3: bridges frames and routes packets.
    ['sysServices', '1.3.6.1.2.1.1.7', 'Integer', 6],
    ['ifNumber', '1.3.6.1.2.1.2.1', 'Integer', system.interfaces.length],
  ];
}

function mibOf(system: SystemFacts, bonds: readonly BondFacts[]): ReturnType<typeof snmp.createMib> {
  const mib = snmp.createMib();
  for (const [name, oid, type, value] of scalars(system)) {
    mib.registerProvider({
      name,
      oid,
      type: snmp.MibProviderType.Scalar,
      scalarType: OBJECT_TYPES[type],
      maxAccess: snmp.MaxAccess['read-only'] ?? 0,
    });
    mib.setScalarValue(name, value);
  }
  fill(mib, IF_TABLE, system.interfaces);
  fill(mib, IF_X_TABLE, system.interfaces);
  fill(mib, IF_STACK_TABLE, stackRows(system.interfaces));
  fill(mib, IP_ADDR_TABLE, ipv4Rows(system.addresses));
  fill(mib, IP_ADDRESS_TABLE, system.addresses);
  const lags = lagRows(system.interfaces, bonds);
  fill(mib, AGG_TABLE, lags.bonds);
  fill(mib, AGG_PORT_LIST_TABLE, lags.bonds);
  fill(mib, AGG_PORT_TABLE, lags.ports);
  fill(mib, AGG_PORT_STATS_TABLE, lags.ports);
  fill(mib, AGG_PORT_DEBUG_TABLE, lags.ports);
  return mib;
}

function fill<Row>(
  mib: ReturnType<typeof snmp.createMib>,
  table: TableSpec<Row>,
  rows: readonly Row[],
): void {
  mib.registerProvider({
    name: table.name,
    oid: table.oid,
    type: snmp.MibProviderType.Table,
    tableColumns: table.columns.map(({ number, name, type, index }) => ({
      number,
      name,
      type: OBJECT_TYPES[type],
      maxAccess: snmp.MaxAccess[index === 'hidden' ? 'not-accessible' : 'read-only'] ?? 0,
    })),
    tableIndex: table.columns
      .filter(({ index }) => index !== undefined)
      .map(({ number }) => ({ columnNumber: number })),
  });
  for (const row of rows) {
    mib.addTableRow(
      table.name,
      table.columns.map(({ value }) => {
        const one = value(row);
        return one instanceof Uint8Array ? Buffer.from(one) : one;
      }),
    );
  }
}
