// What the monitors, LACP and balance-alb of a bond decide by: ears on its members, the ways to its targets, when each member last received.
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

/** Inputs after which other members may be those that listen. */
export const MOVES_EARS: ReadonlySet<Input['kind']> = new Set(['set-option', 'opened', 'leave', 'bond-link']);

/** On the members of a bond that asks, speaks LACP or gives out members to clients, and on none of one that does not. */
export function listen({ host, policy }: AskingBond): void {
  const { arpIntervalMs, adminUp, mode } = policy.facts();
  const members = policy.members().map(({ member }) => member);
  host.frames.listen(arpIntervalMs > 0 && adminUp ? members : []);
  host.frames.hearSlow(mode === '802.3ad' && adminUp ? members : []);
  host.frames.hearArp(mode === 'balance-alb' && adminUp ? members : []);
}

/** What is heard is an input. */
export function hear({ frames }: Pick<Host, 'frames'>, heard: (input: Input) => void): void {
  frames.onAnswer(answer => heard({ kind: 'answer', answer }));
  frames.onSlowFrame((member, frame) => heard({ kind: 'slow-frame', member, frame }));
  frames.onArpFrame((member, frame) => heard({ kind: 'arp-frame', member, frame }));
}

/** Before a tick of the ARP monitor: what changed of the ways to the targets, and what was heard. */
export function sense(bond: AskingBond): void {
  const { frames, clock } = bond.host;
  listen(bond);
  const routes = frames.changedRoutes(bond.policy.facts().targets);
  if (routes !== undefined) bond.feed({ kind: 'routes', routes });
  bond.policy.handle({ kind: 'heard', heard: frames.heard() }, clock.now());
}

/** Before a deadline of a bond that watches the silence of LACP's partners: when each member last received. */
export function senseSilence({ host, policy }: AskingBond): void {
  const heard = policy
    .members()
    .map(({ member }) => ({ member, anyMs: host.frames.lastReceived(member), probeLikeMs: null }));
  policy.handle({ kind: 'heard', heard }, host.clock.now());
}
