// Modes that share by speed do not use a member whose speed is not known (bond_needs_speed_duplex).
import { MODE } from './modes.js';
import { type Context, type MemberState } from '../state.js';
import { tell } from '../tell.js';

const NEEDING: ReadonlySet<number> = new Set([MODE.AD, MODE.TLB, MODE.ALB]);

/** False, and told once, when the mode needs the member's speed and the device does not tell it. */
export function hasNeededSpeed(context: Context, member: MemberState): boolean {
  if (!NEEDING.has(context.state.numbers.mode) || member.speedMbps !== null) {
    member.speedless = false;
    return true;
  }
  if (!member.speedless) {
    member.speedless = true;
    const message = `${member.name} is not used: its device does not tell its speed, which this mode needs`;
    tell(context, 'warning', 'link', message, { member: member.name });
  }
  return false;
}
