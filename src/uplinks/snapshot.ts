// What others may see of an uplink, as plain data: for `show`, the API and tests. Ages are relative to the moment of asking. (uplinks)
import {
  type Cause,
  type Family,
  type LineNumber,
  type LinePath,
  type LineStateName,
  type Place,
  type TimeMs,
  type Transport,
} from './contract.js';
import { isSpent, usedShare } from './budget.js';
import { silenceLimit } from './life.js';
import { budgetText, span, whatIsMissing, whatIsWrong } from './sentences.js';
import type { LineSettings, UplinkSettings } from './settings.js';
import type { Judged, LineState, UplinkState } from './state.js';
import { sharingLines } from './viable.js';

export interface LineFamilySnapshot {
  readonly state: LineStateName;
  /** For how long it has been in this state. */
  readonly forMs: TimeMs;
  readonly cause: Cause | null;
  readonly place: Place | null;
  /** It gave three signs in a row since it is there; nothing is moved to a line that did not. */
  readonly isProven: boolean;
  readonly path: LinePath | null;
  readonly isSelected: boolean;
  /** Median of the last answers; null: there were none. */
  readonly rttMs: number | null;
  /** Null: too few questions to say. */
  readonly lossPercent: number | null;
  /** Since the last sign of life; null: there was none. */
  readonly lastSignMs: TimeMs | null;
  /** For how long it may be silent. */
  readonly patienceMs: TimeMs;
  /** How often it failed soon after it had come back. */
  readonly relapses: number;
  /** After this it may be gone back to, if it stays good; null: it is not on its way back. */
  readonly returnInMs: TimeMs | null;
  /** By which lines its running flows go. */
  readonly flowsBy: Readonly<Record<Transport, string>>;
  /** One sentence: why it is in use or not. */
  readonly why: string;
}

export interface LineSnapshot {
  readonly line: LineNumber;
  readonly name: string;
  readonly device: string;
  readonly ifindex: number | null;
  /** Null: there is no such device. */
  readonly carrier: boolean | null;
  readonly metered: boolean;
  readonly nat: LineSettings['nat'];
  /** Bytes since local midnight, both directions. */
  readonly todayBytes: number;
  readonly budget: { readonly bytes: number; readonly usedBytes: number; readonly percent: number } | null;
  /** The operator took it out of use: for how much longer; null there: until released. */
  readonly drained: { readonly forMs: TimeMs | null } | null;
  readonly families: Readonly<Record<Family, LineFamilySnapshot>>;
}

export interface ChoiceSnapshot {
  readonly line: string | null;
  readonly forMs: TimeMs;
  /** For how long no line could be used; null: one can. */
  readonly noneForMs: TimeMs | null;
  /** New flows are spread over these; empty: they are not. */
  readonly sharing: readonly string[];
}

export interface UplinkSnapshot {
  readonly name: string;
  readonly mode: UplinkSettings['mode'];
  /** Bits of marks that are the uplink's. */
  readonly markMask: number;
  readonly selected: Readonly<Record<Family, ChoiceSnapshot>>;
  /** The operator wants this line used: for how much longer; null there: until released. */
  readonly use: { readonly line: string; readonly forMs: TimeMs | null } | null;
  readonly lines: readonly LineSnapshot[];
}

export function snapshotOf(state: UplinkState, settings: UplinkSettings, now: TimeMs): UplinkSnapshot {
  return {
    name: settings.name,
    mode: settings.mode,
    markMask: settings.markMask,
    selected: bothFamilies(family => choiceOf(state, settings, family, now)),
    use: state.use === null ? null : { line: state.use.line, forMs: left(state.use.untilMs, now) },
    lines: state.lines.map(line => lineSnapshot(state, settings, line, now)),
  };
}

function bothFamilies<T>(make: (family: Family) => T): Record<Family, T> {
  return { ipv4: make('ipv4'), ipv6: make('ipv6') };
}

function left(untilMs: TimeMs | null, now: TimeMs): TimeMs | null {
  return untilMs === null ? null : Math.max(0, untilMs - now);
}

