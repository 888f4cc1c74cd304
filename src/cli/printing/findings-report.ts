// Findings of configuration files as lines `FILE:LINE:COLUMN: level: sentence`, which editors can follow, and their sum.
import type { Finding, Level } from '../../config/index.js';
import { type Meaning, painter } from './paint.js';
import { plain } from './plain.js';

const MEANINGS: Readonly<Record<Level, Meaning | undefined>> = {
  understood: 'good',
  note: undefined,
  warning: 'doubtful',
  error: 'bad',
};

const WORDS: Readonly<Record<Level, string>> = {
  understood: 'ok',
  note: 'note',
  warning: 'warning',
  error: 'error',
};

/** One line for each finding. */
export function findingLines(findings: readonly Finding[], colour: boolean): string {
  const paint = painter(colour);
  return findings
    .map(({ level, place, message }) => {
      const column = place.column === undefined ? '' : `:${place.column}`;
      return `${plain(place.file)}:${place.line}${column}: ${paint(WORDS[level], MEANINGS[level])}: ${plain(message)}\n`;
    })
    .join('');
}

export function count(findings: readonly Finding[], level: Level): number {
  return findings.filter(finding => finding.level === level).length;
}
