// Which lines could carry traffic, and how gladly they are taken. (uplinks)
import type { Family, LineStateName } from './contract.js';
import { isQuality } from './quality.js';
import type { Context, Judged, LineState } from './state.js';

/**
 * How gladly a line is taken, 0 first; null: not at all. The lower half is the last resort: lines with a fault that may be better than
 * nothing. Nothing is ever moved to a line that did not prove that it lives.
 */
export function rankOf({ proven, state, cause }: Judged): number | null {
  if (!proven) return null;
  if (state === 'bad' && !isQuality(cause)) return 3;
  return RANKS[state] ?? null;
}

const RANKS: Partial<Readonly<Record<LineStateName, number>>> = { up: 0, returning: 1, bad: 2, spent: 4 };

/** Lines that traffic may be moved to, best first; of equals the first in the order of the settings. */
export function viableLines(lines: readonly LineState[], family: Family): LineState[] {
  return lines
    .flatMap(line => {
      const rank = rankOf(line.families[family]);
      return rank === null ? [] : [{ line, rank }];
    })
    .toSorted((a, b) => a.rank - b.rank || a.line.number - b.line.number)
    .map(({ line }) => line);
}

/** New flows are spread over these lines; fewer than two: they are not. */
export function sharingLines(
  { settings, state }: Pick<Context, 'settings' | 'state'>,
  family: Family,
): readonly LineState[] {
  if (settings.mode !== 'share' || state.use !== null) return [];
  const sharing = state.lines.filter(line => {
    const judged = line.families[family];
    return judged.state === 'up' && judged.proven && !judged.fell && line.settings.weight > 0;
  });
  return sharing.length < 2 ? [] : sharing;
}

/** New flows go by this line. */
export function isInUse(context: Context, line: LineState, judged: Judged): boolean {
  return (
    context.state.choice[judged.family].selected === line.settings.name ||
    sharingLines(context, judged.family).includes(line)
  );
}
