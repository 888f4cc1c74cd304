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
  /** In 802.3ad. */
  readonly lag?: LagFacts;
}

/** One end of a link, as LACP has it. */
export interface LagEnd {
  readonly systemPriority: number;
  /** Colon text. */
  readonly system: string;
  readonly key: number;
  readonly portPriority: number;
  readonly port: number;
  /** Flags from 1 (activity) to 128 (expired). */
  readonly state: number;
}

/** A member's port in 802.3ad. */
export interface LagPortFacts {
  readonly member: string;
  readonly isInActive: boolean;
  readonly carries: boolean;
  readonly actor: LagEnd;
  readonly partner: LagEnd;
  readonly receive: string;
  readonly mux: string;
  /** Why it does not carry; empty where there is nothing to say. */
  readonly reason: string;
  readonly actorChurn: string;
  readonly partnerChurn: string;
  readonly actorChurnedCount: number;
  readonly partnerChurnedCount: number;
  readonly counts: {
    readonly lacpduIn: number;
    readonly lacpduOut: number;
    readonly unknownIn: number;
    readonly illegalIn: number;
    readonly markerIn: number;
    readonly markerOut: number;
    readonly markerResponseIn: number;
    readonly markerResponseOut: number;
    readonly markerUnknownIn: number;
  };
}

/** What a bond in 802.3ad agreed on. */
export interface LagFacts {
  readonly system: string;
  readonly systemPriority: number;
  readonly active: {
    readonly actorKey: number;
    readonly partnerKey: number;
    readonly partnerSystem: string;
  } | null;
  readonly ports: readonly LagPortFacts[];
}
