// The sentences of `why`: of each line and family its state, what says so, and what would have to happen for it to be used. (uplinks)
import { unreachable } from '../base/index.js';
import { FAMILIES, type Family, type TimeMs } from './contract.js';
import { returnAfterMs } from './judging.js';
import { SIGNS_TO_PROVE, silenceLimit } from './life.js';
import { GOOD_MS, isQuality, latencyLimit } from './quality.js';
import { familyName, listed, span, STATE_WORDS } from './sentences.js';
import type { UplinkSettings } from './settings.js';
import { whenHome, whyOf } from './snapshot.js';
import { type Judged, lineNamed, type LineState, type UplinkState } from './state.js';
import { viableLines } from './viable.js';

export function explain(state: UplinkState, settings: UplinkSettings, now: TimeMs): string[] {
  return FAMILIES.flatMap(family => {
    const isThere = state.lines.some(line => line.families[family].path !== null);
    if (!isThere) return [`${familyName(family)}: no line has an address and a gateway.`];
    return [choiceText(state, family, now)].concat(
      state.lines.map(line => lineText(state, settings, line, line.families[family], now)),
    );
  });
}

function choiceText(state: UplinkState, family: Family, now: TimeMs): string {
  const { selected, sinceMs, noneSinceMs } = state.choice[family];
  const head = familyName(family);
  if (selected === null) return `${head}: no line has proven itself yet, so the host's own routes decide.`;
  const since = `${head}: ${selected} is selected for ${span(now - sinceMs)}`;
  if (noneSinceMs !== null)
    return `${since}; no line can be used for ${span(now - noneSinceMs)}, and nothing is changed until one can.`;
  const next = viableLines(state.lines, family)
    .map(line => line.settings.name)
    .filter(name => name !== selected);
  return `${since}; ${next.length === 0 ? 'nothing could take over' : `${listed(next)} could take over${next.length > 1 ? ', in this order' : ''}`}.`;
}

function lineText(
  state: UplinkState,
  settings: UplinkSettings,
  line: LineState,
  judged: Judged,
  now: TimeMs,
): string {
  const why = whyOf(state, settings, line, judged, now);
  const parts = [
    `${line.settings.name} (${familyName(judged.family)}) ${STATE_WORDS[judged.state]} for ${span(now - judged.sinceMs)}: ${why}`,
    ...evidence(settings, judged, now),
    ...flowsText(state, judged),
    ...wayBack(state, settings, line, judged, now),
  ];
  return `${parts.join('; ')}.`;
}

/** The figures that the state goes by. */
function evidence(settings: UplinkSettings, judged: Judged, now: TimeMs): string[] {
  const { lastSignMs, quality } = judged;
  if (lastSignMs === null) return [];
  const { medianMs, lossPercent } = quality;
  const limit = span(silenceLimit(judged, settings.timing, now));
  return [
    `last sign of life ${span(now - lastSignMs)} ago, it may be silent for ${limit}`,
    ...(medianMs === null
      ? []
      : [`answers take ${span(medianMs)} (limit ${span(latencyLimit(judged, settings.timing))})`]),
    ...(lossPercent === null
      ? []
      : [`loss ${Math.round(lossPercent)} % (limit ${settings.timing.lossEnter} %)`]),
  ];
}

function flowsText(state: UplinkState, { by }: Judged): string[] {
  const [tcp, others] = [lineNamed(state, by.tcp), lineNamed(state, by.others)];
  if (tcp === undefined && others === undefined) return [];
  if (tcp === undefined) return [`its running flows go by ${by.others}, its connections stay`];
  return [`its running flows go by ${by.tcp}`];
}

/** What would have to happen for the line to be used. */
function wayBack(
  state: UplinkState,
  settings: UplinkSettings,
  line: LineState,
  judged: Judged,
  now: TimeMs,
): string[] {
  const isSelected = state.choice[judged.family].selected === line.settings.name;
  if (isSelected) return [];
  const needs = needOf(settings, line, judged, now);
  return needs === '' ? [] : [`to be used it needs ${needs}`];
}

function needOf(settings: UplinkSettings, line: LineState, judged: Judged, now: TimeMs): string {
  const signs = `${SIGNS_TO_PROVE} answers in a row`;
  const after = span(returnAfterMs({ settings }, judged));
  switch (judged.state) {
    case 'absent':
      return `a device, an address and a gateway, then ${signs}`;
    case 'down':
      return `a carrier, then ${signs}`;
    case 'unproven':
      return signs;
    case 'dead':
      return `${signs}, then ${after} without a fault; at once where no other line can be used`;
    case 'bad':
      return isQuality(judged.cause)
        ? `${span(GOOD_MS)} with loss and latency below the lower limits, then ${after} without a fault`
        : `a good answer, then ${after} without a fault`;
    case 'returning':
      return `${span(Math.max(0, (judged.timers.return ?? now) - now))} more without a fault`;
    case 'spent':
      return 'its budget to begin anew, or that no other line can be used';
    case 'drained':
      return 'to be released by the operator';
    case 'up':
      if (judged.fell) return `that the line in use fails; it is ${whenHome(settings)}`;
      return line.number === 1 ? 'nothing more than a moment' : 'that the lines before it cannot be used';
    default:
      return unreachable(judged.state);
  }
}
