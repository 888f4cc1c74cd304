// Which probes go out on a member: one for each target, by the route that the system has to it (bond_arp_send_all, bond_ns_send_all).
import type { ProbeRoute } from '../contract.js';
import { tell } from '../tell.js';
import type { WatchContext, Watched, Watching } from './watched.js';
import { targetsOf } from './watched-link.js';

/** Sends all probes on a member. What is routed elsewhere is skipped; without a route the sender is the unspecified address. */
export function sendProbes(context: WatchContext, member: Watched): void {
  const { state } = context;
  for (const target of targetsOf(state)) {
    const route = state.routes.find(each => each.target === target);
    if (route?.path === 'elsewhere') continue;
    // A target of which nothing is known yet counts as one without a route.
    const { sender, vlans } = route?.path === 'bond' ? route : { sender: null, vlans: [] };
    member.arp.txMs = context.now;
    context.out.push({ kind: 'probe', member: member.member, target, sender, vlans });
  }
}

/** Routes to the targets were looked up again; those that will not do are told when they change. */
export function setRoutes(
  context: WatchContext & {
    readonly state: Pick<Watching, 'name' | 'numbers'> & { routes: readonly ProbeRoute[] };
  },
  routes: readonly ProbeRoute[],
): void {
  const { state } = context;
  const former = state.routes;
  state.routes = [...routes];
  for (const { target, path } of routes) {
    if (path === 'bond' || former.find(each => each.target === target)?.path === path) continue;
    const isValidating = state.numbers.arp_validate !== 0;
    if (path === 'elsewhere') {
      const message = `Target ${target} of ${state.name} is not asked: the route to it does not go through ${state.name}`;
      tell(context, 'warning', 'option', message);
    } else if (isValidating) {
      const message = `There is no route to target ${target} of ${state.name}: it is asked without a sender, and its answers may not be valid`;
      tell(context, 'warning', 'option', message);
    }
  }
}
