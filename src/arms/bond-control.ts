// What an arm must be able to do with the bonds of one host: the kernel's driver and Bondwire are driven alike by it.
import type { BondSpec } from '../simulator/index.js';

/** A member as its bond's owner tells of it. */
export interface MemberView {
  readonly name: string;
  readonly state: 'active' | 'backup';
  /** As in /proc: up, going down, down, going back. */
  readonly link: string;
  readonly failures: number;
  /** In 802.3ad, once it has an aggregator. */
  readonly lacp: PortView | null;
}

/** The LACP port of a member: numbers of 16 bits, states as Actor_State of a LACPDU. */
export interface PortView {
  readonly aggregator: number;
  readonly portPriority: number;
  readonly actorState: number;
  readonly partnerState: number;
}

/** A bond as its owner tells of it. */
export interface BondView {
  readonly active: string | null;
  readonly miiStatus: string;
  /** Number of the aggregator that is in use; null where there is none. */
  readonly aggregator: number | null;
  readonly members: readonly MemberView[];
  /** Text of /proc/net/bonding/BOND. */
  readonly proc: string;
}

/** `ok`, or the name of the errno. */
export type Answer = string;

/** The bonds of one host. */
export interface BondControl {
  /**
   * Makes a bond with its members as a scenario says; throws when that cannot be. `beforeUp` is called once it has its members: a bond
   * that is up without addresses asks nobody, and on a slow machine gives its members up one after the other before it has them.
   */
  create(spec: BondSpec, beforeUp: () => void): Promise<void>;
  set(bond: string, option: string, value: string): Promise<Answer>;
  enslave(bond: string, member: string): Promise<Answer>;
  release(bond: string, member: string): Promise<Answer>;
  /** Undefined while nobody can tell (no daemon). */
  view(bond: string): Promise<BondView | undefined>;
  /** Text of the file in /sys/class/net/BOND/bonding. */
  sysfs(bond: string, name: string): Promise<string | null>;
  /** `active` or `backup`, from the member's own file; null where it is no member. */
  memberState(bond: string, member: string): Promise<string | null>;
  /** kill -9 of whatever runs the bonds, and a new one. */
  killDaemon(): Promise<void>;
  startDaemon(): Promise<void>;
  /** Takes all bonds away, as at a loss of power. */
  removeBonds(): Promise<void>;
  close(): Promise<void>;
}

/** The value of a line `NAME: VALUE`. */
function field(text: string, name: string): string | undefined {
  return new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1];
}

/** What a block of a member says of its port. The texts of both ends have the same lines, the actor's first. */
function portOf(block: string): PortView | null {
  const aggregator = field(block, 'Aggregator ID');
  const ends = block.split(/^details (?:actor|partner) lacp pdu:$/m).slice(1);
  const [actor, partner] = ends.map(
    end =>
      (name: string): number =>
        Number(field(end, ` *${name}`)),
  );
  if (aggregator === undefined || actor === undefined || partner === undefined) return null;
  return {
    aggregator: Number(aggregator),
    portPriority: actor('port priority'),
    actorState: actor('port state'),
    partnerState: partner('port state'),
  };
}

/** What is read from the text of /proc/net/bonding/BOND, which both arms have. */
export function viewOf(proc: string): BondView {
  const [head = '', ...blocks] = proc.split(/\n\n(?=Slave Interface: )/);
  const current = field(head, 'Currently Active Slave');
  const active = current === undefined || current === 'None' ? null : current;
  const members = blocks.map((block): MemberView => {
    const name = field(block, 'Slave Interface') ?? '';
    return {
      name,
      state: current === undefined || name === active ? 'active' : 'backup',
      link: field(block, 'MII Status') ?? '',
      failures: Number(field(block, 'Link Failure Count') ?? 0),
      lacp: portOf(block),
    };
  });
  const aggregator = field(head, '\tAggregator ID');
  return {
    active,
    aggregator: aggregator === undefined ? null : Number(aggregator),
    miiStatus: field(head, 'MII Status') ?? '',
    members,
    proc: proc.replace(/^(Ethernet Channel Bonding Driver: v).*/, '$1*'),
  };
}
