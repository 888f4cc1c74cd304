// The MII monitor's inspection as a total table: link state × carrier → what to propose (bond_miimon_inspect).
import { unreachable } from '../../base/index.js';
import type { LinkState } from '../contract.js';

/** What a row does. The two `start` rows go on as the `wait` row of the state they enter, in the same pass. */
type Action = 'stay' | 'start-fail' | 'return-up' | 'wait-down' | 'start-back' | 'return-down' | 'wait-up';

/** Every state × carrier (H20, H22). */
export const MII_TABLE: Readonly<Record<LinkState, Readonly<Record<'on' | 'off', Action>>>> = {
  up: { on: 'stay', off: 'start-fail' },
  fail: { on: 'return-up', off: 'wait-down' },
  down: { on: 'start-back', off: 'stay' },
  back: { on: 'wait-up', off: 'return-down' },
};

/** What inspection reads, all delays in ticks. */
export interface Inspected {
  readonly link: LinkState;
  readonly carrier: boolean;
  readonly delayTicks: number;
  readonly updelayTicks: number;
  readonly downdelayTicks: number;
  /** All links were lost: the first that is back is used at once (H23). */
  readonly ignoreUpdelay: boolean;
}

/** What inspection found. */
export interface Finding {
  /** The new link state, or null for no change. */
  readonly proposed: LinkState | null;
  readonly delayTicks: number;
  /** The privilege of ignoring updelay was used up by this member. */
  readonly usedPrivilege: boolean;
  /** True when a delay just began. */
  readonly began: boolean;
}

/** One member in one pass. */
export function inspect(member: Inspected): Finding {
  const action = MII_TABLE[member.link][member.carrier ? 'on' : 'off'];
  switch (action) {
    case 'stay':
      return found(null, member.delayTicks);
    case 'return-up':
      return found('up', member.delayTicks);
    case 'return-down':
      return found('down', member.delayTicks);
    case 'start-fail':
      return waitDown('fail', member.downdelayTicks, true);
    case 'wait-down':
      return waitDown(null, member.delayTicks, false);
    case 'start-back':
      return waitUp('back', member.updelayTicks, true, member.ignoreUpdelay);
    case 'wait-up':
      return waitUp(null, member.delayTicks, false, member.ignoreUpdelay);
    default:
      return unreachable(action);
  }
}

function found(proposed: LinkState | null, delayTicks: number): Finding {
  return { proposed, delayTicks, usedPrivilege: false, began: false };
}

function waitDown(proposed: LinkState | null, delay: number, began: boolean): Finding {
  if (delay <= 0) return { ...found('down', 0), began };
  return { ...found(proposed, delay - 1), began };
}

function waitUp(proposed: LinkState | null, delay: number, began: boolean, ignore: boolean): Finding {
  const left = ignore ? 0 : delay;
  if (left <= 0) return { proposed: 'up', delayTicks: 0, usedPrivilege: true, began };
  return { ...found(proposed, left - 1), began };
}
