// What files of configuration say of bonds, one statement each, with the place where it stands. Every reader makes these;
// `assemble.ts` makes bonds of them. (config)

import { plain } from '../base/index.js';
import type { Tool } from './original-tools.js';

/** Where something stands. Lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column?: number;
}

/**
 * How much a finding matters. `understood`: it is in the result. `note`: it needs no counterpart. `warning`: it is not in the
 * result, and somebody may have to do it by hand. `error`: it is wrong, or Bondwire refuses it.
 */
export type Level = 'understood' | 'note' | 'warning' | 'error';

export interface Finding {
  readonly level: Level;
  readonly place: Place;
  /** One sentence. */
  readonly message: string;
}

/** One condition on interfaces: that any of the patterns (`*`, `?`, `[…]`) fits what `of` says, or, inverted, that none does. */
export interface Condition {
  readonly of: 'name' | 'mac' | 'permanentMac' | 'driver' | 'path' | 'type' | 'kind';
  readonly patterns: readonly string[];
  readonly isInverted: boolean;
}

/**
 * An interface as a file names it: by name, by a pattern of names (`*`, `?`, `[…]`), by its MAC address, or by several conditions of
 * which it must meet all.
 */
export type InterfaceRef =
  | { readonly by: 'name'; readonly name: string }
  | { readonly by: 'pattern'; readonly pattern: string }
  | { readonly by: 'mac'; readonly mac: string }
  | { readonly by: 'match'; readonly conditions: readonly Condition[] };

type Said =
  /** This file makes the bond. */
  | { readonly kind: 'bond'; readonly bond: string }
  /** An option of the option engine, under one of its names there. */
  | {
      readonly kind: 'option';
      readonly bond: string;
      readonly name: string;
      readonly value: string;
      /** The program that the file is for, which goes on without some options. */
      readonly tool?: Tool;
    }
  /** A parameter of the driver's module: of one bond, or (null) the default of all. */
  | {
      readonly kind: 'parameter';
      readonly bond: string | null;
      readonly name: string;
      readonly value: string;
      /** The module is loaded once, with this one: bonds without parameters of their own have it too. */
      readonly isOfLoad?: boolean;
    }
  | {
      readonly kind: 'member';
      readonly bond: string;
      readonly member: InterfaceRef;
      /** `bond` may be of another kind, such as a bridge: this does not make it a bond. */
      readonly isOfAny?: boolean;
      /** The program that the file is for, where it goes on without what cannot join. */
      readonly tool?: Tool;
    }
  /** Interfaces in the order in which they are to come, should nobody else name members. */
  | { readonly kind: 'order'; readonly bond: string; readonly interfaces: readonly string[] }
  /** An option of the one or other member (`prio`, `queue_id`), whatever bond it joins. */
  | {
      readonly kind: 'member-option';
      readonly member: InterfaceRef;
      readonly name: string;
      readonly value: string;
      readonly tool?: Tool;
    }
  /** A bond option whose value is the first of these interfaces that is a member. */
  | {
      readonly kind: 'first-member';
      readonly bond: string;
      readonly name: 'primary';
      readonly names: readonly string[];
    }
  /** The member of which a bond option (`primary`, `active_slave`) speaks in its own file. */
  | {
      readonly kind: 'chosen';
      readonly member: InterfaceRef;
      readonly name: 'primary' | 'active_slave';
      readonly tool?: Tool;
    }
  | { readonly kind: 'address'; readonly device: string; readonly cidr: string }
  /** With an empty device: of whichever bond has the gateway in one of its networks. */
  | {
      readonly kind: 'route';
      readonly device: string;
      readonly to: string;
      readonly via: string;
      /** `if-needed`: the gateway is a neighbour even where no address of the interface says so. */
      readonly onLink?: boolean | 'if-needed';
    }
  /** Hosts that are reached over the interface without a gateway, whatever its addresses. */
  | { readonly kind: 'neighbour'; readonly device: string; readonly cidr: string }
  /** Another device that the files make, over others or over none. */
  | {
      readonly kind: 'device';
      readonly device: string;
      /** VLAN, bridge, … */
      readonly what: string;
      readonly over: readonly string[];
      /** What is to be kept for it, as a clause: `keep its stanza in …`. */
      readonly keep: string;
    }
  | { readonly kind: 'mtu'; readonly device: string; readonly value: string }
  | { readonly kind: 'mac'; readonly device: string; readonly value: string }
  /** Addresses are asked of a server; `how` as the file says it. */
  | { readonly kind: 'dhcp'; readonly device: string; readonly how: string }
  /** Whether it is brought up at the start of the system. */
  | { readonly kind: 'up'; readonly device: string; readonly up: boolean }
  /** Something to tell; with a device, only where that is a bond or a member. */
  | {
      readonly kind: 'finding';
      readonly level: Level;
      readonly device?: string | undefined;
      /** True where it says nothing of a member. */
      readonly isOfBond?: boolean;
      readonly message: string;
    };

/** One statement of a file. */
export type Fact = Said & { readonly place: Place };

/** A file as it was read. */
export interface SourceFile {
  /** As findings are to name it. */
  readonly path: string;
  readonly text: string;
}

/** An interface that the machine has, to find those that files do not name by their names. What is absent is not known. */
export interface KnownInterface {
  readonly name: string;
  /** The present address; a member's is most often that of its bond. */
  readonly mac: string;
  readonly permanentMac?: string | undefined;
  readonly alternativeNames?: readonly string[] | undefined;
  readonly driver?: string | undefined;
  /** As udev's ID_PATH has it: `pci-0000:02:00.0`. */
  readonly path?: string | undefined;
  /** As networkd has it: `ether`, `loopback`, `wlan`, `vlan`. */
  readonly type?: string | undefined;
  /** Kind of a virtual interface: `veth`, `vlan`, `macvlan`; absent of hardware. */
  readonly kind?: string | undefined;
}

/** Makes the facts of one file, all at places of it. */
export class FactList {
  readonly facts: Fact[] = [];
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  at(line: number, column?: number): Place {
    return { file: this.#file, line, ...(column === undefined ? {} : { column }) };
  }

  say(place: Place, said: Said): void {
    this.facts.push({ ...said, place });
  }

  find(place: Place, level: Level, message: string, device?: string): void {
    this.say(place, { kind: 'finding', level, message: plain(message), device });
  }

  /** Tells something that matters only where the device is a bond. */
  findOfBond(place: Place, level: Level, message: string, device: string): void {
    this.say(place, { kind: 'finding', level, message: plain(message), device, isOfBond: true });
  }
}

/** An interface by its name, or by a pattern where it holds wildcards. */
export function interfaceRef(text: string): InterfaceRef {
  return /[*?[]/.test(text) ? { by: 'pattern', pattern: text } : { by: 'name', name: text };
}
