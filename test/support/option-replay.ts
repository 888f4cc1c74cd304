// The option comparison, our side: a bond of ours is led into each situation of the record, every write is made in it, and errno,
// all resulting values and the class of what was said are held against what the driver did.
import { classOf as sentenceClass } from '../../scripts/conformance/classes.js';
import type { Outcome, Recorded, Values } from '../../scripts/conformance/record-format.js';
import { CARRIER, isOwnWork, MEMBERS, type Stage, STAGES } from '../../scripts/conformance/stages.js';
import type { Refusal } from '../../src/base/index.js';
import { type Bond, createBond, findOption, type Input } from '../../src/policy/index.js';
import { linkOf } from '../../src/policy/testing.js';
import { sysfsText } from '../../src/report/index.js';

/** Ours beside the driver's where they are not the same. */
export interface Divergence {
  readonly stage: string;
  readonly door: string;
  readonly option: string;
  readonly value: string;
  readonly what: 'answer' | 'class' | 'values';
  readonly driver: string;
  readonly ours: string;
}

/** The driver's class of a sentence by our code of a refusal. */
const CLASS: Readonly<Partial<Record<Refusal['code'], string>>> = {
  'wrong-mode': 'wrong-mode',
  'has-members': 'has-members',
  'bond-up': 'bond-up',
  'needs-monitor': 'needs-monitor',
  'invalid-value': 'invalid-value',
  'unknown-interface': 'no-such-interface',
};

const PLAIN = { name: 'bond0', address: '02:00:00:00:00:99', addressIsRandom: true, mtu: 1500 } as const;

function fresh(options: readonly (readonly [string, string])[] = []): Bond {
  const made = createBond({ ...PLAIN, options });
  if (!made.ok) throw new Error(made.error.message);
  return made.value;
}

function mustTake(bond: Bond, input: Input): void {
  const handled = bond.handle(input, 0);
  if (!handled.ok) throw new Error(handled.error.message);
  bond.outputs();
}

/** A bond of ours in that situation. */
export function bondIn(stage: Stage): Bond {
  const bond = fresh();
  bond.outputs();
  for (const step of stage.steps) {
    if (step.kind === 'set') {
      mustTake(bond, { kind: 'set-option', option: step.option, value: step.value });
    } else if (step.kind === 'join') {
      const at = MEMBERS.indexOf(step.member);
      const link = linkOf(at, { carrier: CARRIER[step.member] ?? true });
      const member = at + 1;
      mustTake(bond, { kind: 'join', member, link, permanentAddress: link.address, canSetAddress: true });
      mustTake(bond, { kind: 'opened', member, link });
    } else {
      const { name, mtu, address } = bond.snapshot();
      mustTake(bond, {
        kind: 'bond-link',
        name,
        adminUp: true,
        mtu,
        address,
        promiscuous: false,
        allMulticast: false,
      });
    }
  }
  // Where an ARP monitor runs, its first turn is over when somebody writes.
  if (stage.monitor === 'arp' && bond.deadline() === 0) mustTake(bond, { kind: 'time' });
  return bond;
}

/** A value of ours as the record has it: the file's content, or what the attribute holds where there is no file. */
function valueOf(bond: Bond, name: string): string {
  const snapshot = bond.snapshot();
  const file = sysfsText(snapshot, name);
  if (file !== null) return file.replace(/\n$/, '');
  const spec = findOption(name);
  if (spec === undefined) return '(unknown)';
  const value = snapshot.options[spec.name];
  if (typeof value === 'string') {
    const word = spec.words.find(each => each.word === value);
    return word === undefined ? value : String(word.value);
  }
  return Array.isArray(value) ? value.join(' ') : String(value ?? '');
}

function valuesOf(bond: Bond, names: readonly string[]): Values {
  return Object.fromEntries(names.map(name => [name, valueOf(bond, name)]));
}

function differing(expected: Values, ours: Values): string[] {
  return Object.keys(expected).filter(name => expected[name] !== ours[name]);
}

function pick(values: Values, names: readonly string[]): string {
  return JSON.stringify(Object.fromEntries(names.map(name => [name, values[name]])));
}

/** The driver's class of a warning of ours. */
const WARNINGS: readonly (readonly [part: string, kind: string])[] = [
  ['not a multiple of miimon', 'rounded'],
  ['the last target', 'last-target'],
  ['but does not matter while', 'prio-idle'],
];

/** What the bond said: the class of its refusal, or of a warning. */
function classOf(refused: Refusal | null, warnings: readonly string[]): string {
  if (refused !== null) return CLASS[refused.code] ?? refused.code;
  return WARNINGS.find(([part]) => warnings.some(message => message.includes(part)))?.[1] ?? '-';
}

/** The class of what the driver said; a sentence that had none when it was recorded may have one by now. */
function driversClass(says: string): string {
  if (says.startsWith('"')) return sentenceClass([says.slice(1, -1)]);
  // We have one word for wishes that do not go together.
  return says === 'two-monitors' ? 'invalid-request' : says;
}

