// The words of the demo: timeline lines, the live status line and the summary. Pure text from values.

/** What the demo shows every moment. */
export interface LiveView {
  /** Seconds since the first packet. */
  readonly atS: number;
  readonly active: string | null;
  /** Members whose cable is cut. */
  readonly cut: readonly string[];
  readonly sent: number;
  readonly received: number;
  /** Packets that were overtaken by later ones, or refused by the kernel. */
  readonly lost: number;
  /** How long nothing has arrived. */
  readonly silentMs: number;
}

/** What happened in a demo, in the end. */
export interface DemoResult {
  readonly sent: number;
  readonly lost: number;
  /** Whose loss that was, in words. */
  readonly lostWhere: string;
  readonly refused: number;
  readonly doubled: number;
  /** The longest time without an arrival when the cable was cut. */
  readonly gapAtCutMs: number;
  /** The longest at any other time, where there was one worth telling: this machine was busy with something else. */
  readonly gapElsewhere: { readonly lengthMs: number; readonly atS: number } | null;
  /** The cable that was cut. */
  readonly cutMember: string;
  readonly cutAtS: number;
  readonly restoredAtS: number | null;
  /** Who sent before, and who sent while the cable was cut. */
  readonly activeBefore: string | null;
  readonly activeWhileCut: string | null;
  readonly reason: string | null;
  /** From the cut to the bond's own word that it moved. */
  readonly noticedMs: number | null;
  /** Packets that arrived after the cut. */
  readonly receivedAfterCut: number;
  /** What the demo could not remove. */
  readonly leftBehind: readonly string[];
}

const STYLES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
export type Style = keyof typeof STYLES;
/** Wraps text in a style, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string;

/** A painter for terminals (`colour`) or for pipes. */
export function painter(colour: boolean): Paint {
  return colour ? (style, text) => `\u001b[${STYLES[style]}m${text}\u001b[0m` : (_style, text) => text;
}

/** 12000 as 12,000. */
export function grouped(number: number): string {
  return String(Math.round(number)).replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
}

/** Milliseconds as people say them: 0.8 ms, 53 ms, 1.2 s. */
export function span(ms: number): string {
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  return ms < 999.5 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function stamp(atS: number): string {
  return `${atS.toFixed(1).padStart(5)} s`;
}

/** An event's line. */
export function eventLine(atS: number, text: string, style: Style, paint: Paint): string {
  return `${paint('dim', stamp(atS))}  ${paint(style, text)}`;
}

/** The state of things in one line. */
export function statusLine(view: LiveView, paint: Paint): string {
  const active =
    view.active === null ? paint('red', 'nobody is active') : `active ${paint('green', view.active)}`;
  const cut = view.cut.length === 0 ? '' : paint('yellow', `  cut ${view.cut.join(' ')}`);
  const lost = paint(view.lost === 0 ? 'green' : 'red', `lost ${grouped(view.lost)}`);
  const silent = view.silentMs >= 100 ? paint('red', `  nothing arrives for ${span(view.silentMs)}`) : '';
  return `${paint('dim', stamp(view.atS))}  ${active}  sent ${grouped(view.sent)}  arrived ${grouped(view.received)}  ${lost}${cut}${silent}`;
}

/** Why the demo does not count as a success; empty when it does. */
export function failures(result: DemoResult): string[] {
  const found: string[] = [];
  if (result.activeWhileCut === null) {
    found.push(`Nobody took over while the cable of ${result.cutMember} was cut.`);
  } else if (result.activeWhileCut === result.cutMember) {
    found.push(`${result.cutMember} stayed the active one although its cable was cut.`);
  }
  if (result.receivedAfterCut === 0) found.push('No packet arrived after the cable was cut.');
  for (const name of result.leftBehind) found.push(`Not removed: ${name}.`);
  return found;
}

function elsewhereRow({ gapElsewhere }: DemoResult): [string, string][] {
  if (gapElsewhere === null) return [];
  const { lengthMs, atS } = gapElsewhere;
  return [
    [
      'gap elsewhere',
      `${span(lengthMs)}, at ${atS.toFixed(1)} s: nothing was cut then, this machine was busy`,
    ],
  ];
}

/** Gaps that a network may have without anybody's doing. */
const USUAL_GAP_MS = 20;
/** The cut counts for what begins up to so long after it. */
const CUT_LASTS_MS = 1000;

/** Tells the gap of the cut from those of other moments; times in milliseconds after the first packet. */
export function gapsOf(
  gaps: readonly { readonly atMs: number; readonly lengthMs: number }[],
  cutMs: number,
): Pick<DemoResult, 'gapAtCutMs' | 'gapElsewhere'> {
  const isOfCut = ({ atMs, lengthMs }: { atMs: number; lengthMs: number }): boolean =>
    atMs + lengthMs >= cutMs && atMs <= cutMs + CUT_LASTS_MS;
  const longest = gaps
    .filter(gap => !isOfCut(gap) && gap.lengthMs >= USUAL_GAP_MS)
    .toSorted((a, b) => b.lengthMs - a.lengthMs)[0];
  return {
    gapAtCutMs: Math.max(0, ...gaps.filter(isOfCut).map(({ lengthMs }) => lengthMs)),
    gapElsewhere: longest === undefined ? null : { lengthMs: longest.lengthMs, atS: longest.atMs / 1000 },
  };
}

/** What one is about to see, and why: told before anything else. */
export function introduction(cutAtS: number, rate: number): readonly string[] {
  return [
    'A host has two cables to a switch, and a bond that makes one interface of them: one cable is used, the other waits.',
    `${grouped(rate)} packets a second go through it. After ${cutAtS.toFixed(1)} s the cable in use is cut, and the bond goes on with the other:`,
    'watch "lost" stay at 0. Nothing of this machine\'s own network is touched, and all is removed in the end.',
  ];
}

/** The closing words: figures, then the same in plain words. */
export function summary(result: DemoResult, paint: Paint): string {
  const took = result.activeWhileCut;
  const moved = took !== null && took !== result.cutMember;
  const lost = grouped(result.lost) + (result.lost === 0 ? '' : `; ${result.lostWhere}`);
  const rows: [string, string][] = [
    ['packets sent', grouped(result.sent)],
    ['lost', lost],
    ['doubled', grouped(result.doubled)],
    ['gap at the cut', span(result.gapAtCutMs)],
    ...elsewhereRow(result),
    ['took over', moved ? `${took}${result.reason === null ? '' : `: ${result.reason}`}` : 'nobody'],
    ['told after', result.noticedMs === null ? 'not told' : span(result.noticedMs)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length)) + 3;
  const table = rows.map(([name, value]) => `  ${paint('dim', name.padEnd(width))}${value}`).join('\n');
  const plain = [
    `The cable of ${result.cutMember} was cut at ${result.cutAtS.toFixed(1)} s.`,
    moved ? `${took} took over.` : 'Nobody took over.',
    `${grouped(result.lost)} of ${grouped(result.sent)} packets were lost.`,
  ].join(' ');
  const wrong = failures(result).map(text => `\n${paint('red', text)}`);
  return `${table}\n\n${paint('bold', plain)}${wrong.join('')}\n`;
}
