// What the ARP monitor of a bond decides by: ears on its members, the ways to its targets, when each member last received.
import type { Refusal, Result } from '../base/index.js';
import type { BondFacts, Input, MemberSnapshot } from '../policy/index.js';
import type { Host } from './ports.js';

interface AskingBond {
  readonly host: Pick<Host, 'frames' | 'clock'>;
  readonly policy: {
    facts(): BondFacts;
    members(): readonly Pick<MemberSnapshot, 'member'>[];
    handle(input: Input, now: number): unknown;
  };
  feed(input: Input): Result<undefined, Refusal>;
}

/** On the members of a bond that asks, and on none of one that does not. */
export function listen({ host, policy }: AskingBond): void {
  const { arpIntervalMs, adminUp } = policy.facts();
  const isAsking = arpIntervalMs > 0 && adminUp;
  host.frames.listen(isAsking ? policy.members().map(({ member }) => member) : []);
}

/** Before a tick: what changed of the ways to the targets, and what was heard. */
export function sense(bond: AskingBond): void {
  const { frames, clock } = bond.host;
  listen(bond);
  const routes = frames.changedRoutes(bond.policy.facts().targets);
  if (routes !== undefined) bond.feed({ kind: 'routes', routes });
  bond.policy.handle({ kind: 'heard', heard: frames.heard() }, clock.now());
}
