// What the agent knows of the machine: interfaces and addresses as plain values.

/** An interface. */
export interface InterfaceFacts {
  /** Of SNMP: the one by which managers know it. */
  readonly index: number;
  readonly name: string;
  readonly alias: string;
  /** IANAifType. */
  readonly type: number;
  readonly mtu: number;
  readonly speedMbps: number | null;
  /** Colon text, empty where there is none. */
  readonly address: string;
  readonly adminUp: boolean;
  /** ifOperStatus: 1 up, 2 down, 4 unknown, 5 dormant, 6 not present, 7 lower layer down. */
  readonly operStatus: number;
  readonly promiscuous: boolean;
  readonly physical: boolean;
  readonly counters: InterfaceCounters;
  /** Indexes of the interfaces that it stands on. */
  readonly below: readonly number[];
}

/** Counters of an interface, exact to 2^53. */
export interface InterfaceCounters {
  readonly rxPackets: number;
  readonly rxBytes: number;
  readonly rxErrors: number;
  readonly rxDropped: number;
  readonly multicast: number;
  readonly txPackets: number;
  readonly txBytes: number;
  readonly txErrors: number;
  readonly txDropped: number;
}

/** An address of an interface. */
export interface AddressFacts {
  readonly index: number;
  readonly address: string;
  readonly prefixLength: number;
  /** Valid on one link only. */
  readonly linkLocal: boolean;
  /** IpAddressOriginTC: 2 manual, 4 dhcp, 5 linklayer. */
  readonly origin: number;
  /** IpAddressStatusTC: 1 preferred, 2 deprecated, 6 tentative, 7 duplicate, 8 optimistic. */
  readonly status: number;
  readonly broadcastBit: 0 | 1;
  /** Hundredths of a second after the agent began. */
  readonly created: number;
  readonly changed: number;
}

/** The machine. */
export interface SystemFacts {
  readonly description: string;
  readonly name: string;
  /** Hundredths of a second since the agent began. */
  readonly upTime: number;
  readonly interfaces: readonly InterfaceFacts[];
  readonly addresses: readonly AddressFacts[];
}

/** A bond, as the daemon tells of it. */
export interface BondFacts {
  readonly name: string;
  readonly speedMbps: number | null;
  readonly members: readonly string[];
}
