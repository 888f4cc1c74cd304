// How mwan3 asks by its lines, and what becomes of that: most of it has no counterpart, as Bondwire asks ten times a second. (config)
import { DEFAULT_TIMING } from '../../uplinks/index.js';
import type { UplinkText } from '../bondwire/uplink-schema.js';
import { isOn, numberOf, type Telling, valueOf, valuesOf } from './telling.js';
import type { LineDraft, Way } from './mwan3-lines.js';
import { shown } from '../../base/index.js';

/** What of it an uplink has once, for all lines. */
export type TimingText = Pick<UplinkText, 'return' | 'loss' | 'latency'>;

const LONGEST_RETURN_S = 86_400;
const QUALITY = ['failure_latency', 'recovery_latency', 'failure_loss', 'recovery_loss'] as const;

interface Quality {
  readonly loss: { readonly enter: string; readonly leave: string };
  readonly latency: string;
}

/** `lines` in their order of preference: where they differ, the first counts. */
export function timingOf(lines: readonly LineDraft[], telling: Telling): TimingText {
  let back: { readonly text: string; readonly line: string } | null = null;
  let quality: { readonly text: Quality; readonly line: string } | null = null;
  for (const way of lines.flatMap(({ ways }) => ways)) {
    tellOfSilence(way, telling);
    tellOfTheRest(way, telling);
    const text = returnOf(way, telling, back);
    back ??= { text, line: way.name };
    const own = qualityOf(way, telling, quality);
    if (own !== null) quality ??= { text: own, line: way.name };
  }
  return {
    ...(back !== null && { return: back.text }),
    ...(quality !== null && quality.text),
  };
}

/** How long mwan3 takes to notice that nothing answers: each round asks all targets in turn, then sleeps. */
function tellOfSilence({ section, name }: Way, telling: Telling): void {
  const names = ['interval', 'timeout', 'down', 'count', 'failure_interval', 'keep_failure_interval'];
  const interval = numberOf(telling, section, 'interval', 10);
  const timeout = numberOf(telling, section, 'timeout', 4);
  const down = numberOf(telling, section, 'down', 5);
  const count = numberOf(telling, section, 'count', 1);
  const pause = numberOf(telling, section, 'failure_interval', interval);
  const targets = valuesOf(section, 'track_ip').length;
  const round = targets * (timeout + Math.max(0, count - 1));
  const least = down * round + Math.max(0, down - 1) * pause;
  const here = `here it is ${DEFAULT_TIMING.silenceMs} ms without an answer ("silence")`;
  const message =
    targets === 0
      ? `interval, timeout and down say nothing without track_ip; ${here}.`
      : `interval ${interval}, timeout ${timeout}, down ${down}: by these mwan3 notices that ${shown(name)} is silent after ${least} to ${least + interval} s; ${here}, so they have no counterpart.`;
  telling.about(section, names, 'note', message);
}

function returnOf(
  { section, name }: Way,
  telling: Telling,
  before: { readonly text: string; readonly line: string } | null,
): string {
  const names = ['up', 'recovery_interval'];
  const up = numberOf(telling, section, 'up', 5);
  const interval = numberOf(
    telling,
    section,
    'recovery_interval',
    numberOf(telling, section, 'interval', 10),
  );
  const seconds = Math.min(LONGEST_RETURN_S, up * interval);
  const text = `${seconds}s`;
  const what = `up ${up}, each ${interval} s: ${shown(name)} is used again when it was good for ${seconds} s`;
  if (before === null)
    telling.about(section, names, 'understood', `${what} ("return"), longer where it fails soon after.`);
  else if (before.text !== text)
    telling.about(
      section,
      names,
      'warning',
      `${what} in mwan3; here all lines have one "return", ${before.text}, that of ${shown(before.line)}.`,
    );
  else telling.mark(section, names);
  return text;
}

