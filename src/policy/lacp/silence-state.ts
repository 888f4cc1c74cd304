// lacp_fast_silence: what is known of the silence of each port, as plain JSON, and the times by which it is judged.
import type { MemberIndex, TimeMs } from '../contract.js';
import type { LacpBond, LacpPort, LacpRun } from './port.js';

/** A marker that was sent. */
interface SentMarker {
  readonly id: number;
  readonly atMs: TimeMs;
}

/** Markers are asked of a port that nothing is heard on. */
export interface Suspicion {
  readonly sinceMs: TimeMs;
  asked: number;
  /** How often, when it was asked, another port was asked too; and how often that one answered. */
  compared: number;
  seconded: number;
}

/** Why nothing is sent through a port: markers are not answered, hellos do not come, or the partner says that it hears nothing. */
export type SilentBy = 'markers' | 'hellos' | 'told';

/** One port. */
export interface PortWatch {
  readonly member: MemberIndex;
  /** When a frame of any kind last came in, as far as it is known. */
  heardMs: TimeMs;
  /** When a frame of slow protocols was last taken in; and one of other traffic. */
  slowMs: TimeMs;
  trafficMs: TimeMs;
  silent: SilentBy | null;
  /** Its partner answered markers when it was tried last. */
  answers: boolean;
  /** Times in a row that its partner was found to leave out answers, although it lived. */
  misses: number;
  /** When it is tried again, how many markers of a trial are still to be sent, and how many trials it did not answer. */
  trialMs: TimeMs;
  trial: number;
  failed: number;
  /** Markers of the last second, the oldest first. */
  sent: SentMarker[];
  /** Of those that were answered, when the newest was sent. */
  answeredMs: TimeMs | null;
  suspicion: Suspicion | null;
  /** Since when it is asked whenever any is; null: it is not. */
  ledMs: TimeMs | null;
  /** When the last suspicion began. */
  suspectMs: TimeMs;
  /** When hellos were last heard, the oldest first; none where none are to be expected. */
  hellos: TimeMs[];
  /** When the next one is due, and how many were said to nobody known. */
  helloMs: TimeMs;
  greeted: number;
  /** When the partner last said that it hears nothing. */
  toldMs: TimeMs;
}

export interface SilenceState {
  /** Of the last marker, and of the last hello. */
  transaction: number;
  sequence: number;
  /** When ports that are quiet and well were asked last. */
  roundMs: TimeMs;
  ports: PortWatch[];
}

/** A bond whose ports are watched. */
export type WatchedBond = LacpBond & { silence: SilenceState | null };

export interface SilenceRun extends LacpRun {
  readonly bond: WatchedBond;
  readonly silence: SilenceState;
}

/** Looks in the time after which a port counts as silent: half of it nothing is heard, in the other half it is asked. */
const LOOKS = 6;
export const MARKERS = 3;

/** A port is asked at most so often in a second. */
export const MOST_MARKERS = 5;
export const SECOND_MS = 1000;
/** Ports that are quiet and well are asked every so often: with the three that a doubt asks besides, five in a second. */
export const ASK_AGAIN_MS = 500;
/** So many ports are asked whenever any is. */
export const LEADERS = 3;
/** That one answers counts against another after so long: limits of the partner hit it as early by then. */
export const LED_MS = 5000;
/** A partner may be busy at first: it is tried again so many times, so soon. */
export const EARLY_TRIALS = 3;
export const EARLY_TRIAL_MS = 5000;
/** Whether the partner still answers, or answers by now. */
export const TRIAL_EACH_MS = 30_000;
/** Twice as long after each time that it was found not to, this many times at most. */
const MOST_DOUBLINGS = 4;

/** Between two hellos: ten a second is what slow protocols may (IEEE 802.3 Annex 57A). */
export const HELLO_MS = 100;
/** Hellos to a partner that was not heard to say any: five in the first seconds, then seldom. */
export const GREET_MS = 1000;
export const GREETINGS = 5;
/** A partner that said none for so long is no Bondwire any more. */
export const HELLO_OVER_MS = 10_000;
/** What a partner told holds for so long. */
export const TOLD_MS = 1000;
export const HELLOS_KEPT = 4;

/** Milliseconds between two looks. */
export function lookMs({ numbers }: Pick<LacpBond, 'numbers'>): number {
  return numbers.lacp_fast_silence / LOOKS;
}

/** A port that is watched from now on. */
export function newWatch(member: MemberIndex, now: TimeMs): PortWatch {
  return {
    member,
    heardMs: now,
    slowMs: now,
    trafficMs: now,
    silent: null,
    answers: false,
    misses: 0,
    trialMs: now,
    trial: 0,
    failed: 0,
    sent: [],
    answeredMs: null,
    suspicion: null,
    ledMs: null,
    suspectMs: now,
    hellos: [],
    helloMs: now,
    greeted: 0,
    toldMs: now,
  };
}

/** What was known of it is too old: it has to be tried again, and is not silent. */
export function beginAnew(watch: PortWatch, now: TimeMs): void {
  watch.silent = null;
  watch.answers = false;
  watch.trial = 0;
  watch.trialMs = now;
  watch.failed = 0;
  watch.suspicion = null;
  watch.answeredMs = null;
  watch.ledMs = null;
  watch.heardMs = now;
}

/** Its partner left out an answer although it lives: what it does not answer is no evidence for a while. */
export function distrust(watch: PortWatch, now: TimeMs): void {
  watch.answers = false;
  watch.trial = 0;
  watch.suspicion = null;
  watch.trialMs = now + TRIAL_EACH_MS * 2 ** Math.min(watch.misses, MOST_DOUBLINGS);
  watch.misses++;
}

export function watchOf(
  { silence }: { readonly silence: SilenceState | null },
  member: MemberIndex,
): PortWatch | undefined {
  return silence?.ports.find(each => each.member === member);
}

/** True for a member through which nothing is sent while others can be. */
export function isSilent(bond: { readonly silence: SilenceState | null }, member: MemberIndex): boolean {
  return (watchOf(bond, member)?.silent ?? null) !== null;
}

/** Moves all times: they are kept relative to the moment of saving. */
export function shiftSilence(silence: SilenceState | null, by: TimeMs): void {
  if (silence !== null) silence.roundMs += by;
  for (const watch of silence?.ports ?? []) {
    for (const name of [
      'heardMs',
      'slowMs',
      'trafficMs',
      'trialMs',
      'suspectMs',
      'helloMs',
      'toldMs',
    ] as const)
      watch[name] += by;
    if (watch.answeredMs !== null) watch.answeredMs += by;
    if (watch.ledMs !== null) watch.ledMs += by;
    watch.sent = watch.sent.map(({ id, atMs }) => ({ id, atMs: atMs + by }));
    watch.hellos = watch.hellos.map(atMs => atMs + by);
    if (watch.suspicion !== null)
      watch.suspicion = { ...watch.suspicion, sinceMs: watch.suspicion.sinceMs + by };
  }
}

/** Nobody listened until now: all begin anew, but those that were silent stay so until they are heard. */
export function restoreSilence(silence: SilenceState | null, now: TimeMs): SilenceState | null {
  if (silence === null) return null;
  const ports = silence.ports.map(({ member, silent }) => Object.assign(newWatch(member, now), { silent }));
  return { ...silence, roundMs: now, ports };
}

/** Ports that are there are watched, and no others. */
export function followPorts(silence: SilenceState, ports: readonly LacpPort[], now: TimeMs): void {
  silence.ports = ports.map(
    ({ member }) => silence.ports.find(each => each.member === member) ?? newWatch(member, now),
  );
}