function write(bond: Bond, option: string, value: string): { answer: string; says: string } {
  const handled = bond.handle({ kind: 'set-option', option, value }, 0);
  const warnings = warningsOf(bond);
  const refused = handled.ok ? null : handled.error;
  return { answer: refused?.errno ?? 'ok', says: classOf(refused, warnings) };
}

/** Every divergence of one situation, and how many writes were made. */
export function replayStage(
  recorded: Recorded,
  at: number,
): { readonly writes: number; readonly divergences: Divergence[] } {
  const stage = STAGES[at];
  const base = recorded.stages[at];
  if (stage === undefined || base === undefined || stage.name !== base.name)
    throw new Error(
      `Situation ${at} of the record is ${base?.name ?? 'missing'}, here it is ${stage?.name ?? 'missing'}`,
    );
  const values = Object.fromEntries(Object.entries(base.values).filter(([name]) => !isOwnWork(name, stage)));
  const names = Object.keys(values);
  const divergences: Divergence[] = [];
  let bond = bondIn(stage);
  const start = valuesOf(bond, names);
  const wrong = differing(values, start);
  if (wrong.length > 0) {
    const [driver, ours] = [pick(values, wrong), pick(start, wrong)];
    divergences.push({ stage: stage.name, door: '', option: '', value: '', what: 'values', driver, ours });
  }
  let writes = 0;
  for (const [key, outcomes] of recorded.trials) {
    const outcome = outcomes[at];
    if (outcome === null || outcome === undefined) continue;
    const [door = '', option = '', text = '""'] = key.split('\t');
    const value = JSON.parse(text) as string;
    // An attribute that this kernel does not know is passed over by it.
    if (door === 'netlink' && !recorded.names.includes(option)) continue;
    writes++;
    const ours = write(bond, option, value);
    const after = valuesOf(bond, names);
    divergences.push(...compare({ stage: stage.name, door, option, value }, outcome, values, ours, after));
    if (ours.answer === 'ok' || differing(start, after).length > 0) bond = bondIn(stage);
  }
  return { writes, divergences };
}

type Place = Pick<Divergence, 'stage' | 'door' | 'option' | 'value'>;

function compare(
  place: Place,
  { answer, says: sentence, changes }: Outcome,
  base: Values,
  ours: { readonly answer: string; readonly says: string },
  after: Values,
): Divergence[] {
  const says = driversClass(sentence);
  if (ours.answer !== answer)
    return [{ ...place, what: 'answer', driver: `${answer} ${says}`, ours: `${ours.answer} ${ours.says}` }];
  const found: Divergence[] = [];
  // A driver that says nothing is no reason for us to say nothing.
  if (says !== '-' && says !== ours.says)
    found.push({ ...place, what: 'class', driver: says, ours: ours.says });
  const expected = { ...base, ...changes };
  const wrong = differing(expected, after);
  if (wrong.length > 0)
    found.push({ ...place, what: 'values', driver: pick(expected, wrong), ours: pick(after, wrong) });
  return found;
}

/** Bonds that are made with several options at once: the same answer, and the same values where they are made. */
export function replayCreations(recorded: Recorded): {
  readonly writes: number;
  readonly divergences: Divergence[];
} {
  const divergences: Divergence[] = [];
  const names = recorded.names.filter(name => findOption(name) !== undefined);
  const base = valuesOf(fresh(), names);
  let writes = 0;
  for (const [key, outcome] of recorded.creations) {
    const pairs = key === '' ? [] : key.split(' ').map(splitPair);
    // An attribute that this kernel does not know is passed over by it.
    if (pairs.some(([name]) => !recorded.names.includes(name))) continue;
    writes++;
    const made = createBond({ ...PLAIN, options: pairs });
    const answer = made.ok ? 'ok' : made.error.errno;
    const says = made.ok ? classOf(null, warningsOf(made.value)) : classOf(made.error, []);
    const after = made.ok ? valuesOf(made.value, names) : base;
    // What was said of options before the one that was refused does not count.
    const isRefused = outcome.answer !== 'ok' && outcome.says === 'rounded';
    const changes = Object.fromEntries(
      Object.entries(outcome.changes).filter(([name]) => names.includes(name)),
    );
    const expected = { ...outcome, says: isRefused ? '-' : outcome.says, changes };
    const place = { stage: 'creation', door: 'netlink', option: '', value: key };
    divergences.push(...compare(place, expected, base, { answer, says }, after));
  }
  return { writes, divergences };
}

/** The options and values of a creation. */
export function splitPair(pair: string): readonly [string, string] {
  const at = pair.indexOf('=');
  return [pair.slice(0, at), pair.slice(at + 1)];
}

function warningsOf(bond: Bond): string[] {
  return bond
    .outputs()
    .flatMap(output =>
      output.kind === 'event' && output.event.severity === 'warning' ? [output.event.message] : [],
    );
}