function choiceOf(state: UplinkState, settings: UplinkSettings, family: Family, now: TimeMs): ChoiceSnapshot {
  const { selected, sinceMs, noneSinceMs } = state.choice[family];
  return {
    line: selected,
    forMs: selected === null ? 0 : now - sinceMs,
    noneForMs: noneSinceMs === null ? null : now - noneSinceMs,
    sharing: sharingLines({ state, settings }, family).map(line => line.settings.name),
  };
}

function lineSnapshot(
  state: UplinkState,
  settings: UplinkSettings,
  line: LineState,
  now: TimeMs,
): LineSnapshot {
  const { number, device, usage, drain } = line;
  const { name, metered, budget } = line.settings;
  const percent = Math.floor((usedShare(line) ?? 0) * 100);
  return {
    line: number,
    name,
    device: line.settings.device,
    ifindex: device?.ifindex ?? null,
    carrier: device?.carrier ?? null,
    metered,
    nat: line.settings.nat,
    todayBytes: usage.today,
    budget: budget === null ? null : { bytes: budget.bytes, usedBytes: usage.used, percent },
    drained: drain === null ? null : { forMs: left(drain.untilMs, now) },
    families: bothFamilies(family => familySnapshot(state, settings, line, family, now)),
  };
}

function familySnapshot(
  state: UplinkState,
  settings: UplinkSettings,
  line: LineState,
  family: Family,
  now: TimeMs,
): LineFamilySnapshot {
  const judged = line.families[family];
  const { name } = line.settings;
  return {
    state: judged.state,
    forMs: now - judged.sinceMs,
    cause: judged.cause,
    place: judged.place,
    isProven: judged.proven,
    path: judged.path,
    isSelected: state.choice[family].selected === name,
    rttMs: judged.quality.medianMs,
    lossPercent: judged.quality.lossPercent,
    lastSignMs: judged.lastSignMs === null ? null : now - judged.lastSignMs,
    patienceMs: silenceLimit(judged, settings.timing, now),
    relapses: judged.relapses,
    returnInMs: left(judged.timers.return, now),
    flowsBy: { tcp: judged.by.tcp ?? name, others: judged.by.others ?? name },
    why: whyOf(state, settings, line, judged, now),
  };
}

/** Why a line is in use, or is not. */
export function whyOf(
  state: UplinkState,
  settings: UplinkSettings,
  line: LineState,
  judged: Judged,
  now: TimeMs,
): string {
  if (judged.state === 'absent') return whatIsMissing(line, judged);
  const wrong = whatIsWrong(line, judged, settings.timing, now);
  const isSelected = state.choice[judged.family].selected === line.settings.name;
  if (wrong !== '') return isSelected ? `${wrong}; no other line is better` : wrong;
  if (judged.state === 'unproven') return 'it has not answered three questions in a row yet';
  if (isSelected) return whySelected(state, line);
  if (judged.state === 'returning')
    return `good for ${span(now - judged.sinceMs)}, may be used again in ${span(left(judged.timers.return, now) ?? 0)}`;
  return standby(state, settings, line, judged);
}

function whySelected(state: UplinkState, line: LineState): string {
  if (state.use?.line === line.settings.name) return 'the operator wants it so';
  return line.number === 1 ? 'first in order' : 'the lines before it cannot be used, or not yet';
}

function standby(state: UplinkState, settings: UplinkSettings, line: LineState, judged: Judged): string {
  const isSharing = sharingLines({ state, settings }, judged.family).includes(line);
  const budget = line.settings.budget === null || isSpent(line) ? '' : `, ${budgetText(line)}`;
  if (isSharing) return `carries a share of new flows${budget}`;
  if (judged.fell) return `good again, and ${whenHome(settings)}${budget}`;
  return `standby${budget}`;
}

/** When a line that is good again is gone back to. */
export function whenHome({ return: home }: UplinkSettings): string {
  if (home === null) return 'gone back to when it is released by the operator';
  const { at } = home;
  if (at === null) return 'gone back to';
  const [hours, minutes] = [Math.floor(at / 60), at % 60];
  return `gone back to at ${String(hours).padStart(2, '0')}:${String(minutes).padStart(2, '0')}`;
}
