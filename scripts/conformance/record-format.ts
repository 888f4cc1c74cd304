// The record of one kernel as text: what the driver answered to every write in every situation. Equal answers of one write share
// a line, so that a person can read it and a change of the driver shows as a small difference.

/** What the driver answered. */
export interface Outcome {
  /** `ok`, or the name of the errno. */
  readonly answer: string;
  /** The class of its sentence (see classes.ts); `-` when it said nothing. */
  readonly says: string;
  /** Values that are others than before, by name. */
  readonly changes: Readonly<Record<string, string>>;
}

/** Values of all options by name: contents of the files, without the newline at the end, and the attributes that have no file. */
export type Values = Readonly<Record<string, string>>;

/** The record of one kernel. */
export interface Recorded {
  /** One line: when, by what, from which kernel. */
  readonly origin: string;
  /** Names of the files, and of the options that have only an attribute, as this kernel has them. */
  readonly names: readonly string[];
  /** Values in each situation, in the order of STAGES. */
  readonly stages: readonly { readonly name: string; readonly values: Values }[];
  /** By door, option and value: an outcome for each situation; null where it could not be tried. */
  readonly trials: ReadonlyMap<string, readonly (Outcome | null)[]>;
  /** By the creation's text. */
  readonly creations: ReadonlyMap<string, Outcome>;
}

/** The key of a write. */
export function trialKey(trial: {
  readonly door: string;
  readonly option: string;
  readonly value: string;
}): string {
  return [trial.door, trial.option, JSON.stringify(trial.value)].join('\t');
}

/** The key of a creation. */
export function creationKey(pairs: readonly (readonly [string, string])[]): string {
  return pairs.map(pair => pair.join('=')).join(' ');
}

function outcomeText({ answer, says, changes }: Outcome): string {
  return `${answer}\t${says}\t${Object.keys(changes).length === 0 ? '-' : JSON.stringify(changes)}`;
}

function parseOutcome(answer: string, says: string, changes: string): Outcome {
  return { answer, says, changes: changes === '-' ? {} : (JSON.parse(changes) as Record<string, string>) };
}

/** `0-3,7` for the numbers of situations. */
function rangesText(numbers: readonly number[]): string {
  const parts: string[] = [];
  for (let i = 0; i < numbers.length; i++) {
    const first = numbers[i] ?? 0;
    while (numbers[i + 1] === (numbers[i] ?? 0) + 1) i++;
    const last = numbers[i] ?? 0;
    parts.push(first === last ? String(first) : `${first}-${last}`);
  }
  return parts.join(',');
}

function parseRanges(text: string): number[] {
  return text.split(',').flatMap(part => {
    const [first = 0, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

function difference(from: Values, to: Values): Values {
  return Object.fromEntries(Object.entries(to).filter(([name, value]) => from[name] !== value));
}

/** Writes a record. */
export function recordText(recorded: Recorded): string {
  const lines = [`# ${recorded.origin}`, ''];
  lines.push('# Names of values', recorded.names.join(' '), '');
  lines.push(
    '# Situations: number, mode/members/monitor, values (of the first all, of the others what differs from it)',
  );
  const first = recorded.stages[0]?.values ?? {};
  for (const [i, { name, values }] of recorded.stages.entries()) {
    lines.push(`${i}\t${name}\t${JSON.stringify(i === 0 ? values : difference(first, values))}`);
  }
  lines.push(
    '',
    '# Writes: door, option, value, answer, what it said, what changed, numbers of the situations',
  );
  for (const [key, outcomes] of recorded.trials) {
    const groups = new Map<string, number[]>();
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome === null) continue;
      const text = outcomeText(outcome);
      groups.set(text, [...(groups.get(text) ?? []), i]);
    }
    for (const [text, numbers] of groups) lines.push(`${key}\t${text}\t${rangesText(numbers)}`);
  }
  lines.push('', '# Creations: options, answer, what it said, what differs from a bond without options');
  for (const [key, outcome] of recorded.creations) lines.push(`${key}\t${outcomeText(outcome)}`);
  return `${lines.join('\n')}\n`;
}

/** Reads what `recordText` wrote. */
export function parseRecord(text: string): Recorded {
  const [head = '', names = '', stages = '', writes = '', creations = ''] = text.split(/\n\n/);
  const rows = (part: string): string[][] =>
    part
      .split('\n')
      .filter(line => line !== '' && !line.startsWith('# '))
      .map(line => line.split('\t'));
  const stageRows = rows(stages);
  const first = JSON.parse(stageRows[0]?.[2] ?? '{}') as Values;
  const trials = new Map<string, (Outcome | null)[]>();
  for (const [door = '', option = '', value = '', answer = '', says = '', changes = '', numbers = ''] of rows(
    writes,
  )) {
    const key = [door, option, value].join('\t');
    const outcomes = trials.get(key) ?? stageRows.map(() => null);
    for (const number of parseRanges(numbers)) outcomes[number] = parseOutcome(answer, says, changes);
    trials.set(key, outcomes);
  }
  return {
    origin: head.replace(/^# /, ''),
    names: rows(names)[0]?.[0]?.split(' ') ?? [],
    stages: stageRows.map(([, name = '', values = '{}']) => ({
      name,
      values: { ...first, ...(JSON.parse(values) as Values) },
    })),
    trials,
    creations: new Map(
      rows(creations).map(([key = '', answer = '', says = '', changes = '']) => [
        key,
        parseOutcome(answer, says, changes),
      ]),
    ),
  };
}
