// The part of the package net-snmp that the agent uses; the package brings no types.
declare module 'net-snmp' {
  interface Column {
    readonly number: number;
    readonly name: string;
    readonly type: number;
    readonly maxAccess: number;
  }

  interface Provider {
    readonly name: string;
    readonly type: number;
    readonly oid: string;
    readonly scalarType?: number;
    readonly maxAccess?: number;
    readonly tableColumns?: readonly Column[];
    readonly tableIndex?: readonly { readonly columnNumber: number }[];
  }

  interface Mib {
    registerProvider(provider: Provider): void;
    addTableRow(name: string, row: readonly unknown[]): void;
    setScalarValue(name: string, value: unknown): void;
  }

  interface User {
    readonly name: string;
    readonly level: number;
    readonly authProtocol?: number;
    readonly authKey?: string;
    readonly privProtocol?: number;
    readonly privKey?: string;
  }

  interface Agent {
    readonly engine: { engineBoots: number; engineTime: number };
    getAuthorizer(): { addCommunity(community: string): void; addUser(user: User): void };
    setMib(mib: Mib): void;
    close(): void;
  }

  interface AgentOptions {
    readonly sockets: readonly {
      readonly transport: string;
      readonly address: string;
      readonly port: number;
    }[];
    readonly engineID: string;
    readonly accessControlModelType: number;
    readonly dgramModule: unknown;
  }

  const snmp: {
    createAgent(options: AgentOptions, callback: (error: Error | null) => void): Agent;
    createMib(): Mib;
    readonly MibProviderType: { readonly Scalar: number; readonly Table: number };
    readonly ObjectType: Readonly<Record<string, number>>;
    readonly MaxAccess: Readonly<Record<string, number>>;
    readonly SecurityLevel: {
      readonly noAuthNoPriv: number;
      readonly authNoPriv: number;
      readonly authPriv: number;
    };
    readonly AuthProtocols: Readonly<Record<string, number>>;
    readonly PrivProtocols: Readonly<Record<string, number>>;
    readonly AccessControlModelType: { readonly Simple: number };
  };
  export default snmp;
}
