// Hellos of a bond with lacp_fast_silence: to partners that say some too ten times a second, to others one now and then, so that two
// Bondwires find each other.
import { HELLO, helloFrame } from '../../frames/index.js';
import type { MemberIndex, TimeMs } from '../contract.js';
import { memberOfPort, portOf } from './port.js';
import {
  GREET_MS,
  GREETINGS,
  HELLO_MS,
  HELLO_OVER_MS,
  type PortWatch,
  type SilenceRun,
  TRIAL_EACH_MS,
  watchOf,
} from './silence-state.js';

/** Hellos of the partner are to be expected on a port. */
export function isExpected({ hellos }: Pick<PortWatch, 'hellos'>): boolean {
  return hellos.length > 0;
}

function paceMs({ hellos, greeted }: PortWatch, now: TimeMs): number {
  const last = hellos.at(-1);
  if (last !== undefined && now - last < HELLO_OVER_MS) return HELLO_MS;
  return greeted < GREETINGS ? GREET_MS : TRIAL_EACH_MS;
}

function say(run: SilenceRun, member: MemberIndex, flags: number): void {
  const { silence, lacp, out } = run;
  const port = portOf(lacp, member);
  if (port === undefined) return;
  silence.sequence = (silence.sequence + 1) % 2 ** 32;
  const { permanentAddress } = memberOfPort(run, port);
  const { system, port: number } = port.actor;
  const frame = helloFrame(permanentAddress, { flags, sequence: silence.sequence, system, port: number });
  if (!frame.ok) throw new Error(frame.error);
  out.push({ kind: 'send-through', member, frame: frame.value, what: 'lacp' });
}

/** One look at a port: it says a hello where one is due. */
export function hello(run: SilenceRun, member: MemberIndex): void {
  const { silence, lacp, now } = run;
  const watch = watchOf({ silence }, member);
  const port = portOf(lacp, member);
  if (watch === undefined || port?.enabled !== true || now < watch.helloMs) return;
  const pace = paceMs(watch, now);
  if (pace !== HELLO_MS) watch.greeted = Math.min(GREETINGS, watch.greeted + 1);
  watch.helloMs = watch.helloMs + pace > now ? watch.helloMs + pace : now + pace;
  const isDeaf = watch.silent === 'markers' || watch.silent === 'hellos';
  say(run, member, isDeaf ? HELLO.DEAF : 0);
}

/** The last hello of a port: that none comes is no evidence from now on. Where nobody was heard, nobody waits for one. */
export function lastHello(run: SilenceRun, member: MemberIndex): void {
  const watch = watchOf(run, member);
  if (watch !== undefined && isExpected(watch)) say(run, member, HELLO.ENDS);
}
