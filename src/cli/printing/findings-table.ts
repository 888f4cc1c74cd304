// What doctor found, as a table for people.
import { columns } from './columns.js';
import type { Finding } from '../modules.js';
import { type Meaning, painter } from './paint.js';
import { plain } from './plain.js';
import { plural } from '../reading/units.js';

const MEANINGS: Readonly<Record<Finding['level'], Meaning>> = {
  ok: 'good',
  warning: 'doubtful',
  problem: 'bad',
};

/** A line for each finding, what mends it beneath, and a closing line. */
export function findingsTable(findings: readonly Finding[], colour: boolean): string {
  const paint = painter(colour);
  const rows = columns(
    findings.map(({ level, name, detail }) => [
      { text: level, meaning: MEANINGS[level] },
      { text: plain(name) },
      { text: plain(detail) },
    ]),
    ['left', 'left', 'left'],
    paint,
  );
  const lines = findings.flatMap(({ fix }, at) => [
    rows[at] ?? '',
    ...(fix === undefined ? [] : [`         fix: ${plain(fix)}`]),
  ]);
  return `${[...lines, '', closing(findings)].join('\n')}\n`;
}

function closing(findings: readonly Finding[]): string {
  const problems = findings.filter(({ level }) => level === 'problem').length;
  const warnings = findings.filter(({ level }) => level === 'warning').length;
  const parts = [
    ...(problems > 0 ? [plural(problems, 'problem')] : []),
    ...(warnings > 0 ? [plural(warnings, 'warning')] : []),
  ];
  const ofMachine = findings.some(
    ({ level, name }) => level === 'problem' && ['system', 'permission'].includes(name),
  );
  if (ofMachine) return `${parts.join(', ')}: bonds will not work until the problems are mended.`;
  if (problems > 0) return `${parts.join(', ')}: mend the problems before the next failure.`;
  return `Bonds will work here${parts.length > 0 ? `; ${parts.join(', ')}` : ''}.`;
}
