// link_watch of a bond: what its members decide for themselves while the monitors watch them.
import type { HeardAnswer } from '../contract.js';
import type { Context, MemberState } from '../state.js';
import { askingAddress } from './asking-address.js';
import { watchAnswer, watchTick } from './link-watch.js';
import { confirmLoss } from './mii-pass.js';
import type { WatchRoles } from './watched.js';

function rolesOf(context: Context): WatchRoles<MemberState> {
  return {
    askingAddress: member => askingAddress(context.state, member),
    lost: member => confirmLoss(context, member),
  };
}

/** One tick of both monitors together. */
export function bondWatchTick(context: Context): void {
  watchTick(context, rolesOf(context));
}

/** An answer of a target came in on a member. */
export function bondWatchAnswer(context: Context, answer: HeardAnswer): void {
  watchAnswer(context.state, answer, rolesOf(context).askingAddress);
}
