// What the program that a file is for does with an option that the driver refuses: most go on without it, some do not. (config)
import type { Refusal } from '../base/index.js';

/** A program whose files are read. */
export type Tool = 'cloud-init' | 'ifcfg' | 'ifupdown' | 'module' | 'netplan' | 'networkd' | 'teamd';

interface Habits {
  /** Refusals that it passes over. */
  readonly passesOver: ReadonlySet<Refusal['code']>;
  /** The end of a sentence about an option that it went on without. */
  readonly how: string;
  /** The monitor that is left where a file asks for both, as it writes that one last; null: no bond comes of it. */
  readonly lastMonitor: 'miimon' | 'arp_interval' | null;
}

const EVERYTHING: ReadonlySet<Refusal['code']> = new Set([
  'invalid-request',
  'invalid-value',
  'needs-monitor',
  'unknown-interface',
  'unknown-option',
  'wrong-mode',
]);

/**
 * Read in the scripts of ifenslave 2.13, initscripts 10 and cloud-init 22.4, and in the driver of 6.12; seen with netplan 0.106 and
 * in part with systemd 252. What NetworkManager and teamd pass over is from their documentation, and was not tried.
 */
export const HABITS: Readonly<Record<Tool, Habits>> = {
  ifupdown: {
    passesOver: EVERYTHING,
    how: 'ifup says so and goes on without it',
    // setup_master() of ifenslave writes arp_interval, then miimon, in whatever order the lines stand.
    lastMonitor: 'miimon',
  },
  ifcfg: {
    passesOver: EVERYTHING,
    how: 'ifup logs that and goes on without it',
    // install_bonding_driver() of initscripts writes mode and miimon first.
    lastMonitor: 'arp_interval',
  },
  networkd: {
    // What cannot be parsed is passed over, and what belongs to another mode is not sent (netdev_bond_fill_message_create).
    passesOver: new Set(['invalid-value', 'wrong-mode']),
    how: 'networkd goes on without it',
    lastMonitor: null,
  },
  netplan: {
    passesOver: new Set(['invalid-value', 'wrong-mode']),
    how: 'the networkd that netplan writes for goes on without it',
    lastMonitor: null,
  },
  'cloud-init': {
    passesOver: new Set(['invalid-value', 'unknown-option', 'wrong-mode']),
    how: 'what cloud-init writes for goes on without it',
    lastMonitor: null,
  },
  teamd: {
    passesOver: new Set(['invalid-value', 'needs-monitor', 'wrong-mode']),
    how: 'teamd has it for another runner and goes on',
    lastMonitor: null,
  },
  module: {
    passesOver: new Set(['wrong-mode']),
    how: 'the module goes on without it',
    lastMonitor: 'miimon',
  },
};
