// Looks at options that somebody wrote down, without making a bond: what is wrong with them, by the rules of the option
// engine itself. For readers of configuration, which want to know all that is wrong, and which of it will work one day.
import { err, ok, refusal, type Refusal, type Result } from '../../base/index.js';
import { type Bond, createBond } from '../bond.js';
import type { Input, MemberLink } from '../contract.js';
import { parseOptionNumber } from './option-parse.js';
import { findOption, inApplyOrder, type OptionSpec } from './options.js';

/** Name (or alias) and value of an option, as text. */
export type OptionText = readonly [name: string, value: string];

export interface OptionProblem {
  /** Position in the list that was given; null for what is wrong with the whole. */
  readonly at: number | null;
  readonly refusal: Refusal;
}

export interface OptionWarning {
  /** Position in the list that was given; null for what is said of the whole. */
  readonly at: number | null;
  /** One sentence. */
  readonly message: string;
}

export interface CheckedOptions {
  readonly problems: readonly OptionProblem[];
  /** What the engine warns of: rounded delays, no monitor. */
  readonly warnings: readonly OptionWarning[];
}

const CHECK = { address: '02:00:00:00:00:01', addressIsRandom: false, mtu: 1500 } as const;

/** Options that speak of members: they can be set only once those have joined. */
const OF_MEMBERS: ReadonlySet<string> = new Set(['active_slave', 'prio', 'queue_id', 'actor_port_prio']);

/** True for an option that is set after the members have joined. */
export function isOfMembers(name: string): boolean {
  return OF_MEMBERS.has(findOption(name)?.name ?? '');
}

/** Every option that a bond `name` with these members would refuse, each for itself: the others are set without it. */
export function checkOptions(
  name: string,
  options: readonly OptionText[],
  members: readonly string[] = [],
): CheckedOptions {
  const problems: OptionProblem[] = [];
  const order = applyOrder(options);
  const accepted: number[] = [];
  const textsOf = (positions: readonly number[]): OptionText[] =>
    positions.flatMap(at => options.slice(at, at + 1));
  for (const at of order.filter(position => !isOfMembers(options[position]?.[0] ?? ''))) {
    const tried = createBond({ ...CHECK, name, options: textsOf([...accepted, at]) });
    if (tried.ok) accepted.push(at);
    else problems.push({ at, refusal: tried.error });
  }
  const whole = createBond({ ...CHECK, name, options: textsOf(accepted) });
  if (!whole.ok) return { problems: [...problems, { at: null, refusal: whole.error }], warnings: [] };
  const warnings = whole.value
    .outputs()
    .flatMap(output => (output.kind === 'event' && output.event.severity === 'warning' ? [output] : []))
    .map(({ option, event }): OptionWarning => {
      const at = accepted.findLast(position => findOption(options[position]?.[0] ?? '')?.name === option);
      return { at: at ?? null, message: sentence(event.message) };
    });
  joinAll(whole.value, members);
  for (const at of order.filter(position => isOfMembers(options[position]?.[0] ?? ''))) {
    const [option = '', value = ''] = options[at] ?? [];
    const tried = whole.value.handle({ kind: 'set-option', option, value }, 0);
    if (tried.ok) accepted.push(at);
    else problems.push({ at, refusal: tried.error });
  }
  return { problems, warnings };
}

function sentence(message: string): string {
  return /[.?!]$/.test(message) ? message : `${message}.`;
}

function joinAll(bond: Bond, members: readonly string[]): void {
  const inputs: Input[] = [];
  for (const [at, name] of members.entries()) {
    const link: MemberLink = {
      name,
      address: `02:00:00:00:01:${(at % 256).toString(16).padStart(2, '0')}`,
      mtu: CHECK.mtu,
      adminUp: true,
      carrier: true,
      speedMbps: 1000,
      duplex: 'full',
    };
    const member = at + 1;
    inputs.push(
      { kind: 'join', member, link, permanentAddress: link.address, canSetAddress: true },
      { kind: 'opened', member, link },
    );
  }
  for (const input of inputs) bond.handle(input, 0);
  bond.outputs();
}

/** Positions in the order in which they are applied; the order of equals is kept. */
function applyOrder(options: readonly OptionText[]): number[] {
  const rank = new Map(inApplyOrder(options.map(([name]) => name)).map((name, at) => [name, at]));
  const rankAt = (at: number): number => rank.get(options[at]?.[0] ?? '') ?? 0;
  return Array.from(options.keys()).toSorted((a, b) => rankAt(a) - rankAt(b));
}

/**
 * An option value as it is best written down: words as words (`mode=1` becomes `active-backup`), numbers without ornament.
 * Text that is no value, or of an option without such a form, is given back trimmed.
 */
export function canonicalValue(name: string, text: string): string {
  const spec = findOption(name);
  if (spec === undefined || (spec.kind !== 'word' && spec.kind !== 'number')) return text.trim();
  const parsed = parseOptionNumber(spec, text);
  if (!parsed.ok) return text.trim();
  const word = spec.kind === 'word' ? spec.words.find(each => each.value === parsed.value)?.word : undefined;
  return word ?? String(parsed.value);
}

/** The number that `text` stands for in a word or number option, or what it must be. */
export function optionNumber(spec: OptionSpec, text: string): Result<number, Refusal> {
  const parsed = parseOptionNumber(spec, text);
  if (parsed.ok) return ok(parsed.value);
  return err(refusal('invalid-value', 'EINVAL', parsed.error));
}