/** Thresholds of loss and latency; null where mwan3 does not look at them. */
function qualityOf(
  { section, name }: Way,
  telling: Telling,
  before: { readonly text: Quality; readonly line: string } | null,
): Quality | null {
  const standard = DEFAULT_TIMING;
  telling.mark(section, ['check_quality']);
  if (!isOn(section, 'check_quality')) {
    const message = (given: string): string =>
      `${given}: mwan3 looks at none of this without check_quality; here loss and latency are always looked at, from ${standard.lossEnter} % and ${standard.latencyEnterMs} ms on.`;
    telling.ofGiven(section, ['check_quality', ...QUALITY], 'note', message);
    return null;
  }
  const enter = numberOf(telling, section, 'failure_loss', 40);
  const leave = numberOf(telling, section, 'recovery_loss', 10);
  const latency = numberOf(telling, section, 'failure_latency', 1000);
  const back = numberOf(telling, section, 'recovery_latency', 500);
  const isLoss = enter <= 100 && leave < enter;
  const loss = isLoss
    ? { enter: `${enter}%`, leave: `${leave}%` }
    : { enter: `${standard.lossEnter}%`, leave: `${standard.lossLeave}%` };
  if (!isLoss)
    telling.about(
      section,
      ['failure_loss', 'recovery_loss'],
      'warning',
      `failure_loss ${enter} and recovery_loss ${leave}: the first must be higher and at most 100; ${loss.enter} and ${loss.leave} were taken.`,
    );
  const text = { loss, latency: `${Math.max(10, latency)}ms` };
  if (before === null) {
    telling.about(
      section,
      ['check_quality', 'failure_loss', 'recovery_loss', 'failure_latency'],
      'understood',
      `${shown(name)} is bad from ${loss.enter} loss on and good again at ${loss.leave}, bad from ${text.latency} latency on, for all lines ("loss", "latency").`,
    );
    telling.ofGiven(
      section,
      ['recovery_latency'],
      'note',
      () => `recovery_latency ${back}: here a line is good again below 0.7 times its "latency".`,
    );
  } else {
    const isSame = JSON.stringify(before.text) === JSON.stringify(text);
    telling.mark(section, QUALITY);
    if (!isSame)
      telling.about(
        section,
        ['check_quality', ...QUALITY],
        'warning',
        `${shown(name)} has other thresholds of loss and latency than ${shown(before.line)}; here all lines have the same, and those of ${shown(before.line)} were taken.`,
      );
  }
  return text;
}

function tellOfTheRest(way: Way, telling: Telling): void {
  const { section } = way;
  tellOfMethod(way, telling);
  const notes: readonly (readonly [string, string])[] = [
    ['reliability', 'here any answer of any target says that the line lives'],
    ['size', 'questions have a size of their own here'],
    ['max_ttl', 'questions have the usual hop limit of Linux here'],
    [
      'initial_state',
      'here a line is used as soon as it proved that it lives, which takes less than a second',
    ],
    [
      'flush_conntrack',
      'mwan3 forgets the flows of all lines by it; here flows of the line that failed are moved or ended by themselves, and no others',
    ],
  ];
  for (const [name, why] of notes)
    telling.ofGiven(section, [name], 'note', given => `${given} has no counterpart: ${why}.`);
  telling.ofGiven(
    section,
    ['httping_ssl'],
    'note',
    given => `${given} has a meaning with track_method httping alone.`,
  );
}

function tellOfMethod({ section }: Way, telling: Telling): void {
  const method = valueOf(section, 'track_method') ?? 'ping';
  const asked = 'The targets are asked by ICMP echo (ping)';
  const more: Readonly<Record<string, string>> = {
    httping: 'to have a page asked for besides, write "http" for the line',
    'nping-tcp': 'to have a port connected to besides, write "tcp" for the line',
  };
  if (method === 'ping' || method === 'nping-icmp') {
    telling.ofGiven(section, ['track_method'], 'understood', () => `${asked}.`);
    return;
  }
  telling.about(
    section,
    ['track_method', ...(method === 'httping' ? ['httping_ssl'] : [])],
    'warning',
    `${asked}, not by ${shown(method)}: ${Object.hasOwn(more, method) ? more[method] : 'see that they answer that'}.`,
  );
}
